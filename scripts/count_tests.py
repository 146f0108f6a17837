#!/usr/bin/env python3
"""Says what pytest skipped and why, adds up what ctest and pytest ran and prints 'N passed, M failed'. Exits 1 when anything failed or nothing ran.

usage: count_tests.py CTEST_LOG FAILED_STEPS PYTEST_XML…
"""
import re
import sys
import xml.etree.ElementTree


def from_ctest(path):
    """Counts the cases of each GoogleTest program; a program without any counts as one."""
    try:
        log = open(path, errors="replace").read()
    except OSError:
        return 0, 0
    passed = failed = 0
    for block in re.split(r"^\d+/\d+ Testing: ", log, flags=re.M)[1:]:
        ok = sum(map(int, re.findall(r"^\[  PASSED  \] (\d+) tests?\.", block, re.M)))
        bad = sum(map(int, re.findall(r"^ *(\d+) FAILED TESTS?$", block, re.M)))
        ended_well = "Test Passed." in block
        if not ended_well and bad == 0:
            bad = 1  # It crashed, timed out, or is no GoogleTest program.
        if ended_well and ok == 0:
            ok = 1
        passed += ok
        failed += bad
    return passed, failed


def from_pytest(path):
    try:
        root = xml.etree.ElementTree.parse(path).getroot()
    except (OSError, xml.etree.ElementTree.ParseError):
        return 0, 0
    suite = root if root.tag == "testsuite" else root.find("testsuite")
    total, skipped = int(suite.get("tests")), int(suite.get("skipped"))
    bad = int(suite.get("failures")) + int(suite.get("errors"))
    return total - bad - skipped, bad


def skipped(path):
    """What did not run, and why."""
    try:
        root = xml.etree.ElementTree.parse(path).getroot()
    except (OSError, xml.etree.ElementTree.ParseError):
        return []
    return [f"{case.get('name')}: {mark.get('message')}" for case in root.iter("testcase") for mark in case.iter("skipped")]


def main():
    for path in sys.argv[3:]:
        for line in skipped(path):
            print(f"skipped {line}")
    counts = [from_ctest(sys.argv[1]), *map(from_pytest, sys.argv[3:])]
    passed, failed = map(sum, zip(*counts))
    if int(sys.argv[2]) and not failed:
        failed = int(sys.argv[2])  # A step failed that is no test.
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


sys.exit(main())
