#!/usr/bin/env python3
"""What the result line counts."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import results  # noqa: E402


def suite(*cases):
    return "<testsuite>" + "".join(f'<testcase name="{name}" status="{status}">{inner}</testcase>'
                                   for name, status, inner in cases) + "</testsuite>"


SKIPPED = '<skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/>'


class Results(unittest.TestCase):
    def test_failures_and_passes_are_counted(self):
        self.assertEqual(results.count(suite(("a", "run", ""), ("b", "fail", "<failure/>")), {})[:3], (1, 1, 0))

    def test_a_skip_counts_as_failed_unless_it_is_listed(self):
        skip = suite(("a", "notrun", SKIPPED))
        self.assertEqual(results.count(skip, {})[:3], (0, 1, 0))
        self.assertEqual(results.count(skip, {"a": "reason"})[:3], (0, 0, 1))

    def test_a_listed_test_that_fails_is_still_a_failure(self):
        self.assertEqual(results.count(suite(("a", "fail", "<failure/>")), {"a": "reason"})[:3], (0, 1, 0))

    def test_a_disabled_test_is_a_failure(self):
        self.assertEqual(results.count(suite(("a", "disabled", "")), {})[:3], (0, 1, 0))

    def test_no_tests_is_a_failure(self):
        self.assertEqual(results.count(suite(), {})[:3], (0, 1, 0))

    def test_a_skip_needs_a_reason(self):
        self.assertEqual(results.allowed_skips("# text\na.b  no such hardware\n"), {"a.b": "no such hardware"})
        with self.assertRaisesRegex(ValueError, "a.b is listed as a skip without a reason"):
            results.allowed_skips("a.b\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
