"""docs/access.md, "Who sees which record": each cell with a caller of its own, asked by every method that shows such a record,
in Get, List, Watch, histories and exports, now, as of a time, below one parent and across."""
import pytest

import access_table
from client import method_of
from relation_probes import Probes
from relation_world import EVERY_ROLE, World

TABLES = {table.title: table for table in access_table.records(access_table.SEES)}
OPTIONS = access_table.options()
# Held in the whole organisation only.
UNSCOPED = {"SYSTEM_ADMINISTRATOR", "PARTICIPANT", "NOTIFIER", "anyone"}


def reads(method):
    """Whether a method only reads: it is bound to GET, or streams."""
    from google.api import annotations_pb2

    descriptor = method_of(method)
    return descriptor.server_streaming or bool(descriptor.GetOptions().Extensions[annotations_pb2.http].get)


def lets_in(method, role):
    """Whether the method's own rule lets the caller of a row in."""
    rule = OPTIONS[method]
    return rule.signed_in if role == "anyone" else access_table.lets_in(rule, role)


@pytest.fixture(scope="module")
def world(server):
    made = World(server)
    made.make({(role, column) for table in TABLES.values() for role, column, _ in table.cells() if role != "anyone"})
    return made


@pytest.fixture(scope="module")
def answers(world):
    """{(title, role, column): [(probe, caller, whether the record was there)]} of all cells; those of "ended" last, since
    they change who may do what."""
    probes = Probes(world)
    assert set(probes.of) == set(TABLES)
    found = {}

    def ask(title, role, column):
        for caller in callers_of(title, role, column):
            for probe in probes.of[title]:
                found.setdefault((title, role, column), []).append((probe, caller, probe.sees(caller)))

    def callers_of(title, role, column):
        if (role, column) == ("anyone", "organization"):
            return world.everybody_else(*TABLES[title].rows)
        return [world.caller(role, column)]

    cells = [(title, role, column) for title, table in TABLES.items() for role, column, _ in table.cells()]
    for cell in cells:
        if cell[2] != "ended":
            ask(*cell)
    world.end_roles()
    for cell in cells:
        if cell[2] == "ended":
            ask(*cell)
    found["methods"] = {title: {probe.method for probe in probes.of[title]} for title in TABLES}
    return found


def test_every_method_that_reads_a_record_is_named():
    ruled = {name for name, rules in access_table.record_rules().items() if not rules & {"none", "token"} and reads(name)}
    named = {method for table in TABLES.values() for method in table.methods}
    assert ruled <= named, f"docs/access.md does not say who sees what by {sorted(ruled - named)}"
    assert named <= set(OPTIONS)


# What a "yes" in a column may come of: the record rules of the method table.
RULES_BEHIND = {
    "own": {"own", "organization"},
    "trial": {"scope", "assigned", "organization", "active"},
    "named": {"assigned", "shared"},
    "part": {"assigned", "own", "active"},
    "organization": {"scope", "admin", "organization", "active"},
    "": {"scope", "organization", "active"},
}


@pytest.mark.parametrize("method", sorted({method for table in TABLES.values() for method in table.methods}))
def test_record_rule_of_the_method_is_what_the_tables_say(method):
    access_table.check_rules(
        method, TABLES.values(), RULES_BEHIND, lambda name, role, column: column != "ended" and lets_in(name, role)
    )


@pytest.mark.parametrize("title", TABLES)
def test_table_is_whole(title):
    """A row for each role that a method lets in, a column for each relation that there is, and no cell left out."""
    table = TABLES[title]
    rules = [OPTIONS[method] for method in table.methods]
    wanted = {role for role in EVERY_ROLE if any(access_table.lets_in(rule, role) and not rule.signed_in for rule in rules)}
    wanted |= {"anyone"} if any(rule.signed_in for rule in rules) else set()
    assert wanted <= set(table.rows)
    assert set(table.columns) <= access_table.relations(access_table.SEES)
    access_table.check_scopes(table, UNSCOPED)
    for role, row in table.rows.items():
        assert row["foreign"] == "no"
        if role != "anyone" and "yes" in (row.get("own"), row.get("named")):
            assert row["ended"] != "-", f"{role}: what when it ends?"


def test_every_relation_that_is_explained_is_tried():
    assert access_table.relations(access_table.SEES) == {column for table in TABLES.values() for _, column, _ in table.cells()}


@pytest.mark.parametrize("title", TABLES)
def test_each_method_gives_the_answer_of_the_table(answers, title):
    assert answers["methods"][title] == set(TABLES[title].methods)
    wrong = []
    for role, column, cell in TABLES[title].cells():
        for probe, caller, seen in answers[title, role, column]:
            if seen != (cell == "yes" and lets_in(probe.method, role)):
                wrong.append((role, column, caller.name, probe.method, str(probe.request), seen))
    assert not wrong
