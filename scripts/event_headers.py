"""The headers of a public event on Kafka: what each says, and those of an example. CloudEvents 1.0, binary mode."""
import dataclasses
import hashlib
import typing

from event_examples import ORGANIZATION, REACTIONS, RECORD_TIME, event_id, made_up_uuid, subject_of

SCHEMA_FILE = "trialog-events-v1.binpb"
SCHEMA = "urn:trialog:events:v1"  # What names it in a header.


@dataclasses.dataclass(frozen=True)
class Example:
    """An example event whose headers are asked for."""

    service: str
    kind: str  # Its full name.
    value: dict  # As JSON has it.


@dataclasses.dataclass(frozen=True)
class Header:
    name: str
    meaning: str
    form: str
    made: typing.Callable  # Its value of an Example; None where it is absent.


def sequence_of(example):
    """A made-up place in the log."""
    offset = int(hashlib.sha256(example.kind.encode()).hexdigest()[:4], 16)
    return f"{offset:020}.{0:06}"


def trace_of(example):
    digits = hashlib.sha256(f"trace {example.kind}".encode()).hexdigest()
    return f"00-{digits[:32]}-{digits[32:48]}-01"


# The design fixes the names, the content type, the form of ids and types, and that the organisation is the key. Chosen here, and
# the relay writes the same (platform/relay/cloud_event.cc): ce_source is relative and ce_dataschema a URN, since no host is the same at every
# site; ce_subject is the record's name; ce_sequence has fixed widths, so that the order of its text is that of the log, and begins with the offset
# without the partition, since the partition is that of the topic; a header with nothing to say is absent, never empty.
HEADERS = [
    Header("content-type", "The value is the message of the kind, nothing around it.", "`application/protobuf`", lambda e: "application/protobuf"),
    Header("ce_specversion", "Version of CloudEvents.", "`1.0`", lambda e: "1.0"),
    Header("ce_id", "Id of the event, the same however often it is sent.", "UUIDv8, 36 characters in lower case", lambda e: event_id(e.kind)),
    Header("ce_source", "Service that it comes from.", "`/trialog/<service>`", lambda e: f"/trialog/{e.service}"),
    Header("ce_type", "Kind of event: what to decode the value as.", "full protobuf name", lambda e: e.kind),
    Header("ce_subject", "Record that it is about.", "resource name", lambda e: subject_of(e.value)),
    Header("ce_time", "When it was recorded, by the clock of the service. Says nothing about order.",
           "RFC 3339 in UTC, with `Z`, up to nanoseconds", lambda e: RECORD_TIME),
    Header("ce_dataschema", "Which message of which version of the descriptor set the value is.", f"`{SCHEMA}:<ce_type>`", lambda e: f"{SCHEMA}:{e.kind}"),
    Header("ce_partitionkey", "Organisation that it belongs to; also the key of the record.", "id of the organisation", lambda e: ORGANIZATION),
    Header("ce_sequence", "Place in the log of the service: offset of the record, then index of the event in it. Rises within a partition, "
           "with gaps.", "`<20 digits>.<6 digits>`, filled up with zeros: its order as text is that of the log", sequence_of),
    Header("ce_correlationid", "Command that it came of; all events of a command have the same.", "UUIDv7, 36 characters in lower case",
           lambda e: made_up_uuid(7, f"command {e.kind}")),
    Header("ce_causationid", "Event that the service reacted to, also of another service. Absent where a caller or a due time was the cause.",
           "as `ce_id`", lambda e: event_id(REACTIONS[e.kind]) if e.kind in REACTIONS else None),
    Header("traceparent", "Trace of the request that caused it. Absent where the request had none.", "W3C Trace Context", trace_of),
]  # fmt: skip


def headers_of(example):
    """{name: value} of the headers that an example has, in order."""
    made = {header.name: header.made(example) for header in HEADERS}
    return {name: value for name, value in made.items() if value is not None}
