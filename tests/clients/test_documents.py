"""Documents that name tests and methods: each must exist, and the tests make the calls."""
import ast
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


METHODS = {f"{service.name}/{method.name}" for service in SERVICES.values() for method in service.methods}


def rows():
    """(line, file, test) of each test that the page names."""
    file = None
    for line in FROM_PARSE.splitlines():
        if line.startswith("#"):
            file = None
        if header := re.search(r"test \(`(test_\w+\.py)::`\)", line):
            file = header[1]
        for named, test in re.findall(r"`(?:(test_\w+\.py)::)?(test_\w+)`", line):
            yield line, named or file, test


def methods_of(line):
    """The methods that a line names: `SomeService/Method`, and `Method` alone of the service named before it."""
    service, found = None, []
    for named, name in re.findall(r"`(?:(\w+Service)/)?([A-Z]\w+)`", line):
        service = named or service
        if named or f"{service}/{name}" in METHODS:
            found.append(f"{service}/{name}")
    return found


def functions(file):
    """{name: tree} of a file's functions and methods, and of those of the helpers that it imports from."""
    tree = ast.parse((stubs.REPOSITORY / "tests" / "clients" / file).read_text(encoding="utf-8"))
    helpers = [node.module + ".py" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    found = {}
    for helper in helpers:
        if helper not in ("client.py", "watching.py") and (stubs.REPOSITORY / "tests" / "clients" / helper).is_file():
            found |= functions(helper)
    return found | {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def called_by(known, name):
    """Pairs (Service, Method) that a test, or a function that it names, calls as `….Service.Method` or by a variable
    that holds the service."""
    services, methods, seen, left = set(), set(), set(), [name]
    while left:
        if (name := left.pop()) in seen:
            continue
        seen.add(name)
        for node in ast.walk(known[name]):
            named = {ast.Name: "id", ast.Attribute: "attr"}.get(type(node))
            if named is None:
                continue
            word = getattr(node, named)
            if word in known and word not in seen and word not in fixtures(known[name]):
                left.append(word)
            (services if word.endswith("Service") else methods).add(word)
    return {f"{service}/{method}" for service in services for method in methods}


def fixtures(function):
    """A test's parameters: what stands before it is not what it does."""
    return {argument.arg for argument in function.args.args}


def test_every_test_that_the_page_names_exists():
    missing = [
        (file, test) for _, file, test in rows() if not defines(stubs.REPOSITORY / "tests" / "clients" / file, test)
    ]
    assert not missing


def test_every_method_that_the_page_names_exists():
    named = {method for line in FROM_PARSE.splitlines() for method in methods_of(line)}
    assert named and named <= METHODS


def test_every_line_of_the_page_names_tests_that_make_its_calls():
    tests = {}
    for line, file, test in rows():
        tests.setdefault(line, []).append((file, test))
    missing = []
    for line, named in tests.items():
        called = set().union(*(called_by(functions(file), test) for file, test in named))
        missing += [(named, method) for method in methods_of(line) if method not in called]
    assert not missing


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
