"""LoadTests in a namespace of a case, and what their reports hold."""
import base64
import gzip
import json

from harness import apply, check, get, kubectl, until

STEADY = {"target": {"component": "queen"},
          "executor": {"type": "constant-vus", "vus": 4, "duration": "20s", "gracefulStop": "5s"},
          "request": {"model": "tinyllama-q4", "maxTokens": 8, "timeout": "10s", "prompts": {"inline": ["2+2="]}},
          "thinkTime": {"max": "200ms"},
          "pods": 2}


class Load:
    """A steady load of 4 VUs on 2 pods for 20 s; keywords replace fields of its spec (None takes one away)."""

    def __init__(self, namespace, name, **changes):
        self.namespace, self.name = namespace.name, name
        spec = {key: value for key, value in {**STEADY, **changes}.items() if value is not None}
        self.manifest = {"apiVersion": "chaos.rbee.dev/v1alpha1", "kind": "LoadTest",
                         "metadata": {"name": name, "namespace": self.namespace}, "spec": spec}

    def apply(self):
        apply(self.manifest)
        return self

    @property
    def status(self):
        return (get("loadtest", self.name, "-n", self.namespace) or {}).get("status", {})

    def wait(self, what, predicate, timeout=90.0):
        return until(what, lambda: (lambda s: s if predicate(s) else None)(self.status), timeout, 0.5)

    def phase(self, phase):
        status = self.wait(f"{self.name} is {phase}", lambda s: s.get("phase") in (phase, "Finished"))
        check(status["phase"] == phase, f"{self.name} ended before it was {phase}: {status}")
        return status

    def must_end(self, verdict, reason=None, timeout=150.0):
        status = self.wait(f"{self.name} is finished", lambda s: s.get("phase") == "Finished", timeout)
        check((status.get("verdict"), status.get("reason")) == (verdict, reason),
              f"verdict {verdict}, reason {reason} expected, not {status.get('verdict')}, {status.get('reason')}: {status.get('summary')}")
        until("Job and pods are gone", lambda: not self.pods() and not get("job", status["job"], "-n", self.namespace), 60)
        return status

    def pods(self):
        found = get("pods", "-n", self.namespace, "-l", "app.kubernetes.io/name=chaos-load")
        return found["items"] if found else []

    def report(self, status):
        spec = get("chaosreport", status["report"], "-n", self.namespace)["spec"]
        check(spec["verdict"] == status["verdict"], "report and status have different verdicts")
        return json.loads(gzip.decompress(base64.b64decode(spec["data"])))

    def delete(self):
        kubectl("delete", "loadtest", self.name, "-n", self.namespace)
