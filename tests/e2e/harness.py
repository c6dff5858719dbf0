"""What every end-to-end case needs: the cluster, the operator installed once, a namespace with a small rbee, checks.

A case is a function that takes a Namespace and is started by main(); it fails by check() or by a deadline in until().
"""
import contextlib
import datetime
import fcntl
import hashlib
import importlib.util
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLUSTER = str(ROOT / "tests/cluster/cluster")
SYSTEM = "rbee-chaos-system"
STARTED = time.monotonic()


class Failure(Exception):
    """A sentence about what is not as it must be."""


def check(condition, sentence):
    if not condition:
        raise Failure(sentence)


def say(text):
    """What a case has measured, for people."""
    print(f"  {time.monotonic() - STARTED:6.1f} s  {text}", flush=True)


def until(what, ready, timeout=30.0, interval=0.25):
    """The first true value of ready(); fails when there is none in time."""
    deadline = time.monotonic() + timeout
    while True:
        value = ready()
        if value:
            return value
        check(time.monotonic() < deadline, f"not within {timeout:g} s: {what}")
        time.sleep(interval)


# --- the cluster and its images ---------------------------------------------------------------------------------


def state():
    path = os.environ.get("CHAOS_CLUSTER", "")
    if not path or not os.path.exists(os.path.join(path, "ready")):
        sys.exit(f"""no cluster: CHAOS_CLUSTER is {'"' + path + '", which does not run' if path else 'not set'}. To start one by hand, as root:
  /usr/bin/python3 tests/images/images.py && tests/cluster/cluster --name e2e up
  tests/cluster/cluster --name e2e load-image build/dev/images/*.tar
  export CHAOS_CLUSTER=$(tests/cluster/cluster --name e2e state)
and `tests/cluster/cluster --name e2e down` afterwards. `./test.sh e2e` does all of it.""")
    return path


def images():
    """{"operator": reference, "injector": …, "load": …, "rbee-sim": …}"""
    path = os.environ.get("CHAOS_IMAGES", str(ROOT / "build/dev/images/images.json"))
    try:
        with open(path, encoding="utf-8") as file:
            return {name: image["reference"] for name, image in json.load(file).items()}
    except OSError as error:
        sys.exit(f"no images: {path}: {error.strerror}; tests/images/images.py makes them, CHAOS_IMAGES says where they are")


def cluster(*arguments, stdin=None, may_fail=False, timeout=120):
    """What tests/cluster/cluster prints."""
    done = subprocess.run([CLUSTER, *arguments], input=stdin, capture_output=True, text=True, timeout=timeout, check=False)
    if done.returncode and not may_fail:
        raise Failure(f"cluster {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout if not may_fail else done


def kubectl(*arguments, **options):
    return cluster("kubectl", *arguments, **options)


def get(*arguments):
    """A parsed object or list; None where there is none."""
    text = kubectl("get", *arguments, "-o", "json", "--ignore-not-found")
    return json.loads(text) if text.strip() else None


def apply(*objects, arguments=()):
    return kubectl("apply", "-f", "-", *arguments, stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))


def module(path):
    """A script of ours as a module, wherever it lies."""
    spec = importlib.util.spec_from_file_location(pathlib.Path(path).stem, ROOT / path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


# --- the operator -----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def locked(name):
    """One of several test processes at a time; the lock lies with the cluster and goes with it."""
    with open(os.path.join(state(), name + ".lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install(allow_injectors=()):
    """CRDs, policies, profile and operator as they are in this checkout; nothing when they are installed already."""
    text = module("charts/render.py").render(images(), [], allow_injectors)
    crds = "".join(f"---\n{path.read_text()}" for path in sorted((ROOT / "crds").glob("*.yaml")))
    version = hashlib.sha256((crds + text).encode()).hexdigest()
    marker = pathlib.Path(state(), "e2e-installed")
    with locked("e2e-install"):
        if marker.exists() and marker.read_text() == version:
            return
        kubectl("apply", "-f", "-", stdin=crds)
        kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", "-", stdin=crds)
        kubectl("apply", "-f", "-", stdin=text)
        kubectl("rollout", "status", "--timeout=120s", "-n", SYSTEM, "deployment/chaos-operator", timeout=150)
        marker.write_text(version)


def leader():
    """(name of the pod that leads, its Lease's spec)"""
    spec = get("lease", "chaos-operator", "-n", SYSTEM)["spec"]
    return spec.get("holderIdentity", "").rpartition("-")[0], spec


# --- processes of pods ------------------------------------------------------------------------------------------


def pids(pod_uid, program=None):
    """Pids, as seen from here, in the pod's cgroup; only those whose executable has this name, if one is given."""
    found = []
    wanted = re.compile("pod" + pod_uid.replace("-", "[-_]"))
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        with contextlib.suppress(OSError):
            if not wanted.search(pathlib.Path("/proc", entry, "cgroup").read_text()):
                continue
            name = pathlib.Path("/proc", entry, "cmdline").read_bytes().split(b"\0")[0].decode().rpartition("/")[2]
            if program is None or name == program:
                found.append(int(entry))
    return found


def kill(pod_uid, program):
    """SIGKILL to the one process of this name in that pod; returns when that was (time.time)."""
    victims = pids(pod_uid, program)
    check(len(victims) == 1, f"one process {program} expected in pod {pod_uid}, not {victims}")
    os.kill(victims[0], 9)
    return time.time()


# --- times ------------------------------------------------------------------------------------------------------


def instant(text):
    """Seconds since 1970 of a time as our objects and logs write it."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    base = datetime.datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=datetime.timezone.utc)
    return base.timestamp() + float("0." + (fraction or "0"))


def seconds(text):
    """Seconds of a duration such as 1m2.5s or 300ms."""
    check(text, "a duration is missing")
    parts = re.findall(r"([0-9.]+)(ms|us|µs|h|m|s)", text)
    check("".join(n + u for n, u in parts) == text, f"no duration: {text}")
    return sum(float(n) * {"h": 3600, "m": 60, "s": 1, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}[u] for n, u in parts)


# --- running a case ---------------------------------------------------------------------------------------------


def explain(namespace):
    """Everything that helps to see why a case failed."""
    for title, command in (("experiments", ["get", "chaosexperiments,chaosstops", "-n", namespace, "-o", "yaml"]),
                           ("pods", ["get", "pods", "-n", namespace, "-o", "wide"]),
                           ("events", ["get", "events", "-n", namespace, "--sort-by=.lastTimestamp"]),
                           ("queen and injector", ["logs", "-n", namespace, "-l", "app.kubernetes.io/component=queen", "--all-containers", "--prefix", "--tail=40"]),
                           ("operator", ["logs", "-n", SYSTEM, "-l", "app.kubernetes.io/name=chaos-operator", "--prefix", "--tail=60"])):
        done = kubectl(*command, may_fail=True)
        print(f"--- {title}\n{done.stdout}{done.stderr}", file=sys.stderr)


def main(name, body, **rbee):
    """Runs body(Namespace) in a namespace of its own and exits: 0 if every check held."""
    from rbee import Namespace  # here, because it builds on this file
    state()
    code = 1
    install()
    with Namespace(name, **rbee) as namespace:
        say(f"operator and rbee are ready in namespace {namespace.name}")
        try:
            body(namespace)
            code = 0
        except Exception as error:  # pylint: disable=broad-except
            if not isinstance(error, Failure):
                traceback.print_exc()
            explain(namespace.name)
            print(f"FAILED {name}: {error}", file=sys.stderr)
    print(f"{name}: {'passed' if code == 0 else 'FAILED'} in {time.monotonic() - STARTED:.1f} s")
    sys.exit(code)
