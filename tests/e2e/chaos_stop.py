#!/usr/bin/python3
"""A ChaosStop mid-fault: reverted in seconds, nothing starts while it is there, it counts, and nothing re-fires after it."""
import time

from harness import apply, check, get, kubectl, main, say, until
from stopping import aborted, nothing_more, reapply, reverted, settled, start


def stop_status(name, live, stopped):
    def looks_right():
        status = get("chaosstop", name).get("status", {})
        clean = {c["type"]: c["status"] for c in status.get("conditions", [])}.get("Clean")
        return (status.get("live"), status.get("stopped"), clean) == (live, stopped, "True" if live == 0 else "False") and status
    return until(f"ChaosStop says live {live}, stopped {stopped}", looks_right, 10)


def body(ns):
    experiment, inside, _ = start(ns)
    uid, name = experiment.object["metadata"]["uid"], ns.name  # cluster-scoped: a name of its own
    try:
        with inside.watched(ns.pod("hive")["status"]["podIP"], 7835) as seen:
            stopped = time.time()
            apply({"apiVersion": "chaos.rbee.dev/v1alpha1", "kind": "ChaosStop", "metadata": {"name": name},
                   "spec": {"reason": "incident 4711", "namespaces": [ns.name]}})
            reapply(experiment)
            reverted(seen, stopped, "ChaosStop")
        aborted(experiment, "ChaosStop", "incident 4711")
        say(f"the ChaosStop says {stop_status(name, live=0, stopped=1)}")
        check(not inside.our_tables(), "a table of ours is left")

        other = ns.experiment("while-stopped")
        other.apply()
        blocked = other.wait("it says why it does not start", lambda s: any(c["type"] == "Accepted" and c["status"] == "False" for c in s.get("conditions", [])), 15)
        reason = next(c["reason"] for c in blocked["conditions"] if c["type"] == "Accepted")
        check(reason == "StopEngaged", f"StopEngaged expected, not {reason}")
        kubectl("delete", "-n", ns.name, "cx/while-stopped", "--timeout=20s")
    finally:
        kubectl("delete", "chaosstop", name, "--ignore-not-found", "--timeout=20s")
    reapply(experiment)
    settled(ns)
    nothing_more(experiment, uid)


main("chaos_stop", body)
