#!/usr/bin/python3
"""A hive that is replaced while the queen is cut off from hives: the new one is cut off too, and nothing of it is left."""
from harness import check, get, instant, kubectl, main, say, until


def body(ns):
    queen, worker = ns.inside("queen"), ns.inside("worker")
    first = ns.pod("hive")

    def hive():
        """The replacement, once it has an address."""
        pods = get("pods", "-n", ns.name, "-l", "app.kubernetes.io/component=hive")["items"]
        new = [p for p in pods if p["metadata"]["uid"] != first["metadata"]["uid"] and p["status"].get("podIP")]
        return new[0] if new else None

    def services():
        return (get("services", "-n", ns.name, "-l", "app.kubernetes.io/managed-by=rbee-chaos") or {"items": []})["items"]

    experiment = ns.experiment(duration="40s")
    experiment.apply()
    status = experiment.phase("Active")
    table = queen.our_tables()
    check(len(table) == 1, f"one table of ours expected, not {queen.tables()}")
    made = services()
    check([s["metadata"]["name"] for s in made] == [s["name"] for s in status["resolved"]["peerServices"]] and len(made) == 1,
          f"one Service of the run expected, not {[s['metadata']['name'] for s in made]}")
    check(made[0]["spec"]["clusterIP"] == "None" and made[0]["metadata"]["ownerReferences"][0]["name"] == experiment.name, f"the Service is {made[0]}")

    until("the queen has lost its hive", lambda: any(line["event"] == "hive_lost" for line in ns.log(ns.pod("queen")["metadata"]["name"], "queen")))
    kubectl("delete", "pod", first["metadata"]["name"], "-n", ns.name, "--wait=false")
    new = until("the hive is replaced", hive, interval=0.05)
    address = new["status"]["podIP"]
    check(address != first["status"]["podIP"], "the new hive has the old one's address: nothing can be told")
    with queen.watched(address, 7835) as from_queen, worker.watched(address, 7835) as from_worker:
        until("the new hive answers a worker", lambda: any(good for _, good in from_worker))
        until("the queen cannot reach the new hive for 3 s", lambda: len(from_queen) > 20 and not any(good for _, good in from_queen[-20:]), 20)
        check(all(good for _, good in from_worker[-10:]), "a worker cannot reach the new hive either: that was not us")
        check(experiment.status["phase"] == "Active", "the fault was over before the test had looked")
        reached = [began for began, good in from_queen if good]
    rules = queen.nft("list", "table", "inet", table[0])
    check(address in rules, f"{address} is not in the table: {rules}")

    status = experiment.must_end("Passed")
    target = status["targets"][0]
    measured, late = target["measured"], status["resolved"]["latePeers"]
    say(f"the queen reached the new hive {len(reached)} times before it was cut off; measured {measured}")
    say(status["summary"])
    check([peer["name"] for peer in late] == ["pod " + new["metadata"]["name"]] and late[0]["addresses"] == [address], f"latePeers {late}")
    check(measured["latePeers"].startswith(address + " after ") and measured["latePeersCut"] == "1/1", f"measured {measured}")
    check(measured["peersCut"] == "1/1", "the late one counts among those of before")
    check(status["coverage"] == {"state": "Full"}, f"coverage {status['coverage']}")
    # Between its own cut and the end the new hive was not back for the queen: what the queen itself logs.
    cut = max(reached, default=0) + 1
    back = [instant(line["at"]) for line in ns.log(target["pod"], "queen") if line["event"] in ("hive_online", "hive_back")]
    check(not [at for at in back if cut < at < instant(target["revertedAt"])], f"the queen had its hive back during the fault: {back}")
    check([at for at in back if at > instant(target["revertedAt"])], "the queen never got its hive back")

    check(queen.connects(address, 7835), "the new hive is still cut off")
    check(queen.tables() == [], f"tables afterwards: {queen.tables()}")
    until("the Service of the run is gone", lambda: not services(), 10)
    check("peerServices" not in experiment.status["resolved"], "the status still names the Service")


main("peer_replaced", body)
