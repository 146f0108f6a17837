"""Documents that name tests and methods: each must exist."""
import re

import pytest

import stubs
from client import SERVICES

FROM_PARSE = (stubs.REPOSITORY / "docs" / "from-parse.md").read_text(encoding="utf-8")
THREATS = (stubs.REPOSITORY / "SECURITY.md").read_text(encoding="utf-8")


def defines(path, test):
    """Whether a file has a test of that name: Python's or GoogleTest's."""
    if not path.is_file():
        return False
    text = path.read_text(encoding="utf-8")
    return f"def {test}(" in text or bool(re.search(rf"\bTEST(_[FP])?\(\w+,\s*{test}\)", text))


def threats():
    """Lines of the threat model: (who has, can, cannot, shown by)."""
    lines = [line for line in THREATS.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if not line.startswith("| who has")]


def test_every_test_that_the_page_names_exists():
    file, missing = None, []
    for line in FROM_PARSE.splitlines():
        if line.startswith("#"):
            file = None
        if header := re.search(r"test \(`(test_\w+\.py)::`\)", line):
            file = header[1]
        for named, test in re.findall(r"`(?:(test_\w+\.py)::)?(test_\w+)`", line):
            path = stubs.REPOSITORY / "tests" / "clients" / (named or file)
            if not defines(path, test):
                missing.append((path.name, test))
    assert not missing


def test_every_method_that_the_page_names_exists():
    methods = {f"{service.name}/{method.name}" for service in SERVICES.values() for method in service.methods}
    named = set(re.findall(r"`(\w+Service/\w+)`", FROM_PARSE))
    assert named and named <= methods


@pytest.mark.parametrize("line", threats(), ids=lambda line: line[0])
def test_every_line_of_the_threat_model_names_tests_that_exist(line):
    who, can, cannot, shown_by = line
    assert who and can and cannot
    files = [re.fullmatch(r"`([\w/.-]+)`: (`\w+`(?:, `\w+`)*)", part.strip()) for part in shown_by.split(";")]
    assert files and all(files), f"not `file`: `test`, `test`; …: {shown_by}"
    for file in files:
        for test in re.findall(r"`(\w+)`", file[2]):
            assert defines(stubs.REPOSITORY / file[1], test), f"no {test} in {file[1]}"


def test_the_threat_model_has_its_parties():
    """Those that it must speak of: disk, broker, backup, one service's key, administrator's rights."""
    parties = " ".join(line[0] for line in threats())
    for party in ("disk", "broker", "backup", "service.key", "one service's identity", "administrator's rights"):
        assert party in parties
