"""Looks at a pod's network from inside, with the host's tools: the pod's own image has none."""
import concurrent.futures
import contextlib
import ctypes
import os
import socket
import struct
import subprocess
import threading
import time

from harness import check, pids

CLONE_NEWNET = 0x40000000
DNS_SERVICE = "10.211.0.10"


class Inside:
    """Threads of ours that live in the network namespace of a pod; everything else about them is the host's."""

    def __init__(self, pod_uid):
        found = pids(pod_uid)
        check(found, f"no process of pod {pod_uid} runs")
        self.handle = os.open(f"/proc/{found[0]}/ns/net", os.O_RDONLY)
        host = os.stat("/proc/self/ns/net")
        check(os.fstat(self.handle).st_ino != host.st_ino, "the pod is in the host's network: nothing may be tried there")
        self.pool = concurrent.futures.ThreadPoolExecutor(16, initializer=self._enter)

    def _enter(self):
        if ctypes.CDLL(None, use_errno=True).setns(self.handle, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def run(self, function, *arguments):
        return self.pool.submit(function, *arguments).result()

    def connects(self, address, port, timeout=1.0):
        """Whether a TCP connect gets an answer."""
        return self.run(_connects, address, port, timeout)

    def connection(self, address, port):
        """An established connection from inside the pod."""
        return self.run(lambda: socket.create_connection((address, port), timeout=3))

    def resolves(self, name, server=DNS_SERVICE):
        """Whether the cluster's DNS answers with an address."""
        return self.run(_resolves, name, server)

    def nft(self, *arguments, stdin=None):
        """What nft prints in there."""
        def call():
            done = subprocess.run(["nft", *arguments], input=stdin, capture_output=True, text=True, timeout=20, check=False)
            check(done.returncode == 0, f"nft {' '.join(arguments)}: {done.stderr}")
            return done.stdout
        return self.run(call)

    def echo(self):
        """A server in there that sends back what it gets, on one connection; returns its port."""
        server = self.run(lambda: socket.create_server(("", 0)))

        def serve():
            with server, server.accept()[0] as peer:
                while data := peer.recv(64):
                    peer.sendall(data)

        threading.Thread(target=serve, daemon=True).start()
        return server.getsockname()[1]

    def tables(self):
        return [line.split()[-1] for line in self.nft("list", "tables").splitlines()]

    def our_tables(self):
        return [table for table in self.tables() if table.startswith("rbc_")]

    @contextlib.contextmanager
    def watched(self, address, port, every=0.1):
        """Tries to connect all the time; gives the growing list of (when it began, whether it got an answer)."""
        seen, stop, timeout = [], threading.Event(), 0.4

        def attempt():
            began = time.time()
            seen.append((began, _connects(address, port, timeout)))

        def loop():
            while not stop.wait(every):
                self.pool.submit(attempt)

        thread = threading.Thread(target=loop, daemon=True)
        thread.start()
        try:
            yield seen
        finally:
            stop.set()
            thread.join()


def echoes(connection, text):
    """Whether an established connection to echo() still carries this text there and back."""
    connection.settimeout(3)
    with contextlib.suppress(OSError):
        connection.sendall(text)
        return connection.recv(64) == text
    return False


def _connects(address, port, timeout):
    try:
        socket.create_connection((address, port), timeout).close()
        return True
    except ConnectionRefusedError:
        return True  # an answer, too
    except OSError:
        return False


def _resolves(name, server):
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(2)
        try:
            s.sendto(struct.pack(">6H", 0x5262, 0x0100, 1, 0, 0, 0) + question + struct.pack(">2H", 1, 1), (server, 53))
            answer = s.recv(512)
        except OSError:
            return False
    return struct.unpack(">H", answer[6:8])[0] > 0
