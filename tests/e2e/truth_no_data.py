#!/usr/bin/python3
"""A probe that can never run says nothing, so nobody is hurt and nothing is green: Inconclusive NoData."""
from harness import check, main, say
from truth_world import World

# What the namespace asks of each container by default is more than any node has: the probe pod stays Pending.
TOO_MUCH = {"metadata": {"name": "too-much"}, "spec": {"limits": [
    {"type": "Container", "defaultRequest": {"ephemeral-storage": "1Pi"}, "default": {"ephemeral-storage": "1Pi"}}]}}


def body(ns):
    world = World(ns.name)
    world.api.must("POST", f"{world.core}/limitranges", TOO_MUCH)
    world.create(world.experiment("no-data"))
    status = world.must_end("no-data", "Inconclusive", "NoData", timeout=120)
    check(f"the probe pod {status['resolved'].get('probePod', '')}" in status["summary"] and "has said nothing for" in status["summary"], status["summary"])
    check("nsufficient ephemeral-storage" in status["summary"], f"why it never ran is not said: {status['summary']}")
    check(world.sidecars() == [], f"injected: {world.sidecars()}")
    say(f"NoData: {status['summary']}")


if __name__ == "__main__":
    main("truth_no_data", body, workers=0)
