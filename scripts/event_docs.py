#!/usr/bin/env python3
"""Writes docs/events.md and docs/events from the protos: every public event with an example, and what consumers decode them with.

usage: .venv/bin/python scripts/event_docs.py [--check]
  --check   writes nothing; exits 1 and says what differs, or what consumers of v1 would miss

Needs grpcio-tools (tests/clients/requirements.txt); scripts/test.sh makes .venv with it.
"""
import json
import sys

import proto_docs
from event_examples import ORGANIZATION, Examples, is_filled_on_reading
from event_headers import HEADERS, SCHEMA_FILE, Example, headers_of
from event_schema import descriptor_set, hidden_paths, is_public, listing, public_kinds, reachable, removals
from proto_docs import REPOSITORY, SERVICES, anchor, cell, load, short

DOCS = REPOSITORY / "docs"
GENERATED = "<!-- Written by scripts/event_docs.py from proto/. Do not edit. -->\n"
PAGE, LISTING, SET = "events.md", "events/trialog-events-v1.txt", f"events/{SCHEMA_FILE}"

INTRODUCTION = """# Public events

What happened, for programs outside of Trialog. Each service with public events has a Kafka topic of them, `trialog.<service>.events`:

{topics}

- **Nothing personal.** An event holds ids, states, times and codes. What is personal is left out: its fields are named below as not
  in the public event. Who may see it reads the record over gRPC, by the name in `ce_subject`.
- **At least once.** An event may come again after a failure, under the same `ce_id`. None is left out.
- **In order per organisation.** The key of a record is the organisation's id (UTF-8), its partition the one of Kafka's default
  partitioner for that key among 12: all events of an organisation are in one partition, in the order in which they happened.
- **Services of Trialog** and notifiers read the same events over gRPC: `EventService/Subscribe` ([API](api/README.md)).

# Headers

CloudEvents 1.0, binary mode. Values are text in UTF-8.

{headers}

# Repeats

Either of these is enough:

- remember the `ce_id` of what was handled, in the same transaction as its effect;
- remember the last `ce_sequence` of each topic and partition, and drop what is not above it. Compare the text. Gaps mean nothing: the log
  also holds what is not public.

# Decoding

The value is a protobuf message of the type in `ce_type`. `docs/events/{set}` is a FileDescriptorSet of all public
events with what they are made of, without the fields that no public event holds;
[trialog-events-v1.txt](events/trialog-events-v1.txt) says in words what is in it. The files of a set can also be compiled, with
`--descriptor_set_in` and any of protoc's plugins.

With protoc, which is told the file that the type stands in:

```
protoc --descriptor_set_in=docs/events/{set} --decode=trialog.inventory.v1.StockMoved trialog/inventory/v1/events.proto < value
```

With Python (`pip install protobuf`):

```python
import pathlib

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

described = descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path("docs/events/{set}").read_bytes())
pool = descriptor_pool.DescriptorPool()
for file in described.file:
    pool.Add(file)


def decode(headers, value):
    kind = pool.FindMessageTypeByName(headers["ce_type"])  # KeyError: a kind newer than this set; skip it.
    return message_factory.GetMessageClass(kind).FromString(value)
```

# Versions

v1 only grows: kinds, fields and enum values are added; none is removed, renamed, renumbered or given another type or meaning. So an
older set reads newer events, without what it does not know. A consumer skips a kind that it does not know, and takes an unknown enum
value for one that is not set. `scripts/event_docs.py` writes no v1 that lost anything.

# Events

Examples show the value as JSON (proto3 JSON mapping); a field that is not there is empty, zero or false. The content is made up. Fields
that are said to be empty in events are filled in when the record is read, or stay within the service."""


def topic_of(service):
    return f"trialog.{service}.events"


def table(titles, rows):
    """A Markdown table."""
    return ["| " + " | ".join(line) + " |" for line in (titles, ["---"] * len(titles), *rows)]


def introduction(protos):
    topics = []
    for service in SERVICES:
        count = len(public_kinds(protos, service))
        shown = [f"`{topic_of(service)}`", f"[{count} kinds](#{service})"] if count else ["none", "no public events"]
        topics.append([service, *shown])
    headers = [[f"`{header.name}`", cell(header.meaning), cell(header.form).replace("&lt;", "<")] for header in HEADERS]
    return INTRODUCTION.format(
        topics="\n".join(table(["service", "topic", "events"], topics)),
        headers="\n".join(table(["header", "meaning", "form"], headers)),
        set=SCHEMA_FILE,
    )


def subject_field(kind):
    """Where in an event the name of the record stands that it is about: first, as event_examples.subject_of has it."""
    first = kind.fields[0]
    if first.name == "movement":
        return "the item that the name in `movement` begins with"
    return f"`{first.name}.name`" if first.message_type is not None else f"`{first.name}`"


class Page:
    """docs/events.md."""

    def __init__(self, protos, described_set):
        self._protos = protos
        self._examples = Examples(protos, described_set)
        self._reachable = reachable(protos)

    def text(self):
        lines = [GENERATED, introduction(self._protos), ""]
        for service in SERVICES:
            kinds = public_kinds(self._protos, service)
            if not kinds:
                continue
            rows = [[self._link(kind.full_name), cell(self._protos.comment(kind))] for kind in kinds]
            lines += [f"## {service}", "", *table(["event", "what happened"], rows), ""]
            for kind in kinds:
                lines += self._event(service, kind)
            lines += self._parts(f"trialog.{service}.v1", kinds)
        lines += ["## What all share", ""] + self._parts("trialog.event.v1", [])
        return "\n".join(lines).rstrip() + "\n"

    def _link(self, full):
        """To a message on this page, or to an enum in the data dictionary."""
        described = proto_docs.link(full)
        if not full.startswith("trialog."):
            return described
        return f"[{short(full)}](#{anchor(full)})" if self._is_message(full) else described.replace("](", "](api/", 1)

    def _is_message(self, full):
        return any(message.full_name == full for message in self._protos.messages(".".join(full.split(".")[:3])))

    def _event(self, service, kind):
        lines = [f"### {kind.full_name}", "", self._protos.comment(kind), ""]
        lines += [f"Topic `{topic_of(service)}`, key: the organisation's id, subject: {subject_field(kind)}.", ""]
        lines += self._fields(kind)
        hidden = sorted(hidden_paths(self._protos, kind))
        if hidden:
            lines += [f"Not in the public event: {', '.join(f'`{path}`' for path in hidden)}.", ""]
        value = self._examples.value(kind.full_name)
        headers = headers_of(Example(service, kind.full_name, value))
        lines += [f"Example, with the key `{ORGANIZATION}`:", ""]
        lines += ["```text", *(f"{name}: {said}" for name, said in headers.items()), "```", ""]
        return lines + ["```json", json.dumps(value, indent=2, ensure_ascii=False), "```", ""]

    def _fields(self, message):
        """A table of the fields that a consumer gets, and which of them events leave empty."""
        shown = [field for field in message.fields if is_public(self._protos, field)]
        said = [field for field in shown if not is_filled_on_reading(field)]
        rows = [[f"`{field.name}`", proto_docs.type_of(field, self._link), self._meaning(field)] for field in said]
        lines = table(["field", "type", "meaning"], rows) + [""]
        empty = ", ".join(f"`{field.name}`" for field in shown if is_filled_on_reading(field))
        return lines + ([f"Empty in events: {empty}.", ""] if empty else [])

    def _meaning(self, field):
        oneof = field.containing_oneof
        return cell(self._protos.comment(field)) + (f" One of `{oneof.name}`." if oneof is not None and not oneof.name.startswith("_") else "")

    def _parts(self, package, kinds):
        """What the events of a package are made of."""
        parts = [m for m in self._protos.messages(package) if m.full_name in self._reachable and m not in kinds]
        lines = []
        for part in parts:
            lines += [f"### {part.full_name}", "", self._protos.comment(part), ""] + self._fields(part)
        return lines


def written_files(protos):
    """Everything that this script writes, by path below docs."""
    described_set = descriptor_set(protos)
    return {
        PAGE: Page(protos, described_set).text().encode(),
        LISTING: listing(protos, described_set).encode(),
        SET: described_set.SerializeToString(deterministic=True),
    }


def differences(written, folder=DOCS):
    """Paths of the files that are not what they would be written as, and of those in events/ that nobody writes."""
    there = {path.relative_to(folder).as_posix(): path.read_bytes() for path in [folder / PAGE, *folder.glob("events/*")] if path.is_file()}
    return sorted(path for path in there.keys() | written.keys() if there.get(path) != written.get(path))


def losses(protos, folder=DOCS):
    """What the set in `folder` has and that of these protos no longer."""
    path = folder / SET
    if not path.is_file():
        return []
    after = descriptor_set(protos)
    return [f"docs/{SET} only grows: {said}" for said in removals(type(after).FromString(path.read_bytes()), after)]


def main(folder=DOCS):
    protos = load()
    written = written_files(protos)
    faults = losses(protos, folder)
    if sys.argv[1:] == ["--check"]:
        faults += [f"docs/{path}: not what scripts/event_docs.py writes; run it" for path in differences(written, folder)]
    elif sys.argv[1:]:
        raise SystemExit(__doc__)
    elif not faults:
        (folder / SET).parent.mkdir(exist_ok=True)
        for path in differences(written, folder):
            if path in written:
                (folder / path).write_bytes(written[path])
            else:
                (folder / path).unlink()
    print("\n".join(faults) or "docs/events is up to date")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
