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


@functools.lru_cache(maxsize=None)
def load(name):
    """The rows of rows/NAME.yaml. Names are unique, so that a failure names its row."""
    rows = yaml.safe_load((ROWS / f"{name}.yaml").read_text())
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


class Where:
    """Which copy of the API the rows run against: the real group and operator, or a mutant's."""

    def __init__(self, api, group=GROUP, operator=OPERATOR):
        self.api, self.group, self.operator = api, group, operator

    def experiments(self, namespace, name=""):
        return f"/apis/{self.group}/v1alpha1/namespaces/{namespace}/chaosexperiments" + (f"/{name}" if name else "")


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


def run_experiment(where, row, namespace="chaos-open"):
    """A row that creates an experiment, or (`patch`) changes the one named in `on`."""
    namespace = row.get("in", namespace)
    user = where.operator if row.get("as") == "operator" else row.get("as")
    validation = row.get("validation", "Strict")  # kubectl's; "none" is a client that does not say, and gets Warn
    query = "?dryRun=All" + ("" if validation == "none" else f"&fieldValidation={validation}")
    if "patch" in row:
        return where.api.call("PATCH", where.experiments(namespace, row["on"]) + query, row["patch"], user, "application/merge-patch+json")
    body = merge(load("base"), row.get("change", {}))
    body["apiVersion"] = f"{where.group}/v1alpha1"
    return where.api.call("POST", where.experiments(namespace) + query, body, user)


def run_fence(where, row):
    """A row of what the operator's identity tries: a sidecar, a pod, a Service, a delete, or any request."""
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
    if kind == "service":
        return call("POST", f"/api/v1/namespaces/{namespace}/services?dryRun=All", merge(bodies["service"], row.get("change", {})), where.operator)
    content = "application/merge-patch+json" if kind == "PATCH" else "application/json"
    return call(kind, row["path"] + ("?dryRun=All" if row.get("dry", True) else ""), row.get("body"), where.operator, content)


def run(where, table, row):
    """Runs one row of a table; '' when it came out as written."""
    return judge(row, run_fence(where, row) if table == "fence" else run_experiment(where, row))
