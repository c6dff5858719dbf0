#!/usr/bin/python3
"""Shows live how one ChaosExperiment goes, and its verdict. Every figure comes from its status or from its probe pod's log.

  show.py NAMESPACE NAME KUBECTL…     exit code: 0 Passed, 1 any other verdict, 2 it could not be followed
"""
import json
import os
import queue
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from chart import chart  # noqa: E402

WIDTH = 30
PHASES = ("before", "during", "after")


def documents(stream):
    """The JSON documents of a stream, as they come."""
    decoder, text = json.JSONDecoder(), ""
    for line in stream:
        text += line
        if not line.startswith("}"):
            continue
        while text.strip():
            try:
                document, end = decoder.raw_decode(text.lstrip())
            except ValueError:
                break
            text = text.lstrip()[end:]
            yield document


class Follower:
    """Runs kubectl commands beside us and puts what they say into one queue."""

    def __init__(self, kubectl):
        self.kubectl, self.queue, self.children = kubectl, queue.Queue(), []

    def start(self, kind, arguments, parse):
        child = subprocess.Popen(self.kubectl + arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.children.append(child)

        def run():
            for item in parse(child.stdout):
                self.queue.put((kind, item))
            self.queue.put((kind + " ended", None))

        threading.Thread(target=run, daemon=True).start()

    def stop(self):
        for child in self.children:
            child.terminate()


def lines(stream):
    for line in stream:
        try:
            yield json.loads(line)
        except ValueError:
            pass


class View:
    def __init__(self):
        self.began, self.phase, self.said, self.samples, self.last_seq = time.monotonic(), None, set(), {}, 0

    def say(self, what, text):
        print(f"  {time.monotonic() - self.began:6.1f} s  {what:<11} {text}", flush=True)

    def once(self, key, what, text):
        if key not in self.said:
            self.said.add(key)
            self.say(what, text)

    def status(self, status):
        phase = status.get("phase", "Pending")
        for condition in status.get("conditions", []):
            if condition["type"] == "Accepted" and condition["status"] == "False" and phase != "Finished":
                self.once(("blocked", condition["reason"]), "waits", f"{condition['reason']}: {condition['message']}")
        resolved = status.get("resolved", {})
        for target in status.get("targets", []):
            uid = target["uid"]
            self.once(("target", uid), "selected", f"pod {target['pod']} on {target.get('node', '?')}, "
                      f"of {resolved.get('candidates', '?')} candidate(s), seed {resolved.get('seed', '?')}")
            if "intent" in target:
                self.once(("intent", uid), "intent", f"{deed(status, target)}; sidecar {target['intent']['sidecar']}, "
                          f"only before {target['intent']['notAfter'][11:19]}")
            if "verifiedAt" in target:
                self.once(("verified", uid), "verified", f"requested {words(target.get('requested'))}")
                self.once(("measured", uid), "", f"measured  {words(target.get('measured'))} (by the {target.get('measuredBy', '?')})")
            if "revertedAt" in target:
                self.once(("reverted", uid), "reverted", f"at {target['revertedAt'][11:23]}; now measured {words(target.get('measured'))}")
        load = status.get("load", {})
        if "phase" in load:
            self.once(("load", load["phase"]), "load", f"{load['name']} is {load['phase']}")
        if phase != self.phase:
            self.phase = phase
            meaning = {"Baseline": "everything must hold before anybody is hurt", "Injecting": "the intent is written; the sidecar is launched",
                       "Active": "the fault is on and was measured", "Recovering": "every target is clean; waiting for the system",
                       "Queued": "another experiment of this namespace is live"}.get(phase, "")
            self.say(phase, meaning)

    def sample(self, line):
        if line.get("event") != "sample" or line.get("seq", 0) <= self.last_seq:
            return
        self.last_seq = line["seq"]
        name, good = line["probe"], line["ok"]
        before = self.samples.setdefault(name, [])
        if not before or before[-1][1] != good:
            why = "" if good else f": {line.get('message', '')}"
            self.say("probe", f"{name} is {'good' if good else 'failing'}{why}")
        before.append((line["at"], good, line.get("ms", 0)))


def deed(status, target):
    """What will be done to a target, in a few words."""
    if status.get("faultKind") == "partition":
        return f"cut {target['pod']} off from {', '.join(p['name'] for p in status.get('resolved', {}).get('peers', []))}"
    return f"{target.get('mechanism') or status.get('faultKind', 'a fault')} on {target['pod']}, container {target.get('container', '?')}"


def words(figures):
    return ", ".join(f"{key} {value}" for key, value in sorted((figures or {}).items())) or "nothing"


def timeline(view, status):
    """One character a sample: . good, x failing; bars where the fault began and ended."""
    starts = [t["injectedAt"] for t in status.get("targets", []) if "injectedAt" in t]
    ends = [t["revertedAt"] for t in status.get("targets", []) if "revertedAt" in t]
    for name, samples in sorted(view.samples.items()):
        text, marks = "", [(at, "|") for at in starts[:1] + ends[:1]]
        for at, good, _ in sorted(samples):
            while marks and at >= marks[0][0]:
                text += marks.pop(0)[1]
            text += "." if good else "x"
        print(f"    {name:<16} {text}")
    if view.samples:
        print("    one sample a character: . good, x failing; | fault on, | fault off")


def show_load(namespace, load, kubectl):
    for key, meaning in (("errors", "errors of the load"), ("p95", f"its p95 of {load.get('p95Of', 'latency')}")):
        if load.get(key):
            print(f"    {meaning:<{WIDTH}} {'  '.join(f'{phase} {load[key].get(phase, chr(8211))}' for phase in PHASES)}")
    if not load.get("report"):
        return
    command = kubectl + ["get", "chaosreports.chaos.rbee.dev", load["report"], "-n", namespace, "-o", "json"]
    report = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    print("\n    " + "\n    ".join(chart(json.loads(report))))


def finish(view, status, namespace, kubectl):
    print()
    timeline(view, status)
    print()
    lasting = any("revertedAt" in t for t in status.get("targets", []))
    good_again = "fault off to good again" if lasting else "fault on to good again"
    for key, meaning in (("toInject", "intent to fault on"), ("toEffect", "fault on to measured"), ("toDetect", "fault on to noticed"),
                         ("toReroute", "fault on to served elsewhere"), ("toRecover", good_again), ("toClean", "fault off to injector gone")):
        if key in status.get("timings", {}):
            coarse = f" (samples every {status['timings'].get('precision', '?')})" if key in ("toDetect", "toReroute", "toRecover") else ""
            print(f"    {meaning:<{WIDTH}} {status['timings'][key]}{coarse}")
    for probe in status.get("probes", []):
        counts = "  ".join(f"{phase} {probe[phase]['samples'] - probe[phase]['failed']}/{probe[phase]['samples']}" for phase in PHASES)
        print(f"    {'good samples of ' + probe['name']:<{WIDTH}} {counts}")
    if "load" in status:
        show_load(namespace, status["load"], kubectl)
    print(f"\n  {status.get('verdict', 'no verdict')}{': ' + status['reason'] if status.get('reason') else ''}")
    print(f"  {status.get('summary', '')}\n")
    return 0 if status.get("verdict") == "Passed" else 1


def main():
    namespace, name, kubectl = sys.argv[1], sys.argv[2], sys.argv[3:]
    follower, view, log_pod, status = Follower(kubectl), View(), None, {}
    watch = ["get", "chaosexperiments.chaos.rbee.dev", name, "-n", namespace, "-o", "json", "--watch"]
    follower.start("status", watch, documents)
    deadline = time.monotonic() + 600
    try:
        while time.monotonic() < deadline:
            try:
                kind, item = follower.queue.get(timeout=1)
            except queue.Empty:
                continue
            if kind == "status":
                status = item.get("status", {})
                view.status(status)
                pod = status.get("resolved", {}).get("probePod")
                if pod and pod != log_pod:
                    log_pod = pod
                    command = ["logs", "-n", namespace, "-f", pod, "--pod-running-timeout=60s"]
                    follower.start("log", command, lines)
                current = status.get("observedGeneration") == item["metadata"]["generation"]
                if status.get("phase") == "Finished" and current:
                    return finish(view, status, namespace, kubectl)
            elif kind == "log":
                view.sample(item)
            elif kind == "log ended":
                if status.get("phase") not in (None, "Finished"):
                    time.sleep(0.5)
                    follower.start("log", ["logs", "-n", namespace, "-f", log_pod, "--pod-running-timeout=60s"], lines)
            elif kind == "status ended":
                follower.start("status", watch, documents)
                time.sleep(0.5)
        print("the experiment did not finish within 10 minutes", file=sys.stderr)
        return 2
    finally:
        follower.stop()


if __name__ == "__main__":
    sys.exit(main())
