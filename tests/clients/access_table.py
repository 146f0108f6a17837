"""docs/access.md as data: who may call what, as written by hand."""
import re

import stubs
from client import SERVICES
from trialog import options_pb2

PAGE = stubs.REPOSITORY / "docs" / "access.md"
_FLAGS = {"public": "public", "signed-in": "signed_in", "internal": "internal"}


def table():
    """{full method name: AccessRule} of every row; its head says how rows are read."""
    rows = {}
    for method, who, _record_rule in _methods():
        assert method not in rows, f"{method} has two rows"
        rows[method] = _rule(who)
    return rows


def record_rules():
    """{full method name: names of its record rules}, as {"scope", "own"}."""
    return {method: {word.strip() for word in record_rule.split("+")} for method, _who, record_rule in _methods()}


def lets_in(rule, role_name):
    """Whether a rule lets a caller in who holds just that role; programs of ours (`internal`) call otherwise."""
    return rule.public or rule.signed_in or options_pb2.Role.Value("ROLE_" + role_name) in rule.roles


def _cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _methods():
    return [_cells(line) for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| trialog.")]


def _rule(who):
    rule = options_pb2.AccessRule()
    for word in (word.strip() for word in who.split(",")):
        if word in _FLAGS:
            setattr(rule, _FLAGS[word], True)
        else:
            rule.roles.append(options_pb2.Role.Value("ROLE_" + word))
    rule.roles.sort()
    return rule


def options():
    """{full method name: AccessRule} as the protos say it."""
    rules = {}
    for service in SERVICES.values():
        for method in service.methods:
            assert method.GetOptions().HasExtension(options_pb2.access), f"{method.full_name} has no access rule"
            rule = options_pb2.AccessRule()
            rule.CopyFrom(method.GetOptions().Extensions[options_pb2.access])
            rule.roles[:] = sorted(rule.roles)
            rules[f"{service.full_name}/{method.name}"] = rule
    return rules


class Records:
    """A table of the page's last chapters: one kind of record, the methods that show or change it, and who may."""

    def __init__(self, title):
        self.title = title
        self.methods = []  # Full names.
        self.columns = []
        self.rows = {}  # {role or "anyone": {column: "yes", "no", "-" or, of a change, the reason of its refusal}}

    def cells(self):
        """(role, column, "yes", "no" or the reason) of every caller that there is."""
        return [(role, column, cell) for role, row in self.rows.items() for column, cell in row.items() if cell != "-"]

    def _read(self, line):
        if line.startswith("Methods: "):
            self.methods = [full_name(method.strip()) for method in line.removeprefix("Methods: ").split(",")]
        elif line.startswith("| role |"):
            self.columns = _cells(line)[1:]
        elif line.startswith("| ") and not line.startswith("| ---"):
            role, *cells = _cells(line)
            assert role not in self.rows and len(cells) == len(self.columns), line
            assert all(cell in ("yes", "no", "-") or re.fullmatch("[A-Z]+(_[A-Z]+)+", cell) for cell in cells), line
            self.rows[role] = dict(zip(self.columns, cells))


def roles(rule):
    """{role: whether the rule names it, or lets everybody in}."""
    return {name.removeprefix("ROLE_"): lets_in(rule, name.removeprefix("ROLE_")) for name in options_pb2.Role.keys()[1:]}


def full_name(method):
    """The full name of "SampleService/GetSample"; a full name stays."""
    if method.startswith("trialog."):
        return method
    service, name = method.split("/")
    found = [full for full in SERVICES if full.endswith("." + service)]
    assert len(found) == 1, f"{method}: which service of {found}?"
    return f"{found[0]}/{name}"


def _chapter(title):
    return PAGE.read_text(encoding="utf-8").split(f"\n## {title}\n")[1].split("\n## ")[0]


SEES, CHANGES = "Who sees which record", "Who changes which record"


def relations(title):
    """The columns that a chapter explains."""
    explained = _chapter(title).split("| column |")[1].split("\n\n")[0]
    return {
        word.strip()
        for line in explained.splitlines()
        if line.startswith("| ") and not line.startswith("| ---")
        for word in _cells(line)[0].split(",")
    }


def records(title):
    """Every table of a chapter, in order."""
    tables = []
    for line in _chapter(title).splitlines():
        if line.startswith("### "):
            tables.append(Records(line.removeprefix("### ")))
        elif tables:
            tables[-1]._read(line)
    return tables


def check_rules(method, tables, behind, lets_in):
    """Each "yes" of the tables follows from a rule of the method's row, and each rule shows in some "yes". `behind`: what a
    "yes" in a column may come of, "" for the columns that it does not name; `lets_in(method, role, column)`."""
    rules, shown = record_rules()[method], set()
    for table in tables:
        for role, column, cell in table.cells():
            if method in table.methods and cell == "yes" and lets_in(method, role, column):
                found = behind.get(column, behind[""])
                assert found & rules, (table.title, role, column)
                shown |= found
    assert rules <= shown, method


def check_scopes(table, unscoped):
    """The columns come with their counterpart, and a caller who can be made has a cell; roles that are held in the whole
    organisation alone are `unscoped`."""
    assert {"organization", "foreign"} <= set(table.columns)
    for role, row in table.rows.items():
        for column, cell in row.items():
            if column.startswith("other ") and column not in ("other person", "other side"):
                assert column.removeprefix("other ") in table.columns
            scoped = column.removeprefix("other ") in ("trial", "site", "biobank", "dataset")
            assert cell != "-" or not (scoped and role not in unscoped), f"{role}, {column}: such a caller can be made"
            assert cell == "-" or not (scoped and role in unscoped), f"{role}, {column}: no such caller"
