#!/usr/bin/python3
"""SIGKILL of the injector: the fault goes with it, and the run is Inconclusive, InjectorLost."""
import time

from harness import check, kill, main, say, until


def body(ns):
    inside, hive = ns.inside("queen"), ns.pod("hive")["status"]["podIP"]
    experiment = ns.experiment(duration="30s")
    experiment.apply()
    experiment.phase("Active")
    check(len(inside.our_tables()) == 1 and not inside.connects(hive, 7835, 0.5), "the fault is not on")

    killed = kill(ns.pod("queen")["metadata"]["uid"], "chaos-injector")
    until("no table of ours is left", lambda: not inside.our_tables(), 2, 0.02)
    check(inside.connects(hive, 7835), "the queen still cannot reach its hive")
    say(f"the fault was gone {(time.time() - killed) * 1000:.0f} ms after the injector was killed")

    status = experiment.must_end("Inconclusive", "InjectorLost")
    check(status["targets"][0]["state"] == "Clean", f"the target is {status['targets'][0]['state']}")
    check(len(experiment.sidecars()) == 1, f"one sidecar expected, not {experiment.sidecars()}")
    say(status["summary"])


main("injector_killed", body)
