#!/usr/bin/env python3
"""Counts what ctest saw: results.py SKIPS JUNIT prints "PASSED FAILED SKIPPED".

A skip without a reason in SKIPS, a test that could not run, and a file without tests count as failed.
"""
import sys
import xml.etree.ElementTree as xml


def allowed_skips(text):
    """{test name: reason}"""
    allowed = {}
    for line in filter(None, (line.split("#")[0].strip() for line in text.splitlines())):
        name, _, reason = line.partition(" ")
        if not reason.strip():
            raise ValueError(f"{name} is listed as a skip without a reason")
        allowed[name] = reason.strip()
    return allowed


def count(junit, allowed):
    """(passed, failed, skipped, sentences about what is not as it should be)"""
    passed = failed = skipped = 0
    remarks = []
    for case in xml.fromstring(junit).iter("testcase"):
        name, status = case.get("name"), case.get("status")
        if status == "run":
            passed += 1
        elif case.find("skipped") is not None and name in allowed:
            skipped += 1
            remarks.append(f"skipped: {name} ({allowed[name]})")
        else:
            failed += 1
            known = {"fail": "failed", "notrun": "skipped or not run without a reason in tests/skips.txt"}
            remarks.append(f"{known.get(status, status)}: {name}")
    if not passed + failed + skipped:
        failed, remarks = 1, ["no tests were found"]
    return passed, failed, skipped, remarks


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as skips, open(sys.argv[2], encoding="utf-8", errors="replace") as junit:
        passed, failed, skipped, remarks = count(junit.read(), allowed_skips(skips.read()))
    for remark in remarks:
        print(remark, file=sys.stderr)
    print(passed, failed, skipped)


if __name__ == "__main__":
    main()
