#!/usr/bin/python3
"""SIGKILL of the leading operator in the middle of a load: the successor reads the logs again and counts nothing twice."""
from harness import SYSTEM, check, get, kill, leader, main, say
from load import Load


def body(ns):
    load = Load(ns, "killed", executor={"type": "constant-vus", "vus": 4, "duration": "45s", "gracefulStop": "5s"}).apply()
    load.wait("requests are counted", lambda s: s.get("progress", {}).get("requests", 0) > 0)
    pod, _ = leader()
    kill(get("pod", pod, "-n", SYSTEM)["metadata"]["uid"], "chaos-operator")
    status = load.must_end("Passed")
    figures, report = status["phases"]["all"], load.report(status)
    counted = sum(point[1] for point in report["series"]["points"])
    say(f"{status['summary']}; the report counts {counted}")
    check(counted == figures["requests"] == sum(figures["endings"].values()) - figures["endings"].get("interrupted", 0), "requests are counted twice, or lost")


main("load_operator_killed", body)
