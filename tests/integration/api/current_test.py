#!/usr/bin/python3
"""What must agree without any API server: assembled CRDs, the tables in C++, names, install.yaml and render.py."""
import json
import pathlib
import re
import subprocess
import sys
import unittest

import yaml

sys.dont_write_bytecode = True
import rows  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[3]
IMAGES = {"operator": "o:1", "injector": "i:1", "load": "l:1"}
sys.path.insert(0, str(ROOT / "crds"))
import assemble  # noqa: E402


def text(path):
    return (ROOT / path).read_text()


def render(*arguments, images=None):
    return subprocess.run([ROOT / "charts/render.py", "--images", "-", *arguments], input=json.dumps(IMAGES if images is None else images),
                          text=True, capture_output=True, check=False)


def defaults_of(schema):
    """The defaults of a schema in the shape of a value; a list's item stands for all of them."""
    if "properties" in schema:
        found = {key: defaults_of(part) for key, part in schema["properties"].items()}
        return {key: value for key, value in found.items() if value not in (None, {}, [])}
    if isinstance(schema.get("items"), dict):
        item = defaults_of(schema["items"])
        return [item] if item else None
    return schema.get("default")


# Defaults that are not in the schema, since they are inside a list, or depend on another field: the descriptions promise
# them, the operator fills them in, and the run hash leaves them out.
PROMISED = {
    "fault": {"http": {"match": {"share": "100%", "kubeletProbes": False}, "delay": {"jitter": "0s"}},
              "stream": {"match": {"share": "100%", "kubeletProbes": False}, "firstTokenDelay": {"jitter": "0s"}, "tokenDelay": {"jitter": "0s"},
                         "drop": {"done": False}},
              "process": {"exitCode": 1, "grace": "5s", "dutyCycle": "100%"}},
    "trigger": {"afterBytes": 1},
    "probes": [{"interval": "1s", "inference": {"maxTokens": 16, "expect": {"minTokens": 1}}}],
    "load": {"run": {"executor": {"startVUs": 1, "gracefulRampDown": "30s", "maxDuration": "10m", "timeUnit": "1s", "startRate": 0}, "request": {"maxTokens": 50, "expectTokens": False, "method": "GET"}},
             "thresholds": [{"abortOnFail": False, "delayAbortEval": "0s", "minSamples": 1}]},
}


def promised_in(schema, path=""):
    """(path, default) of every field without a default whose description ends with one."""
    said = re.search(r"[Dd]efault ([\w%]+)\.$", schema.get("description", ""))
    found = {(path, said.group(1))} if said and "default" not in schema else set()
    for key, part in schema.get("properties", {}).items():
        found |= promised_in(part, f"{path}/{key}")
    return found | (promised_in(schema["items"], path) if isinstance(schema.get("items"), dict) else set())


def leaves(value, path=""):
    if isinstance(value, list):
        return leaves(value[0], path)
    if isinstance(value, dict):
        return {leaf for key, part in value.items() for leaf in leaves(part, f"{path}/{key}")}
    return {(path, str(value).lower() if isinstance(value, bool) else str(value))}


class Assembled(unittest.TestCase):
    def test_committed_crds_are_what_the_parts_say(self):
        checked = subprocess.run([ROOT / "crds/assemble.py", "--check"], text=True, capture_output=True, check=False)
        self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_faults_of_the_schema_are_those_of_the_injector(self):
        table = re.findall(r'FaultRow\{"([\w.]+)",\s*Runs::\w+,\s*Tier::k(\w+),\s*"([^"]*)",\s*Ends::\w+,\s*(true|false)\}', text("injectors/protocol/faults.cc"))
        self.assertTrue(table)
        in_schema = [(fault["key"], fault["tier"], fault["lasts"]) for fault in assemble.load_parts()[2]]
        self.assertEqual(in_schema, [(key, tier, lasts == "true") for key, tier, _, lasts in table])

    def test_the_fence_allows_the_capabilities_of_each_fault_at_its_tier_and_no_others(self):
        caps = re.search(r"\{'NoCapabilities'.*?\}\"", text("charts/install.yaml")).group()[:-1]
        allowed = {tier: re.findall(r"'(\w+)'", names) for tier, names in re.findall(r"'(\w+)': \[(.*?)\]", caps)}
        table = re.findall(r'FaultRow\{"[\w.]+",\s*Runs::\w+,\s*Tier::k(\w+),\s*"([^"]*)"', text("injectors/protocol/faults.cc"))
        table.append(("PodCapabilities", "SYS_PTRACE"))  # how a process is reached whose user is not known
        tiers = list(assemble.TIERS)
        for tier in tiers[1:]:
            wanted = {cap for lowest, names in table for cap in filter(None, names.split(",")) if tiers.index(lowest) <= tiers.index(tier)}
            self.assertEqual(set(allowed[tier]), wanted, tier)
        self.assertNotIn("ApiOnly", allowed)

    def test_the_run_hash_leaves_out_exactly_the_defaults_of_the_schema(self):
        known = json.loads(re.search(r'R"\((\{.*?\})\)"', text("controllers/chaosexperiment/spec_hash.cc"), re.S).group(1))
        spec = assemble.assembled()["chaosexperiments.yaml"]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
        fields = re.findall(r'"(\w+)"', re.search(r"kFields = \{(.*?)\};", text("controllers/chaosexperiment/spec_hash.cc"), re.S).group(1))
        in_schema = {key: value for key, value in defaults_of(spec).items() if key in fields}
        self.assertEqual(known, rows.merge(in_schema, PROMISED))
        self.assertEqual(promised_in(spec), leaves(PROMISED))

    def test_the_metrics_of_the_schema_are_those_of_the_programs(self):
        """With the kinds by which the schema chooses the grammar of a threshold."""
        source = text("injectors/protocol/thresholds.cc")
        trends = re.findall(r'"(\w+)"', re.search(r"kTrendNames = \{(.*?)\};", source, re.S).group(1))
        kinds = {"TIMES": set(trends), "RATES": set(re.findall(r'\{"(\w+)", MetricKind::kRate', source)), "COUNTERS": set(re.findall(r'\{"(\w+)", MetricKind::kCounter', source))}
        parts, constants, _ = assemble.load_parts()
        self.assertEqual({name: set(re.findall(r"'(\w+)'", constants[name])) for name in kinds}, kinds)
        self.assertEqual(set(parts["thresholds"]["items"]["properties"]["metric"]["enum"]), set.union(*kinds.values()))

    def test_no_default_of_the_spec_is_inside_a_list(self):
        """Else kubectl prints "configured" and Argo "OutOfSync" each time the same file is applied."""
        def inside(schema, path, listed):
            found = [path] if listed and "default" in schema else []
            for key, part in schema.get("properties", {}).items():
                found += inside(part, f"{path}/{key}", listed)
            return found + (inside(schema["items"], path, True) if isinstance(schema.get("items"), dict) else [])

        whole = assemble.assembled()["chaosexperiments.yaml"]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        self.assertEqual(inside(whole["properties"]["spec"], "spec", False), [])


class Names(unittest.TestCase):
    def test_policies_use_the_names_that_the_programs_use(self):
        names = dict(re.findall(r'string_view (k\w+)\s*=\s*"([^"]+)"', text("injectors/protocol/names.h")))
        policies = text("charts/install.yaml").partition("kind: ValidatingAdmissionPolicy")[2]
        for name in ("kFinalizer", "kReleaseAnnotation", "kMaxTierLabel", "kManagedByLabel", "kManagedBy"):
            self.assertIn(f"'{names[name]}'", policies, name)
        mentioned = set(re.findall(r"chaos\.rbee\.dev/[a-z-]+", policies))
        self.assertLessEqual(mentioned, set(names.values()) | {"chaos.rbee.dev/", "chaos.rbee.dev/chaosexperiments", "chaos.rbee.dev/chaosstops", "chaos.rbee.dev/loadtests", "chaos.rbee.dev/chaosreports"}, "a name that no program knows")

    def test_the_fenced_identity_is_the_installed_one(self):
        documents = [d for d in yaml.safe_load_all(render().stdout) if d]
        account = next(d for d in documents if d["kind"] == "ServiceAccount")["metadata"]
        self.assertEqual(f"system:serviceaccount:{account['namespace']}:{account['name']}", rows.OPERATOR)
        for policy in (d for d in documents if d["kind"] == "ValidatingAdmissionPolicy" and d["metadata"]["name"].startswith("chaos-fence-")):
            self.assertEqual(policy["spec"]["matchConditions"][0]["expression"], f"request.userInfo.username == '{rows.OPERATOR}'")

    def test_every_policy_is_bound_and_fails_closed(self):
        documents = [d for d in yaml.safe_load_all(render().stdout) if d]
        policies = {d["metadata"]["name"]: d for d in documents if d["kind"] == "ValidatingAdmissionPolicy"}
        bound = {d["spec"]["policyName"] for d in documents if d["kind"] == "ValidatingAdmissionPolicyBinding" and "Deny" in d["spec"]["validationActions"]}
        self.assertEqual(set(policies), bound)
        self.assertTrue(all(policy["spec"]["failurePolicy"] == "Fail" for policy in policies.values()))


class Render(unittest.TestCase):
    def test_fills_in_every_image_and_binds_the_namespaces(self):
        done = render("--bind", "rbee", "--allow-injector", "i:0")
        self.assertEqual(done.returncode, 0, done.stderr)
        documents = [d for d in yaml.safe_load_all(done.stdout) if d]
        deployment = next(d for d in documents if d["kind"] == "Deployment")["spec"]["template"]["spec"]["containers"][0]
        self.assertEqual(deployment["image"], "o:1")
        self.assertIn("--injector-image=i:1", deployment["args"])
        self.assertIn("'i:1,i:0'.split", done.stdout)
        self.assertTrue(any(d["kind"] == "RoleBinding" and d["metadata"]["namespace"] == "rbee" for d in documents))

    def test_takes_the_manifest_that_the_image_builder_writes(self):
        done = render(images={key: {"reference": value, "file": "x.tar", "bytes": 1} for key, value in IMAGES.items()})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("image: \"o:1\"", done.stdout)

    def test_says_what_is_wrong_with_a_manifest(self):
        for images, sentence in (
                ({"operator": "o:1", "load": "l:1"}, "the image manifest lacks injector"),
                ({**IMAGES, "queen": "q:1"}, "the image manifest has unknown queen"),
                ({"operator": "o:1", "injector": "i:1", "loud": "l:1"}, "the image manifest lacks load and has unknown loud"),
                ({**IMAGES, "load": "l:1\nkind: Secret"}, "the image manifest's load is not an image reference: 'l:1\\nkind: Secret'"),
                ({**IMAGES, "load": ""}, "the image manifest's load is not an image reference: ''"),
                ([], 'the image manifest must be an object such as {"operator": "REF", "injector": "REF", "load": "REF"}')):
            done = render(images=images)
            self.assertEqual((done.returncode, done.stdout, done.stderr.strip()), (1, "", sentence))
        self.assertEqual(render("--bind", "Rbee").stderr.strip(), "--bind Rbee: not the name of a namespace")


class Tables(unittest.TestCase):
    def test_conditions_have_patterns_that_compile_and_at_least_eight_rows(self):
        table = rows.load("condition")
        self.assertGreaterEqual(len(table), 8)
        for row in table:
            re.compile(row["message"])
            self.assertTrue(row["reason"])


if __name__ == "__main__":
    unittest.main()
