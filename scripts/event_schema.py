"""The schema of the public events that consumers decode with: a descriptor set without what no public event holds, its list in
words, and the rule that it only grows."""
from proto_docs import SCALARS, SERVICES, event_kinds

# What personal fields become before they reach the log; the public stream drops them at any depth.
SEALED = {"trialog.event.v1.Sealed", "trialog.event.v1.SealedPart"}


def public_kinds(protos, service):
    """The event kinds of a service that are in its public stream."""
    return [kind for kind in event_kinds(protos, service) if protos.option(kind, "MessageOptions", "trialog.public_event")]


def is_public(protos, field):
    """Whether a public event can hold a value of this field."""
    if field.message_type is not None and field.message_type.full_name in SEALED:
        return False
    return not any(protos.option(field, "FieldOptions", f"trialog.{mark}") for mark in ("personal", "secret"))


def hidden_paths(protos, message, above="", within=()):
    """Paths of the fields that a public event never holds, outermost first."""
    for field in message.fields:
        if not is_public(protos, field):
            yield above + field.name
        elif field.message_type is not None and field.message_type not in within:
            yield from hidden_paths(protos, field.message_type, f"{above}{field.name}.", (*within, message))


def reachable(protos):
    """Full names of the public event kinds and of the messages and enums that their public fields are made of."""
    found = set()
    waiting = [kind for service in SERVICES for kind in public_kinds(protos, service)]
    while waiting:
        described = waiting.pop()
        if described is None or described.full_name in found:
            continue
        found.add(described.full_name)
        for field in getattr(described, "fields", []):
            if is_public(protos, field):
                waiting += [field.message_type, field.enum_type]
    return found


class Cutter:
    """Cuts file descriptors down to what public events are made of."""

    def __init__(self, protos):
        self._protos = protos
        self._pool = {m.full_name: m for file in protos.files for m in protos.messages(file.package)}
        self._kept = reachable(protos)

    def cut(self, file):
        """A copy of a file's descriptor without what is not public; None when nothing is left."""
        cut = type(file)(name=file.name, package=file.package, syntax=file.syntax)
        foreign = not file.package.startswith("trialog")
        if foreign:  # Taken whole: their options name the packages that other languages know them by.
            if not any(f"{file.package}.{message.name}" in self._kept for message in file.message_type):
                return None
            cut.CopyFrom(file)
            cut.ClearField("source_code_info")
            return cut
        cut.message_type.extend(filter(None, (self._message(m, file.package) for m in file.message_type)))
        cut.enum_type.extend(self._enums(file.enum_type, file.package))
        return cut if cut.message_type or cut.enum_type else None

    def _message(self, message, scope):
        full = f"{scope}.{message.name}"
        nested = list(filter(None, (self._message(m, full) for m in message.nested_type)))
        enums = self._enums(message.enum_type, full)
        if full not in self._kept and not nested and not enums:
            return None
        cut = type(message)(name=message.name, nested_type=nested, enum_type=enums)
        if full in self._kept:
            by_name = self._pool[full].fields_by_name
            cut.field.extend(field for field in message.field if is_public(self._protos, by_name[field.name]))
            self._keep_oneofs(message, cut)
        for field in cut.field:  # Theirs are Trialog's own marks, which a consumer has no file for.
            field.ClearField("options")
        return cut

    def _keep_oneofs(self, message, cut):
        """Those with a field left, under the numbers that they then have."""
        used = sorted({field.oneof_index for field in cut.field if field.HasField("oneof_index")})
        for number in used:
            cut.oneof_decl.add(name=message.oneof_decl[number].name)
        for field in cut.field:
            if field.HasField("oneof_index"):
                field.oneof_index = used.index(field.oneof_index)

    def _enums(self, enums, scope):
        return [enum for enum in enums if f"{scope}.{enum.name}" in self._kept]


def type_names(messages):
    """Full names of the types that fields of these messages and of those within them have."""
    for message in messages:
        yield from (field.type_name.lstrip(".") for field in message.field if field.type_name)
        yield from type_names(message.nested_type)


def descriptor_set(protos):
    """The public events' FileDescriptorSet. Each file imports what it uses and stands after it."""
    cutter = Cutter(protos)
    files = list(filter(None, (cutter.cut(file) for file in protos.described.file)))  # Protoc gives imports first.
    homes = {name: file.name for file in files for name in declared(file)}
    for file in files:
        if file.package.startswith("trialog"):
            file.dependency.extend(sorted({homes[name] for name in type_names(file.message_type)} - {file.name}))
    return type(protos.described)(file=files)


def declared(file):
    """Messages and enums of a file, nested ones too: descriptor by full name, in the order of the file."""
    found = {}

    def add(scope, messages, enums):
        for enum in enums:
            found[f"{scope}.{enum.name}"] = enum
        for message in messages:
            found[f"{scope}.{message.name}"] = message
            add(f"{scope}.{message.name}", message.nested_type, message.enum_type)

    add(file.package, file.message_type, file.enum_type)
    return found


def type_text(field):
    """A field's type in one word or two."""
    text = field.type_name.lstrip(".") or SCALARS[field.type]
    text = f"repeated {text}" if field.label == field.LABEL_REPEATED else text
    return f"optional {text}" if field.proto3_optional else text


def numbers(described):
    """What a number of a message or enum stands for: {number: words}."""
    if hasattr(described, "value"):
        return {value.number: value.name for value in described.value}
    said = {}
    for field in described.field:
        said[field.number] = f"{field.name} {type_text(field)}"
        if field.HasField("oneof_index") and not field.proto3_optional:
            said[field.number] += f" (one of {described.oneof_decl[field.oneof_index].name})"
    return said


def types_of(described_set):
    """{full name: {number: words}} of all messages and enums of a descriptor set."""
    return {name: numbers(described) for file in described_set.file for name, described in declared(file).items()}


def listing(protos, described_set):
    """The descriptor set in words, so that a review sees what changed in it."""
    events = {kind.full_name for service in SERVICES for kind in public_kinds(protos, service)}
    lines = ["# What docs/events/trialog-events-v1.binpb holds. Written by scripts/event_docs.py from proto/. Do not edit."]
    for file in sorted(described_set.file, key=lambda file: file.name):
        for name, described in declared(file).items():
            kind = "enum" if hasattr(described, "value") else "event" if name in events else "message"
            lines += ["", f"{kind} {name}"]
            lines += [f"  {number} {words}" for number, words in numbers(described).items()]
    return "\n".join(lines) + "\n"


def removals(before, after):
    """What consumers of `before` would miss or misread in `after`; nothing when it only grew."""
    now = types_of(after)
    for name, said in types_of(before).items():
        if name not in now:
            yield f"{name} is gone"
            continue
        for number, words in said.items():
            if now[name].get(number) != words:
                yield f"{name}: {number} was '{words}', is '{now[name].get(number, 'gone')}'"
