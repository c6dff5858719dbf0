#!/usr/bin/python3
"""A worker stands still for a while and goes on as the same process; another ends itself with the exit code that was asked for."""
from harness import check, get, instant, main, say, seconds
from rbee import INTERVAL, SLACK
from worker_timings import PROBES


def container(ns, pod):
    return get("pod", pod, "-n", ns.name)["status"]["containerStatuses"][0]


def hang(ns):
    experiment = ns.experiment("hangs", target={"component": "worker"}, fault={"process": {"action": "Hang"}}, duration="8s", probes=PROBES, baseline="4s",
                               detect={"probe": "workers-online", "within": "8s"}, recovery={"within": "30s", "stableFor": "2s"},
                               safety={"maxTargets": 1, "maxPrivilege": "NoCapabilities"})
    experiment.apply()
    status = experiment.must_end("Passed")
    say(status["summary"])
    target = status["targets"][0]
    applied, reverted = instant(target["injectedAt"]), instant(target["revertedAt"])
    check(abs(reverted - applied - 8) <= 0.5, f"asked for 8 s, stood still for {reverted - applied:.1f} s")
    log = [line for line in ns.log(ns.pod("queen")["metadata"]["name"], "queen") if instant(line["at"]) >= applied]
    for event, key, since in (("worker_lost", "toDetect", applied), ("worker_back", "toRecover", reverted)):
        own = next((instant(line["at"]) - since for line in log if line["event"] == event), None)
        check(own is not None, f"the queen never said {event}")
        say(f"{key}: {status['timings'].get(key)} in status, {own:.3f} s by the queen's own log ({event})")
        check(abs(seconds(status["timings"].get(key)) - own) <= INTERVAL + SLACK, f"{key} differs from the queen's log by more than one probe interval")
    state = container(ns, target["pod"])
    check(state["restartCount"] == 0 and "running" in state["state"], f"the worker that was to go on did not: {state}")


def end(ns):
    experiment = ns.experiment("exits", target={"component": "worker"}, fault={"process": {"action": "Exit", "exitCode": 7}}, duration=None, probes=PROBES,
                               baseline="4s", detect=None, recovery={"within": "30s", "stableFor": "2s"}, safety={"maxTargets": 1, "maxPrivilege": "ProcessTamper"})
    experiment.apply()
    status = experiment.must_end("Passed")
    say(status["summary"])
    target = status["targets"][0]
    last = container(ns, target["pod"])["lastState"]["terminated"]
    check(last["exitCode"] == 7 and target["exitCode"] == 7, f"the worker was to exit with 7: the kubelet says {last['exitCode']}, status {target['exitCode']}")


def body(ns):
    hang(ns)
    end(ns)


main("worker_hangs", body, workers=3, tier="ProcessTamper")
