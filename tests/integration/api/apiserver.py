"""A real API server for tests: etcd and kube-apiserver alone, on loopback of a network namespace of their own."""
import contextlib
import ctypes
import http.client
import json
import os
import pathlib
import signal
import ssl
import subprocess
import tempfile
import time

CLONE_NEWNET = 0x40000000


class Answer:
    """Status code, parsed body and the warnings that came with it."""

    def __init__(self, code, body, warnings):
        self.code, self.body, self.warnings = code, body, warnings

    @property
    def ok(self):
        return 200 <= self.code < 300

    @property
    def message(self):
        return self.body.get("message", "") if self.body.get("kind") == "Status" else ""


class Api:
    """HTTP to one API server as its administrator, who may impersonate anybody. One connection, kept open."""

    def __init__(self, host, port, context):
        self._connection = http.client.HTTPSConnection(host, port, context=context, timeout=60)

    def call(self, method, path, body=None, user=None, content_type="application/json", accept="application/json"):
        headers = {"Content-Type": content_type, "Accept": accept}
        if user:
            headers["Impersonate-User"] = user
        data = None if body is None else json.dumps(body)
        for attempt in (1, 2):  # a kept-open connection may have been closed by the server
            try:
                self._connection.request(method, path, data, headers)
                response = self._connection.getresponse()
                break
            except (OSError, http.client.HTTPException):
                self._connection.close()
                if attempt == 2:
                    raise
        text = response.read()
        try:
            parsed = json.loads(text)
        except ValueError:
            parsed = {"kind": "Status", "message": text.decode(errors="replace")}
        warnings = [value for key, value in response.getheaders() if key.lower() == "warning"]
        return Answer(response.status, parsed, warnings)

    def must(self, *args, **kwargs):
        """call() for what the test itself needs: anything but success is an error."""
        answer = self.call(*args, **kwargs)
        if not answer.ok:
            raise AssertionError(f"{args[0]} {args[1]}: {answer.code} {answer.message}")
        return answer.body


def wait_for(what, condition, seconds=60):
    """Polls until `condition()` is true. Raises with `what` and the last error when the time is over."""
    deadline, last = time.monotonic() + seconds, None
    while time.monotonic() < deadline:
        try:
            value = condition()
            if value:
                return value
        except (OSError, http.client.HTTPException, AssertionError) as error:
            last = error
        time.sleep(0.1)
    raise AssertionError(f"waited {seconds} s in vain for {what}" + (f": {last}" if last else ""))


def _pki(directory):
    def run(*args):
        subprocess.run(("openssl",) + args, cwd=directory, check=True, capture_output=True)

    run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=test-ca")
    for name, subject in (("server", "/CN=kube-apiserver"), ("admin", "/O=system:masters/CN=admin")):
        (directory / "ext").write_text("basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=IP:127.0.0.1\n")
        run("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", subject)
        run("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-out", f"{name}.crt", "-days", "2", "-extfile", "ext")
    run("genrsa", "-out", "sa.key", "2048")


def _enter_private_network():
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWNET): must be root")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "addr", "add", "10.99.0.1/32", "dev", "lo"], check=True)  # the API server wants an address to advertise


def _kubeconfig(directory):
    """For programs that are no Python, such as Helm; the path."""
    path = directory / "kubeconfig"
    path.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "test", "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
        "clusters": [{"name": "test", "cluster": {"server": "https://127.0.0.1:6443", "certificate-authority": str(directory / "ca.crt")}}],
        "users": [{"name": "admin", "user": {"client-certificate": str(directory / "admin.crt"), "client-key": str(directory / "admin.key")}}]}))
    return path


@contextlib.contextmanager
def running(binaries):
    """Yields an Api, whose `kubeconfig` others may use. `binaries` is a directory with etcd and kube-apiserver; both programs are gone afterwards."""
    _enter_private_network()
    with tempfile.TemporaryDirectory(prefix="chaos-api-") as name, contextlib.ExitStack() as stack:
        directory = pathlib.Path(name)
        _pki(directory)
        started = []

        def start(program, *flags):
            log = stack.enter_context(open(directory / f"{program}.log", "wb"))
            process = subprocess.Popen([f"{binaries}/{program}", *flags], stdout=log, stderr=subprocess.STDOUT, cwd=directory,
                                       preexec_fn=lambda: ctypes.CDLL(None).prctl(1, signal.SIGKILL))
            started.append(process)

        try:
            start("etcd", f"--data-dir={directory}/etcd", "--listen-client-urls=http://127.0.0.1:2379", "--advertise-client-urls=http://127.0.0.1:2379",
                  "--listen-peer-urls=http://127.0.0.1:2380", "--unsafe-no-fsync", "--log-level=error")
            start("kube-apiserver", "--etcd-servers=http://127.0.0.1:2379", "--bind-address=127.0.0.1", "--advertise-address=10.99.0.1", "--secure-port=6443",
                  "--tls-cert-file=server.crt", "--tls-private-key-file=server.key", "--client-ca-file=ca.crt", "--service-account-key-file=sa.key",
                  "--service-account-signing-key-file=sa.key", "--service-account-issuer=https://kubernetes.default.svc",
                  "--service-cluster-ip-range=10.99.1.0/24", "--authorization-mode=RBAC", "--allow-privileged=true", "--profiling=false")
            context = ssl.create_default_context(cafile=directory / "ca.crt")
            context.load_cert_chain(directory / "admin.crt", directory / "admin.key")
            api = Api("127.0.0.1", 6443, context)
            api.kubeconfig = _kubeconfig(directory)

            def ready():
                for process in started:
                    if process.poll() is not None:
                        program = pathlib.Path(process.args[0]).name
                        raise SystemExit(f"{program} ended:\n{(directory / (program + '.log')).read_text()[-3000:]}")
                return api.call("GET", "/readyz").code == 200

            wait_for("the API server to be ready", ready, seconds=120)
            yield api
        finally:
            for process in reversed(started):
                process.kill()
                process.wait()
