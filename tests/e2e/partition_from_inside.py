#!/usr/bin/python3
"""During the partition the queen's pod cannot reach its hive and reaches everything else; afterwards all is as before."""
from harness import check, instant, main, say
from inside import echoes

FOREIGN = "table inet somebody_elses {\n chain in {\n  type filter hook input priority 0; policy accept;\n  tcp dport 1 drop\n }\n}\n"
NAME = "kubernetes.default.svc.cluster.local"


def sees(inside, places):
    """{place: whether it can be reached}"""
    found = {what: inside.connects(*where) for what, where in places.items()}
    found["DNS"] = inside.resolves(NAME)
    return found


def body(ns):
    queen, inside = ns.pod("queen"), ns.inside("queen")
    hive, worker = ns.pod("hive")["status"]["podIP"], ns.pod("worker")["status"]["podIP"]
    places = {"hive": (hive, 7835), "hive's Service": (ns.service_ip("hive"), 7835),
              "worker": (worker, 8080), "worker's Service": (ns.service_ip("worker"), 8080)}
    everything = dict.fromkeys([*places, "DNS"], True)
    inside.nft("-f", "-", stdin=FOREIGN)
    foreign = inside.nft("list", "table", "inet", "somebody_elses")
    established = inside.connection(worker, ns.inside("worker").echo())
    check(echoes(established, b"before"), "the connection of the test does not work")
    check(sees(inside, places) == everything, f"before the fault: {sees(inside, places)}")

    experiment = ns.experiment()
    experiment.apply()
    experiment.phase("Active")
    during = sees(inside, places)
    check(len(inside.our_tables()) == 1, f"one table of ours expected, not {inside.tables()}")
    check(experiment.status["phase"] == "Active", "the fault was over before the test had looked")
    say("during: " + ", ".join(f"{what} {'answers' if good else 'cut off'}" for what, good in during.items()))
    check(during == {**everything, "hive": False, "hive's Service": False}, f"during the fault: {during}")
    check(echoes(established, b"during"), "an established connection to somebody else was hurt")

    status = experiment.must_end("Passed")
    target = status["targets"][0]
    say(f"status: requested {target['requested']}, measured {target['measured']}; {status['summary']}")
    check(target["uid"] == queen["metadata"]["uid"] and target["measured"]["peersCut"] == "1/1", f"measured {target['measured']}")
    check(int(target["measured"]["packetsDropped"]) > 0, "no dropped packets were counted")
    check(abs(instant(target["revertedAt"]) - instant(target["injectedAt"]) - 10) < 1, "the fault did not last as long as was asked for")
    ns.errors_of_timings(status)

    check(sees(inside, places) == everything, f"after the fault: {sees(inside, places)}")
    check(inside.tables() == ["somebody_elses"], f"tables afterwards: {inside.tables()}")
    check(inside.nft("list", "table", "inet", "somebody_elses") == foreign, "a foreign table was touched")
    check(echoes(established, b"after"), "the established connection did not survive")
    check(len(experiment.sidecars()) == 1, f"one sidecar expected, not {experiment.sidecars()}")


main("partition_from_inside", body)
