#!/usr/bin/python3
"""The API on a real API server: every row of rows/*.yaml, the operator's proof, and that no rule can be taken away unseen.

Usage: api_test.py [--kube DIRECTORY] [--no-mutants]   (must be root)
"""
import argparse
import subprocess
import sys
import time

import yaml

sys.dont_write_bytecode = True  # the checkout stays as it is
import apiserver  # noqa: E402
import mutants  # noqa: E402
import rows  # noqa: E402
import world  # noqa: E402

LEAST = {"schema": 8, "cel": 8, "load": 60, "policy": 6, "fence": 20}  # rows that a table must have at least


class Report:
    def __init__(self):
        self.failures, self.started = [], time.monotonic()

    def row(self, table, name, problem):
        if problem:
            self.failures.append(f"{table}: {name}: {problem}")

    def section(self, text):
        print(f"{time.monotonic() - self.started:6.1f} s  {text}", flush=True)


def prove(api, row):
    """'' when the operator's own rights are enough to be refused by the policy that the row names."""
    answer = api.call("POST", row["path"] + "?dryRun=All", row["body"], rows.OPERATOR)
    policy = rows.POLICY.match(answer.message)
    return "" if policy and policy.group(1) == row["policy"] else f"should be refused by {row['policy']}, got {answer.code} {answer.message}"


def in_force(problem):
    """The problem that is left after the time that a new policy may take to be in force; '' as soon as there is none."""
    try:
        apiserver.wait_for("no problem", lambda: not problem(), seconds=20)
        return ""
    except AssertionError:
        return problem()


def wait_for_policies(where):
    """Until the last validation of each policy answers as its last row says, or time is over and the table will tell."""
    last = {row["policy"]: (table, row) for table in ("policy", "fence") for row in rows.load(table) if "policy" in row}
    for table, row in last.values():
        in_force(lambda table=table, row=row: rows.run(where, table, row))


def run_table(report, where, table, only=lambda row: True):
    chosen = [row for row in rows.load(table) if only(row)]
    if len(chosen) < LEAST.get(table, 1):
        report.row(table, "the table", f"has {len(chosen)} rows, {LEAST.get(table, 1)} are wanted")
    for row in chosen:
        report.row(table, row["name"], rows.run(where, table, row))
    report.section(f"{table}: {len(chosen)} rows")


def run(binaries, with_mutants):
    report = Report()
    with apiserver.running(binaries) as api:
        report.section("API server is ready")
        world.make(api)
        where, proofs = rows.Where(api), rows.load("proof")
        report.section("installed")
        for row in proofs:
            report.row("proof", row["name"], in_force(lambda row=row: prove(api, row)))
        report.section(f"proof: {len(proofs)} refusals seen with the operator's own rights")
        for row in (row for row in rows.load("fence") if row.get("rbac")):
            report.row("rights", row["name"], rows.run(where, "fence", row))
        world.give_operator_everything(api)
        apiserver.wait_for("the operator to be administrator", lambda: api.call("GET", "/api/v1/secrets", user=where.operator).ok)
        wait_for_policies(where)
        for table in ("schema", "cel", "load", "live", "policy", "accepted"):
            run_table(report, where, table)
        samples(report, where)
        shape(report, where)
        run_table(report, where, "fence")
        if with_mutants:
            unnoticed, count = mutants.find_unnoticed(api)
            for title in unnoticed:
                report.row("mutant", title, "was taken away and no row failed")
            report.section(f"mutants: {count} rules taken away, {count - len(unnoticed)} noticed")
    for failure in report.failures:
        print(f"FAILED {failure}")
    print(f"{'FAILED' if report.failures else 'passed'}: {len(report.failures)} failures")
    return 1 if report.failures else 0


def cluster_binaries():
    """The directory of those that the test cluster uses; built on first use."""
    done = subprocess.run([world.ROOT / "tests/cluster/binaries"], text=True, stdout=subprocess.PIPE, check=True)
    return done.stdout.strip()


def samples(report, where):
    """What we show to users is accepted, as it lies there."""
    paths = sorted((world.ROOT / "crds/samples").rglob("*.yaml"))
    report.row("samples", "the folder", "" if paths else "is empty")
    for path in paths:
        for body in yaml.safe_load_all(path.read_text()):
            kind = body["kind"].lower() + "s"
            place = f"namespaces/{body['metadata']['namespace']}/{kind}" if "namespace" in body["metadata"] else kind
            answer = where.api.call("POST", f"/apis/{rows.GROUP}/v1alpha1/{place}?dryRun=All&fieldValidation=Strict", body)
            report.row("samples", path.name, rows.judge({}, answer))
    report.section(f"samples: {len(paths)} files")


def shape(report, where):
    """What users and the operator rely on beside the rules: a new object's status, columns, short name, a full status."""
    api, path = where.api, where.path("ChaosExperiment", "chaos-open", "idle")
    report.row("shape", "status of a new object", "" if api.must("GET", path)["status"] == {"observedGeneration": -1, "phase": "Pending"} else "differs")
    table = api.must("GET", where.path("ChaosExperiment", "chaos-open"), accept="application/json;as=Table;v=v1;g=meta.k8s.io")
    columns = [column["name"] for column in table["columnDefinitions"] if not column["priority"]]
    report.row("shape", "columns", "" if columns == ["Name", "Fault", "Phase", "Verdict", "Hit", "Recovered", "Age"] else f"are {columns}")
    kind = next(r for r in api.must("GET", f"/apis/{rows.GROUP}/v1alpha1")["resources"] if r["name"] == "chaosexperiments")
    report.row("shape", "short name and category", "" if (kind["shortNames"], kind["categories"]) == (["cx"], ["rbee"]) else f"are {kind}")
    selected = api.must("GET", where.path("ChaosExperiment", "chaos-open") + "?fieldSelector=status.phase%3DActive")["items"]
    report.row("shape", "selection by phase", "" if [o["metadata"]["name"] for o in selected] == ["live"] else "does not work")
    answer = api.call("PATCH", path + "/status?dryRun=All&fieldValidation=Strict", {"status": rows.load("status")}, where.operator, "application/merge-patch+json")
    report.row("shape", "a status with every field", rows.judge({}, answer))
    report.section("shape: columns, status, names")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kube", help="directory with etcd and kube-apiserver (default: the test cluster's)")
    parser.add_argument("--no-mutants", action="store_true", help="only the tables")
    arguments = parser.parse_args()
    sys.exit(run(arguments.kube or cluster_binaries(), not arguments.no_mutants))


if __name__ == "__main__":
    main()
