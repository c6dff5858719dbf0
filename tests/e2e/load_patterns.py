#!/usr/bin/python3
"""The samples Ramp, Stress and Spike at 1 %, each in a quarter of a minute: exact numbers of VUs, and the verdict that their thresholds imply."""
import json
import subprocess
import threading

import yaml

from harness import CLUSTER, ROOT, check, main, say
from load import Load

# timeScale, VUs at the top of each climb, and the milliseconds of the whole
PATTERNS = {"ramp": (60, 10, 16_000), "stress": (76, 50, 15_000), "spike": (22, 30, 15_000)}


def sample(name, time_scale):
    spec = yaml.safe_load((ROOT / f"crds/samples/lt-{name}.yaml").read_text())["spec"]
    return {**spec, "scale": "1%", "timeScale": time_scale, "pods": 1, "executor": None}


def follow(ns, pod, lines):
    """What the load pod itself says, second by second."""
    child = subprocess.Popen([CLUSTER, "kubectl", "logs", "-f", pod, "-n", ns.name], stdout=subprocess.PIPE, text=True)
    thread = threading.Thread(target=lambda: lines.extend(json.loads(line) for line in child.stdout), daemon=True)
    thread.start()
    return thread


def holds(threshold, phase, trends):
    """A threshold looked at with the figures of the report, which are within 1 % of the counts that decided."""
    method, value = threshold["expression"].split("<")
    if threshold["metric"] == "errors":
        return phase["errors"] / phase["requests"] < float(value)
    return trends[threshold["metric"]][f"{float(method[2:-1])}"] < float(value)


def pattern(ns, name):
    time_scale, top, _ = PATTERNS[name]
    load = Load(ns, "lt-" + name, **sample(name, time_scale)).apply()
    load.phase("Running")
    lines = []
    following = follow(ns, load.pods()[0]["metadata"]["name"], lines)
    status = load.wait("it is finished", lambda s: s.get("phase") == "Finished")
    following.join(30)
    check(status["resolved"]["maxVUs"] == top, f"{top} VUs planned, status has {status['resolved']}")
    check(max(line.get("vus", 0) for line in lines) == top, f"the load pod never had {top} VUs at the same time, or it had more")
    report, phase = load.report(status), status["phases"]["all"]
    decided = {t["metric"] + t["expression"]: holds(t, phase, report["trends"]["all"]) for t in load.manifest["spec"]["thresholds"]}
    say(f"{name}: {status['verdict']}: {status['summary']}; by the report {decided}")
    expected = ("Passed", None) if all(decided.values()) else ("Failed", "ThresholdBreached")
    check((status["verdict"], status.get("reason")) == expected, f"{expected} expected")
    check({t["metric"] + t["expression"]: t["holds"] == "true" for t in status["thresholds"]} == decided, f"status has {status['thresholds']}")
    return status


def body(ns):
    for name, (_, _, length) in PATTERNS.items():
        status = pattern(ns, name)
        check(status["resolved"]["length"] in (f"{length // 1000}s", f"{length}ms"), f"{name} is to last {length} ms, not {status['resolved']['length']}")
        check(float(status["coverage"]["vuTime"].rstrip("%")) >= 99, f"coverage {status['coverage']}")


main("load_patterns", body, workers=3)
