#!/usr/bin/python3
"""What the chart of a load shows is what its report says."""
import base64
import gzip
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from chart import chart  # noqa: E402

COLUMNS = ["second", "requests", "errors", "tokens", "httpReqDurationP50", "httpReqDurationP95", "ttftP50", "ttftP95"]


def report(points, fault=None, step=1):
    data = {"series": {"step": step, "columns": COLUMNS, "points": points}}
    if fault:
        data["fault"] = fault
    packed = base64.b64encode(gzip.compress(json.dumps(data).encode())).decode()
    return {"spec": {"encoding": "gzip+base64", "data": packed}}


def row(lines, title):
    return next(line[13:] for line in lines if line.startswith(title))


class Chart(unittest.TestCase):
    def test_errors_stand_where_they_happened_and_only_there(self):
        lines = chart(report([[s, 10, 4 if s in (3, 4) else 0, 50, 5, 9, 40, 80] for s in range(8)]))
        self.assertEqual(row(lines, "errors")[:8], "   ██   ")
        self.assertIn("up to 4", row(lines, "errors"))

    def test_the_fault_is_under_its_seconds(self):
        lines = chart(report([[s, 10, 0, 50, 5, 9, 40, 80] for s in range(8)], {"fromMs": 2500, "toMs": 5100}))
        self.assertEqual(row(lines, "fault")[:8], "  ┃──┃  ")

    def test_a_second_without_answers_is_a_hole_and_no_zero_latency(self):
        lines = chart(report([[0, 10, 0, 50, 5, 9, 40, 80], [1, 10, 10, 0, None, None, None, None], [2, 1, 0, 5, 5, 9, 1, 10]]))
        self.assertEqual(row(lines, "ttft p95")[:3], "█ ▁")

    def test_without_streams_the_latency_is_that_of_requests(self):
        lines = chart(report([[0, 10, 0, 0, 5, 90, None, None]]))
        self.assertIn("up to 90 ms", row(lines, "latency p95"))

    def test_a_long_load_is_squeezed_and_says_so(self):
        lines = chart(report([[s, 1, 0, 0, 5, 9, 40, 80] for s in range(720)]))
        self.assertEqual(lines[-1], "one character is 10 s of 720 s")
        self.assertIn("up to 10 in 10 s", row(lines, "requests"))

    def test_nothing_measured_is_said(self):
        self.assertEqual(chart(report([])), ["no request was measured"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
