#!/usr/bin/python3
"""Five finished experiments and pods that come and go: for a minute the operator writes nothing but its Lease."""
import collections
import re
import time

from harness import SYSTEM, check, main, say, until
from truth_api import Follower
from truth_world import GROUP, World

SECONDS, BEAT = 60, 4.0
WRITES = ("POST", "PUT", "PATCH", "DELETE")
GOAL_MIB = 25


class Counts:
    """What has been written so far, by four who know it: both replicas, the API server, the stored objects, the Lease."""

    def __init__(self, world, lease):
        self.replicas = {name: writes(text) for name, text in replicas(world).items()}
        self.of_chaos, self.versions = written_by_anyone(world), versions(world)
        self.renewals = len(lease.so_far())


def replicas(world):
    """{pod name: its metrics} of the operator."""
    pods = world.api.must("GET", f"/api/v1/namespaces/{SYSTEM}/pods?labelSelector=app.kubernetes.io%2Fname%3Dchaos-operator")["items"]
    names = [pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    return {name: metrics(world, f"/api/v1/namespaces/{SYSTEM}/pods/{name}:8080/proxy/metrics") for name in names}


def metrics(world, path):
    code, text = world.api.text("GET", path)
    check(code == 200, f"{path}: {code}")
    return text


def value(text, name):
    return float(re.search(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.M).group(1))


def writes(text):
    """Requests that change something, by method, as the replica counts them."""
    counted = collections.Counter()
    for method, count in re.findall(r'^rest_client_requests_total{.*method="(\w+)".*} (\S+)$', text, re.M):
        if method in WRITES:
            counted[method] += int(float(count))
    return counted


def written_by_anyone(world):
    """Writes of chaos objects, as the API server counts them."""
    total = 0
    for labels, count in re.findall(r"^apiserver_request_total{(.*)} (\S+)$", metrics(world, "/metrics"), re.M):
        if re.search(r'resource="chaos(experiments|stops)"', labels) and re.search(rf'verb="({"|".join(WRITES)}|APPLY)"', labels):
            total += int(float(count))
    return total


def versions(world):
    """resourceVersion of every chaos object, and of every event about one."""
    objects = [item for kind in ("chaosexperiments", "chaosstops") for item in world.api.must("GET", f"{GROUP}/{kind}")["items"]]
    events = [item for item in world.api.must("GET", "/apis/events.k8s.io/v1/events")["items"] if item.get("regarding", {}).get("kind", "").startswith("Chaos")]
    return {item["metadata"]["uid"]: item["metadata"]["resourceVersion"] for item in objects + events}


def five_finished(world):
    """One of each kind of end: four that ran beside each other, and one that was refused."""
    world.label("chaos.rbee.dev/max-live", "4")
    for i in range(4):
        world.extra_pod(f"client-{i}", {"client": str(i)})
        world.create(world.experiment(f"idle-{i}", target={"selector": {"matchLabels": {"client": str(i)}}}))
    world.create(world.experiment("idle-4", target={"component": "drone"}))
    ends = sorted((status.get("verdict"), status.get("reason")) for status in (world.finished(f"idle-{i}")["status"] for i in range(5)))
    check(ends == [("Inconclusive", "Refused")] + 4 * [("Passed", None)], f"they ended {ends}")


def settled(world):
    """Nobody's experiment is under way, and what the last ones left is gone."""
    items = world.api.must("GET", f"{GROUP}/chaosexperiments")["items"]
    mine = [item for item in items if item["metadata"]["namespace"] == world.name]
    moving = [item for item in items if item["status"]["phase"] != "Finished" or item["metadata"].get("finalizers") or "deletionTimestamp" in item["metadata"]]
    probes = [pod for pod in world.pods() if pod["metadata"]["name"].endswith("-probe")]
    return len(mine) == 5 and not moving and not probes


def pods_come_and_go(world):
    """One after the other, of the kind that experiments hit; returns how many."""
    end, made = time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        beat = time.monotonic() + BEAT
        made += 1
        world.extra_pod(f"passer-by-{made}", {"app.kubernetes.io/part-of": "rbee", "app.kubernetes.io/component": "worker"})
        world.api.must("DELETE", f"{world.core}/pods/passer-by-{made}")
        time.sleep(max(0, min(beat, end) - time.monotonic()))  # the beat of the load, not a wait for a result
    return made


def body(ns):
    world = World(ns.name)
    five_finished(world)
    until("everything is settled", lambda: settled(world), 60)
    world.operator_has_looked()
    with Follower(world.api, f"/apis/coordination.k8s.io/v1/namespaces/{SYSTEM}/leases", "chaos-operator") as lease:
        first = Counts(world, lease)
        pods = pods_come_and_go(world)
        last = Counts(world, lease)
    check(len(last.replicas) == 2 and set(first.replicas) == set(last.replicas), f"the replicas changed: {first.replicas} {last.replicas}")
    grown = {name: dict(last.replicas[name] - first.replicas[name]) for name in last.replicas}
    total, renewals = sum(sum(each.values()) for each in grown.values()), last.renewals - first.renewals
    say(f"{SECONDS} s, {pods} pods came and went; the replicas wrote {grown}, the Lease was written {renewals} times")
    check(first.of_chaos > 0, "the API server counts no writes of chaos objects at all")
    check(renewals > SECONDS / 10, "the Lease was not renewed, so these counts prove nothing")
    check(abs(total - renewals) <= 1, f"{total} writes, and only {renewals} of them to the Lease")
    check(last.of_chaos == first.of_chaos, f"the API server counted {last.of_chaos - first.of_chaos} writes of chaos objects")
    check(last.versions == first.versions, f"an object or an event was written: {set(last.versions.items()) ^ set(first.versions.items())}")
    for name, text in replicas(world).items():
        mib, role = value(text, "process_resident_memory_bytes") / 2**20, "leader" if value(text, "leader_election_master_status") else "standby"
        say(f"RSS of the {role} {name}: {mib:.1f} MiB (goal {GOAL_MIB})")
        check(mib <= GOAL_MIB, f"the {role} uses {mib:.1f} MiB")


if __name__ == "__main__":
    main("idle_quiet", body, workers=0)
