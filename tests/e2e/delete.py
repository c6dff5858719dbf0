#!/usr/bin/python3
"""Deleting the object mid-fault: it stays until the fault is off, which takes seconds; re-applying meanwhile starts nothing."""
import time

from harness import check, get, kubectl, main, say
from stopping import SECONDS, reapply, reverted, settled, start


def body(ns):
    experiment, inside, _ = start(ns)
    with inside.watched(ns.pod("hive")["status"]["podIP"], 7835) as seen:
        stopped = time.time()
        kubectl("delete", "-n", ns.name, "cx/" + experiment.name, "--wait=false")
        reapply(experiment)
        reverted(seen, stopped, "delete")
        experiment.gone(SECONDS)
        gone = time.time()
    status = experiment.status
    say(f"the object was gone after {gone - stopped:.1f} s; its last status: {status['verdict']}, {status['summary']}")
    check(status["verdict"] == "Aborted" and status["stop"]["by"] == "Deletion", f"the last status: {status['verdict']} {status.get('stop')}")
    check(not inside.our_tables(), "a table of ours is left")
    settled(ns)
    check(get("chaosexperiment", experiment.name, "-n", ns.name) is None, "the experiment came back")
    check(len([s for s in experiment.sidecars() if not s.endswith("-stop")]) == 1, f"sidecars: {experiment.sidecars()}")


main("delete", body)
