"""docs/from-parse.md names tests and methods; each must exist."""
import re

import stubs
from client import SERVICES

TEXT = (stubs.REPOSITORY / "docs" / "from-parse.md").read_text(encoding="utf-8")


def test_every_test_that_the_page_names_exists():
    file, missing = None, []
    for line in TEXT.splitlines():
        if line.startswith("#"):
            file = None
        if header := re.search(r"test \(`(test_\w+\.py)::`\)", line):
            file = header[1]
        for named, test in re.findall(r"`(?:(test_\w+\.py)::)?(test_\w+)`", line):
            path = stubs.REPOSITORY / "tests" / "clients" / (named or file)
            if f"def {test}(" not in path.read_text(encoding="utf-8"):
                missing.append((path.name, test))
    assert not missing


def test_every_method_that_the_page_names_exists():
    methods = {f"{service.name}/{method.name}" for service in SERVICES.values() for method in service.methods}
    named = set(re.findall(r"`(\w+Service/\w+)`", TEXT))
    assert named and named <= methods
