"""A namespace with a small rbee in it, and experiments that are followed while they run."""
import contextlib
import copy
import json
import os
import signal
import subprocess
import threading
import time

import yaml

from harness import CLUSTER, ROOT, apply, check, get, images, instant, kubectl, module, say, seconds, until
from inside import Inside

INTERVAL = 1.0  # of the sample's probes
SLACK = 0.2  # for an event's way through a busy machine


class Namespace:
    """with Namespace("name", blind=True) as ns: opted in, operator bound, rbee deployed and ready; gone afterwards."""

    def __init__(self, name, queen_flags="", workers=1, tier="PodCapabilities"):
        self.name, self.queen_flags, self.workers, self.tier = "e2e-" + name.replace("_", "-"), queen_flags, workers, tier
        self.experiments = []

    def __enter__(self):
        if get("namespace", self.name):
            kubectl("delete", "namespace", self.name, "--wait=true", "--timeout=90s")
        binding = module("charts/render.py").BINDING.format(self.name)
        apply(*self.rbee(), *filter(None, yaml.safe_load_all(binding)))
        kubectl("wait", "-n", self.name, "--for=condition=Available", "--timeout=120s", "deployment", "--all", timeout=150)
        return self

    def __exit__(self, *_):
        for experiment in self.experiments:
            experiment.unfollow()
        if not os.environ.get("CHAOS_KEEP"):
            kubectl("delete", "namespace", self.name, "--wait=false", "--ignore-not-found")

    def rbee(self):
        """The objects of tests/rbee-sim/rbee.yaml, for this namespace."""
        text = (ROOT / "tests/rbee-sim/rbee.yaml").read_text()
        text = text.replace("@RBEE_SIM_IMAGE@", images()["rbee-sim"]).replace("@RBEE_SIM_QUEEN_FLAGS@", self.queen_flags)
        for item in yaml.safe_load_all(text):
            if item["kind"] == "Namespace":
                item["metadata"]["name"] = self.name
                item["metadata"]["labels"]["chaos.rbee.dev/max-tier"] = self.tier
            else:
                item["metadata"]["namespace"] = self.name
            if item["metadata"]["name"] == "worker" and item["kind"] == "Deployment":
                item["spec"]["replicas"] = self.workers
            yield item

    def pod(self, component):
        """The first running pod of a component, as an object."""
        pods = get("pods", "-n", self.name, "-l", f"app.kubernetes.io/component={component}", "--field-selector=status.phase=Running")["items"]
        check(pods, f"no pod of {component} runs in {self.name}")
        return pods[0]

    def service_ip(self, component):
        return get("service", component, "-n", self.name)["spec"]["clusterIP"]

    def inside(self, component):
        return Inside(self.pod(component)["metadata"]["uid"])

    def log(self, pod, container=None):
        """The JSON lines of a container's log."""
        text = kubectl("logs", "-n", self.name, pod, *(["-c", container] if container else []))
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def errors_of_timings(self, status):
        """How much the times in status differ from what the queen itself has logged; fails above one probe interval."""
        target, errors = status["targets"][0], {}
        log = [line for line in self.log(target["pod"], "queen") if instant(line["at"]) >= instant(target["injectedAt"])]
        for event, key, since in (("hive_lost", "toDetect", "injectedAt"), ("hive_back", "toRecover", "revertedAt")):
            own = next((instant(line["at"]) - instant(target[since]) for line in log if line["event"] == event), None)
            check(own is not None, f"the queen never said {event}")
            errors[key] = seconds(status["timings"][key]) - own
            say(f"{key}: {status['timings'][key]} in status, {own:.3f} s by the queen's own log ({event})")
            check(abs(errors[key]) <= INTERVAL + SLACK, f"{key} differs from the queen's log by {errors[key]:.3f} s, more than one probe interval")
        return errors

    def experiment(self, name="partition", **spec):
        return Experiment(self, name, spec)


class Experiment:
    """The NF-001 sample with shorter times; further keywords replace fields of its spec (None takes one away)."""

    def __init__(self, namespace, name, changes):
        self.namespace, self.name = namespace, name
        manifest = yaml.safe_load((ROOT / "crds/samples/nf-001-partition-queen-hive.yaml").read_text())
        manifest["metadata"] = {"name": name, "namespace": namespace.name}
        spec = manifest["spec"]
        spec.update(duration="10s", baseline="4s", recovery={"within": "30s", "stableFor": "2s"})
        spec["detect"]["within"] = "10s"
        spec.update(copy.deepcopy(changes))
        manifest["spec"] = {key: value for key, value in spec.items() if value is not None}
        self.manifest = manifest
        self.history, self.deleted = [], False
        self._changed, self._children = threading.Condition(), []
        namespace.experiments.append(self)

    def apply(self, *arguments):
        """Applies it and follows it from then on."""
        text = apply(self.manifest, arguments=arguments)
        if not self._children:
            self._follow(["get", "chaosexperiments.chaos.rbee.dev", self.name, "--watch", "--output-watch-events", "-o", "json"], self._take_all)
        return text

    def _follow(self, arguments, take):
        child = subprocess.Popen([CLUSTER, "kubectl", *arguments, "-n", self.namespace.name], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                 start_new_session=True)  # a group of its own, so that kubectl ends with its shell
        self._children.append(child)
        thread = threading.Thread(target=take, args=(child.stdout,), daemon=True)
        thread.start()
        return thread

    def _take_all(self, stream):
        for line in stream:
            event = json.loads(line)
            with self._changed:
                self.history.append((time.monotonic(), event["object"]))
                self.deleted = event["type"] == "DELETED"
                self._changed.notify_all()

    def follow_log(self, lines):
        """Appends the JSON lines of the probe pod to `lines` while they come; the thread ends with the pod."""
        pod = self.wait("the probe pod is named", lambda s: s.get("resolved", {}).get("probePod"))
        pod = pod["resolved"]["probePod"]
        until("the probe pod runs", lambda: (get("pod", pod, "-n", self.namespace.name) or {}).get("status", {}).get("phase") == "Running")

        def take(stream):
            for line in stream:
                if line.startswith("{"):
                    lines.append(json.loads(line))

        return self._follow(["logs", "-f", pod], take)

    def unfollow(self):
        for child in self._children:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGTERM)
            child.wait()

    @property
    def object(self):
        return self.history[-1][1] if self.history else {}

    @property
    def status(self):
        return self.object.get("status", {})

    def wait(self, what, predicate, timeout=90.0):
        """The first status for which predicate(status) is true, of those that are seen from now on."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not (self.history and predicate(self.status)):
                left = deadline - time.monotonic()
                check(left > 0, f"not within {timeout:g} s: {what}; the status is {json.dumps(self.status, indent=1)}")
                self._changed.wait(left)
            return copy.deepcopy(self.status)

    def phase(self, phase, timeout=90.0):
        """Waits for a phase; a run that ends before it gets there has failed."""
        status = self.wait(f"phase {phase}", lambda s: s.get("phase") in (phase, "Finished"), timeout)
        check(status["phase"] == phase, f"the run ended before it was {phase}: {status.get('verdict')} {status.get('reason')}: {status.get('summary')}")
        return status

    def finished(self, timeout=120.0):
        """The status of a run that is over."""
        return self.wait("phase Finished", lambda s: s.get("phase") == "Finished" and not s.get("activeRun"), timeout)

    def gone(self, timeout=60.0):
        until(f"{self.name} is deleted", lambda: self.deleted, timeout, 0.05)

    def must_end(self, verdict, reason=None, timeout=120.0):
        status = self.finished(timeout)
        check((status.get("verdict"), status.get("reason")) == (verdict, reason),
              f"verdict {verdict}, reason {reason} expected, not {status.get('verdict')}, {status.get('reason')}: {status.get('summary')}")
        return status

    def sidecars(self):
        """Names of our containers in the queen's pod."""
        spec = self.namespace.pod("queen")["spec"]
        return [c["name"] for c in spec.get("ephemeralContainers", [])]
