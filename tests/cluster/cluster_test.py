#!/usr/bin/env python3
"""The one-node cluster does what a cluster does, and leaves the host as it was. Needs root; makes its own clusters."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "images"))
import tools  # noqa: E402

CLUSTER = os.path.join(HERE, "cluster")
SYSCTLS = ("vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops", "net/ipv4/ip_forward",
           "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes")
# Left out: directories that other programs may fill meanwhile. These belong to a host's own Kubernetes.
HOST_PATHS = ("/run/containerd", "/var/lib/kubelet", "/var/lib/containerd", "/var/lib/cni", "/var/lib/etcd",
              "/var/log/pods", "/var/log/containers", "/opt/containerd", "/etc/cni", "/run/cluster")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def run(*command, check=True, stdin=None, timeout=180):
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout, check=False)
    if check and done.returncode:
        raise AssertionError(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def wait_for(what, condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.1)
    return result


class Named:
    """One cluster by name."""

    def __init__(self, name):
        self.name = name
        self.state = self("state").stdout.strip()

    def __call__(self, *arguments, **options):
        return run(CLUSTER, "--name", self.name, *arguments, **options)

    def kubectl(self, *arguments, **options):
        return self("kubectl", *arguments, **options).stdout

    def traces(self):
        """Everything on the host that has to do with this cluster."""
        found = [path for path in (self.state, self.state + ".failed-logs") if os.path.exists(path)]
        for parent, directories, _ in os.walk("/sys/fs/cgroup"):
            found += [os.path.join(parent, d) for d in directories if d == "rbee-chaos-" + self.name]
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if f"/rbee-chaos-{self.name}/" in read(f"/proc/{pid}/cgroup") and read(f"/proc/{pid}/cmdline"):
                    found.append(f"process {pid}")
                found += [f"mount in {pid}: {m}" for m in read(f"/proc/{pid}/mounts").splitlines() if self.state in m]
            except OSError:
                continue  # it has ended meanwhile
        return found


def host():
    """What must be the same before and after: sysctls, paths of a host's Kubernetes, links, named namespaces."""
    links = {line.split(":")[1].split("@")[0] for line in run("ip", "-o", "link").stdout.splitlines()}
    return {
        "sysctls": {name: read("/proc/sys/" + name) for name in SYSCTLS},
        "paths": [path for path in HOST_PATHS if os.path.exists(path)],
        "cni namespaces": [n for n in run("ip", "netns", "list").stdout.split() if n.startswith("cni-")],
        "pod links": sorted(link for link in links if link.strip().startswith(("veth", "cni", "node0"))),
        "mounts": [m for m in read("/proc/self/mounts").splitlines() if "rbee-chaos" in m or "kubelet" in m],
    }


class RunningCluster(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host_before = host()
        cls.cluster = Named(f"test-{os.getpid()}")
        cls.addClassCleanup(cls.cluster, "down")
        print(cls.cluster("up").stderr, file=sys.stderr)
        with tempfile.TemporaryDirectory() as directory:
            tar = os.path.join(directory, "tools.tar")
            cls.image = tools.make(tar)
            cls.loaded = cls.cluster("load-image", tar).stdout.split()
        cls.pod("server", "mkdir /www && echo served >/www/index.html && exec busybox httpd -f -p 8080 -h /www")
        cls.cluster.kubectl("expose", "pod", "server", "--port=80", "--target-port=8080")
        cls.pod("client", "echo a line of the log; exec sleep 3600")
        cls.cluster.kubectl("wait", "--for=condition=Ready", "pod/server", "pod/client", "--timeout=60s")

    @classmethod
    def pod(cls, name, script):
        manifest = {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}},
            "spec": {"terminationGracePeriodSeconds": 1, "containers": [
                {"name": "main", "image": cls.image, "imagePullPolicy": "Never", "command": ["/bin/sh", "-c", script]}]},
        }
        cls.cluster.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))

    def in_client(self, *command):
        """Output of a command in the client pod, whatever its exit code: nslookup fails for want of an IPv6 address."""
        return self.cluster("kubectl", "exec", "client", "--", *command, check=False).stdout

    def test_a_loaded_image_is_known_by_its_name(self):
        self.assertEqual(self.loaded, [self.image])

    def test_the_log_of_a_pod_can_be_read(self):
        self.assertEqual(self.cluster.kubectl("logs", "client"), "a line of the log\n")

    def test_a_pod_finds_services_by_name_through_the_dns_service(self):
        self.assertIn("nameserver 10.211.0.10", self.in_client("cat", "/etc/resolv.conf"))
        service_ip = self.cluster.kubectl("get", "service", "server", "-o", "jsonpath={.spec.clusterIP}")
        for name in ("server", "server.default.svc.cluster.local"):
            wait_for(f"{name} is {service_ip}", lambda n=name: service_ip in self.in_client("nslookup", n))

    def test_a_pod_reaches_another_pod_through_its_service(self):
        # Not wget's own -T: with it busybox crashes.
        answer = wait_for("an answer", lambda: self.in_client("timeout", "2", "wget", "-q", "-O", "-", "http://server"))
        self.assertEqual(answer, "served\n")

    def test_nothing_outside_the_cluster_can_be_reached(self):
        routes = self.cluster("exec", "ip", "route").stdout
        self.assertNotIn("default", routes)
        self.assertNotEqual(self.cluster("exec", "ping", "-c1", "-W1", "192.0.2.1", check=False).returncode, 0)

    def test_a_sidecar_with_net_admin_can_be_added_to_a_running_pod(self):
        patch = {"spec": {"ephemeralContainers": [{
            "name": "cutter", "image": self.image, "imagePullPolicy": "Never",
            "securityContext": {"capabilities": {"add": ["NET_ADMIN"]}},
            "command": ["/bin/sh", "-c", "nft add table inet cluster_test && nft list tables"]}]}}
        pki = self.cluster.state + "/pki/"
        self.cluster("exec", "curl", "--silent", "--show-error", "--fail-with-body", "--request", "PATCH",
                     "--cacert", pki + "ca.crt", "--cert", pki + "admin.crt", "--key", pki + "admin.key",
                     "--header", "Content-Type: application/strategic-merge-patch+json", "--data", json.dumps(patch),
                     "https://10.210.0.1:6443/api/v1/namespaces/default/pods/client/ephemeralcontainers")
        log = wait_for("the sidecar's log", lambda: self.cluster("kubectl", "logs", "client", "-c", "cutter",
                                                                 check=False).stdout)
        self.assertEqual(log, "table inet cluster_test\n")
        self.assertNotIn("cluster_test", run("nft", "list", "tables").stdout)

    def test_an_admission_policy_refuses_with_its_own_sentence(self):
        match = {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"],
                                    "resources": ["configmaps"]}]}
        group, meta = "admissionregistration.k8s.io/v1", {"name": "no-sweets"}
        for kind, spec in (
            ("ValidatingAdmissionPolicy", {"failurePolicy": "Fail", "matchConstraints": match, "validations": [
                {"expression": "object.metadata.name != 'sweets'", "message": "no sweets before dinner"}]}),
            ("ValidatingAdmissionPolicyBinding", {"policyName": "no-sweets", "validationActions": ["Deny"]}),
        ):
            self.cluster.kubectl("apply", "-f", "-",
                                 stdin=json.dumps({"apiVersion": group, "kind": kind, "metadata": meta, "spec": spec}))
        wait_for("the refusal", lambda: "no sweets before dinner" in self.cluster(
            "kubectl", "create", "configmap", "sweets", "--dry-run=server", check=False).stderr)

    def test_a_second_up_says_that_it_runs_already(self):
        again = self.cluster("up")
        self.assertIn(f"cluster {self.cluster.name} is already running", again.stderr)

    def test_while_it_runs_the_host_is_as_before(self):
        self.assertEqual(host(), self.host_before)

    def test_the_kubeconfig_is_only_for_root(self):
        self.assertEqual(os.stat(self.cluster("kubeconfig").stdout.strip()).st_mode & 0o77, 0)

    def test_two_clusters_run_beside_each_other_and_each_leaves_nothing(self):
        other = Named(f"other-{os.getpid()}")
        self.addCleanup(other, "down")
        other("up")
        self.assertNotIn("client", other.kubectl("get", "pods", "-o", "name"))
        other("node-shell", "sh", "-c", "kill $(cat /run/cluster/pids/kube-scheduler)")
        status = wait_for("the end of the scheduler is noticed",
                          lambda: next((s for s in [other("status", check=False)] if s.returncode), None))
        self.assertRegex(status.stdout, r"kube-scheduler +ended, exit code \d+")
        self.assertTrue(other.traces())
        other("down")
        self.assertEqual(other.traces(), [])
        self.assertIn("pod/client", self.cluster.kubectl("get", "pods", "-o", "name"))


class Interrupted(unittest.TestCase):
    """`up` may be killed at any moment, without a chance to tidy up."""

    def setUp(self):
        self.host_before = host()
        self.cluster = Named(f"cut-{os.getpid()}")
        self.addCleanup(self.cluster, "down")

    def kill_up_when(self, exists):
        up = subprocess.Popen([CLUSTER, "--name", self.cluster.name, "up"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, start_new_session=True)
        wait_for(exists, lambda: os.path.exists(os.path.join(self.cluster.state, exists)))
        os.killpg(up.pid, signal.SIGKILL)
        up.wait()
        self.assertTrue(self.cluster.traces())

    def test_down_removes_what_a_killed_up_left(self):
        for moment in ("pki/ca.crt", "init.pid", "pids/kubelet"):
            with self.subTest(moment):
                self.kill_up_when(moment)
                self.cluster("down")
                self.assertEqual(self.cluster.traces(), [])
                self.assertEqual(host(), self.host_before)

    def test_up_starts_anew_after_a_killed_up(self):
        self.kill_up_when("pids/kube-apiserver")
        self.assertNotEqual(self.cluster("status", check=False).returncode, 0)
        self.cluster("up")
        self.assertIn("node1", self.cluster.kubectl("get", "nodes", "-o", "name"))


class BadInput(unittest.TestCase):
    def test_it_gets_a_sentence(self):
        for arguments, expected in (
            (["--name", "Über", "up"], '"Über" is no name: up to 20 of a-z, 0-9 and -'),
            (["--name", "../x", "down"], '"../x" is no name'),
            (["--name"], "--name needs a value"),
            (["start"], 'no command "start"'),
            (["up", "now"], "up takes no arguments"),
            (["--name", "nobody", "kubectl", "get", "pods"], "cluster nobody is not running: start it with"),
            (["--name", "nobody", "load-image", "x.tar"], "cluster nobody is not running"),
            ([], "usage: cluster"),
        ):
            with self.subTest(arguments):
                done = run(CLUSTER, *arguments, check=False)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(expected, done.stderr)

    def test_down_without_a_cluster_is_no_failure(self):
        self.assertIn("cluster nobody is not running", run(CLUSTER, "--name", "nobody", "down").stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
