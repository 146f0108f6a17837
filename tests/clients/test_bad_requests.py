"""Bad input for every method of every service, made from the descriptors: the right code and reason, the field by name where
there is one, the server stays up and nothing is written. What is particular to a field is in test_bad_input.py."""
import base64
import re

import pytest
from google.api import field_behavior_pb2
from google.protobuf.descriptor import FieldDescriptor as Field
from google.protobuf.message import DecodeError

import access_table
from audited import Audited
from client import Caller, method_of, outcome
from organization import Organization
from request_maker import behaves, every_method, is_personal, is_repeated, is_set_by_caller, path_of, request_for
from trialog import options_pb2
from trialog.event.v1 import record_pb2

RULES = access_table.options()
# Methods that a caller from outside gets to at all; the others answer ROLE_MISSING whatever is sent (test_access.py).
METHODS = [method for method in every_method() if any(access_table.roles(RULES[method]).values())]
QUERIES = {"filter", "order_by", "page_token", "resume_token"}
DEPTH = 5  # Of messages within a request.
MARK = "M" * 24


class Cast:
    """A caller for each role, in an organisation of their own, and what was written there."""

    def __init__(self, server):
        self.organization = organization = Organization(server)
        self.nobody = organization.nobody
        roles = [name.removeprefix("ROLE_") for name in options_pb2.Role.keys()[1:]]
        self.holders = {role: organization.join(f"bad-{role.lower().replace('_', '-')}", role) for role in roles if role != "NOTIFIER"}
        self.holders["NOTIFIER"] = organization.program("NOTIFIER")
        self._audited = Audited(organization, self.holders)
        self.before = self._written()

    def caller(self, method):
        """Whom the method lets in."""
        if RULES[method].public:
            return self.nobody
        return next(caller for role, caller in self.holders.items() if access_table.lets_in(RULES[method], role))

    def request(self, method):
        """A request that is right in form, about no record but the organisation."""
        bound = path_of(method)
        request = request_for(method, bound and re.sub(r"\*", "made-up-1", bound[1].replace("*", self.organization.id, 1)))
        if method.endswith("/ListAccesses"):  # Of an auditor, it is asked about somebody.
            request.subject = f"{self.organization.name}/patients/made-up-1"
        return request

    def _written(self):
        """What audit holds, accesses aside, and what trials records a moment after something else was: {entry: type}."""
        contents = {entry.name: entry.content for entry in self._audited.entries() if entry.content.actor.name != "trials"}
        kinds = {name: content.type for name, content in contents.items()}
        return {name: kind for name, kind in kinds.items() if kind != record_pb2.Access.DESCRIPTOR.full_name}

    def written_since(self):
        """Kinds of what was written since this was last asked."""
        now = self._written()
        added = [kind for name, kind in now.items() if name not in self.before]
        self.before = now
        return added


@pytest.fixture(scope="module")
def cast(server):
    return Cast(server)


@pytest.fixture(autouse=True)
def nothing_is_written(server, cast):
    """After every test here: the server runs, and no event of any kind was recorded."""
    yield
    assert server.alive()
    assert not cast.written_since()


def leaves(descriptor, wanted, above=()):
    """Paths of the fields, at any depth, that a caller sets and that `wanted` says."""
    for field in descriptor.fields:
        if not is_set_by_caller(field) or (field.message_type and len(above) >= DEPTH):
            continue
        path = (*above, field)
        if field.message_type is None:
            if wanted(field):
                yield path
        elif field.message_type not in [step.message_type for step in above]:
            yield from leaves(field.message_type, wanted, path)


def text_of(path):
    """ "sample.identifier", "items[0].unit"."""
    return ".".join(field.name + ("[0]" if is_repeated(field) else "") for field in path)


def place(request, path, value):
    """Sets the field at the end of a path, in messages that are made where they are missing."""
    for field in path[:-1]:
        request = getattr(request, field.name)
        if is_repeated(field):
            request = request[0] if len(request) else request.add()
    last = path[-1]
    if is_repeated(last):
        del getattr(request, last.name)[:]
        getattr(request, last.name).append(value)
    else:
        setattr(request, last.name, value)


def is_text(field):
    return field.type == Field.TYPE_STRING


def limit_of(field):
    """Longest text, in bytes, as platform/rpc/validate.h has it."""
    if is_personal(field):
        return 64 * 1024
    if field.GetOptions().Extensions[options_pb2.secret] or field.name in QUERIES:
        return 4096
    return 1024


def every_leaf(wanted):
    return [(method, path) for method in METHODS for path in leaves(method_of(method).input_type, wanted)]


def check(wrong):
    assert not wrong, wrong[:5]


def test_missing_fields_are_named(cast):
    """Each required field, taken away from a request that is right, and all of them at once."""
    wrong, tried = [], 0
    for method in METHODS:
        descriptor = method_of(method).input_type
        needed = {field.name for field in descriptor.fields if behaves(field, field_behavior_pb2.REQUIRED) and can_miss(field)}
        code, reason, fields = outcome(cast.caller(method), method) if needed else ("", "", needed)
        if needed and ((code, reason) != ("INVALID_ARGUMENT", "INVALID_REQUEST") or not needed <= fields):
            wrong.append((method, "all", code, reason, fields))
        for path in required(descriptor):
            request = cast.request(method)
            clear(request, path)
            code, reason, fields = outcome(cast.caller(method), method, request.SerializeToString())
            tried += 1
            if (code, reason, text_of(path)) != ("INVALID_ARGUMENT", "INVALID_REQUEST", next(iter(fields), None)):
                wrong.append((method, text_of(path), code, reason, fields))
    check(wrong)
    assert tried > 150


def can_miss(field):
    return is_repeated(field) or field.has_presence or field.type in (Field.TYPE_STRING, Field.TYPE_ENUM)


def required(descriptor, above=()):
    """Paths of fields that must be set, within messages that must be."""
    for field in descriptor.fields:
        if behaves(field, field_behavior_pb2.REQUIRED) and is_set_by_caller(field) and can_miss(field):
            yield (*above, field)
            if field.message_type and not is_repeated(field) and "update_mask" not in descriptor.fields_by_name:
                yield from required(field.message_type, (*above, field))


def clear(request, path):
    for field in path[:-1]:
        request = getattr(request, field.name)
    request.ClearField(path[-1].name)


def test_text_that_is_too_long_is_named(cast):
    wrong = []
    for method, path in every_leaf(is_text):
        request = cast.request(method)
        place(request, path, "x" * (limit_of(path[-1]) + 1))
        code, reason, fields = outcome(cast.caller(method), method, request.SerializeToString())
        if (code, reason) != ("INVALID_ARGUMENT", "INVALID_REQUEST") or text_of(path) not in fields:
            wrong.append((method, text_of(path), code, reason, fields))
    check(wrong)


def test_text_that_is_not_utf8_is_refused(cast):
    wrong = []
    for method, path in every_leaf(is_text):
        request = cast.request(method)
        place(request, path, MARK)
        good = request.SerializeToString()
        bad = good.replace(MARK.encode(), b"\xc3\x28\xff" * 8)
        assert bad != good and len(bad) == len(good)
        answer = outcome(cast.caller(method), method, bad)
        if answer[:2] != ("INVALID_ARGUMENT", "MALFORMED_REQUEST"):
            wrong.append((method, text_of(path), answer))
    check(wrong)


def test_unknown_enum_numbers_are_named(cast):
    wrong = []
    for method, path in every_leaf(lambda field: field.type == Field.TYPE_ENUM):
        request = cast.request(method)
        place(request, path, 9999)
        code, reason, fields = outcome(cast.caller(method), method, request.SerializeToString())
        if (code, reason) != ("INVALID_ARGUMENT", "INVALID_REQUEST") or text_of(path) not in fields:
            wrong.append((method, text_of(path), code, reason, fields))
    check(wrong)


def test_truncated_bytes_are_refused(cast):
    """Cut at every fourth length at which the bytes are no message; and behind a whole one, a field that ends too soon."""
    wrong = []
    for method in METHODS:
        good = cast.request(method).SerializeToString()
        for length in [*range(1, len(good), 4), len(good)]:
            cut = good[:length] if length < len(good) else good + b"\x7a\x05ab"
            try:
                method_of(method).input_type._concrete_class.FromString(cut)
                continue  # Happens to end between two fields.
            except DecodeError:
                answer = outcome(cast.caller(method), method, cut)
                if answer[:2] != ("INVALID_ARGUMENT", "MALFORMED_REQUEST"):
                    wrong.append((method, length, answer))
    check(wrong)


def with_field(name):
    return [method for method in METHODS if name in method_of(method).input_type.fields_by_name]


def test_a_huge_page_is_cut_and_a_negative_one_refused(cast):
    wrong = []
    for method in with_field("page_size"):
        for size, wanted in ((2**31 - 1, {"OK", "NOT_FOUND"}), (-1, {"INVALID_ARGUMENT"}), (-(2**31), {"INVALID_ARGUMENT"})):
            request = cast.request(method)
            request.page_size = size
            code, reason, fields = outcome(cast.caller(method), method, request.SerializeToString())
            if code not in wanted or (size < 0 and fields != {"page_size"}):
                wrong.append((method, size, code, reason, fields))
    check(wrong)


@pytest.mark.parametrize(("field", "reason"), [("page_token", "BAD_PAGE_TOKEN"), ("resume_token", "BAD_RESUME_TOKEN")])
def test_forged_tokens_are_refused(cast, field, reason):
    wrong = []
    for method in with_field(field):
        for token in ("forged", "x" * 4096, base64.urlsafe_b64encode(b"\0" * 64).decode(), "=", "Ā"):
            request = cast.request(method)
            setattr(request, field, token)
            answer = outcome(cast.caller(method), method, request.SerializeToString())
            # A history is of one record: there is none of this name, whatever the page.
            of_one = path_of(method) and path_of(method)[0] == ["name"]
            if answer != ("INVALID_ARGUMENT", reason, {field}) and not (of_one and answer[0] == "NOT_FOUND"):
                wrong.append((method, token[:20], answer))
    check(wrong)


def test_forged_and_missing_tokens_are_refused_by_every_method(server, cast):
    good = cast.holders["ANALYST"].token()
    callers = {
        "TOKEN_MISSING": Caller(server.target),
        "TOKEN_MALFORMED": Caller(server.target, "x.y.z"),
        "TOKEN_SIGNATURE": Caller(server.target, good[:-8] + ("AAAAAAAA" if good[-8:] != "AAAAAAAA" else "BBBBBBBB")),
    }
    wrong = []
    for method in every_method():
        if RULES[method].public:
            continue
        for reason, caller in callers.items():
            for data in (b"", b"\xff", cast.request(method).SerializeToString()):
                answer = outcome(caller, method, data)
                if answer != ("UNAUTHENTICATED", reason, set()):
                    wrong.append((method, reason, answer))
    check(wrong)


def test_a_call_past_its_deadline_is_told_so(cast):
    wrong = []
    for method in METHODS:
        answer = outcome(cast.caller(method), method, cast.request(method).SerializeToString(), timeout=-1)
        if answer[0] != "DEADLINE_EXCEEDED":
            wrong.append((method, answer))
    check(wrong)
