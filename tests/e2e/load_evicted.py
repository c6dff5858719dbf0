#!/usr/bin/python3
"""Eviction of a load pod in the middle: what it did is counted once, coverage says what is missing, and the verdict is not green."""
import json

from harness import check, get, kubectl, main, say, until
from load import Load


def evict(pod):
    """Through the Eviction API, as a drain does it."""
    meta = pod["metadata"]
    kubectl("create", "--raw", f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/eviction", "-f", "-",
            stdin=json.dumps({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": meta["name"], "namespace": meta["namespace"]}}))


def body(ns):
    load = Load(ns, "evicted").apply()
    load.wait("requests are counted", lambda s: s.get("progress", {}).get("requests", 0) > 0)
    victim, other = load.pods()
    evict(victim)
    until("the pod is gone", lambda: not get("pod", victim["metadata"]["name"], "-n", ns.name))
    check([p["metadata"]["name"] for p in load.pods()] == [other["metadata"]["name"]], "another pod took the place of the one that was evicted")
    status = load.must_end("Inconclusive", "LoadPodsLost")
    say(status["summary"])
    figures, report, coverage = status["phases"]["all"], load.report(status), status["coverage"]
    check(coverage["pods"] == "1/2" and len(coverage["missing"]) == 1, f"coverage {coverage}")
    check(50 <= float(coverage["vuTime"].rstrip("%")) < 95, f"half of the load was there for a part of the time, not {coverage['vuTime']} of it")
    counted, interrupted = sum(point[1] for point in report["series"]["points"]), figures["endings"].get("interrupted", 0)
    check(counted == figures["requests"] == sum(figures["endings"].values()) - interrupted, f"{counted} requests in the report, {figures} in the status")
    # One job of the queen is one iteration; those that were cut off may or may not have come to be jobs.
    jobs = sum(line["event"] == "job_start" for line in ns.log(ns.pod("queen")["metadata"]["name"], "queen"))
    say(f"the queen has seen {jobs} jobs; counted are {counted}, and {interrupted} that were cut off")
    check(counted <= jobs <= counted + interrupted, "requests are counted twice, or lost")


main("load_evicted", body)
