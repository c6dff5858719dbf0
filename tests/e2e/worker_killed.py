#!/usr/bin/python3
"""A worker is killed in the middle of an answer: it really dies while it streams, the kubelet says so, and rbee serves on."""
from harness import check, get, instant, main, say, seconds
from load import Load

PROBES = [{"name": "queen-answers", "inference": {"component": "queen", "model": "tinyllama-q4", "prompt": "2+2="}, "during": ["Before", "After"]},
          {"name": "workers-ready", "pods": {"component": "worker", "ready": {"atLeast": 3}}, "during": ["Before", "After"]}]


def restarts(ns, pod):
    return get("pod", pod, "-n", ns.name)["status"]["containerStatuses"][0]


def body(ns):
    # The worker streams all the time, so that there is an answer to be in the middle of.
    Load(ns, "streams", executor={"type": "constant-vus", "vus": 6, "duration": "90s", "gracefulStop": "5s"}, pods=1, thinkTime=None,
         request={"model": "tinyllama-q4", "maxTokens": 20, "timeout": "20s", "prompts": {"inline": ["Count to twenty."]}}).apply().phase("Running")
    experiment = ns.experiment("killed", target={"component": "worker"}, fault={"process": {"action": "Kill"}}, duration=None,
                               trigger={"when": "DuringInference", "within": "30s"}, probes=PROBES,
                               detect={"probe": "workers-ready", "within": "20s"}, safety={"maxTargets": 1, "maxPrivilege": "NoCapabilities"})
    experiment.apply()
    status = experiment.must_end("Passed")
    target = status["targets"][0]
    say(status["summary"])
    say(f"measured by the {target['measuredBy']}: {target['measured']}; timings {status['timings']}")
    container = restarts(ns, target["pod"])
    last = container["lastState"]["terminated"]
    check(last["exitCode"] == 137 and container["restartCount"] == 1, f"the worker did not die by SIGKILL, or not once: {container}")
    check(target["exitCode"] == 137, f"status has exit code {target.get('exitCode')}")
    check(abs(instant(last["finishedAt"]) - instant(target["injectedAt"])) <= 2, f"killed {target['injectedAt']}, ended {last['finishedAt']}")
    cut = [line for line in ns.log(ns.pod("queen")["metadata"]["name"], "queen") if line["event"] == "job_end" and line.get("outcome") != "success"
           and 0 <= instant(line["at"]) - instant(target["injectedAt"]) <= 2]
    check(cut, "the queen lost no answer when the worker died: it did not stream")
    check(status["timings"]["toRestart"] != "0ms", "a whole second of the kubelet was read as no time at all")
    check(seconds(status["timings"]["toDetect"]) < 10, f"noticed after {status['timings']['toDetect']}")


main("worker_killed", body, workers=3, tier="NoCapabilities")
