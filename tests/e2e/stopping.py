"""What the cases that stop a run in its middle have in common."""
import json

from harness import apply, check, get, instant, say, until

SECONDS = 10.0  # within which a stopped fault must be gone; the stopper's container alone takes one or two


def start(ns, **spec):
    """An experiment whose fault is on and would stay on for a minute, and a look from inside the pod."""
    experiment = ns.experiment(duration="60s", **spec)
    experiment.apply()
    status = experiment.phase("Active")
    inside = ns.inside("queen")
    check(not inside.connects(ns.pod("hive")["status"]["podIP"], 7835, 0.5), "the fault is not on")
    return experiment, inside, status


def reverted(seen, stopped, what):
    """Waits until a connect that began after `stopped` was answered, and says how long that took."""
    first = until(f"the queen reaches its hive again after {what}", lambda: next((at for at, good in seen if good and at > stopped), None), SECONDS, 0.05)
    say(f"{what}: the queen reached its hive again after {first - stopped:.1f} s")


def reapply(experiment):
    """The same file from a second field manager, while the first object is there."""
    answer = apply(experiment.manifest, arguments=["--server-side", "--field-manager=other", "-o", "json"])
    check(json.loads(answer)["metadata"]["uid"] == experiment.object["metadata"]["uid"],
          "the object was gone too early: re-applying made a new one, which may rightly run")


def settled(ns):
    """Waits until the operator has worked off what came before: it answers a plan, in order, and plans touch nobody."""
    plan = ns.experiment("plan", dryRun="Plan")
    plan.apply()
    status = plan.finished(30)
    check(status.get("reason") == "DryRun", f"the plan ended {status.get('reason')}: {status.get('summary')}")


def nothing_more(experiment, uid):
    """One run, its one injector, and the object that was there."""
    live = get("chaosexperiment", experiment.name, "-n", experiment.namespace.name)
    check(live["metadata"]["uid"] == uid and not live["status"].get("activeRun"), "a run is live again")
    check(len(live["status"]["runs"]) == 1, f"one run expected: {live['status']['runs']}")
    injectors = [name for name in experiment.sidecars() if not name.endswith("-stop")]
    check(len(injectors) == 1, f"one injector expected, not {injectors}")
    check("chaos.rbee.dev/clean" not in live["metadata"].get("finalizers", []), "the finalizer is still there")


def aborted(experiment, by, words):
    """The verdict of a stopped run, with what its target and its stop say."""
    status = experiment.must_end("Aborted", "Stopped", timeout=30)
    check(status["stop"]["by"] == by and words in status["stop"]["reason"], f"stop is {status['stop']}")
    target = status["targets"][0]
    check(target["state"] == "Clean", f"the target is {target['state']}")
    say(f"reverted {instant(target['revertedAt']) - instant(status['stop']['at']):.1f} s after the stop was seen: {status['summary']}")
    return status
