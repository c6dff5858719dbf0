"""Rows of the tables: what is sent, as whom, and what the API server must answer. One row is one request, always a dry-run."""
import copy
import functools
import pathlib
import re

import yaml

ROWS = pathlib.Path(__file__).resolve().parent / "rows"
GROUP = "chaos.rbee.dev"
OPERATOR = "system:serviceaccount:rbee-chaos-system:chaos-operator"
POLICY = re.compile(r"^.*?ValidatingAdmissionPolicy '(.*?)' with binding '.*?' denied request: ", re.S)
INVALID = re.compile(r'^[A-Za-z0-9.]+ "[^"]*" is invalid: ')


PLURALS = {"ChaosExperiment": "chaosexperiments", "LoadTest": "loadtests", "ChaosReport": "chaosreports"}


@functools.lru_cache(maxsize=None)
def load(name):
    """The rows of rows/NAME.yaml. Names are unique, so that a failure names its row."""
    rows = yaml.safe_load((ROWS / f"{name}.yaml").read_text())
    if name == "load":
        rows = [kind_of_load for row in rows for kind_of_load in loads(row)]
    names = [row["name"] for row in rows] if isinstance(rows, list) else []
    assert len(names) == len(set(names)), f"rows/{name}.yaml: a name is there twice"
    return rows


def merge(target, patch):
    """JSON merge patch (RFC 7386)."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = copy.deepcopy(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def loads(row):
    """A row of load.yaml as it is, for a LoadTest, and (unless `only`) for the same load inside of an experiment."""
    yield {"kind": "LoadTest", **row}
    if row.get("only") == "LoadTest":
        return
    spec = merge(load("base")["LoadTest"], row.get("change", {}))["spec"]
    whole = {"run": spec} if "thresholds" not in spec else {"thresholds": spec.pop("thresholds"), "run": spec}
    inside = {**row, "name": row["name"] + ", in an experiment", "change": {"spec": {"load": whole}}}
    for key in ("says", "guard"):
        if key in row:
            inside[key] = re.sub(r"\bspec(?=[.:/])", "spec{0}load{0}run".format("/" if key == "guard" else "."), row[key])
            inside[key] = re.sub(r"load([./])run[./]thresholds", r"load\1thresholds", inside[key])
    yield inside


class Where:
    """Which copy of the API the rows run against: the real group and operator, or a mutant's."""

    def __init__(self, api, group=GROUP, operator=OPERATOR):
        self.api, self.group, self.operator = api, group, operator

    def path(self, kind, namespace, name=""):
        return f"/apis/{self.group}/v1alpha1/namespaces/{namespace}/{PLURALS[kind]}" + (f"/{name}" if name else "")


def judge(row, answer):
    """'' when the answer is what the row wants, else what is wrong with it."""
    seen = f"{answer.code} {answer.message}"
    if "matches" in row:
        return "" if not answer.ok and re.search(row["matches"], answer.message) else f"should be refused with {row['matches']}, got {seen}"
    if "says" not in row:
        return "" if answer.ok else f"should be accepted, got {seen}"
    if answer.ok:
        return "was accepted"
    message, policy = answer.message, POLICY.match(answer.message)
    message = POLICY.sub("", message) if policy else INVALID.sub("", message)
    name = re.sub(r"^m\d+-", "", policy.group(1)) if policy else None
    if row.get("policy") != name:
        return f"should be refused by policy {row.get('policy')}, got {seen}"
    if answer.code != row.get("code", 422):
        return f"should be refused with {row.get('code', 422)}, got {seen}"
    if message != row["says"]:
        return f"should say\n    {row['says']}\n  says\n    {message}"
    missing = [text for text in row.get("warns", []) if not any(text in warning for warning in answer.warnings)]
    return f"should warn {missing}, warned {answer.warnings}" if missing else ""


def run_object(where, row, namespace="chaos-open"):
    """A row that creates an object of its `kind`, or (`patch`) changes the one named in `on`."""
    namespace = row.get("in", namespace)
    user = where.operator if row.get("as") == "operator" else row.get("as")
    validation = row.get("validation", "Strict")  # kubectl's; "none" is a client that does not say, and gets Warn
    query = "?dryRun=All" + ("" if validation == "none" else f"&fieldValidation={validation}")
    kind = row.get("kind", "ChaosExperiment")
    if "patch" in row:
        return where.api.call("PATCH", where.path(kind, namespace, row["on"]) + query, row["patch"], user, "application/merge-patch+json")
    body = merge(load("base")[kind], row.get("change", {}))
    body["apiVersion"] = f"{where.group}/v1alpha1"
    return where.api.call("POST", where.path(kind, namespace) + query, body, user)


CREATED = {"service": "/api/v1/namespaces/{}/services", "job": "/apis/batch/v1/namespaces/{}/jobs",
           "loadtest": "/apis/{group}/v1alpha1/namespaces/{}/loadtests"}


def run_fence(where, row):
    """A row of what the operator's identity tries: a sidecar, a pod, what is in CREATED, a delete, or any request."""
    bodies, namespace, kind = load("bodies"), row.get("in", "chaos-open"), row["try"]
    call, pods = where.api.call, f"/api/v1/namespaces/{row.get('in', 'chaos-open')}/pods"
    if kind == "sidecar":
        containers = [merge(bodies[row.get("like", "sidecar")], row.get("change", {}))]
        containers += [merge(bodies["sidecar"], extra) for extra in row.get("more", [])]
        body = {"spec": {"ephemeralContainers": containers}}
        path = f"{pods}/{row.get('pod', 'victim')}/ephemeralcontainers?dryRun=All&fieldValidation=Strict"
        return call("PATCH", path, body, where.operator, "application/strategic-merge-patch+json")
    if kind == "pod":
        body = merge(bodies["pod"], row.get("change", {}))
        body["spec"]["containers"][0] = merge(body["spec"]["containers"][0], row.get("container", {}))
        return call("POST", f"{pods}?dryRun=All&fieldValidation=Strict", body, where.operator)
    if kind in CREATED:
        body = merge(bodies[kind], row.get("change", {}))
        if "container" in row:
            containers = body["spec"]["template"]["spec"]["containers"]
            containers[0] = merge(containers[0], row["container"])
        if kind == "loadtest":
            body["apiVersion"] = f"{where.group}/v1alpha1"
        return call("POST", CREATED[kind].format(namespace, group=where.group) + "?dryRun=All&fieldValidation=Strict", body, where.operator)
    content = "application/merge-patch+json" if kind == "PATCH" else "application/json"
    return call(kind, row["path"] + ("?dryRun=All" if row.get("dry", True) else ""), row.get("body"), where.operator, content)


def run(where, table, row):
    """Runs one row of a table; '' when it came out as written."""
    return judge(row, run_fence(where, row) if table == "fence" else run_object(where, row))
