#!/usr/bin/python3
"""A fault whose rules are in and never match is no fault: Inconclusive NoEffect, and what was there before is untouched."""
from harness import check, main, say
from truth_world import World

# As a mesh would: the hive's addresses are rewritten before the injector's hook sees them.
REWRITE = "table ip mesh { chain out { type nat hook output priority -100; ip daddr { %s, %s } dnat to %s; }; }"


def body(ns):
    world = World(ns.name)
    queen, hive = world.pod("queen"), world.pod("hive")
    twin = world.extra_pod("twin", {"app": "twin"}, role="hive", port=7835)["status"]["podIP"]
    inside = world.inside(queen)
    inside.nft(REWRITE % (hive["status"]["podIP"], ns.service_ip("hive"), twin))
    before = inside.nft("list", "ruleset")
    check("dnat to" in before, f"the mesh is not there: {before}")

    manifest = world.experiment("no-effect", duration="5s")
    manifest["spec"]["fault"]["partition"]["direction"] = "Egress"
    world.create(manifest)
    status = world.must_end("no-effect", "Inconclusive", "NoEffect")
    target = status["targets"][0]
    check((target["state"], target["reason"]) == ("Clean", "NoEffect"), f"the target says {target}")
    check("verifiedAt" not in target and target["measured"]["peersCut"].startswith("0/"), f"something was measured: {target}")
    after = inside.nft("list", "ruleset")
    check(after == before, f"the packet filter of the queen's pod was\n{before}\nand is\n{after}")
    say(f"NoEffect: {status['summary']}; measured {target['measured']}")


if __name__ == "__main__":
    main("truth_no_effect", body, workers=0)
