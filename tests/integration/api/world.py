"""The world of the tables on an empty API server: CRDs, what install.yaml makes, namespaces, people, pods, experiments."""
import pathlib
import subprocess
import sys

import yaml

import apiserver
import rows

ROOT = pathlib.Path(__file__).resolve().parents[3]
NAMESPACES = {"chaos-open": "PodCapabilities", "chaos-low": "NoCapabilities", "chaos-all": "NodePrivileged", "chaos-api": "ApiOnly",
              "chaos-odd": "Everything", "chaos-none": None, "rbee": "PodCapabilities"}  # rbee: the samples'
PLURALS = {"NetworkPolicy": "networkpolicies", "ValidatingAdmissionPolicy": "validatingadmissionpolicies"}
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def crd(name):
    return yaml.safe_load((ROOT / "crds" / f"{name}.yaml").read_text())


def manifests():
    """What an administrator would apply, with image names of the tables."""
    images = '{"operator": "operator:1", "injector": "injector:1", "load": "load:1"}'
    text = subprocess.run([sys.executable, ROOT / "charts/render.py", "--images", "-", "--bind", "chaos-open"], input=images, text=True, check=True, capture_output=True).stdout
    return [document for document in yaml.safe_load_all(text) if document]


def path_of(manifest):
    group, _, version = manifest["apiVersion"].rpartition("/")
    kind = manifest["kind"]
    plural = PLURALS.get(kind, kind.lower() + "s")
    namespace = manifest["metadata"].get("namespace")
    return (f"/apis/{group}" if group else "/api") + f"/{version}" + (f"/namespaces/{namespace}" if namespace else "") + f"/{plural}"


def create(api, manifest):
    return api.must("POST", path_of(manifest) + "?fieldValidation=Strict", manifest)


def bind(api, name, role, subject):
    create(api, {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
                 "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
                 "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": subject[0], "name": subject[1]}]})


def _role(api, name, groups, resources, verbs):
    create(api, {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name},
                 "rules": [{"apiGroups": groups, "resources": resources, "verbs": verbs}]})


def _pod(namespace, name, **metadata):
    secure = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    volumes = [{"name": "secret", "secret": {"secretName": "s"}}, {"name": "host", "hostPath": {"path": "/"}}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace, **metadata},
            "spec": {"securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}, "volumes": volumes,
                     "containers": [{"name": "main", "image": "main:1", "securityContext": secure}]}}


def make_pods(api):
    """victim, hit and old (each with a sidecar of a run), and ours, wherever a row wants them."""
    sidecar = rows.merge(rows.load("bodies")["sidecar"], {"name": "rbc-0123456789"})
    for namespace in ("chaos-open", "chaos-low", "chaos-none", "chaos-api", "kube-system"):
        for name in ("victim", "hit", "old"):
            create(api, _pod(namespace, name))
        create(api, _pod(namespace, "ours", labels={"app.kubernetes.io/managed-by": "rbee-chaos"}, annotations={"other/kept": "x"}))
        for name, image in (("hit", "injector:1"), ("old", "injector:0")):
            api.must("PATCH", f"/api/v1/namespaces/{namespace}/pods/{name}/ephemeralcontainers", {"spec": {"ephemeralContainers": [{**sidecar, "image": image}]}},
                     content_type="application/strategic-merge-patch+json")


def make_owned(api):
    """In chaos-open: a Service and a Job of ours, a Job of somebody else, and prompts of a load."""
    job = rows.merge(rows.load("bodies")["job"], {"metadata": {"namespace": "chaos-open"}})
    create(api, rows.merge(job, {"metadata": {"name": "ours"}}))
    create(api, rows.merge(job, {"metadata": {"name": "foreign", "labels": {"app.kubernetes.io/managed-by": "somebody"}}}))
    create(api, rows.merge(rows.load("bodies")["service"], {"metadata": {"name": "ours", "namespace": "chaos-open"}}))
    create(api, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "prompts", "namespace": "chaos-open"}, "data": {"a": "b"}})


def make_objects(where, kind):
    """idle, and live: with status.activeRun, an experiment also with our finalizer. A report is only idle."""
    base = {**rows.load("base")[kind], "apiVersion": f"{where.group}/v1alpha1"}
    where.api.must("POST", where.path(kind, "chaos-open"), rows.merge(base, {"metadata": {"name": "idle"}}))
    if kind == "ChaosReport":
        return
    finalizers = ["chaos.rbee.dev/clean"] if kind == "ChaosExperiment" else []
    where.api.must("POST", where.path(kind, "chaos-open"), rows.merge(base, {"metadata": {"name": "live", "finalizers": finalizers}}))
    phase = "Active" if kind == "ChaosExperiment" else "Running"
    where.api.must("PATCH", where.path(kind, "chaos-open", "live") + "/status", {"status": {"activeRun": "9f3c", "phase": phase}}, content_type="application/merge-patch+json")


def served(where, kind):
    """True once the kind can be listed."""
    return where.api.call("GET", where.path(kind, "chaos-open")).ok


def make(api):
    """Everything but the operator's over-wide rights (give_operator_everything)."""
    for path in sorted((ROOT / "crds").glob("*.yaml")):
        api.must("POST", CRDS + "?fieldValidation=Strict", crd(path.stem))
    for name, tier in NAMESPACES.items():
        api.must("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": {"chaos.rbee.dev/max-tier": tier} if tier else {}}})
    api.must("PATCH", "/api/v1/namespaces/kube-system", {"metadata": {"labels": {"chaos.rbee.dev/max-tier": "NodePrivileged"}}}, content_type="application/merge-patch+json")
    documents = manifests()
    for document in sorted(documents, key=lambda d: d["kind"] != "Namespace"):
        create(api, document)
    for namespace in (*NAMESPACES, "kube-system", "rbee-chaos-system"):
        api.must("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "default"}})
    _role(api, "releaser", ["chaos.rbee.dev"], ["chaosexperiments"], ["get", "patch", "release"])
    api.must("POST", "/api/v1/namespaces/chaos-open/serviceaccounts", {"metadata": {"name": "strong"}})
    _role(api, "injector", ["chaos.rbee.dev"], ["chaosexperiments"], ["*"])  # every fault, and no load
    _role(api, "injector-load", ["chaos.rbee.dev"], ["loadtests"], ["create"])
    for user, role in (("author", "chaos-engineer"), ("oncall", "chaos-oncall"), ("releaser", "releaser"), ("injector", "injector"), ("injector", "injector-load")):
        bind(api, f"{user}-{role}", role, ("User", user))
    make_pods(api)
    make_owned(api)
    where = rows.Where(api)
    for kind in rows.PLURALS:
        apiserver.wait_for(f"{kind} to be served", lambda kind=kind: served(where, kind))
        make_objects(where, kind)


def give_operator_everything(api):
    """From here only the fence is in the way of the operator's identity (and of its mutants)."""
    bind(api, "too-much", "cluster-admin", ("Group", "system:serviceaccounts:rbee-chaos-system"))


def give_people_scratch_groups(api):
    """People may write the kinds in every API group, so that mutants can live in groups of their own."""
    _role(api, "scratch", ["*"], sorted(rows.PLURALS.values()), ["get", "create", "patch"])
    for user in ("author", "oncall", "injector"):
        bind(api, f"scratch-{user}", "scratch", ("User", user))
