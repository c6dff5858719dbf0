#!/usr/bin/python3
"""An injector that lies: the fence refuses its image; where an administrator lets it in, the queen's probe tells the truth."""
import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile

import harness
from harness import ROOT, SYSTEM, check, images, kubectl, main, module, say
from truth_world import OPERATOR, World

LIAR = "rbee.dev/liar:1"
HIVE_ONLINE = {"name": "hive-online", "during": ["Before", "After"], "sse": {
    "component": "queen", "path": "/v1/heartbeats/stream", "match": {"pointer": "/type", "equals": "queen"},
    "jsonPointer": "/hives_online", "atLeast": 1, "maxSilence": "6s"}}


def load_liar():
    """Builds it as a static program and gives it to the node as an image."""
    with tempfile.TemporaryDirectory() as directory:
        binary, archive = os.path.join(directory, "liar"), os.path.join(directory, "liar.tar")
        subprocess.run(["gcc", "-static", "-O1", "-o", binary, pathlib.Path(__file__).with_name("truth_liar.c")], check=True)
        with open(archive, "wb") as out:
            subprocess.run([sys.executable, ROOT / "tests/images/docker_archive.py", LIAR, binary], stdout=out, check=True)
        harness.cluster("load-image", archive)


def refused_by_default(world):
    queen = world.pod("queen")
    code, answer = world.patch_sidecar(queen, "rbc-0123456789", images()["injector"], OPERATOR, dry_run=True)
    check(code == 200, f"not even our own injector is let in: {answer}")
    code, answer = world.patch_sidecar(queen, "rbc-0123456789", LIAR, OPERATOR, dry_run=False)
    check(code == 422 and "ValidatingAdmissionPolicy 'chaos-fence-image'" in answer["message"] and f"fence: image not allowed: {LIAR}" in answer["message"],
          f"a foreign image was answered with {code} {answer}")
    check(world.sidecars() == [], f"it is in the pod: {world.sidecars()}")
    say(f"by default: {answer['message']}")


@contextlib.contextmanager
def injector_is(image):
    """The installation with another injector, as an administrator would make it; afterwards as it was."""
    def install(manifest):
        kubectl("apply", "-f", "-", stdin=module("charts/render.py").render(manifest, []))
        kubectl("rollout", "status", "--timeout=120s", "-n", SYSTEM, "deployment/chaos-operator", timeout=150)

    installed = pathlib.Path(harness.state(), "e2e-installed")
    with harness.locked("e2e-install"):
        version = installed.read_text()
        installed.unlink()  # should this test be killed, the next one installs anew
        try:
            install({**images(), "injector": image})
            yield
        finally:
            install(images())
            installed.write_text(version)


def believed_by_nobody(world):
    world.create(world.experiment("lies", duration="6s", probes=[HIVE_ONLINE], detect={"probe": "hive-online", "within": "6s"}))
    status = world.must_end("lies", "Failed", "NotDetected", timeout=120)
    target = status["targets"][0]
    check(target["intent"]["image"] == LIAR, f"another injector ran: {target}")
    check("verifiedAt" in target and target["measured"]["peersCut"] == "1/1", f"it was not believed, so this proves nothing: {target}")
    during = status["probes"][0]["during"]
    check(during["samples"] > 3 and during["failed"] == 0, f"the probe saw a fault: {status['probes']}")
    check("toDetect" not in status["timings"], f"noticed: {status['timings']}")
    say(f"NotDetected: {status['summary']}")


def body(ns):
    world = World(ns.name)
    load_liar()
    refused_by_default(world)
    with injector_is(LIAR):
        believed_by_nobody(world)


if __name__ == "__main__":
    main("truth_lies", body, workers=0)
