"""docs/access.md, "Who changes which record": each cell with a caller of its own and a real call of every command, on a record
in the right state; a refusal is the one that the table says, the same for a record that is not there, and changes nothing."""
import pytest

import access_table
from relation_commands import ChangedWorld, Commands, sees
from relation_commands_analytics import add_analytics
from relation_commands_care import add_care
from relation_commands_stock import add_auth, add_inventory
from relation_commands_trials import add_trials
from relation_world import EVERY_ROLE
from test_access_relations import UNSCOPED

TABLES = {table.title: table for table in access_table.records(access_table.CHANGES)}
OPTIONS = access_table.options()
# What a caller of a row still holds when the role was taken back, and may be given again elsewhere (the column "ended").
STILL_HELD = {"PARTICIPANT": ["PROVIDER", "AUDITOR"], "LAB_TECHNICIAN": []}
# No method shows invitations, keys of programs or passwords: test_auth.py shows what they are good for.
UNREAD = {"CreateInvitation", "CreateKey", "RevokeKey", "Logout", "ChangePassword"}


def lets_in(method, role, column):
    """Whether the method's own rule lets the caller of a cell in."""
    rule = OPTIONS[method]
    held = STILL_HELD.get(role, [role]) if column == "ended" else [role]
    return rule.signed_in or any(access_table.lets_in(rule, each) for each in held if each != "anyone")


class Try:
    """A command by a caller of a cell, and what came of it."""

    def __init__(self, command, caller, role, column, cell):
        self.command, self.caller, self.role, self.column = command, caller, role, column
        self.wanted = self._wanted(cell)
        self.request = self.answer = None
        self.none = None  # The answer about a record that is not there.
        self.knows = False  # Whether the caller sees the record.
        self.before = self.after = None

    def _wanted(self, cell):
        if not lets_in(self.command.method, self.role, self.column):
            return "PERMISSION_DENIED", "ROLE_MISSING"
        return {"yes": ("OK", None), "no": ("NOT_FOUND", "NOT_FOUND")}.get(cell, ("PERMISSION_DENIED", cell))

    def is_refused(self):
        return self.wanted[0] != "OK"

    def call(self):
        self.answer = self.command.call(self.caller, self.request)
        if self.is_refused() and self.command.has_name():
            self.none = self.command.call(self.caller, self.command.about_none(self.request))
            if self.none.whole != self.answer.whole:
                self.knows = sees(self.caller, self.command.name(self.request))

    def is_right(self):
        """The answer of the table; a refusal that differs from that of a record that is not there only for who sees it."""
        if not self.is_refused() and self.got() == self.command.too_late:
            return True
        same = self.none is None or self.none.whole == self.answer.whole or (self.knows and self.wanted[0] != "NOT_FOUND")
        return self.got() == self.wanted and same

    def got(self):
        return self.answer.code, self.answer.reason

    def __repr__(self):
        name = self.command.method.split("/")[1]
        return f"{name}, {self.role} {self.column}, {self.caller.name}: {self.answer}, none: {self.none}, wanted {self.wanted}"


class Tries:
    """Every cell of every table, tried: of each command the refused ones first, and those of "ended" after all others, since
    they change who may do what."""

    def __init__(self, world):
        self._world = world
        self.commands = Commands(world, add_auth, add_inventory, add_trials, add_care, add_analytics)
        self.of = {}  # {title: tries}
        for title, table in TABLES.items():
            for command in self.commands.of.get(title, []):
                made = [
                    Try(command, caller, role, column, cell)
                    for role, column, cell in table.cells()
                    for caller in self._callers(table, role, column)
                ]
                self.of.setdefault(title, []).extend(made)
                self._try([each for each in made if each.column != "ended"])
        self._try_ended([each for made in self.of.values() for each in made if each.column == "ended"])

    def _callers(self, table, role, column):
        if (role, column) == ("anyone", "organization"):
            return self._world.everybody_else(*table.rows)
        return [self._world.caller(role, column)]

    def _try(self, tries):
        """Those of one command: one record for all whom it is not."""
        others = [each for each in tries if each.is_refused() and each.column != "own"]
        if others:
            request = others[0].command.request()
            before = others[0].command.kept(request)
            for each in others:
                each.request = request
                each.call()
            after = others[0].command.kept(request)
            for each in others:
                each.before, each.after = before, after
        for each in tries:
            if each not in others:
                each.request = each.command.request(each.caller)
                each.before = each.command.kept(each.request)
                each.call()
                each.after = each.command.kept(each.request)

    def _try_ended(self, tries):
        for each in tries:
            each.request = each.command.request(each.caller)
        for each in tries:
            each.before = each.command.kept(each.request)
        self._world.end_roles()
        for each in sorted(tries, key=lambda each: not each.is_refused()):
            each.call()
        self._world.give_roles_back()
        for each in tries:
            each.after = each.command.kept(each.request)


@pytest.fixture(scope="module")
def tries(server):
    world = ChangedWorld(server)
    world.make({(role, column) for table in TABLES.values() for role, column, _ in table.cells() if role != "anyone"})
    world.widen()
    return Tries(world)


def test_every_method_that_changes_a_record_is_named():
    shown = {method for table in access_table.records(access_table.SEES) for method in table.methods}
    ruled = {name for name, rules in access_table.record_rules().items() if not rules & {"none", "token"}}
    named = {method for table in TABLES.values() for method in table.methods}
    assert ruled - shown == named, f"docs/access.md does not say who changes what by {sorted(ruled - shown - named)}"
    assert named <= set(OPTIONS)


# What a "yes" in a column may come of: the record rules of the method table.
RULES_BEHIND = {
    "own": {"own"},
    "part": {"own"},
    "named": {"assigned", "shared"},
    "trial": {"scope", "assigned", "second"},
    "organization": {"scope", "admin", "second"},
    "ended": {"own"},
    "": {"scope", "second"},
}


@pytest.mark.parametrize("method", sorted({method for table in TABLES.values() for method in table.methods}))
def test_record_rule_of_the_method_is_what_the_tables_say(method):
    access_table.check_rules(method, TABLES.values(), RULES_BEHIND, lets_in)


@pytest.mark.parametrize("title", TABLES)
def test_table_is_whole(title):
    """A column for each scope that there is, and no cell left out."""
    table = TABLES[title]
    assert table.methods and table.rows
    assert set(table.columns) <= access_table.relations(access_table.SEES) | access_table.relations(access_table.CHANGES)
    access_table.check_scopes(table, UNSCOPED)
    assert all(row["foreign"] in ("no", "-") for row in table.rows.values())


def test_every_relation_that_is_explained_is_tried():
    tried = {column for table in TABLES.values() for _, column, _ in table.cells()}
    assert access_table.relations(access_table.CHANGES) <= tried


def test_every_role_that_a_method_lets_in_has_a_row():
    for method in {method for table in TABLES.values() for method in table.methods}:
        rows = set().union(*(table.rows for table in TABLES.values() if method in table.methods))
        rule = OPTIONS[method]
        wanted = {"anyone"} if rule.signed_in else {role for role in EVERY_ROLE if access_table.lets_in(rule, role)}
        assert wanted <= rows, method


@pytest.mark.parametrize("title", TABLES)
def test_each_command_gets_the_answer_of_the_table(tries, title):
    assert {command.method for command in tries.commands.of[title]} == set(TABLES[title].methods)
    assert not [each for each in tries.of[title] if not each.is_right()]


@pytest.mark.parametrize("title", TABLES)
def test_a_refused_command_changes_nothing_and_others_do(tries, title):
    for each in tries.of[title]:
        if each.is_refused():
            assert each.before == each.after, each
        elif each.command.method.split("/")[1] not in UNREAD and each.got() != each.command.too_late:
            assert each.before != each.after, each


def test_commands_are_of_the_tables(tries):
    assert set(tries.commands.of) == set(TABLES)
