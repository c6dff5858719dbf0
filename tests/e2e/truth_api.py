"""The API server as its administrator, who may impersonate anybody: requests and watches, without a kubectl between."""
import concurrent.futures
import ctypes
import http.client
import json
import os
import pathlib
import socket
import ssl
import threading
import time
import urllib.parse

from harness import check, state

CLONE_NEWNET = 0x40000000
ADDRESS = ("10.210.0.1", 6443)
JSON, MERGE, STRATEGIC = "application/json", "application/merge-patch+json", "application/strategic-merge-patch+json"


class _Connection(http.client.HTTPSConnection):
    """Its socket is made in the cluster's network, where alone the API server can be reached."""

    def __init__(self, pool, context):
        super().__init__(*ADDRESS, context=context, timeout=90)
        self._pool, self._tls = pool, context

    def connect(self):
        plain = self._pool.submit(socket.create_connection, ADDRESS, 10).result()
        plain.settimeout(self.timeout)
        self.sock = self._tls.wrap_socket(plain, server_hostname=ADDRESS[0])


class Api:
    """One connection that is kept open; for one thread. watch() makes another of its own."""

    def __init__(self):
        self._pool = concurrent.futures.ThreadPoolExecutor(1, initializer=self._enter_network)
        pki = pathlib.Path(state(), "pki")
        self._tls = ssl.create_default_context(cafile=pki / "ca.crt")
        self._tls.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        self._connection = self.connection()

    @staticmethod
    def _enter_network():
        node = pathlib.Path(state(), "init.pid").read_text().strip()
        handle = os.open(f"/proc/{node}/ns/net", os.O_RDONLY)
        if ctypes.CDLL(None, use_errno=True).setns(handle, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns: must be root")
        os.close(handle)

    def connection(self):
        return _Connection(self._pool, self._tls)

    def text(self, method, path, body=None, user=None, content_type=JSON):
        """(status code, body as text)"""
        headers = {"Content-Type": content_type, "Accept": JSON}
        if user:
            headers["Impersonate-User"] = user
        data = None if body is None else json.dumps(body)
        for attempt in (1, 2):  # a connection that was kept open may have been closed by the server
            try:
                self._connection.request(method, path, data, headers)
                answer = self._connection.getresponse()
                return answer.status, answer.read().decode()
            except (OSError, http.client.HTTPException):
                self._connection.close()
                if attempt == 2 or method == "POST":
                    raise
        return None

    def call(self, method, path, body=None, user=None, content_type=JSON):
        """(status code, parsed body)"""
        code, text = self.text(method, path, body, user, content_type)
        return code, json.loads(text)

    def must(self, method, path, body=None, content_type=JSON):
        """The parsed body, for what the test itself needs: anything but success is a failure."""
        code, answer = self.call(method, path, body, content_type=content_type)
        check(200 <= code < 300, f"{method} {path}: {code} {answer.get('message', answer)}")
        return answer


class Follower:
    """with Follower(api, path, name) as f: every version of one object that is stored from now on, in order."""

    def __init__(self, api, path, name):
        version = api.must("GET", path)["metadata"]["resourceVersion"]
        query = urllib.parse.urlencode({"watch": "true", "resourceVersion": version, "fieldSelector": f"metadata.name={name}"})
        self._path, self._connection = f"{path}?{query}", api.connection()
        self._versions, self._changed = [], threading.Condition()

    def __enter__(self):
        self._connection.timeout = None
        self._connection.request("GET", self._path, headers={"Accept": JSON})
        self._answer = self._connection.getresponse()
        threading.Thread(target=self._take, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._connection.sock.shutdown(socket.SHUT_RDWR)  # ends the thread's read

    def _take(self):
        try:
            for line in self._answer:
                event = json.loads(line)
                with self._changed:
                    self._versions.append(event["object"])
                    self._changed.notify_all()
        except (OSError, ValueError, http.client.HTTPException):
            return

    def so_far(self):
        with self._changed:
            return list(self._versions)

    def up_to(self, resource_version, timeout=20):
        """All versions, of which the last is that one."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not any(v["metadata"]["resourceVersion"] == resource_version for v in self._versions):
                left = deadline - time.monotonic()
                check(left > 0, f"version {resource_version} was not seen within {timeout} s")
                self._changed.wait(left)
            return list(self._versions)
