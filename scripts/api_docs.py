#!/usr/bin/env python3
"""Writes docs/api from the protos: per service the calls and the data dictionary, an entity diagram, JSON schemas.

usage: .venv/bin/python scripts/api_docs.py [--check]
  --check   writes nothing; exits 1 and says what differs, or what in the protos has no comment

Needs grpcio-tools (tests/clients/requirements.txt); scripts/test.sh makes .venv with it.
"""
import collections
import json
import pathlib
import re
import sys
import tempfile

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
OUTPUT = REPOSITORY / "docs" / "api"
SERVICES = ["auth", "inventory", "trials", "analytics", "audit"]
# Fields that name a record of another word than its own.
ALIASES = {
    "account": "User", "acknowledger": "User", "administrator": "User", "approver": "User", "author": "User",
    "captured_by": "User", "clinician": "User", "creator": "User", "distributed_by": "User", "provider": "User",
    "recipient": "User", "releaser": "User", "requester": "User", "responsible_person": "User", "sender": "User",
    "location": "StorageLocation", "medication": "MedicationDistribution",
}  # fmt: skip
WELL_KNOWN = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?s$"},
    "google.protobuf.FieldMask": {"type": "string", "description": "Field paths, joined by commas."},
    "google.protobuf.Empty": {"type": "object"},
    "google.protobuf.Any": {"type": "object"},
}
GENERATED = "<!-- Written by scripts/api_docs.py from proto/. Do not edit. -->\n"


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
                raise SystemExit("api_docs: the protos do not compile")
            described = descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path(out.name).read_bytes())
        pool = descriptor_pool.DescriptorPool()
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


def type_of(field):
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


def route(protos, method):
    rule = protos.option(method, "MethodOptions", "google.api.http")
    if rule is None:
        return "gRPC only"
    said = []
    for binding in (rule, *rule.additional_bindings):
        verb = binding.WhichOneof("pattern")
        said.append(f"`{verb.upper()} {getattr(binding, verb)}`" + (f", body `{binding.body}`" if binding.body else ""))
    return "; ".join(said)


def access(protos, method):
    rule = protos.option(method, "MethodOptions", "trialog.access")
    if rule is None:
        return "nobody: no rule"
    roles = rule.DESCRIPTOR.fields_by_name["roles"].enum_type
    words = [roles.values_by_number[role].name.removeprefix("ROLE_") for role in rule.roles]
    for flag, said in (("public", "anybody, without a token"), ("signed_in", "anybody signed in"), ("internal", "Trialog's own services")):
        if getattr(rule, flag):
            words.append(said)
    return ", ".join(words)


def calls_page(protos, service):
    """docs/api/<service>.md."""
    lines = [GENERATED, f"# {service}: calls", ""]
    lines.append(f"Data: [{service}-data.md]({service}-data.md). Roles: [access.md](../access.md); which records a caller then sees")
    lines += ["is said there too.", ""]
    for described in protos.services(f"trialog.{service}.v1"):
        lines += [f"## {described.name}", "", protos.comment(described), ""]
        for method in described.methods:
            answer = link(method.output_type.full_name) + (" (stream)" if method.server_streaming else "")
            lines += [f"### {described.name}/{method.name}", "", protos.comment(method), ""]
            lines.append(f"- takes {link(method.input_type.full_name)}, answers {answer}")
            lines.append(f"- REST: {route(protos, method)}")
            lines += [f"- may be called by: {access(protos, method)}", ""]
    return "\n".join(lines).rstrip() + "\n"


def marks(protos, field):
    """What a reader must know of a field beside its type."""
    behaviors = protos.option(field, "FieldOptions", "google.api.field_behavior") or []
    words = [{2: "required", 3: "output only", 4: "input only", 5: "immutable"}.get(b, "") for b in behaviors]
    if protos.option(field, "FieldOptions", "trialog.secret"):
        words.append("secret")
    if field.containing_oneof is not None and not field.containing_oneof.name.startswith("_"):
        words.append(f"one of `{field.containing_oneof.name}`")
    return ", ".join(filter(None, words))


def unique(protos, field):
    """Within what no two records have the same value, as the comment says it; empty where they may."""
    if field.name == "name" and pattern_of(protos, field.containing_type):
        return "everywhere"
    said = re.search(r"\bunique in the (\w+)", protos.comment(field))
    return said[1].replace("organisation", "organization") if said else ""


def message_section(protos, message):
    kind = " (public event)" if protos.option(message, "MessageOptions", "trialog.public_event") else ""
    lines = [f"## {short(message.full_name)}", "", protos.comment(message) + kind, ""]
    if message.fields:
        lines += ["| field | type | meaning | personal | unique in | |", "| --- | --- | --- | --- | --- | --- |"]
    for field in message.fields:
        personal = "yes" if protos.option(field, "FieldOptions", "trialog.personal") else ""
        cells = [f"`{field.name}`", type_of(field), cell(protos.comment(field)), personal, unique(protos, field)]
        lines.append(f"| {' | '.join(cells)} | {marks(protos, field)} |")
    return lines + [""] if message.fields else lines


def enum_section(protos, enum):
    lines = [f"## {short(enum.full_name)}", "", protos.comment(enum), "", "| value | number | meaning |", "| --- | --- | --- |"]
    lines += [f"| `{v.name}` | {v.number} | {cell(protos.comment(v))} |" for v in enum.values]
    return lines + [""]


def data_page(protos, title, packages):
    """A page of the data dictionary."""
    lines = [GENERATED, f"# {title}: data dictionary", ""]
    lines.append("Personal fields are sealed under the person's key before they are stored ([sealed.md](../formats/sealed.md)).")
    lines += ["", "# Messages", ""]
    for package in packages:
        for message in protos.messages(package):
            lines += message_section(protos, message)
    lines += ["# Enums", ""]
    for package in packages:
        for enum in protos.enums(package):
            lines += enum_section(protos, enum)
    return "\n".join(lines).rstrip() + "\n"


def pattern_of(protos, message):
    """The form of a record's name, "organizations/{organization}/samples/{sample}"; None where it is no record."""
    if message is None or "name" not in message.fields_by_name or message.containing_type is not None:
        return None
    if re.search(r"(Request|Response)$", message.name):
        return None
    found = re.search(r"organizations/\{\w+\}(/\w+(/\{[\w ]+\})?)*", protos.comment(message.fields_by_name["name"]))
    return found[0] if found else None


def records(protos):
    """Messages that have a name of their own, by message name, with the service that owns them."""
    found = {}
    for service in SERVICES:
        messages = list(protos.messages(f"trialog.{service}.v1"))
        events = {f.message_type.name for m in messages if m.name == f"{service.capitalize()}Event" for f in m.fields}
        for message in messages:
            pattern = pattern_of(protos, message)
            if pattern and message.name not in events:
                found[message.name] = (service, message, pattern)
    return found


def snake(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def form_of(pattern):
    """A pattern without the words in its braces."""
    return re.sub(r"\{[\w ]+\}", "*", pattern)


def relations(protos, found):
    """(from, to, how) of what names what: the record that it stands below, and fields that hold another's name."""
    by_pattern = {}
    for name, (_, _, pattern) in found.items():
        collection = pattern.replace("/{", " {").split("/")[-1]
        if form_of(pattern) not in by_pattern or collection.lower().startswith(name.lower()):
            by_pattern[form_of(pattern)] = name
    by_field = {snake(name): name for name in found} | ALIASES
    for name, (_, message, pattern) in sorted(found.items()):
        above = form_of(pattern)
        parent = by_pattern.get(above.rsplit("/", 2 if above.endswith("*") else 1)[0])
        if parent and parent != name:
            yield parent, name, "holds"
        for field in message.fields:
            target = by_field.get(field.name)
            if field.type == 9 and target in found and target not in (name, parent):  # A string.
                yield name, target, field.name


def entities_page(protos):
    """docs/api/entities.md: a diagram a service, whose edges may lead to others' records."""
    found = records(protos)
    edges = sorted(set(relations(protos, found)))
    lines = [GENERATED, "# Entities", "", "Records and what they name. `holds`: stands below in the resource name; the others are fields.", ""]
    for service in SERVICES:
        own = sorted(name for name, (owner, _, _) in found.items() if owner == service)
        lines += [f"## {service}", "", "```mermaid", "erDiagram"]
        for one, other, how in edges:
            if (other if how == "holds" else one) in own:
                lines.append(f"  {one} {'||--o{' if how == 'holds' else '}o--||'} {other} : {how}")
        for name in own:
            lines.append(f"  {name} {{")
            for field in found[name][1].fields:
                personal = protos.option(field, "FieldOptions", "trialog.personal")
                notes = " ".join(filter(None, ["PK" if field.name == "name" else "UK" if unique(protos, field) else "", '"personal"' if personal else ""]))
                lines.append(f"    {diagram_type(field)} {field.name} {notes}".rstrip())
            lines.append("  }")
        lines += ["```", "", "| record | name |", "| --- | --- |"]
        lines += [f"| {link(found[name][1].full_name)} | `{found[name][2]}` |" for name in own] + [""]
    return "\n".join(lines).rstrip() + "\n"


def diagram_type(field):
    described = field.message_type or field.enum_type
    name = described.name if described is not None else SCALARS[field.type]
    return name + ("[]" if field.is_repeated else "")


def schema_of_field(protos, field, uses):
    if field.message_type is not None and field.message_type.full_name in WELL_KNOWN:
        schema = dict(WELL_KNOWN[field.message_type.full_name])
    elif field.message_type is not None or field.enum_type is not None:
        described = field.message_type or field.enum_type
        uses.append(described)
        schema = {"$ref": f"#/$defs/{described.full_name}"}
    elif field.type in (1, 2):
        schema = {"type": ["number", "string"]}
    elif field.type in (3, 4, 6, 16, 18):  # 64 bits: JSON has them as strings.
        schema = {"type": ["string", "integer"]}
    else:
        schema = {"type": {8: "boolean", 9: "string", 12: "string"}.get(field.type, "integer")}
        if field.type == 12:
            schema["contentEncoding"] = "base64"
    if field.is_repeated:
        schema = {"type": "array", "items": schema}
    schema["description"] = protos.comment(field)
    for option in ("personal", "secret"):
        if protos.option(field, "FieldOptions", f"trialog.{option}"):
            schema[f"x-{option}"] = True
    if within := unique(protos, field):
        schema["x-unique"] = within
    return schema


def schema_of(protos, described, uses):
    if described.full_name in WELL_KNOWN:
        return WELL_KNOWN[described.full_name]
    if hasattr(described, "values"):
        return {"description": protos.comment(described), "enum": [value.name for value in described.values]}
    schema = {"description": protos.comment(described), "type": "object"}
    schema["properties"] = {f.json_name: schema_of_field(protos, f, uses) for f in described.fields}
    required = [f.json_name for f in described.fields if 2 in (protos.option(f, "FieldOptions", "google.api.field_behavior") or [])]
    return schema | ({"required": required} if required else {})


def schema_page(protos, service):
    """docs/api/<service>.schema.json: the messages of a service's calls in their JSON form (proto3 JSON mapping)."""
    package = f"trialog.{service}.v1"
    waiting = collections.deque([*protos.messages(package), *protos.enums(package)])
    waiting += [m for s in protos.services(package) for method in s.methods for m in (method.input_type, method.output_type)]
    definitions = {}
    while waiting:
        described = waiting.popleft()
        if described.full_name in definitions:
            continue
        uses = []
        definitions[described.full_name] = schema_of(protos, described, uses)
        waiting += uses
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{package}, JSON form",
        "$comment": "Written by scripts/api_docs.py from proto/. Do not edit.",
        "$defs": dict(sorted(definitions.items())),
    }
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def index_page(protos):
    lines = [GENERATED, "# API", "", "gRPC, with reflection; each call also has a REST route for a gateway (`google.api.http`).", ""]
    lines += ["| service | calls | data | JSON schema |", "| --- | --- | --- | --- |"]
    for service in SERVICES:
        count = sum(len(described.methods) for described in protos.services(f"trialog.{service}.v1"))
        lines.append(f"| {service} | [{count} calls]({service}.md) | [dictionary]({service}-data.md) | [schema]({service}.schema.json) |")
    lines += ["", "[Entity diagram](entities.md). [Messages that all share](common-data.md).", ""]
    lines += [
        "- **Who calls**: metadata `authorization: Bearer <access token>` from `AuthService/Login`; what may be called without says so.",
        "- **Trace**: metadata `traceparent` (W3C) goes into the event and to whoever subscribes to it.",
        "- **Position**: trailing metadata `trialog-position` of an answer; sent as `trialog-min-position` it asks to read at least that.",
        "- **Commands** take a `request_id` (a UUID): the same one gives the same answer for a day. Updates take `etag` and `update_mask`.",
        "- **Lists** page by `page_size` and `page_token`, filter by AIP-160 `filter`, and show the past by `as_of`.",
        "- **Watches** answer with a `resume_token`; after a break nothing is lost or doubled.",
        "- **Errors** are google.rpc.Status with ErrorInfo (`reason`, domain `trialog`), BadRequest for fields, RetryInfo where a retry helps.",
    ]
    return "\n".join(lines) + "\n"


def pages(protos):
    """Everything in docs/api, by file name."""
    written = {"README.md": index_page(protos), "entities.md": entities_page(protos)}
    written["common-data.md"] = data_page(protos, "What all share", ["trialog", "trialog.event.v1"])
    for service in SERVICES:
        written[f"{service}.md"] = calls_page(protos, service)
        written[f"{service}-data.md"] = data_page(protos, service, [f"trialog.{service}.v1"])
        written[f"{service}.schema.json"] = schema_page(protos, service)
    return written


def differences(written, folder=OUTPUT):
    """File names of `folder` that are not what they would be written as."""
    there = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*")} if folder.is_dir() else {}
    return sorted(name for name in there.keys() | written.keys() if there.get(name) != written.get(name))


def main():
    try:
        protos = Protos()
    except ImportError as missing:
        raise SystemExit(f"api_docs: {missing}; python3 -m venv .venv && .venv/bin/pip install -r tests/clients/requirements.txt")
    faults = [f"{name}: no comment" for name in protos.uncommented()]
    written = pages(protos)
    if sys.argv[1:] == ["--check"]:
        faults += [f"docs/api/{name}: not what scripts/api_docs.py writes; run it" for name in differences(written)]
    elif sys.argv[1:]:
        raise SystemExit(__doc__)
    else:
        OUTPUT.mkdir(exist_ok=True)
        for name in differences(written):
            if name in written:
                (OUTPUT / name).write_text(written[name], encoding="utf-8")
            else:
                (OUTPUT / name).unlink()
    print("\n".join(faults) or "docs/api is up to date")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
