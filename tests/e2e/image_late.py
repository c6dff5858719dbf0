#!/usr/bin/python3
"""The injector's image is missing at first and there after notAfter: nothing happens to the pod, and the verdict says so."""
import json
import os
import pathlib
import time

from harness import SYSTEM, ROOT, check, cluster, get, images, install, instant, kubectl, main, say, state, until


def archive():
    path = os.environ.get("CHAOS_IMAGES", str(ROOT / "build/dev/images/images.json"))
    return json.loads(pathlib.Path(path).read_text())["injector"]["file"]


def shorten_start_window():
    """5 s in place of 60 s, to save time; install() afterwards puts it back, also when this case was killed."""
    pathlib.Path(state(), "e2e-installed").unlink(missing_ok=True)
    arguments = get("deployment", "chaos-operator", "-n", SYSTEM)["spec"]["template"]["spec"]["containers"][0]["args"]
    path = f"/spec/template/spec/containers/0/args/{arguments.index('--start-window=60s')}"
    patch = [{"op": "replace", "path": path, "value": "--start-window=5s"}]
    kubectl("patch", "-n", SYSTEM, "deployment/chaos-operator", "--type=json", "-p", json.dumps(patch))
    kubectl("rollout", "status", "--timeout=120s", "-n", SYSTEM, "deployment/chaos-operator", timeout=150)


def ended(ns, sidecar):
    """The ended state of a container of the queen's pod."""
    for status in ns.pod("queen")["status"].get("ephemeralContainerStatuses", []):
        if status["name"] == sidecar:
            return status["state"].get("terminated")
    return None


def body(ns):
    inside, hive = ns.inside("queen"), ns.pod("hive")["status"]["podIP"]
    shorten_start_window()
    try:
        cluster("node-shell", "ctr", "--namespace", "k8s.io", "images", "rm", "--sync", images()["injector"])
        experiment = ns.experiment()
        experiment.apply()
        with inside.watched(hive, 7835) as seen:
            status = experiment.must_end("Inconclusive", "StartFailed")
            intent = status["targets"][0]["intent"]
            say(f"without the image: {status['summary']}")
            until("notAfter has passed", lambda: time.time() > instant(intent["notAfter"]))
            cluster("load-image", archive())
            state_of_late = until("the late container has ended", lambda: ended(ns, intent["sidecar"]), 90)
        say(f"with the image, {instant(state_of_late['startedAt']) - instant(intent['notAfter']):.0f} s after notAfter: {state_of_late['message']}")
    finally:
        cluster("load-image", archive())
        install()
    check("ClockSkew" in state_of_late["message"], "the injector that started too late should say ClockSkew")
    check("injectedAt" not in status["targets"][0] and not inside.our_tables(), "something was applied")
    check(len(seen) > 50 and all(good for _, good in seen), f"{sum(not good for _, good in seen)} of {len(seen)} connects failed")
    say(f"{len(seen)} connects from inside the pod, all answered")
    now = get("chaosexperiment", experiment.name, "-n", ns.name)["status"]
    check((now["verdict"], now["reason"]) == ("Inconclusive", "StartFailed"), f"the verdict changed afterwards: {now['verdict']} {now['reason']}")


main("image_late", body)
