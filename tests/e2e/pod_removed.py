#!/usr/bin/python3
"""A pod is evicted and another deleted, through the API alone: really gone, replaced, nothing entered it; a PodDisruptionBudget is asked by Evict only."""
import yaml

from harness import ROOT, apply, check, get, instant, main, say, seconds


def experiment(ns, name, action, **fault):
    spec = yaml.safe_load((ROOT / "crds/samples/pod-001-evict-worker.yaml").read_text())["spec"]
    spec["fault"] = {"pod": {"action": action, **fault}}
    made = ns.experiment(name, **{"duration": None, **spec, "baseline": "4s"})
    made.apply()
    return made


def workers(ns):
    return {pod["metadata"]["uid"]: pod for pod in get("pods", "-n", ns.name, "-l", "app.kubernetes.io/component=worker")["items"]}


def removed(ns, name, action, **fault):
    before = workers(ns)
    status = experiment(ns, name, action, **fault).must_end("Passed", timeout=120)
    say(status["summary"])
    target, after = status["targets"][0], workers(ns)
    check(target["uid"] in before and target["uid"] not in after, f"{target['pod']} is still there: {list(after)}")
    check(set(before) - set(after) == {target["uid"]}, f"more than one pod went: {set(before) - set(after)}")
    fresh = [pod for uid, pod in after.items() if uid not in before]
    check(len(fresh) == 1 and 0 <= instant(fresh[0]["metadata"]["creationTimestamp"]) - instant(target["injectedAt"]) + 1 <= 3, f"no replacement of that moment: {fresh}")
    check(target["measuredBy"] == "apiserver", f"measured otherwise: {target}")
    check(not any(pod["spec"].get("ephemeralContainers") for pod in after.values()), "something entered a pod")
    check(seconds(status["timings"]["toDetect"]) < 10, f"noticed after {status['timings']['toDetect']}")
    lost = [line for line in ns.log(ns.pod("queen")["metadata"]["name"], "queen") if line["event"] in ("worker_doubted", "worker_lost") and instant(line["at"]) >= instant(target["injectedAt"])]
    check(lost, "the queen never missed the worker")


def body(ns):
    removed(ns, "evicts", "Evict")
    apply({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "workers", "namespace": ns.name},
           "spec": {"minAvailable": 3, "selector": {"matchLabels": {"app.kubernetes.io/component": "worker"}}}})
    before = set(workers(ns))
    status = experiment(ns, "forbidden", "Evict").must_end("Inconclusive", "Refused")
    say(status["summary"])
    check("disruption budget" in status["summary"] and set(workers(ns)) == before, f"not in the budget's words, or somebody went: {status['summary']}")
    removed(ns, "deletes", "Delete", gracePeriod="1s")


main("pod_removed", body, workers=3, tier="ApiOnly")
