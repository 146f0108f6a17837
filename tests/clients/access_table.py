"""docs/access.md as data: who may call what, as written by hand."""
import stubs
from client import SERVICES
from trialog import options_pb2

_FLAGS = {"public": "public", "signed-in": "signed_in", "internal": "internal"}


def table():
    """{full method name: AccessRule} of every row; its head says how rows are read."""
    rows = {}
    for line in (stubs.REPOSITORY / "docs" / "access.md").read_text(encoding="utf-8").splitlines():
        if not line.startswith("| trialog."):
            continue
        method, who, _record_rule = (cell.strip() for cell in line.strip().strip("|").split("|"))
        assert method not in rows, f"{method} has two rows"
        rows[method] = _rule(who)
    return rows


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
