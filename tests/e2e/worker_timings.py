#!/usr/bin/python3
"""A worker is killed and stays away for the kubelet's back-off: when that was noticed, rerouted and over is what the queen itself has logged."""
import sys

from harness import check, get, instant, kill, main, say, seconds, until
from rbee import INTERVAL, SLACK

# Only these probes ask for answers, so that the first one that ends well elsewhere is the same for the queen and for the status.
PROBES = [{"name": "queen-answers", "inference": {"component": "queen", "model": "tinyllama-q4", "prompt": "2+2="}, "during": ["Before", "After"]},
          {"name": "workers-online", "sse": {"component": "queen", "path": "/v1/heartbeats/stream", "match": {"pointer": "/type", "equals": "queen"},
                                             "jsonPointer": "/workers_online", "atLeast": 3, "maxSilence": "6s"}, "during": ["Before", "After"]}]


def crash_once(ns):
    """Each worker has crashed before, so that the kubelet lets the next crash wait for 10 s."""
    workers = get("pods", "-n", ns.name, "-l", "app.kubernetes.io/component=worker")["items"]
    for pod in workers:
        kill(pod["metadata"]["uid"], "rbee-sim")
    until("each worker was started again", lambda: all(
        pod["status"]["containerStatuses"][0]["restartCount"] == 1 and pod["status"]["containerStatuses"][0]["ready"]
        for pod in get("pods", "-n", ns.name, "-l", "app.kubernetes.io/component=worker")["items"]))


def killed(ns):
    crash_once(ns)
    experiment = ns.experiment("killed", target={"component": "worker"}, fault={"process": {"action": "Kill"}}, duration=None,
                               trigger={"when": "DuringInference", "within": "30s"}, probes=PROBES, baseline="6s",
                               detect={"probe": "workers-online", "within": "8s"}, recovery={"within": "40s", "stableFor": "3s"},
                               safety={"maxTargets": 1, "maxPrivilege": "NoCapabilities"})
    experiment.apply()
    return experiment


def noticed(ns):
    status = killed(ns).must_end("Passed", timeout=120)
    say(status["summary"])
    target, timings = status["targets"][0], status["timings"]
    applied = instant(target["injectedAt"])
    log = [line for line in ns.log(ns.pod("queen")["metadata"]["name"], "queen") if instant(line["at"]) >= applied]
    for event, key in (("worker_lost", "toDetect"), ("rerouted", "toReroute"), ("worker_back", "toRecover")):
        own = next((instant(line["at"]) - applied for line in log if line["event"] == event), None)
        check(own is not None, f"the queen never said {event}")
        say(f"{key}: {timings.get(key)} in status, {own:.3f} s by the queen's own log ({event})")
        check(abs(seconds(timings.get(key)) - own) <= INTERVAL + SLACK, f"{key} differs from the queen's log by more than one probe interval")
    check(seconds(timings["backOff"]) >= 9, f"the kubelet waited 10 s before it started the worker again, status says {timings['backOff']}")


def never(ns):
    """The queen gives jobs to the dead worker as long as it is dead, and thinks that it is there."""
    status = killed(ns).must_end("Failed", "NotDetected", timeout=120)
    say(status["summary"])
    check("toDetect" not in status["timings"], f"nothing was noticed, yet toDetect is {status['timings']}")
    check(status["targets"][0]["exitCode"] == 137, f"the fault was not real: {status['targets'][0]}")


if __name__ == "__main__" and sys.argv[1:] == ["never"]:
    main("worker_never_rerouted", never, workers=3, tier="NoCapabilities", queen_flags="--reroute-never")
if __name__ == "__main__":
    main("worker_timings", noticed, workers=3, tier="NoCapabilities")
