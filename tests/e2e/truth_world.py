"""A namespace with a small rbee as the cases about truth, input and objects use it: through the API, not through kubectl."""
import contextlib
import copy
import subprocess

import harness
from harness import check, until
from inside import Inside
from truth_api import MERGE, STRATEGIC, Api, Follower

GROUP = "/apis/chaos.rbee.dev/v1alpha1"
OPERATOR = f"system:serviceaccount:{harness.SYSTEM}:chaos-operator"
QUEEN_ANSWERS = {"name": "queen-answers", "during": ["Before", "After"], "http": {"component": "queen", "path": "/health"}}


class World:
    """Experiments and pods of one namespace. Requires: the namespace exists."""

    def __init__(self, name):
        self.name, self.api = name, Api()
        self.core, self.experiments = f"/api/v1/namespaces/{name}", f"{GROUP}/namespaces/{name}/chaosexperiments"

    # --- experiments

    def experiment(self, name, **changes):
        """A short partition of the queen from its hive; keywords replace fields of its spec."""
        spec = {"target": {"component": "queen"}, "fault": {"partition": {"peers": [{"component": "hive"}]}}, "duration": "2s", "baseline": "1s",
                "probes": [copy.deepcopy(QUEEN_ANSWERS)], "recovery": {"within": "20s", "stableFor": "1s"},
                "safety": {"maxTargets": 1, "maxPrivilege": "PodCapabilities"}, **changes}
        return {"apiVersion": "chaos.rbee.dev/v1alpha1", "kind": "ChaosExperiment", "metadata": {"name": name, "namespace": self.name}, "spec": spec}

    def create(self, manifest):
        return self.api.must("POST", f"{self.experiments}?fieldValidation=Strict", manifest)

    def get(self, name):
        return self.api.must("GET", f"{self.experiments}/{name}")

    def merge(self, name, patch):
        return self.api.must("PATCH", f"{self.experiments}/{name}", patch, MERGE)

    def delete(self, name):
        self.api.must("DELETE", f"{self.experiments}/{name}")
        until(f"{name} is gone", lambda: self.api.call("GET", f"{self.experiments}/{name}")[0] == 404)

    def wait(self, name, what, predicate, timeout=60):
        """The object as soon as predicate(object) is true."""
        seen = {}

        def ready():
            seen.update(self.get(name))
            return predicate(seen) and seen

        try:
            return until(f"{name}: {what}", ready, timeout)
        except harness.Failure as failure:
            raise harness.Failure(f"{failure}; it is {seen.get('status')}") from None

    def finished(self, name, timeout=90):
        """The object once its run is over and belongs to the spec as it is."""
        return self.wait(name, "finished", lambda e: e["status"]["phase"] == "Finished" and not e["status"].get("activeRun")
                         and e["status"]["observedGeneration"] == e["metadata"]["generation"], timeout)

    def must_end(self, name, verdict, reason, timeout=90):
        """The status of a run that ends so, and that neither GitOps tools nor the demo take for green."""
        status = self.finished(name, timeout)["status"]
        conditions = {c["type"]: c for c in status["conditions"]}
        check((status["verdict"], status.get("reason")) == (verdict, reason), f"{verdict} {reason} expected, not {status['verdict']} {status.get('reason')}: {status.get('summary')}")
        check(conditions["Succeeded"]["status"] == "False" and conditions["Succeeded"]["reason"] == reason, f"Succeeded is {conditions['Succeeded']}")
        check(conditions["Stalled"]["status"] == "True" and conditions["Ready"]["status"] == "False", f"GitOps sees no failure: {status['conditions']}")
        shown = subprocess.run([harness.ROOT / "tests/demo/show.py", self.name, name, harness.CLUSTER, "kubectl"], capture_output=True, text=True, timeout=60, check=False)
        check(shown.returncode == 1 and f"{verdict}: {reason}" in shown.stdout, f"the demo exits {shown.returncode}: {shown.stdout}{shown.stderr}")
        return status

    def operator_has_looked(self):
        """Until the operator has done everything that it could know of by now: a newer object is dealt with, twice."""
        for turn in ("one", "two"):
            name = f"sentinel-{turn}"
            self.create(self.experiment(name, suspend=True))
            self.wait(name, "looked at", lambda e: e["status"]["observedGeneration"] == 1)
            self.delete(name)

    def follow(self, name):
        return Follower(self.api, self.experiments, name)

    # --- pods

    def pods(self):
        return self.api.must("GET", f"{self.core}/pods")["items"]

    def pod(self, component):
        """The first running pod of a component."""
        found = [pod for pod in self.pods() if pod["metadata"].get("labels", {}).get("app.kubernetes.io/component") == component
                 and pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]]
        check(found, f"no pod of {component} runs in {self.name}")
        return found[0]

    def inside(self, pod):
        return Inside(pod["metadata"]["uid"])

    def sidecars(self):
        """Names of all ephemeral containers of all pods: nobody but the operator makes any."""
        return sorted(c["name"] for pod in self.pods() for c in pod["spec"].get("ephemeralContainers", []))

    def extra_pod(self, name, labels, role="worker", port=8080, flags=(), wait=True, **spec):
        """One more pod of the rbee-sim image."""
        container = {"name": role, "image": harness.images()["rbee-sim"], "imagePullPolicy": "IfNotPresent", "args": [role, "--port", str(port), *flags],
                     "securityContext": {"runAsUser": 65532, "readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}}
        self.api.must("POST", f"{self.core}/pods", {"metadata": {"name": name, "labels": labels}, "spec": {
            "automountServiceAccountToken": False, "terminationGracePeriodSeconds": 1, "containers": [container], **spec}})
        return until(f"pod {name} runs", lambda: self.running(name)) if wait else None

    def running(self, name):
        pod = self.api.must("GET", f"{self.core}/pods/{name}")
        return pod if pod["status"]["phase"] == "Running" and pod["status"].get("podIP") else None

    def patch_sidecar(self, pod, name, image, user, dry_run):
        """The answer to an injector that `user` asks for, in the operator's own words."""
        security = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "runAsUser": 0, "runAsNonRoot": False,
                    "capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]}, "seccompProfile": {"type": "RuntimeDefault"}}
        container = {"name": name, "image": image, "imagePullPolicy": "IfNotPresent", "args": ["inject", "{}"],
                     "terminationMessagePolicy": "File", "securityContext": security}
        path = f"{self.core}/pods/{pod['metadata']['name']}/ephemeralcontainers" + ("?dryRun=All" if dry_run else "")
        return self.api.call("PATCH", path, {"spec": {"ephemeralContainers": [container]}}, user, STRATEGIC)

    # --- the namespace

    def label(self, key, value):
        self.api.must("PATCH", f"/api/v1/namespaces/{self.name}", {"metadata": {"labels": {key: value}}}, MERGE)

    @contextlib.contextmanager
    def chaos_stop(self):
        """While inside nothing starts in this namespace."""
        path = f"{GROUP}/chaosstops/{self.name}"
        self.api.call("DELETE", path)
        self.api.must("POST", f"{GROUP}/chaosstops", {"apiVersion": "chaos.rbee.dev/v1alpha1", "kind": "ChaosStop", "metadata": {"name": self.name},
                                                     "spec": {"reason": "test", "namespaces": [self.name]}})
        try:
            yield
        finally:
            self.api.must("DELETE", path)
