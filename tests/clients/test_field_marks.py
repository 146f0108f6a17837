"""Every text or bytes field of every message is marked personal or secret, or stands on the reviewed list."""
import pathlib

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import FieldDescriptor

from trialog import options_pb2

REVIEWED = pathlib.Path(__file__).with_name("unsealed_fields.txt")
TEXT = (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES)


def messages(message):
    yield message
    for nested in message.nested_types:
        yield from messages(nested)


def unmarked_fields():
    root = pathlib.Path(__file__).resolve().parents[2] / "proto"
    for path in sorted(root.glob("trialog/**/*.proto")):
        module = path.relative_to(root).as_posix().removesuffix(".proto").replace("/", ".") + "_pb2"
        file = descriptor_pool.Default().FindFileByName(__import__(module, fromlist=["DESCRIPTOR"]).DESCRIPTOR.name)
        for top in file.message_types_by_name.values():
            for message in messages(top):
                for field in message.fields:
                    options = field.GetOptions().Extensions
                    if field.type in TEXT and not options[options_pb2.personal] and not options[options_pb2.secret]:
                        yield field.full_name


def test_every_text_field_is_marked_or_reviewed():
    reviewed = {line for line in REVIEWED.read_text().splitlines() if not line.startswith("#")}
    found = set(unmarked_fields())
    assert not found - reviewed, "mark these (trialog.personal) in their protos, or review them"
    assert not reviewed - found, "these are gone or marked now: take them off the list"
