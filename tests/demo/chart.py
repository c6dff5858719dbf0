#!/usr/bin/python3
"""Draws what a load went through, from its ChaosReport: requests, errors and latency by second, with the fault marked.

  chart.py < REPORT      the object as `kubectl get chaosreport NAME -o json` prints it
"""
import base64
import gzip
import json
import sys

BARS = " ▁▂▃▄▅▆▇█"
WIDTH = 72


def content(report):
    """The JSON inside of a ChaosReport."""
    spec = report["spec"]
    if spec["encoding"] != "gzip+base64":
        raise ValueError(f"a report in encoding {spec['encoding']} cannot be read here")
    return json.loads(gzip.decompress(base64.b64decode(spec["data"])))


def by_second(series):
    """{column: {second: value}}, a point of several seconds standing in its first; what has no value is not there."""
    columns = {name: {} for name in series["columns"][1:]}
    for point in series["points"]:
        for name, value in zip(series["columns"][1:], point[1:]):
            if value is not None:
                columns[name][point[0]] = value
    return columns


def squeezed(values, seconds, fold):
    """`values` by second in at most WIDTH steps of equal length; None where nothing was measured."""
    step = max(1, -(-seconds // WIDTH))
    row = []
    for begin in range(0, seconds, step):
        found = [values[s] for s in range(begin, begin + step) if s in values]
        row.append(fold(found) if found else None)
    return step, row


def bars(row):
    top = max((v for v in row if v is not None), default=0)
    # Anything above nothing is seen.
    return "".join(" " if v is None or v == 0 else BARS[max(1, round(v / top * (len(BARS) - 1)))] for v in row), top


def marks(fault, step, width):
    if not fault:
        return None
    line = [" "] * width
    first, last = (int(fault[key] / 1000 / step) for key in ("fromMs", "toMs"))
    for at in range(first, min(last, width - 1) + 1):
        line[at] = "─"
    for at in (first, last):
        if at < width:
            line[at] = "┃"
    return "".join(line)


def chart(report):
    """Lines of text."""
    data = content(report)
    columns = by_second(data["series"])
    seconds = max(columns["requests"], default=-1) + data["series"]["step"]
    if seconds < 1:
        return ["no request was measured"]
    latency, name = (columns["ttftP95"], "ttft p95") if columns["ttftP95"] else (columns["httpReqDurationP95"], "latency p95")
    lines = []
    for title, values, fold, unit in (("requests", columns["requests"], sum, ""), ("errors", columns["errors"], sum, ""),
                                      (name, latency, max, " ms")):
        step, row = squeezed(values, seconds, fold)
        text, top = bars(row)
        lines.append(f"{title:<12} {text:<{len(row)}}  up to {top:.0f}{unit}{' in ' + str(step) + ' s' if step > 1 and not unit else ''}")
    under = marks(data.get("fault"), step, len(row))
    if under:
        lines.append(f"{'fault':<12} {under}  ┃ on and off")
    lines.append(f"one character is {step} s of {seconds} s")
    return lines


if __name__ == "__main__":
    for drawn in chart(json.load(sys.stdin)):
        print("    " + drawn)
