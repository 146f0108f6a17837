"""docs/events.md and docs/events are what scripts/event_docs.py writes from the protos; consumers can decode by them, and find nothing
personal in them."""
import copy
import functools
import json
import re
import subprocess
import sys

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

import stubs

sys.path.append(str(stubs.REPOSITORY / "scripts"))  # Where scripts find each other.
import event_docs
import event_examples
import event_headers
import event_schema
import proto_docs

DOCS = stubs.REPOSITORY / "docs"
TEXT = (DOCS / "events.md").read_text(encoding="utf-8")
SET = (DOCS / event_docs.SET).read_bytes()
EXAMPLE = re.compile(r"```text\n(?P<headers>.*?)```\n\n```json\n(?P<value>.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def protos():
    return proto_docs.Protos()


@pytest.fixture(scope="module")
def written(protos):
    return event_docs.written_files(protos)


@pytest.fixture
def described():
    return descriptor_pb2.FileDescriptorSet.FromString(SET)


@pytest.fixture(scope="module")
def consumer():
    """What the page's program for consumers defines."""
    program = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL)[1]
    names = {}
    exec(program.replace('"docs/', f'"{DOCS}/'), names)
    return names


@functools.cache
def sections():
    """The page's sections of events and messages: (full name, text)."""
    parts = re.split(r"^### (trialog\.\S+)\n", TEXT, flags=re.MULTILINE)[1:]
    return [(name, text.partition("\n## ")[0]) for name, text in zip(parts[::2], parts[1::2])]


@functools.cache
def examples():
    """{full name: (headers, value)} of the events on the page."""
    found = {}
    for name, text in sections():
        if example := EXAMPLE.search(text):
            headers = dict(line.split(": ", 1) for line in example["headers"].splitlines())
            found[name] = (headers, json.loads(example["value"]))
    return found


def public_events():
    """Full names of the kinds that a service may write and that are marked public, as the services' own code knows them."""
    from trialog import options_pb2

    for service in proto_docs.SERVICES:
        module = __import__(f"trialog.{service}.v1.events_pb2", fromlist=["DESCRIPTOR"])
        for field in module.DESCRIPTOR.message_types_by_name[f"{service.capitalize()}Event"].fields:
            if field.message_type.GetOptions().Extensions[options_pb2.public_event]:
                yield field.message_type.full_name


def test_the_files_are_what_the_script_writes(written):
    assert event_docs.differences(written) == []


def test_a_stale_and_a_left_over_file_are_found(written, tmp_path):
    (tmp_path / "events").mkdir()
    for path, content in written.items():
        (tmp_path / path).write_bytes(content + (b"more" if path == "events.md" else b""))
    (tmp_path / "events" / "gone.txt").write_text("", encoding="utf-8")
    assert event_docs.differences(written, tmp_path) == ["events.md", "events/gone.txt"]


def test_each_run_writes_the_same_bytes(written):
    assert event_docs.written_files(proto_docs.Protos()) == written


def test_every_public_event_of_every_service_occurs_with_an_example():
    assert set(examples()) == set(public_events())
    assert len(examples()) > 70


@pytest.mark.parametrize("kind", sorted(examples()))
def test_each_example_decodes_to_what_it_shows(kind, consumer):
    headers, value = examples()[kind]
    message = message_factory.GetMessageClass(consumer["pool"].FindMessageTypeByName(kind))()
    sent = json_format.ParseDict(value, message).SerializeToString()
    assert sent
    assert json_format.MessageToDict(consumer["decode"](headers, sent)) == value


@pytest.mark.parametrize("kind", sorted(examples()))
def test_each_example_reads_the_same_with_the_whole_protos(kind):
    headers, value = examples()[kind]
    message = message_factory.GetMessageClass(descriptor_pool.Default().FindMessageTypeByName(headers["ce_type"]))()
    assert json_format.MessageToDict(json_format.ParseDict(value, message)) == value


def test_examples_have_the_headers_of_the_table():
    form = r"[0-9a-f]{8}-[0-9a-f]{4}-%d[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    always = [header.name for header in event_headers.HEADERS if header.name != "ce_causationid"]
    for kind, (headers, value) in examples().items():
        service = kind.split(".")[1]
        assert [name for name in headers if name != "ce_causationid"] == always
        assert headers["ce_type"] == kind and headers["ce_source"] == f"/trialog/{service}"
        assert headers["ce_subject"].split("/")[:2] == ["organizations", headers["ce_partitionkey"]]
        assert headers["ce_dataschema"] == f"urn:trialog:events:v1:{kind}"
        assert re.fullmatch(form % 8, headers["ce_id"]) and re.fullmatch(form % 7, headers["ce_correlationid"])
        assert re.fullmatch(r"\d{20}\.\d{6}", headers["ce_sequence"])
        assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", headers["traceparent"])
        assert headers.get("ce_causationid") == value.get("causeEvent")
    assert len({headers["ce_id"] for headers, _ in examples().values()}) == len(examples())
    for header in event_headers.HEADERS:
        assert f"| `{header.name}` |" in TEXT


def test_names_in_examples_are_those_of_records(protos):
    forms = {re.sub(r"\{[\w ]+\}", "*", pattern) for _, _, pattern in proto_docs.records(protos).values()}
    # Of records that are no messages of their own, or have names of two forms.
    forms |= {"organizations/*/sites/*", "organizations/*/biobanks/*/inventoryItems/*/movements/*"}
    for kind, (headers, value) in examples().items():
        for name in re.findall(r'"(organizations/[^"]+)"', json.dumps([headers, value])):
            parts = name.split("/")
            parts[1::2] = ["*"] * len(parts[1::2])
            assert "/".join(parts) in forms, f"{kind}: {name}"


def marked_fields():
    """Full names of the fields whose values never leave Trialog."""
    from trialog import options_pb2

    sealed = {"trialog.event.v1.Sealed", "trialog.event.v1.SealedPart"}
    stubs.services()  # All files are known after that.
    for path in stubs.proto_files():
        file = descriptor_pool.Default().FindFileByName(path)
        for message in (each for top in file.message_types_by_name.values() for each in proto_docs.with_nested(top)):
            for field in message.fields:
                options = field.GetOptions().Extensions
                hidden = field.message_type is not None and field.message_type.full_name in sealed
                if hidden or options[options_pb2.personal] or options[options_pb2.secret]:
                    yield field.full_name


def test_no_marked_field_is_in_a_table_an_example_or_the_set(described, consumer):
    marked = set(marked_fields())
    assert "trialog.inventory.v1.Sample.patient" in marked and "trialog.auth.v1.UserCreated.sealed" in marked
    tables = {f"{name}.{field}" for name, text in sections() for field in re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)}
    assert "trialog.inventory.v1.Sample.identifier" in tables
    assert not tables & marked
    types = event_schema.types_of(described)
    held = {f"{name}.{words.split()[0]}" for name, said in types.items() for words in said.values()}
    assert not held & marked and tables <= held
    for kind, (_, value) in examples().items():
        message = message_factory.GetMessageClass(descriptor_pool.Default().FindMessageTypeByName(kind))()
        assert not fields_set(json_format.ParseDict(value, message)) & marked


def fields_set(message):
    found = set()
    for field, value in message.ListFields():
        found.add(field.full_name)
        if field.message_type is not None:
            found.update(*(fields_set(part) for part in (value if field.is_repeated else [value])))
    return found


def test_each_section_says_what_is_not_in_the_event():
    texts = dict(sections())
    assert "Not in the public event: `sample.handling_instructions`, `sample.patient`, `sample.state_reason`, `sealed`." in texts[
        "trialog.inventory.v1.SampleCreated"
    ]
    assert "Not in the public event" not in texts["trialog.auth.v1.UserLinked"]


def test_every_link_leads_somewhere():
    here = {proto_docs.anchor(line.lstrip("# ")) for line in TEXT.splitlines() if line.startswith("#")}
    for path, _, mark in re.findall(r"\]\(([^)#]*)(#([^)]*))?\)", TEXT):
        if path:
            lines = (DOCS / path).read_text(encoding="utf-8").splitlines()
        titles = {proto_docs.anchor(line.lstrip("# ")) for line in lines if line.startswith("#")} if path else here
        assert not mark or mark in titles, f"{path}#{mark}"


def test_the_set_holds_no_services_no_comments_and_nothing_of_the_private_log(described):
    for file in described.file:
        assert not file.service and not file.HasField("source_code_info")
    types = event_schema.types_of(described)
    assert not {"trialog.event.v1.Data", "trialog.event.v1.SealedPart", "trialog.inventory.v1.InventoryEvent"} & set(types)
    assert set(public_events()) <= set(types)


def test_protoc_decodes_with_the_set_as_the_page_says(consumer):
    command = re.search(r"^protoc (.*) < value$", TEXT, re.MULTILINE)[1].split()
    kind = next(word for word in command if word.startswith("--decode=")).removeprefix("--decode=")
    value = examples()[kind][1]
    message = message_factory.GetMessageClass(consumer["pool"].FindMessageTypeByName(kind))()
    sent = json_format.ParseDict(value, message).SerializeToString()
    done = subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *command], input=sent, cwd=stubs.REPOSITORY, capture_output=True)
    assert f'movement: "{value["movement"]}"' in done.stdout.decode(), done.stderr


def test_v1_lost_nothing(protos):
    assert event_docs.losses(protos) == []


def field_of(described, message, name):
    """A field's descriptor within a descriptor set, and the message that it stands in."""
    found = next(m for file in described.file for full, m in event_schema.declared(file).items() if full == message)
    return found, next(field for field in found.field if field.name == name)


def test_what_is_added_to_v1_is_no_loss(described):
    before = copy.deepcopy(described)
    message, field = field_of(described, "trialog.inventory.v1.StockMoved", "location")
    message.field.add(name="added", number=90, type=field.type, label=field.label)
    described.file[-1].message_type.add(name="Added")
    assert list(event_schema.removals(before, described)) == []


@pytest.mark.parametrize("change", ["gone", "number", "type", "name", "repeated", "oneof"])
def test_what_v1_would_lose_is_found(described, change):
    before = copy.deepcopy(described)
    message, field = field_of(described, "trialog.inventory.v1.StockMoved", "location")
    if change == "gone":
        message.field.remove(field)
    elif change == "number":
        field.number = 91
    elif change == "type":
        field.type = field.TYPE_BYTES
    elif change == "name":
        field.name = "place"
    elif change == "repeated":
        field.label = field.LABEL_REPEATED
    else:
        message.oneof_decl.add(name="where")
        field.oneof_index = 0
    said = list(event_schema.removals(before, described))
    assert len(said) == 1 and said[0].startswith("trialog.inventory.v1.StockMoved: 2 was 'location string', is '")


def test_a_kind_and_an_enum_value_that_v1_would_lose_are_found(described):
    before = copy.deepcopy(described)
    file = next(file for file in described.file if file.name == "trialog/inventory/v1/events.proto")
    del file.message_type[0]
    role = next(enum for file in described.file for enum in file.enum_type if enum.name == "Role")
    role.value[3].name = "ROLE_OTHER"
    assert list(event_schema.removals(before, described)) == [
        "trialog.Role: 3 was 'ROLE_COORDINATOR', is 'ROLE_OTHER'",
        "trialog.inventory.v1.BiobankCreated is gone",
    ]


def test_the_script_writes_and_checks(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["event_docs.py"])
    assert event_docs.main(tmp_path) == 0
    assert (tmp_path / event_docs.SET).read_bytes() == SET
    monkeypatch.setattr(sys, "argv", ["event_docs.py", "--check"])
    assert event_docs.main(tmp_path) == 0
    (tmp_path / event_docs.PAGE).write_text("", encoding="utf-8")
    assert event_docs.main(tmp_path) == 1
    assert "docs/events.md: not what scripts/event_docs.py writes; run it" in capsys.readouterr().out


def test_the_script_does_not_write_over_what_v1_would_lose(described, tmp_path, monkeypatch, capsys):
    message, field = field_of(described, "trialog.inventory.v1.StockMoved", "location")
    message.field.add(name="dropped", number=90, type=field.type, label=field.label)
    (tmp_path / "events").mkdir()
    (tmp_path / event_docs.SET).write_bytes(described.SerializeToString())
    monkeypatch.setattr(sys, "argv", ["event_docs.py"])
    assert event_docs.main(tmp_path) == 1
    assert "StockMoved: 90 was 'dropped string', is 'gone'" in capsys.readouterr().out
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["trialog-events-v1.binpb"]


def test_the_words_of_examples_belong_to_fields_that_exist(protos):
    tables = [event_examples.USERS, event_examples.NAMES, event_examples.TEXTS, event_examples.TIMES, event_examples.NUMBERS]
    tables += [event_examples.UNITS, event_examples.ENUMS, event_examples.ON_READING_OF]
    messages = [m for file in protos.files for m in protos.messages(file.package)]
    known = {field.name for m in messages for field in m.fields} | {f"{m.name}.{field.name}" for m in messages for field in m.fields}
    assert {key for table in tables for key in table} <= known
