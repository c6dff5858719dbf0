#!/usr/bin/python3
"""What only the cluster can know of an experiment becomes condition Accepted=False, as the table says; nothing is injected."""
from harness import check, kubectl, main, say, until
from input_table import Table
from truth_world import World

TIER = "chaos.rbee.dev/max-tier"


def all_at_once(table, world):
    """A row that waits must not keep another from being judged."""
    (host,) = table.of("pods")
    pods = host["world"]["pods"]
    for i in range(3):
        world.extra_pod(f"host-{i}", pods["labels"], port=20080 + i, wait=False, hostNetwork=pods["hostNetwork"])
    until("three pods on the node's network run", lambda: all(world.running(f"host-{i}") for i in range(3)))
    rows = table.of() + [host]
    for row in rows:
        table.create(row, world)
    for row in rows:
        table.judge(row, world)
    for row in rows:
        world.delete(table.name(row))


def stopped(table, world):
    """Under a ChaosStop, which also keeps the others from starting until their world is made."""
    (stop,) = table.of("stop")
    for row in table.of("label"):
        with world.chaos_stop():
            table.create(stop, world)
            table.create(row, world)
            table.judge(stop, world)
            world.delete(table.name(stop))
            world.label(TIER, row["world"]["label"])
        table.judge(row, world)
        world.delete(table.name(row))
        world.label(TIER, "PodCapabilities")


def ran_before(table, world):
    """Its hash comes from the very spec, aborted before it could start."""
    (row,) = table.of("ran")
    table.create(row, world, **{"chaos.rbee.dev/abort": "only its hash is wanted"})
    ran = world.finished(table.name(row))["status"]["runs"][0]
    check(ran["verdict"] == "Aborted", f"it ran: {ran}")
    world.delete(table.name(row))
    table.create(row, world, **{"chaos.rbee.dev/ran": ran["specHash"]})
    table.judge(row, world)


def without_a_component(table, world):
    for row in table.of("without"):
        component = row["world"]["without"]
        kubectl("scale", "-n", world.name, f"deployment/{component}", "--replicas=0")
        until(f"no pod of {component} is left", lambda: not [p for p in world.pods() if p["metadata"].get("labels", {}).get("app.kubernetes.io/component") == component])
        table.create(row, world)
        table.judge(row, world)


def not_bound(table, world):
    """In a namespace of its own: where the operator was bound once, it goes on seeing pods until its watch ends."""
    other = World(world.name + "-unbound")
    kubectl("delete", "namespace", other.name, "--ignore-not-found", "--wait=true")
    world.api.must("POST", "/api/v1/namespaces", {"metadata": {"name": other.name, "labels": {TIER: "PodCapabilities"}}})
    try:
        for row in table.of("bound"):
            table.create(row, other)
            table.judge(row, other)
    finally:
        kubectl("delete", "namespace", other.name, "--wait=false")


def body(ns):
    table, world = Table(), World(ns.name)
    all_at_once(table, world)
    stopped(table, world)
    ran_before(table, world)
    without_a_component(table, world)
    not_bound(table, world)
    missed = {row["name"] for row in table.rows if row not in table.of("profile")} - table.judged
    check(not missed, f"rows that nothing has tried: {missed}")
    check(world.sidecars() == [], f"something was injected: {world.sidecars()}")
    check(not table.wrong, "\n".join(table.wrong))
    say(f"{len(table.judged)} rows as written, nothing injected")


if __name__ == "__main__":
    main("input_conditions", body, workers=3)
