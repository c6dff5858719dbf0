#!/usr/bin/python3
"""charts/chaos-operator under a real Helm: lint, what its schema refuses, and that install.yaml and render.py are its rendering.

  chart_test.py            the tests; HELM names a Helm to take in place of the one that is built
  chart_test.py --write    writes charts/install.yaml anew
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import yaml

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "charts/chaos-operator"
INSTALL = ROOT / "charts/install.yaml"
SYSTEM = "rbee-chaos-system"
HEAD = """# What `helm template` makes of charts/chaos-operator with its default values, in namespace {0} and with that namespace:
#   helm template chaos-operator charts/chaos-operator --namespace {0} --set createNamespace=true
# Written by tests/charts/chart_test.py --write; change the chart. The images are those that you build and tag as the Dockerfile
# says; for others, and for the namespaces in which the operator may work: charts/render.py.
""".format(SYSTEM)


def helm():
    return os.environ.get("HELM") or subprocess.run([ROOT / "tests/cluster/binaries", "helm"], text=True, stdout=subprocess.PIPE, check=True).stdout.strip()


def run(*arguments, values=None):
    """Helm, with no configuration or cache of the user's."""
    with tempfile.TemporaryDirectory(prefix="chaos-helm-") as home:
        if values is not None:
            path = pathlib.Path(home, "values.yaml")
            path.write_text(json.dumps(values))
            arguments += ("--values", str(path))
        return subprocess.run([HELM, *arguments], text=True, capture_output=True, check=False, env={"HOME": home, "PATH": os.environ["PATH"]})


def template(values=None, namespace=SYSTEM):
    return run("template", "chaos-operator", str(CHART), "--namespace", namespace, values=values)


def written():
    """install.yaml as it must be."""
    done = template({"createNamespace": True})
    if done.returncode:
        sys.exit(done.stderr)
    return HEAD + done.stdout


def documents(text):
    return [document for document in yaml.safe_load_all(text) if document]


def by_name(objects):
    return {(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]): o for o in objects}


class Chart(unittest.TestCase):
    def test_lint_has_nothing_to_say(self):
        done = run("lint", "--strict", str(CHART))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotIn("[WARNING]", done.stdout)
        self.assertNotIn("[ERROR]", done.stdout)

    def test_install_yaml_is_its_rendering(self):
        self.assertEqual(INSTALL.read_text(), written(), "run tests/charts/chart_test.py --write and commit the result")

    def test_whoever_has_no_helm_installs_the_same(self):
        images = {"operator": "r/o@sha256:" + "1" * 64, "injector": "r/i:2", "load": "r/l:3"}
        done = template({"createNamespace": True, "targetNamespaces": ["rbee", "other"], "images": {**images, "allowInjectors": ["r/i:1"]}})
        self.assertEqual(done.returncode, 0, done.stderr)
        rendered = subprocess.run([ROOT / "charts/render.py", "--images", "-", "--bind", "rbee", "--bind", "other", "--allow-injector", "r/i:1"],
                                  input=json.dumps(images), text=True, capture_output=True, check=True).stdout
        self.assertEqual(by_name(documents(rendered)), by_name(documents(done.stdout)))

    def test_the_crds_are_those_of_the_repository(self):
        done = run("template", "x", str(CHART), "--include-crds")
        crds = {o["metadata"]["name"]: o for o in documents(done.stdout) if o["kind"] == "CustomResourceDefinition"}
        ours = [yaml.safe_load(path.read_text()) for path in (ROOT / "crds").glob("*.yaml")]
        self.assertEqual(crds, {o["metadata"]["name"]: o for o in ours})

    def test_every_value_is_heard(self):
        values = {"replicas": 3, "nodeSelector": {"a": "b"}, "tolerations": [{"operator": "Exists"}], "priorityClassName": "high", "imagePullSecrets": [{"name": "s"}],
                  "leaseSeconds": 20, "logLevel": "debug", "transport": "beast", "limits": {"maxDuration": "2h", "maxLiveTargets": 7, "maxSidecars": 9, "startWindow": "90s"},
                  "resources": {"limits": {"memory": "1Gi"}, "requests": None}, "profile": {"name": "vllm", "components": {"queen": None, "hive": None, "worker": None, "server": {"labels": {"app": "vllm"}, "port": 8000, "protocol": "http"}}}}
        found = by_name(documents(template(values, namespace="elsewhere").stdout))
        deployment = found["Deployment", "elsewhere", "chaos-operator"]["spec"]
        pod, container = deployment["template"]["spec"], deployment["template"]["spec"]["containers"][0]
        self.assertEqual(deployment["replicas"], 3)
        self.assertEqual({key: pod[key] for key in ("nodeSelector", "tolerations", "priorityClassName", "imagePullSecrets")},
                         {key: values[key] for key in ("nodeSelector", "tolerations", "priorityClassName", "imagePullSecrets")})
        self.assertEqual(container["resources"], {"limits": {"memory": "1Gi"}})
        for argument in ("--lease-seconds=20", "--log-level=debug", "--transport=beast", "--max-duration=2h", "--max-live-targets=7", "--max-sidecars=9", "--start-window=90s", "--profile=vllm"):
            self.assertIn(argument, container["args"])
        profile = json.loads(found["ConfigMap", "elsewhere", "chaos-profile-vllm"]["data"]["profile.json"])
        self.assertEqual(profile, {"components": {"server": {"labels": {"app": "vllm"}, "port": 8000, "protocol": "http"}}})
        for name, policy in ((key[2], value) for key, value in found.items() if key[0] == "ValidatingAdmissionPolicy" and key[2].startswith("chaos-fence-")):
            self.assertIn("system:serviceaccount:elsewhere:chaos-operator", policy["spec"]["matchConditions"][0]["expression"], name)
        self.assertNotIn(SYSTEM, template(values, namespace="elsewhere").stdout)
        self.assertEqual({key[0] for key in found if key[0] in ("Namespace", "RoleBinding")}, {"RoleBinding"})
        self.assertNotIn(("PodDisruptionBudget", SYSTEM, "chaos-operator"), by_name(documents(template({"replicas": 1}).stdout)))

    def test_the_schema_refuses_what_is_misspelt_or_makes_no_sense(self):
        for values, sentence in (
                ({"replica": 2}, "additional properties 'replica' not allowed"),
                ({"images": {"injektor": "i:1"}}, "additional properties 'injektor' not allowed"),
                ({"images": {"load": "l:1\nkind: Secret"}}, "does not match pattern"),
                ({"replicas": 0}, "minimum: got 0, want 1"),
                ({"replicas": "2"}, "got string, want integer"),
                ({"logLevel": "loud"}, "value must be one of 'debug', 'info', 'warn', 'error'"),
                ({"limits": {"maxDuration": "an hour"}}, "does not match pattern"),
                ({"targetNamespaces": ["Rbee"]}, "does not match pattern"),
                ({"targetNamespaces": ["kube-system"]}, "'not' failed"),
                ({"profile": {"components": {"queen": {"port": "http"}}}}, "got string, want integer")):
            done = template(values)
            self.assertNotEqual(done.returncode, 0, values)
            self.assertIn(sentence, done.stderr, values)


if __name__ == "__main__":
    HELM = helm()
    if sys.argv[1:] == ["--write"]:
        INSTALL.write_text(written())
    else:
        unittest.main()
