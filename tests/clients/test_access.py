"""docs/access.md against the services: every row with the method's own rule, and with real calls of every role."""
import grpc
import pytest
from google.protobuf import descriptor_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

import access_table
from client import SERVICES, Caller, outcome
from trialog import options_pb2

TABLE = access_table.table()
ROLES = [name.removeprefix("ROLE_") for name in options_pb2.Role.keys() if name != "ROLE_UNSPECIFIED"]
# A refusal that says no more than that the role is missing.
REFUSED = ("PERMISSION_DENIED", "ROLE_MISSING")
# What no well-formed call, allowed or not, may ever get.
FAULTS = {"UNIMPLEMENTED", "INTERNAL", "UNKNOWN", "DATA_LOSS"}


@pytest.fixture(scope="module")
def served(server):
    """Full names of the project's services that this server says it serves."""
    with grpc.insecure_channel(server.target) as channel:
        return {name for name in ProtoReflectionDescriptorDatabase(channel).get_services() if name.startswith("trialog.")}


@pytest.fixture(scope="module")
def holders(organization):
    """A caller for each role, who holds that role and no other; NOTIFIER is for programs only."""
    people = {
        name: organization.join(f"only-{name.lower().replace('_', '-')}", name) for name in ROLES if name != "NOTIFIER"
    }
    return people | {"NOTIFIER": organization.program("NOTIFIER")}


def methods_of(services):
    """Full names of the services' methods; Logout last, since it ends the session that calls it."""
    found = [f"{service}/{method.name}" for service in sorted(services) for method in SERVICES[service].methods]
    return sorted(found, key=lambda name: name.endswith("/Logout"))


def test_every_method_has_its_row_and_every_row_its_method():
    options = access_table.options()
    assert {name: str(rule) for name, rule in TABLE.items()} == {name: str(rule) for name, rule in options.items()}


def test_every_role_is_explained_and_used():
    text = access_table.PAGE.read_text(encoding="utf-8")
    used = {options_pb2.Role.Name(value) for rule in TABLE.values() for value in rule.roles}
    for name in ROLES:
        assert f"**{name}**" in text, f"docs/access.md does not explain {name}"
        waits = f"**{name}** has no method yet" in text
        assert waits != ("ROLE_" + name in used), f"docs/access.md says otherwise of the methods for {name}"


def test_server_serves_the_protos_of_this_repository(server, served):
    """What reflection shows of each service is what the repository's protos say, access rules included."""
    with grpc.insecure_channel(server.target) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        for name in served:
            ours = descriptor_pb2.ServiceDescriptorProto()
            SERVICES[name].CopyToProto(ours)
            file = database.FindFileContainingSymbol(name)
            theirs = next(service for service in file.service if f"{file.package}.{service.name}" == name)
            assert theirs.SerializeToString(deterministic=True) == ours.SerializeToString(deterministic=True), name


def test_all_services_are_served(served):
    assert served == set(SERVICES)


def test_without_a_token_only_public_methods_answer(server, served):
    nobody = Caller(server.target)
    for name in methods_of(served):
        code, reason, _ = outcome(nobody, name)
        if TABLE[name].public:
            assert reason != "TOKEN_MISSING" and code not in FAULTS, (name, code, reason)
        else:
            assert (code, reason) == ("UNAUTHENTICATED", "TOKEN_MISSING"), name


@pytest.mark.parametrize("role_name", ROLES)
def test_role_calls_exactly_what_the_table_allows(served, holders, role_name):
    wrong = []
    for name in methods_of(served):
        code, reason, _ = outcome(holders[role_name], name, timeout=5)
        lets_in = access_table.lets_in(TABLE[name], role_name)
        is_right = (code not in FAULTS and (code, reason) != REFUSED) if lets_in else (
            (code, reason) == REFUSED
        )
        if not is_right:
            wrong.append((name, code, reason))
    assert not wrong


def test_caller_without_any_role_calls_what_is_for_everyone_signed_in(served, organization):
    person = organization.join("no-role")
    for name in methods_of(served):
        code, reason, _ = outcome(person, name, timeout=5)
        everyone = TABLE[name].public or TABLE[name].signed_in
        assert ((code, reason) == REFUSED) != everyone and code not in FAULTS, (name, code, reason)
