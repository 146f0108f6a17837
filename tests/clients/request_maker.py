"""Requests of any method, made from its descriptor: what must be set is set, and the names in its path are those wanted."""
import re
import uuid

from google.api import annotations_pb2, field_behavior_pb2
from google.protobuf import field_mask_pb2, timestamp_pb2
from google.protobuf.descriptor import FieldDescriptor as Field
from google.type import date_pb2

from client import SERVICES, method_of, request_of
from trialog import options_pb2

# Field paths of a request, as ["sample", "name"].
_VERBS = ("get", "post", "patch", "put", "delete")
_STANDARD = {
    timestamp_pb2.Timestamp.DESCRIPTOR.full_name: {"seconds": 1_736_150_400},
    date_pb2.Date.DESCRIPTOR.full_name: {"year": 2025, "month": 1, "day": 5},
}


def every_method():
    """Full names of all methods of all services, in order."""
    return [f"{name}/{method.name}" for name in sorted(SERVICES) for method in SERVICES[name].methods]


def behaves(field, behavior):
    """Whether a field has this google.api.field_behavior."""
    return behavior in field.GetOptions().Extensions[field_behavior_pb2.field_behavior]


def is_personal(field):
    return field.GetOptions().Extensions[options_pb2.personal]


def is_repeated(field):
    return field.is_repeated if hasattr(field, "is_repeated") else field.label == Field.LABEL_REPEATED


def is_set_by_caller(field):
    """Whether callers set the field: not what only the server sets."""
    return field.name in ("name", "etag") or not behaves(field, field_behavior_pb2.OUTPUT_ONLY)


def path_of(method):
    """(field path, pattern of the name) in the method's HTTP path: (["sample", "name"], "organizations/*/…"); None without."""
    http = method_of(method).GetOptions().Extensions[annotations_pb2.http]
    url = next((getattr(http, verb) for verb in _VERBS if getattr(http, verb)), "")
    found = re.search(r"\{([a-z_.]+)=([^}]+)\}", url)
    return (found[1].split("."), found[2]) if found else None


def binds_to_get(method):
    return bool(method_of(method).GetOptions().Extensions[annotations_pb2.http].get)


def put(request, path, value):
    """Sets the text field at a path."""
    for step in path[:-1]:
        request = getattr(request, step)
    setattr(request, path[-1], value)


def absent(name):
    """A name like this one, of a record that is not there."""
    above, last = name.rsplit("/", 1)
    if above.endswith("/auditEntries"):
        return f"{above}/{uuid.uuid4()}"
    if last == "notificationPreferences":
        return f"{absent(above)}/{last}"
    return f"{above}/{'999' if last.isdigit() else 'not-there'}"


def request_for(method, name=None, personal=False):
    """A request that is right in form: what is REQUIRED, with `personal` what is personal as well, and `name` in the path."""
    request = request_of(method)
    _fill(request, personal)
    if name is not None:
        put(request, path_of(method)[0], name)
    return request


def _fill(message, personal):
    for field in message.DESCRIPTOR.fields:
        wanted = behaves(field, field_behavior_pb2.REQUIRED) or (personal and is_personal(field))
        if not wanted or not is_set_by_caller(field):
            continue
        if field.message_type is None:
            value = _value(field)
            getattr(message, field.name).append(value) if is_repeated(field) else setattr(message, field.name, value)
            continue
        child = getattr(message, field.name)
        child = child.add() if is_repeated(field) else child
        child.SetInParent()
        if isinstance(child, field_mask_pb2.FieldMask):
            child.paths.append(_updated(message.DESCRIPTOR, personal))
        for name, value in _STANDARD.get(field.message_type.full_name, {}).items():
            setattr(child, name, value)
        if field.message_type.full_name not in _STANDARD:
            _fill(child, personal)


def _updated(request, personal):
    """A field of the resource that an update may name; with `personal` one that is, if any."""
    resource = next(field.message_type for field in request.fields if field.message_type and field.name != "update_mask")
    fields = [field for field in resource.fields if is_set_by_caller(field) and field.name not in ("name", "etag")]
    return min(fields, key=lambda field: personal and not is_personal(field)).name


def _value(field):
    if field.cpp_type == Field.CPPTYPE_STRING:
        return b"x" if field.type == Field.TYPE_BYTES else "made-up-1"
    if field.cpp_type == Field.CPPTYPE_ENUM:
        return field.enum_type.values[1].number
    return 1
