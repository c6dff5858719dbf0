#!/usr/bin/python3
"""From the start of the injector's process to its line `armed`, in network namespaces of its own; goal: at most 20 ms.

  injector_start.py BUILD/chaos-injector [RUNS]     prints minimum, median and maximum, beside an empty process's start
"""
import ctypes
import datetime
import json
import os
import subprocess
import sys
import time

CLONE_NEWNET = 0x40000000
binary, runs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 30


def stamp(offset):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=offset)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def arguments(run):
    return json.dumps({"v": 1, "run": f"{run:010x}", "nonce": "0" * 32, "notBefore": stamp(-30), "notAfter": stamp(60),
                       "duration": "1s", "protect": [], "controls": [{"name": "control", "address": "10.9.0.3", "port": 9}],
                       "partition": {"peers": [{"name": "peer", "addresses": ["10.9.0.2"], "verify": [9]}], "ports": [], "direction": "Both"}})


def measure(run):
    began = time.monotonic()
    child = subprocess.Popen([binary, "inject", arguments(run)], stdout=subprocess.PIPE, text=True)
    armed = None
    for line in child.stdout:
        event = json.loads(line)
        if event["event"] == "armed":
            armed = (time.monotonic() - began) * 1000
            child.terminate()
        if event["event"] == "failed" and armed is None:
            sys.exit(f"the injector failed: {event}")
    child.wait()
    if armed is None:
        sys.exit("the injector never armed")
    return armed


def empty():
    began = time.monotonic()
    subprocess.run(["/bin/true"], check=True)
    return (time.monotonic() - began) * 1000


def show(name, figures):
    figures = sorted(figures)
    print(f"{name:<34} min {figures[0]:6.1f}  median {figures[len(figures) // 2]:6.1f}  max {figures[-1]:6.1f} ms  n={len(figures)}")


if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
    sys.exit(f"cannot make a network namespace: {os.strerror(ctypes.get_errno())}; run as root")
other = subprocess.Popen(["unshare", "--net", "sleep", "300"])  # the peer's side; ends with us
try:
    while os.readlink(f"/proc/{other.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
        time.sleep(0.01)
    for command in ("link set lo up", f"link add near type veth peer name far netns {other.pid}", "link set near up", "addr add 10.9.0.1/24 dev near"):
        subprocess.run(["ip", *command.split()], check=True)
    for command in ("link set lo up", "link set far up", "addr add 10.9.0.2/24 dev far", "addr add 10.9.0.3/24 dev far"):
        subprocess.run(["nsenter", "--net", "--target", str(other.pid), "ip", *command.split()], check=True)
    show("process start (true)", [empty() for _ in range(runs)])
    show("injector start to armed", [measure(run) for run in range(runs)])
finally:
    other.kill()
    other.wait()
