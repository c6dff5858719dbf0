#!/usr/bin/python3
"""Where NET_ADMIN is taken away the run ends Inconclusive Refused, with the words of the API server's admission."""
import re

from harness import check, images, main, say
from truth_world import OPERATOR, World


def body(ns):
    world = World(ns.name)
    world.label("pod-security.kubernetes.io/enforce", "baseline")
    queen = world.pod("queen")
    world.create(world.experiment("refused"))
    status = world.must_end("refused", "Inconclusive", "Refused")
    name = re.search(r"rbc-[0-9a-f]{10}", status["summary"])
    check(name, f"the sidecar is not named: {status['summary']}")
    code, answer = world.patch_sidecar(queen, name.group(), images()["injector"], OPERATOR, dry_run=True)
    check(code == 403 and "violates PodSecurity" in answer["message"] and "NET_ADMIN" in answer["message"], f"the namespace lets it in: {code} {answer}")
    wanted = f"pod {queen['metadata']['name']} refuses the injector: {answer['message']}"
    check(status["summary"] == wanted, f"the summary is\n  {status['summary']}\nand not\n  {wanted}")
    check(world.sidecars() == [], f"injected: {world.sidecars()}")
    say(f"Refused: {status['summary']}")


if __name__ == "__main__":
    main("truth_refused", body, workers=0)
