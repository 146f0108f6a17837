"""How each method that changes something changes a record of docs/access.md: a request about a record in the right state, and a
read of all that a refusal must leave as it is. Those of each service are in files of their own."""
import functools
import itertools

import grpc

import access_table
from client import method_of, reason_of, request_id, request_of
from relation_world import World, pattern_of
from request_maker import absent, binds_to_get, every_method, path_of, put


def at_path(request, path):
    """The text field at a path."""
    return functools.reduce(getattr, path, request)


class Answer:
    """What a command got: "OK", or the whole refusal."""

    def __init__(self, error=None):
        self.code = error.code().name if error else "OK"
        self.reason = reason_of(error) if error else None
        self.whole = (error.code().name, error.details(), sorted(error.trailing_metadata())) if error else ("OK",)

    def __repr__(self):
        return f"{self.code} {self.reason} {self.whole[1:2]}"


class Command:
    """One way of changing a record of the world."""

    def __init__(self, method, fields, kept, path, acts, too_late):
        self.method = method  # Full name.
        self.too_late = too_late
        self._fields = fields
        self._kept = kept
        self._path = path
        self._acts = acts

    def request(self, caller=None):
        """One that fits the record's state. Of records that are somebody's own it is about the caller's, where given."""
        return request_of(self.method, **self._fields(caller))

    def about_none(self, request):
        """The same request about a record that is not there."""
        other = type(request)()
        other.CopyFrom(request)
        put(other, self._path, absent(self.name(request)))
        return other

    def name(self, request):
        """The record that a request is about."""
        return at_path(request, self._path)

    def has_name(self):
        return self._path is not None

    def kept(self, request):
        """What the record that the route names, or what is below it, is now."""
        if self._kept is None:
            return None
        path, _ = path_of(self.method)
        return self._kept(at_path(request, path))

    def call(self, caller, request):
        """The answer to an attempt of its own."""
        if "request_id" in request.DESCRIPTOR.fields_by_name:
            request.request_id = request_id()
        service, name = self.method.split("/")
        try:
            getattr(self._acts(caller).service(service), name)(request)
        except grpc.RpcError as error:
            return Answer(error)
        return Answer()


class Under:
    """Adds commands of one title of docs/access.md."""

    def __init__(self, commands, title, kept):
        self._added = commands.of.setdefault(title, [])
        self._kept = kept

    def do(self, method, fields, kept=None, path=None, begins=False, acts=lambda caller: caller, too_late=None):
        """The method with these fields, as `fields(caller)` has them; `path` is where the request names the record, if not
        where its route does, and nowhere where it `begins` what is not there; `acts` gives who calls in the caller's place.
        Who is let in may hear `too_late` of a record that the server itself takes further."""
        full = access_table.full_name(method)
        path = path or (path_of(full) and path_of(full)[0])
        self._added.append(Command(full, fields, kept or self._kept, None if begins else path, acts, too_late))


class Commands:
    """The commands that change each kind of record, by its title in docs/access.md."""

    def __init__(self, world, *services):
        """`services`: functions that add the commands of a service."""
        self.of = {}
        for add in services:
            add(world, lambda title, kept=None: Under(self, title, kept))


def sees(caller, name):
    """Whether the caller is shown the record by the method that gets it or, without one, by that which lists it; everybody
    knows their own organisation."""
    word, above = pattern_of(name), name.rsplit("/", 2)[0]
    if word == "organizations/*":
        return caller.name.startswith(name + "/")
    for method in filter(binds_to_get, every_method()):
        short, fields = method.split("/")[1], method_of(method).input_type.fields_by_name
        try:
            if path_of(method) == (["name"], word) and short.startswith("Get") and "History" not in short:
                return bool(read(caller, method, name=name))
            if path_of(method) == (["parent"], pattern_of(above)) and "page_size" in fields:
                page = read(caller, method, parent=above, page_size=1000)
                if name in {record.name for record in getattr(page, page.DESCRIPTOR.fields[0].name)}:
                    return True
        except grpc.RpcError:
            continue
    return False


_numbers = itertools.count(1)


def fresh(word):
    """An id that no other record has."""
    return f"{word}-{next(_numbers)}"


def read(caller, method, **fields):
    """What a method gives to who owns the record."""
    service, name = access_table.full_name(method).split("/")
    return getattr(caller.service(service), name)(request_of(f"{service}/{name}", **fields))


def update(resource, field, **changes):
    """Fields of an update request: the resource with changes, and the mask."""
    for name, value in changes.items():
        setattr(resource, name, value)
    return {field: resource, "update_mask": {"paths": list(changes)}}


class ChangedWorld(World):
    """The world, with names of trials and datasets that do not exist yet and are in the scope of who holds a role for one."""

    SPARE = {"trial": 48, "dataset": 16}

    def __init__(self, server):
        super().__init__(server)
        self._people["anyone", "other side"] = self.site.provider
        self._spare = {kind: [f"spare-{number}" for number in range(count)] for kind, count in self.SPARE.items()}
        self.trials_in_scope, self.datasets_in_scope = iter(self._spare["trial"]), iter(self._spare["dataset"])

    def widen(self):
        """Gives those who hold a role for the trial or the dataset the same for the spare ones."""
        holders = [("TRIAL_RESEARCHER", "trial"), ("DATA_MANAGER", "trial"), ("DATA_CUSTODIAN", "dataset"), ("ANALYST", "dataset")]
        for role, kind in holders:
            person = self.caller(role, kind)
            for spare in self._spare[kind]:
                self.organization.grant(person, role, f"{self.name}/{kind}s/{spare}")
            person.sign_in_again()

    def give_roles_back(self):
        """As before end_roles, for those whom the records name."""
        for person, name in (
            (self.site.provider, "PROVIDER"),
            (self.site.researcher, "TRIAL_RESEARCHER"),
            (self.study.analyst, "ANALYST"),
            (self.site.patient, "PARTICIPANT"),
        ):
            self.organization.grant(person, name)
            person.sign_in_again()
