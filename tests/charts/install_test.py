#!/usr/bin/python3
"""Helm installs the chart on a real API server, upgrades it, and takes it away again without the users' objects. Must be root."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration/api"))
import api_test  # noqa: E402
import apiserver  # noqa: E402
import rows  # noqa: E402

SYSTEM, POLICIES = "rbee-chaos-system", "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
DEPLOYMENT = f"/apis/apps/v1/namespaces/{SYSTEM}/deployments/chaos-operator"


def check(condition, sentence):
    if not condition:
        sys.exit(f"FAILED: {sentence}")


class Release:
    """`helm VERB chaos-operator …` against one API server."""

    def __init__(self, helm, kubeconfig, home):
        self._helm, self._kubeconfig, self._home = helm, kubeconfig, home

    def run(self, verb, *arguments, **values):
        path = pathlib.Path(self._home, "values.yaml")
        path.write_text(json.dumps(values))
        more = () if verb == "uninstall" else (ROOT / "charts/chaos-operator", "--values", path)
        done = subprocess.run([self._helm, verb, "chaos-operator", *more, "--namespace", SYSTEM, "--kubeconfig", self._kubeconfig, *arguments], text=True,
                              capture_output=True, check=False, env={"HOME": self._home, "PATH": os.environ["PATH"]})
        check(done.returncode == 0, f"helm {verb}: {done.stderr}")
        return done.stdout


def lifecycle(api, release):
    api.must("POST", "/api/v1/namespaces", {"metadata": {"name": "rbee", "labels": {"chaos.rbee.dev/max-tier": "PodCapabilities"}}})
    said = release.run("install", "--create-namespace", targetNamespaces=["rbee"])
    api.must("POST", f"/api/v1/namespaces/{SYSTEM}/serviceaccounts", {"metadata": {"name": "default"}})  # there are no controllers here
    check("kubectl label namespace rbee chaos.rbee.dev/max-tier=" in said, f"the notes do not say what is next: {said}")
    check(api.call("GET", "/apis/rbac.authorization.k8s.io/v1/namespaces/rbee/rolebindings/chaos-operator-target").ok, "the operator is not bound in rbee")
    for row in rows.load("proof"):
        problem = api_test.in_force(lambda row=row: api_test.prove(api, row))
        check(not problem, f"the policies do not stand: {row['name']}: {problem}")
    where = rows.Where(api)
    api.must("POST", where.path("ChaosExperiment", "rbee"), rows.load("base")["ChaosExperiment"])

    release.run("upgrade", images={"operator": "operator:2", "injector": "injector:2", "load": "load:2", "allowInjectors": ["injector:1"]})
    image = api.must("GET", DEPLOYMENT)["spec"]["template"]["spec"]["containers"][0]["image"]
    check(image == "operator:2", f"after the upgrade the operator is {image}")
    check("'injector:2,injector:1'" in json.dumps(api.must("GET", POLICIES + "/chaos-fence-image")), "the fence does not know the new images")
    check(not api.call("GET", "/apis/rbac.authorization.k8s.io/v1/namespaces/rbee/rolebindings/chaos-operator-target").ok, "a namespace that was taken away is still bound")

    release.run("uninstall")
    left = [policy["metadata"]["name"] for policy in api.must("GET", POLICIES)["items"]]
    check(left == [] and not api.call("GET", DEPLOYMENT).ok, f"after uninstall there are still {left}")
    check(api.call("GET", where.path("ChaosExperiment", "rbee", "w")).ok, "uninstall took the experiments of users with it")


def main():
    helm = os.environ.get("HELM") or subprocess.run([ROOT / "tests/cluster/binaries", "helm"], text=True, stdout=subprocess.PIPE, check=True).stdout.strip()
    with apiserver.running(api_test.cluster_binaries()) as api, tempfile.TemporaryDirectory(prefix="chaos-helm-") as home:
        lifecycle(api, Release(helm, api.kubeconfig, home))
    print("passed")


if __name__ == "__main__":
    main()
