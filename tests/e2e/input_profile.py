#!/usr/bin/python3
"""Without the profile nobody knows what a component is, and nothing is injected. Alone: it is everybody's profile."""
from harness import SYSTEM, check, main, say, until
from input_table import Table
from truth_world import World

PROFILES = f"/api/v1/namespaces/{SYSTEM}/configmaps"
PROFILE = f"{PROFILES}/chaos-profile-rbee"


def dry_run(world):
    """What a run would meet now: the reason why it could not start, or DryRun."""
    world.create(world.experiment("look", dryRun="Plan"))
    seen = world.wait("look", "looked at", lambda e: e["status"]["observedGeneration"] == 1)
    world.delete("look")
    accepted = [c for c in seen["status"]["conditions"] if c["type"] == "Accepted"][0]
    return seen["status"].get("reason") or accepted["reason"]


def body(ns):
    table, world = Table(), World(ns.name)
    (row,) = table.of("profile")
    check(dry_run(world) == "DryRun", "a dry run does not work even with the profile")
    profile = world.api.must("GET", PROFILE)
    profile["metadata"] = {key: value for key, value in profile["metadata"].items() if key in ("name", "namespace", "labels", "annotations")}
    world.api.must("DELETE", PROFILE)
    try:
        until("the operator has noticed", lambda: dry_run(world) == row["reason"], 30)  # it reads the profile every 10 s
        table.create(row, world)
        table.judge(row, world)
        world.delete(table.name(row))
    finally:
        world.api.must("POST", PROFILES, profile)
    check(world.sidecars() == [], f"something was injected: {world.sidecars()}")
    check(not table.wrong, "\n".join(table.wrong))
    until("the profile is found again", lambda: dry_run(world) == "DryRun", 30)
    say("with the profile a dry run works again")


if __name__ == "__main__":
    main("input_profile", body, workers=0)
