#!/usr/bin/python3
"""The life of one ChaosExperiment as its user sees it: every stored version, applied again, changed, changed back, run again."""
import copy
import json

from harness import apply, check, kubectl, main, say
from object_kstatus import broken_rules, kstatus
from truth_world import World

ADVICE = "a run is live: delete the object, or annotate it chaos.rbee.dev/abort=<reason> and wait for condition Finished, then edit"
PHASES = ["Pending", "Baseline", "Injecting", "Active", "Recovering", "Finished"]


def check_versions(versions):
    for version in versions:
        broken = broken_rules(version)
        check(not broken, f"version {version['metadata']['resourceVersion']} breaks {broken}: {version.get('status')}")


def phases(versions):
    """In the order in which they were stored, each change once."""
    seen = []
    for version in versions:
        if version["status"]["phase"] not in seen[-1:]:
            seen.append(version["status"]["phase"])
    return seen


def hashes(experiment):
    return [run["specHash"] for run in experiment["status"]["runs"]]


def kubectl_wait(world):
    """The object when kubectl wait comes back: the condition of an older run must not end it."""
    kubectl("wait", "-n", world.name, "--for=condition=Finished", "--timeout=90s", "cx/life")
    done = world.get("life")
    check(done["status"]["phase"] == "Finished" and done["status"]["observedGeneration"] == done["metadata"]["generation"],
          f"kubectl wait --for=condition=Finished came back too early: {done['status']}")
    return done


def first_run(world, follower, manifest):
    apply(manifest)
    done = kubectl_wait(world)
    check((done["status"]["verdict"], len(hashes(done))) == ("Passed", 1), f"the first run ended {done['status']}")
    world.operator_has_looked()
    last = world.get("life")
    versions = follower.up_to(last["metadata"]["resourceVersion"])
    check_versions(versions)
    new = versions[0]
    check(new["status"]["observedGeneration"] == -1 and kstatus(new) == "InProgress", f"a new object looks like {new.get('status')}")
    seen = phases(versions)  # Recovering is passed over when all is well already when the injector is gone
    check(seen in (PHASES, [p for p in PHASES if p != "Recovering"]), f"the phases were {seen}")
    check(kstatus(last) == "Current", f"a passed run is not Current: {last['status']}")
    say(f"first run: {len(versions)} stored versions, each as kstatus and Flux want it: {' '.join(seen)}")
    return last


def check_unwritten(world, before, what):
    """Nothing was written although the operator has surely looked."""
    world.operator_has_looked()
    after = world.get("life")
    check(after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"], f"{what}, it was written: {before}\nbecame\n{after}")


def applied_again(world, manifest, done):
    said = apply(manifest)
    check("unchanged" in said, f"kubectl says {said}")
    check_unwritten(world, done, "applied again")
    kubectl("apply", "--server-side", "--field-manager=gitops", "-f", "-", stdin=json.dumps(manifest))
    check_unwritten(world, world.get("life"), "applied by a second manager")
    labelled = world.merge("life", {"metadata": {"labels": {"touched": "yes"}}})
    check_unwritten(world, labelled, "labelled")
    check(labelled["status"] == done["status"], "the status is another one")
    say("applied again, by a second manager, labelled: the operator looked and wrote nothing")


def changed(world, manifest):
    other = copy.deepcopy(manifest)
    other["spec"]["duration"] = "3s"
    apply(other)
    live = world.wait("life", "a second run", lambda e: e["status"].get("activeRun"))
    code, answer = world.api.call("PATCH", f"{world.experiments}/life", {"spec": {"duration": "4s"}}, content_type="application/merge-patch+json")
    check(code == 422 and ADVICE in answer["message"], f"a change of the spec during a run was answered with {code} {answer}")
    now = world.get("life")["status"]
    check(now.get("activeRun") == live["status"]["activeRun"], f"the run did not go on: {now}")
    done = world.finished("life")
    check(done["status"]["verdict"] == "Passed" and len(set(hashes(done))) == 2, f"the second run ended {done['status']}")
    say(f"a changed spec ran as a second run; a change during it was refused: {answer['message']}")
    return done


def changed_back(world, manifest, second):
    apply(manifest)
    back = world.finished("life")
    status = back["status"]
    check("this spec has run before" in status["summary"] and "raise spec.run" in status["summary"], f"changed back: {status}")
    check(hashes(back) == hashes(second)[::-1] and status["verdict"] == "Passed", f"the older run is not what is shown: {status}")
    check_unwritten(world, back, "changed back")
    say(f"changed back: {status['summary']}")


def run_again(world, manifest):
    again = copy.deepcopy(manifest)
    again["spec"]["run"] = 2
    apply(again)
    done = kubectl_wait(world)
    check(done["status"]["verdict"] == "Passed" and len(set(hashes(done))) == 3, f"run: 2 ended {done['status']}")
    check(len(world.sidecars()) == 3, f"three runs, and these sidecars: {world.sidecars()}")
    say("run: 2 ran it again")


def body(ns):
    world = World(ns.name)
    manifest = world.experiment("life")
    with world.follow("life") as follower:
        done = first_run(world, follower, manifest)
        applied_again(world, manifest, done)
        second = changed(world, manifest)
        changed_back(world, manifest, second)
        run_again(world, manifest)
        world.operator_has_looked()
        check_versions(follower.up_to(world.get("life")["metadata"]["resourceVersion"]))


if __name__ == "__main__":
    main("object_lifecycle", body, workers=0)
