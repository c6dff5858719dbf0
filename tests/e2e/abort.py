#!/usr/bin/python3
"""The abort annotation mid-fault: reverted in seconds, verdict Aborted; re-applying the file at that moment starts nothing."""
import time

from harness import check, kubectl, main
from stopping import aborted, nothing_more, reapply, reverted, settled, start


def body(ns):
    experiment, inside, _ = start(ns)
    uid = experiment.object["metadata"]["uid"]
    with inside.watched(ns.pod("hive")["status"]["podIP"], 7835) as seen:
        stopped = time.time()
        kubectl("annotate", "-n", ns.name, "cx/" + experiment.name, "chaos.rbee.dev/abort=seen enough")
        reapply(experiment)
        reverted(seen, stopped, "abort")
    aborted(experiment, "Abort", "seen enough")
    check(not inside.our_tables(), "a table of ours is left")
    reapply(experiment)
    settled(ns)
    nothing_more(experiment, uid)
    check("chaos.rbee.dev/abort" not in experiment.object["metadata"].get("annotations", {}), "the annotation would stop a later run, too")


main("abort", body)
