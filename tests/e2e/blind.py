#!/usr/bin/python3
"""A queen that never notices that its hive is gone: the fault was real, and the verdict is Failed, NotDetected."""
from harness import check, main, say


def body(ns):
    experiment = ns.experiment()
    experiment.apply()
    status = experiment.must_end("Failed", "NotDetected")
    target = status["targets"][0]
    check(target["measured"]["peersCut"] == "1/1", f"the fault was not real: measured {target['measured']}")
    check("toDetect" not in status["timings"], f"nothing was noticed, yet toDetect is {status['timings']}")
    say(f"{target['measured']['packetsDropped']} packets dropped; {status['summary']}")


main("blind", body, queen_flags="--blind")
