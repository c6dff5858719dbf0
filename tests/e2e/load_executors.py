#!/usr/bin/python3
"""Executors that deal out iterations, over two pods: to the last one, by rbee's own log; what finds no user free is dropped and said."""
from harness import check, main, say, seconds
from load import Load


def jobs(ns):
    return sum(line["event"] == "job_start" for line in ns.log(ns.pod("queen")["metadata"]["name"], "queen"))


def figures_of(load, verdict, reason=None):
    status = load.apply().must_end(verdict, reason)
    say(f"{load.name}: {status['summary']}")
    figures = status["phases"]["all"]
    check(status["coverage"]["vuTime"] == "100%", f"coverage {status['coverage']}")
    return status, sum(figures["endings"].values()), figures.get("droppedIterations", 0)


def shared(ns, before):
    status, begun, dropped = figures_of(Load(ns, "shared", executor={"type": "shared-iterations", "vus": 4, "iterations": 41, "maxDuration": "5m"}), "Passed")
    check((begun, dropped, jobs(ns) - before) == (41, 0, 41), f"41 iterations, not {begun} begun and {dropped} dropped, of which the queen saw {jobs(ns) - before}")
    check(seconds(status["progress"]["elapsed"]) < 60, f"it was done long before maxDuration, not after {status['progress']['elapsed']}")


def rate(ns, before):
    executor = {"type": "constant-arrival-rate", "rate": 4, "duration": "10s", "preAllocatedVUs": 20, "gracefulStop": "10s"}
    _, begun, dropped = figures_of(Load(ns, "rate", executor=executor, thinkTime=None), "Passed")
    check((begun, dropped, jobs(ns) - before) == (40, 0, 40), f"40 iterations, not {begun} begun and {dropped} dropped, of which the queen saw {jobs(ns) - before}")


def too_few(ns, _):
    """An answer of 50 tokens takes seconds: two users cannot ask four times a second."""
    executor = {"type": "constant-arrival-rate", "rate": 4, "duration": "10s", "preAllocatedVUs": 2, "gracefulStop": "10s"}
    load = Load(ns, "too-few", executor=executor, thinkTime=None, request={"model": "tinyllama-q4", "maxTokens": 50, "prompts": {"inline": ["Go on."]}})
    _, begun, dropped = figures_of(load, "Inconclusive", "IterationsDropped")
    check(begun + dropped == 40 and dropped > 20, f"{begun} begun and {dropped} dropped of 40")


def body(ns):
    for case in (shared, rate, too_few):
        case(ns, jobs(ns))


main("load_executors", body)
