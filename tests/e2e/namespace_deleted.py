#!/usr/bin/python3
"""Deleting the namespace mid-fault: nothing of ours holds it up longer than its pods take to end."""
import time

from harness import check, get, kubectl, main, pids, say, until
from stopping import start

BOUND = 30  # seconds; the pods have 5 s to end


def body(ns):
    experiment, _, status = start(ns)
    queen = ns.pod("queen")["metadata"]["uid"]
    check(pids(queen, "chaos-injector"), "the injector does not run")
    began = time.monotonic()
    kubectl("delete", "namespace", ns.name, "--wait=false")
    until(f"namespace {ns.name} is gone", lambda: get("namespace", ns.name) is None, BOUND)
    say(f"the namespace was gone after {time.monotonic() - began:.1f} s, at most {BOUND} s were allowed; the fault would have lasted 60 s")
    check(not pids(queen), "processes of the queen's pod are left")
    check(experiment.deleted, "the experiment was not deleted")
    check(status["activeRun"], "no run was live when the namespace was deleted")
    last = experiment.status
    check(last.get("phase") == "Finished", f"its last phase was {last.get('phase')}: the operator did not conclude it")
    say(f"its last status: {last.get('verdict')} {last.get('reason')}, {last.get('summary')}")


main("namespace_deleted", body)
