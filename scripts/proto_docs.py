"""What is read from the protos for documents: descriptors with their comments, and words and links for them."""
import pathlib
import re
import tempfile

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
SERVICES = ["auth", "inventory", "trials", "analytics", "audit"]
# Fields that name a record of another word than its own.
ALIASES = {
    "account": "User", "acknowledger": "User", "administrator": "User", "approver": "User", "author": "User",
    "captured_by": "User", "clinician": "User", "creator": "User", "distributed_by": "User", "provider": "User",
    "recipient": "User", "releaser": "User", "requester": "User", "responsible_person": "User", "sender": "User",
    "location": "StorageLocation", "medication": "MedicationDistribution",
}  # fmt: skip


class Protos:
    """The descriptors below `root`, with the comments of their sources."""

    def __init__(self, root=REPOSITORY / "proto"):
        import grpc_tools
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
        from grpc_tools import protoc

        files = sorted(str(path.relative_to(root)) for path in root.rglob("*.proto"))
        includes = [root, REPOSITORY / "proto", REPOSITORY / ".deps" / "googleapis"]
        includes.append(pathlib.Path(grpc_tools.__file__).parent / "_proto")
        with tempfile.NamedTemporaryFile(suffix=".binpb") as out:
            flags = [*(f"-I{path}" for path in includes), "--include_imports", "--include_source_info"]
            if protoc.main(["protoc", *flags, f"--descriptor_set_out={out.name}", *files]) != 0:
                raise SystemExit("the protos do not compile")
            described = descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path(out.name).read_bytes())
        pool = descriptor_pool.DescriptorPool()
        self.described = described  # As protoc gave it.
        self.files, self.comments = [], {}
        for proto in described.file:
            pool.Add(proto)
            if proto.name in files:
                self._read_comments(proto)
                self.files.append(pool.FindFileByName(proto.name))
        self._pool = pool
        self._message_class = message_factory.GetMessageClass

    def _read_comments(self, proto):
        for location in proto.source_code_info.location:
            text = (location.leading_comments + location.trailing_comments).strip()
            if text:
                self.comments[proto.name, tuple(location.path)] = " ".join(text.split())

    def option(self, descriptor, kind, name):
        """The value of an option by its full name; None where it is not set."""
        # Of this pool's own class, which knows the extensions.
        options_class = self._message_class(self._pool.FindMessageTypeByName(f"google.protobuf.{kind}"))
        options = options_class.FromString(descriptor.GetOptions().SerializeToString())
        extension = self._pool.FindExtensionByName(name)
        if extension.is_repeated:
            return list(options.Extensions[extension])
        return options.Extensions[extension] if options.HasExtension(extension) else None

    def comment(self, descriptor):
        """What the source says above a descriptor; empty without a comment."""
        return self.comments.get((file_of(descriptor).name, path_of(descriptor)), "")

    def messages(self, package):
        """All messages of a package, nested ones after the one they are in."""
        for file in self.files:
            if file.package == package:
                for message in file.message_types_by_name.values():
                    yield from with_nested(message)

    def enums(self, package):
        for file in self.files:
            if file.package == package:
                yield from file.enum_types_by_name.values()
        for message in self.messages(package):
            yield from message.enum_types

    def services(self, package):
        for file in self.files:
            if file.package == package:
                yield from file.services_by_name.values()

    def uncommented(self):
        """Full names of what has no comment: services, calls, messages, fields, oneofs, enums, values."""
        for package in sorted({file.package for file in self.files}):
            described = list(self.services(package))
            described += [method for service in described for method in service.methods]
            for message in self.messages(package):
                described += [message, *message.fields]
                # An optional field has a oneof of its own making.
                described += [o for o in message.oneofs if not (len(o.fields) == 1 and o.name == f"_{o.fields[0].name}")]
            for enum in self.enums(package):
                described += [enum, *enum.values]
            for descriptor in described:
                if not self.comment(descriptor):
                    yield full_name(descriptor)


def load():
    """The protos of this repository."""
    try:
        return Protos()
    except ImportError as missing:
        raise SystemExit(f"{missing}; python3 -m venv .venv && .venv/bin/pip install -r tests/clients/requirements.txt")


def with_nested(message):
    yield message
    for nested in message.nested_types:
        yield from with_nested(nested)


def full_name(descriptor):
    """Also of an enum value and a oneof, which do not always know theirs."""
    if hasattr(descriptor, "number") and hasattr(descriptor, "type") and not hasattr(descriptor, "message_type"):
        return f"{descriptor.type.full_name}.{descriptor.name}"
    return descriptor.full_name


def owner_of(descriptor):
    """The descriptor that this one stands in; None at the top of a file."""
    for attribute in ("containing_service", "containing_type"):
        if getattr(descriptor, attribute, None) is not None:
            return getattr(descriptor, attribute)
    kind = getattr(descriptor, "type", None)  # Of an enum value: its enum.
    return kind if hasattr(kind, "values") else None


def file_of(descriptor):
    while owner_of(descriptor) is not None:
        descriptor = owner_of(descriptor)
    return descriptor.file


# Field numbers of descriptor.proto, of which the paths of source locations are made.
FILE_MESSAGE, FILE_ENUM, FILE_SERVICE = 4, 5, 6
MESSAGE_FIELD, MESSAGE_NESTED, MESSAGE_ENUM, MESSAGE_ONEOF = 2, 3, 4, 8
ENUM_VALUE, SERVICE_METHOD = 2, 2


def path_of(descriptor):
    owner = owner_of(descriptor)
    kind = type(descriptor).__name__
    if owner is None:
        named = {"Descriptor": ("message_types_by_name", FILE_MESSAGE), "EnumDescriptor": ("enum_types_by_name", FILE_ENUM),
                 "ServiceDescriptor": ("services_by_name", FILE_SERVICE)}[kind]  # fmt: skip
        return named[1], list(getattr(descriptor.file, named[0])).index(descriptor.name)
    siblings, number = {
        "FieldDescriptor": ("fields", MESSAGE_FIELD), "Descriptor": ("nested_types", MESSAGE_NESTED),
        "EnumDescriptor": ("enum_types", MESSAGE_ENUM), "OneofDescriptor": ("oneofs", MESSAGE_ONEOF),
        "EnumValueDescriptor": ("values", ENUM_VALUE), "MethodDescriptor": ("methods", SERVICE_METHOD),
    }[kind]  # fmt: skip
    names = [sibling.name for sibling in getattr(owner, siblings)]
    return *path_of(owner), number, names.index(descriptor.name)


def cell(text):
    """Text as it may stand in a cell of a Markdown table."""
    return text.replace("|", "\\|").replace("<", "&lt;")


def anchor(name):
    return re.sub(r"[^a-z0-9_-]", "", name.lower())


def short(full):
    """"trialog.inventory.v1.Sample" is "Sample" within its package."""
    return re.sub(r"^trialog\.(\w+\.v1\.)?", "", full)


def page_of(full):
    """The page of the data dictionary that a message or enum stands on; None for a foreign one."""
    if not full.startswith("trialog."):
        return None
    service = full.split(".")[1]
    return f"{service}-data.md" if service in SERVICES else "common-data.md"


def link(full):
    page = page_of(full)
    return f"[{short(full)}]({page}#{anchor(short(full))})" if page else f"`{full}`"


def type_of(field, link=link):
    """A field's type for people, linked where there is something to read."""
    if field.message_type is not None:
        name = link(field.message_type.full_name)
    elif field.enum_type is not None:
        name = link(field.enum_type.full_name)
    else:
        name = SCALARS[field.type]
    return f"{name}, repeated" if field.is_repeated else name


SCALARS = {1: "double", 2: "float", 3: "int64", 4: "uint64", 5: "int32", 6: "fixed64", 7: "fixed32", 8: "bool",
           9: "string", 12: "bytes", 13: "uint32", 15: "sfixed32", 16: "sfixed64", 17: "sint32", 18: "sint64"}  # fmt: skip


def pattern_of(protos, message):
    """The form of a record's name, "organizations/{organization}/samples/{sample}"; None where it is no record."""
    if message is None or "name" not in message.fields_by_name or message.containing_type is not None:
        return None
    if re.search(r"(Request|Response)$", message.name):
        return None
    found = re.search(r"organizations/\{\w+\}(/\w+(/\{[\w ]+\})?)*", protos.comment(message.fields_by_name["name"]))
    return found[0] if found else None


def event_kinds(protos, service):
    """The messages of what can happen in a service, in the order of its event message."""
    for message in protos.messages(f"trialog.{service}.v1"):
        if message.name == f"{service.capitalize()}Event":
            yield from (field.message_type for field in message.fields)


def records(protos):
    """Messages that have a name of their own, by message name, with the service that owns them."""
    found = {}
    for service in SERVICES:
        events = {kind.name for kind in event_kinds(protos, service)}
        for message in protos.messages(f"trialog.{service}.v1"):
            pattern = pattern_of(protos, message)
            if pattern and message.name not in events:
                found[message.name] = (service, message, pattern)
    return found


def snake(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
