#!/usr/bin/python3
"""The samples WC-002, WC-004 and WC-005 as they are, with a shorter baseline: each crash really happens, as often as it was asked for."""
import copy

import yaml

from harness import ROOT, apply, check, get, main, say


def sample(ns, name):
    spec = yaml.safe_load((ROOT / f"crds/samples/{name}.yaml").read_text())["spec"]
    return ns.experiment(name, **{"duration": None, "detect": None, "safety": None, **spec, "baseline": "4s"})


def restarts(ns, *names):
    """{pod: (restart count, exit code of the last end)} of workers."""
    found = {}
    for pod in get("pods", "-n", ns.name, "-l", "app.kubernetes.io/component=worker")["items"]:
        state = pod["status"]["containerStatuses"][0]
        last = state.get("lastState", {}).get("terminated", {})
        if not names or pod["metadata"]["name"] in names:
            found[pod["metadata"]["name"]] = (state["restartCount"], last.get("exitCode"))
    return found


def terminate(ns):
    experiment = sample(ns, "wc-004-terminate-worker")
    experiment.apply()
    status = experiment.must_end("Passed")
    target = status["targets"][0]
    say(status["summary"])
    # The small rbee ends at SIGTERM in an orderly way; had it not, it would be 137.
    check(restarts(ns)[target["pod"]] == (1, 0), f"ended otherwise than by SIGTERM: {restarts(ns)}; {target}")
    check(target["exitCode"] == 0, f"status has exit code {target['exitCode']}")


def half(ns):
    before = restarts(ns)
    experiment = sample(ns, "wc-005-kill-half-of-the-workers")
    experiment.apply()
    status = experiment.must_end("Passed")
    say(status["summary"])
    hit = {target["pod"] for target in status["targets"]}
    after = restarts(ns)
    killed = {pod for pod in after if after[pod] != before[pod]}
    check(len(hit) == 2, f"half of three, rounded up, is two, not {len(hit)}")
    check(killed == hit and all(after[pod][1] == 137 for pod in hit), f"{hit} were to be killed: {before} became {after}")


def newcomer(ns):
    """A worker whose model loads for longer than the injector needs to get there."""
    worker = copy.deepcopy(next(o for o in ns.rbee() if o["kind"] == "Deployment" and o["metadata"]["name"] == "worker"))
    worker["metadata"]["name"] = "worker-slow"
    worker["spec"]["replicas"] = 1
    for labels in (worker["spec"]["selector"]["matchLabels"], worker["spec"]["template"]["metadata"]["labels"]):
        labels["speed"] = "slow"
    environment = worker["spec"]["template"]["spec"]["containers"][0]["env"]
    next(variable for variable in environment if variable["name"] == "RBEE_SIM_FLAGS")["value"] = "--model-load-time 8s"
    return worker


def registration(ns):
    experiment = sample(ns, "wc-002-kill-worker-during-registration")
    experiment.apply()
    experiment.phase("Injecting")
    apply(newcomer(ns))
    status = experiment.must_end("Passed", timeout=150)
    target = status["targets"][0]
    say(status["summary"])
    check(target["pod"].startswith("worker-slow"), f"{target['pod']} was hit, which is no newcomer")
    check(restarts(ns, target["pod"])[target["pod"]][1] == 137, f"the newcomer was not killed: {restarts(ns)}")
    check(all(count == 0 or name.startswith("worker-slow") or code in (0, 137) for name, (count, code) in restarts(ns).items()), f"{restarts(ns)}")


def body(ns):
    for case in (terminate, half, registration):
        case(ns)


# A queen that tries again elsewhere: whether the newcomer is known to it already when it dies is a matter of milliseconds.
main("worker_crashes", body, workers=3, tier="NoCapabilities", queen_flags="--retry 2")
