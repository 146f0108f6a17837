"""Every method that a caller from outside may call is called by some test here, by its name."""
import ast
import pathlib

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

import access_table

# Files that name methods for who is refused or let in; what the methods do is for the others to show.
ONLY_ACCESS = {"test_access_commands.py", "test_refusals.py"}


@pytest.fixture(scope="module")
def served(server):
    """{service: its methods} of the project's services, as the server itself describes them."""
    with grpc.insecure_channel(server.target) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        pool = DescriptorPool(database)
        names = [name for name in database.get_services() if name.startswith("trialog.")]
        return {name: [method.name for method in pool.FindServiceByName(name).methods] for name in names}


def sources():
    """The tests' files, and those of their helpers."""
    for path in sorted(pathlib.Path(__file__).parent.glob("*.py")):
        if path.name not in ONLY_ACCESS and not path.name.startswith("relation_commands"):
            yield ast.parse(path.read_text(encoding="utf-8"))


def names_of(tree):
    """What a file calls: "SampleService/GetSample" of `….SampleService.GetSample` and of the text that ends like that,
    "/GetSample" where a variable holds the service."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value.rsplit(".", 1)[-1]
            yield node.value
        elif isinstance(node, ast.Attribute) and not (isinstance(node.value, ast.Name) and node.value.id.endswith("_pb2")):
            service = node.value.attr if isinstance(node.value, ast.Attribute) else ""
            yield f"{service if service.endswith('Service') else ''}/{node.attr}"


def test_every_method_is_called_by_some_test(served):
    rules, named = access_table.table(), set().union(*map(set, map(names_of, sources())))
    everywhere = [method for methods in served.values() for method in methods]
    missing = []
    for service, methods in served.items():
        for method in methods:
            rule, short = rules[f"{service}/{method}"], service.rsplit(".", 1)[-1]
            if rule.internal and not rule.roles:
                continue  # Nobody from outside is let in: test_access.py tries each.
            wanted = {f"{service}/{method}"}
            if short != "EventService":  # Five services have one of that name.
                wanted.add(f"{short}/{method}")
            if everywhere.count(method) == 1:
                wanted.add(f"/{method}")
            if not wanted & named:
                missing.append(f"{service}/{method}")
    assert len(everywhere) > 190 and not missing
