#!/usr/bin/python3
"""What keeps an experiment from starting, and lets it start: dryRun, suspend, another one in front of it."""
from harness import check, main, say, until
from object_kstatus import broken_rules, kstatus
from truth_world import World


def dry_run(world):
    def pods():
        return {pod["metadata"]["name"]: pod["metadata"]["resourceVersion"] for pod in world.pods()}

    before = pods()
    for kind, words in (("Plan", "would hit"), ("Preflight", "the API server accepts the injector")):
        name = f"dry-{kind.lower()}"
        world.create(world.experiment(name, dryRun=kind))
        done = world.finished(name)
        status = done["status"]
        check(status["reason"] == "DryRun" and words in status["summary"] and not status.get("verdict"), f"dryRun {kind}: {status}")
        check([target["pod"] for target in status["targets"]] == [world.pod("queen")["metadata"]["name"]], f"targets: {status['targets']}")
        check(kstatus(done) == "Current" and not broken_rules(done), f"{broken_rules(done)}: {status}")
        check(not status.get("runs") and not done["metadata"].get("finalizers"), f"a dry run counted as a run: {done}")
        say(f"dryRun {kind}: {status['summary']}")
    world.operator_has_looked()
    check(pods() == before, f"a dry run changed pods: {before} became {pods()}")


def suspended(world):
    world.create(world.experiment("first", suspend=True))
    waiting = world.wait("first", "suspended", lambda e: e["status"]["observedGeneration"] == 1)
    check(waiting["status"]["summary"] == "suspended: set spec.suspend to false to run it", waiting["status"])
    check(not broken_rules(waiting), f"{broken_rules(waiting)}: {waiting['status']}")
    world.operator_has_looked()
    check(world.get("first")["metadata"]["resourceVersion"] == waiting["metadata"]["resourceVersion"], "one that is suspended was written again")
    say(f"suspend: {waiting['status']['summary']}")


def queued(world):
    """The one that was suspended and a new one at the same moment: one runs, the other waits its turn, and then runs."""
    both = ("first", "second")
    world.merge("first", {"spec": {"suspend": False}})
    world.create(world.experiment("second"))

    def one_of_each():
        found = {name: world.get(name)["status"] for name in both}
        live = [name for name in both if found[name].get("activeRun")]
        waits = [name for name in both if found[name].get("phase") == "Queued"]
        check(len(live) < 2, f"two runs are live in one namespace: {found}")
        return live + waits if len(live) == len(waits) == 1 else None

    live, waits = until("one that runs and one that is queued", one_of_each)
    waiting = world.get(waits)
    check(not broken_rules(waiting) and kstatus(waiting) == "InProgress", f"{broken_rules(waiting)}: {waiting['status']}")
    ended, followed = world.finished(live)["status"], world.finished(waits)["status"]
    check((ended["verdict"], followed["verdict"]) == ("Passed", "Passed"), f"they ended {ended} and {followed}")
    check(followed["startedAt"] >= ended["finishedAt"], f"they overlapped: {ended['finishedAt']} {followed['startedAt']}")
    say(f"queue: {live} ran until {ended['finishedAt']}; {waits} waited and ran from {followed['startedAt']}")


def body(ns):
    world = World(ns.name)
    dry_run(world)
    suspended(world)
    queued(world)


if __name__ == "__main__":
    main("object_start", body, workers=0)
