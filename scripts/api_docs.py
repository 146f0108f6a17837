#!/usr/bin/env python3
"""Writes docs/api from the protos: per service the calls and the data dictionary, an entity diagram, JSON schemas.

usage: .venv/bin/python scripts/api_docs.py [--check]
  --check   writes nothing; exits 1 and says what differs, or what in the protos has no comment

Needs grpcio-tools (tests/clients/requirements.txt); scripts/test.sh makes .venv with it.
"""
import collections
import json
import re
import sys

from proto_docs import ALIASES, REPOSITORY, SCALARS, SERVICES, Protos, anchor, cell, link, load, pattern_of, records, short, snake, type_of

OUTPUT = REPOSITORY / "docs" / "api"
WELL_KNOWN = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?s$"},
    "google.protobuf.FieldMask": {"type": "string", "description": "Field paths, joined by commas."},
    "google.protobuf.Empty": {"type": "object"},
    "google.protobuf.Any": {"type": "object"},
}
GENERATED = "<!-- Written by scripts/api_docs.py from proto/. Do not edit. -->\n"


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
        "- **Strict reads**: metadata `trialog-read: strict` shows everything that was acknowledged before the call, at any replica; it takes as long as a command. Not for streams.",
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
    protos = load()
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
