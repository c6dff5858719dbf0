#!/usr/bin/python3
"""What did not work before the fault proves nothing about it: Inconclusive SteadyStateNotMet, said by injector or probe."""
from harness import check, main, say
from truth_world import World

BLOCK = "add table inet before; add chain inet before c { type filter hook input priority 0; }; add rule inet before c %s tcp dport 7835 drop"


def said_by_the_injector(world):
    """The queen cannot reach the hive, and nothing in the probes says so."""
    queen, hive = world.pod("queen"), world.pod("hive")
    at_hive, at_queen = world.inside(hive), world.inside(queen)
    at_hive.nft(BLOCK % f"ip saddr {queen['status']['podIP']}")
    rules = at_queen.nft("list", "ruleset")
    world.create(world.experiment("unreachable", duration="5s"))
    status = world.must_end("unreachable", "Inconclusive", "SteadyStateNotMet")
    target = status["targets"][0]
    check(target["state"] == "Refused" and "injectedAt" not in target, f"it was injected all the same: {target}")
    check(hive["metadata"]["name"] in target["message"], f"which peer it was is not said: {target}")
    check(at_queen.nft("list", "ruleset") == rules, "the packet filter of the queen's pod was changed")
    at_hive.nft("delete table inet before")
    say(f"by the injector: {status['summary']}")


def said_by_the_probe(world):
    """The hive stops answering in the middle of the baseline; no injector is launched."""
    at_hive, before = world.inside(world.pod("hive")), world.sidecars()
    probe = {"name": "hive-answers", "during": ["Before", "After"], "timeout": "1s", "http": {"component": "hive", "path": "/health"}}
    world.create(world.experiment("unsteady", baseline="6s", probes=[probe]))
    world.wait("unsteady", "its baseline", lambda e: "baselineStartedAt" in e["status"])
    at_hive.nft(BLOCK % "")
    status = world.must_end("unsteady", "Inconclusive", "SteadyStateNotMet")
    check(status["summary"].startswith("probe hive-answers failed in ") and "before the fault" in status["summary"], status["summary"])
    check(world.sidecars() == before, "an injector was launched")
    say(f"by the probe: {status['summary']}")


def body(ns):
    world = World(ns.name)
    said_by_the_injector(world)
    said_by_the_probe(world)


if __name__ == "__main__":
    main("truth_unsteady", body, workers=0)
