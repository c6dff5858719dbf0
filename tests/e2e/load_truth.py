#!/usr/bin/python3
"""A LoadTest against the small rbee: passes with a report; never green without data, without a pod, or against a closed port."""
from harness import apply, check, kill, main, say
from load import Load


def passes(ns):
    load = Load(ns, "steady", thresholds=[{"metric": "errors", "expression": "rate<0.01"}, {"metric": "ttft", "expression": "p(95)<2000"}]).apply()
    status = load.must_end("Passed")
    figures = status["phases"]["all"]
    say(f"steady: {status['summary']}")
    check(figures["requests"] > 50 and figures["endings"].get("ok") == figures["requests"], f"not every request is accounted for: {figures}")
    check(status["coverage"]["pods"] == "2/2", f"coverage {status['coverage']}")
    report = load.report(status)
    counted = sum(point[1] for point in report["series"]["points"])
    check(report["complete"] and counted == figures["requests"], f"the report's series counts {counted} of {figures['requests']} requests")


def closed_port(ns):
    status = Load(ns, "closed", target={"service": "queen", "port": 9}, protocol="rbee",
                  thresholds=[{"metric": "ttft", "expression": "p(95)<2000"}]).apply().must_end("Failed", "ThresholdBreached")
    say(f"closed port: {status['summary']}")


def wrong_path(ns):
    status = Load(ns, "wrong", protocol="http", request={"path": "/no/such/path", "timeout": "5s"}, thresholds=None).apply().must_end("Failed", "ThresholdBreached")
    say(f"wrong path: {status['summary']}")


def lost_pod(ns):
    load = Load(ns, "lost").apply()
    load.wait("requests are counted", lambda s: s.get("progress", {}).get("requests", 0) > 0)
    victim = load.pods()[0]
    kill(victim["metadata"]["uid"], "chaos-load")
    status = load.must_end("Inconclusive", "LoadPodsLost")
    check(status["coverage"]["pods"] == "1/2" and len(status["coverage"]["missing"]) == 1, f"coverage {status['coverage']}")
    say(f"killed pod: {status['summary']}")


def quota(ns):
    apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small", "namespace": ns.name}, "spec": {"hard": {"limits.memory": "1Mi"}}})
    load = Load(ns, "refused", thresholds=[{"metric": "errors", "expression": "rate<0.01", "abortOnFail": True}]).apply()
    status = load.wait("the refusal is a condition", lambda s: any("exceeded quota" in c.get("message", "") for c in s.get("conditions", [])), 60)
    say("quota: " + next(c["message"] for c in status["conditions"] if "exceeded quota" in c.get("message", "")))
    load.must_end("Inconclusive", "NoLiveData")


def body(ns):
    for case in (passes, closed_port, wrong_path, lost_pod, quota):
        case(ns)


main("load_truth", body)
