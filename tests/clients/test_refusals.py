"""Whoever is refused by a rule learns nothing, and the refusal is recorded: for every method, a record that is there and not
the caller's and one that is not there get the same bytes; the audit log tells the two apart."""
from collections import Counter

import grpc
import pytest

import access_table
from audited import entries_of
from client import eventually, method_of, not_found
from clinic import Clinic
from organization import Organization
from relation_world import World
from request_maker import absent, binds_to_get, every_method, path_of, put, request_for
from trialog.audit.v1 import service_pb2
from trialog.event.v1 import record_pb2
from trialog.trials.v1 import patient_pb2

RULES = access_table.options()
RECORD_RULES = access_table.record_rules()
ACCESS = record_pb2.Access.DESCRIPTOR.full_name
# How a holder of the role stands to the records of the world so that none of them is theirs (docs/access.md).
STRANGER = {
    "DATA_MANAGER": "other trial",
    "COORDINATOR": "other trial",
    "INVESTIGATOR": "other trial",
    "MONITOR": "other trial",
    "PROVIDER": "other trial",
    "TRIAL_RESEARCHER": "other trial",
    "DATA_CUSTODIAN": "other trial",
    "AUDITOR": "other trial",
    "BIOBANK_MANAGER": "other biobank",
    "LAB_TECHNICIAN": "other biobank",
    "ANALYST": "other dataset",
    "PARTICIPANT": "organization",
}
# At most so many refusals of a caller are recorded a minute by each service; the rest is a count.
RECORDED = 20
# A first message begins its thread: the id is the sender's own choice, as in every Create.
BEGINS = {"trialog.trials.v1.MessagingService/SendMessage"}


def answer_of(caller, method, request):
    """All that a caller gets: of a unary call its bytes, of a stream what is there when it begins, or the whole refusal."""
    service, name = method.split("/")
    call = getattr(caller.service(service), name)(request) if method_of(method).server_streaming else None
    try:
        if call is None:
            return "OK", getattr(caller.service(service), name)(request).SerializeToString(deterministic=True)
        seen = []
        for batch in call:
            seen += list(getattr(batch, "changes", [batch]))
            if getattr(batch, "initial_done", False):
                break
        call.cancel()
        return "OK", seen
    except grpc.RpcError as error:
        return error.code().name, error.details(), sorted(error.trailing_metadata())


def record_methods():
    """Methods that name a record and have a record rule, and that a stranger's role lets in."""
    return [
        method
        for method in every_method()
        if path_of(method) and path_of(method)[1] != "organizations/*" and not RECORD_RULES[method] & {"none", "token"}
    ]


@pytest.fixture(scope="module")
def world(server):
    return World(server)


class Strangers:
    """Callers of a role, none of whom is refused more often by one service than is recorded in a minute."""

    def __init__(self, world):
        self._world = world
        self._uses = Counter()
        self._made = {}

    def take(self, role, relation, method, uses=2):
        """A caller for so many calls of a method."""
        service = method.split(".")[1]
        for number in range(100):
            key = (role, relation, number)
            if key not in self._made:
                self._made[key] = self._world.stranger(role, number, relation)
            if self._uses[key, service] + uses < RECORDED:  # One is left for the last.
                self._uses[key, service] += uses
                return self._made[key]
        raise AssertionError("too many callers")


def strangers_of(method):
    """Roles that the method lets in and that have a stranger."""
    rule = RULES[method]
    if rule.signed_in:
        return ["PARTICIPANT"]
    return [role for role in STRANGER if access_table.lets_in(rule, role)]


class Case:
    """A method, a role that it lets in, and the field that names the record."""

    def __init__(self, method, role, relation=None, path=None, pattern=None, **fixed):
        self.method = method
        self.role = role
        self.relation = relation or STRANGER[role]
        self.path, self.pattern = (path, pattern) if path else path_of(method)
        self.fixed = fixed  # Other fields that name records of the world: {field: pattern}.

    def __str__(self):
        return f"{self.method.split('/')[1]} {self.role}"

    def request(self, world, name, personal=False):
        made = request_for(self.method, personal=personal)
        for field, pattern in self.fixed.items():
            setattr(made, field, world.records.get(pattern, world.name))
        put(made, self.path, name)
        return made


def cases():
    """One for each method and role; and those of methods that name another's record in a field beside their path."""
    found = [Case(method, role) for method in record_methods() for role in strangers_of(method) if method not in BEGINS]
    patient, trial = "organizations/*/patients/*", "organizations/*/trials/*"
    for role in ("COORDINATOR", "INVESTIGATOR", "PROVIDER"):  # They see the trial, and not the patient.
        enroll = "trialog.trials.v1.EnrollmentService/EnrollSubject"
        found.append(Case(enroll, role, "other site", ["subject", "patient"], patient, parent=trial))
        book = "trialog.trials.v1.SchedulingService/BookAppointment"
        found.append(Case(book, role, None, ["appointment", "patient"], patient, parent="organizations/*"))
    for role in ("COORDINATOR", "INVESTIGATOR", "PROVIDER", "PARTICIPANT"):
        capture = "trialog.trials.v1.DataCaptureService/CreateDataCapture"
        found = [case for case in found if (case.method, case.role) != (capture, role)]
        found.append(Case(capture, role, None, ["data_capture", "subject"], trial + "/subjects/*", parent=trial))
    for role in ("AUDITOR", "PARTICIPANT"):
        accesses = "trialog.audit.v1.AuditService/ListAccesses"
        found.append(Case(accesses, role, None, ["subject"], patient, parent="organizations/*"))
    return found


# Refused from the name alone, there or not.
BY_NAME = {
    "trialog.trials.v1.NotificationService/ListNotifications",
    "trialog.trials.v1.NotificationService/WatchNotifications",
    "trialog.trials.v1.NotificationService/GetPreferences",
    "trialog.trials.v1.NotificationService/UpdatePreferences",
    "trialog.audit.v1.AuditService/ListAccesses",
}


def test_every_method_that_names_a_record_is_tried():
    tried = {case.method for case in cases()}
    for method in record_methods():
        only = {name for name, held in access_table.roles(RULES[method]).items() if held}
        assert method in tried | BEGINS or only <= {"SYSTEM_ADMINISTRATOR", "NOTIFIER"}, method


def sees(world, caller, pattern):
    """Whether the caller reads the record itself: then it is no secret that it is there."""
    for method in every_method():
        name = method.split("/")[1]
        if path_of(method) == (["name"], pattern) and binds_to_get(method) and name.startswith("Get") and "History" not in name:
            return answer_of(caller, method, request_for(method, world.records[pattern]))[0] == "OK"
    return False


@pytest.mark.parametrize("case", cases(), ids=str)
def test_a_record_of_others_is_answered_like_none(world, case):
    caller = world.caller(case.role, case.relation)
    if sees(world, caller, case.pattern):
        return
    name = world.records[case.pattern]
    for personal in (False, True):
        there = answer_of(caller, case.method, case.request(world, name, personal))
        none = answer_of(caller, case.method, case.request(world, absent(name), personal))
        assert there == none, (personal, there, none)
        assert there[0] in ("OK", "NOT_FOUND", "PERMISSION_DENIED"), there


@pytest.mark.parametrize("method", [method for method in every_method() if path_of(method)])
def test_another_organisations_record_is_answered_like_none(world, method):
    if RULES[method].public:
        return
    caller = world.caller("anyone", "foreign")
    there = world.records.get(path_of(method)[1], world.name)
    nowhere = there.replace(world.name, "organizations/not-there")
    names = {there, nowhere, nowhere if there == world.name else absent(there)}
    for personal in (False, True):
        answers = [answer_of(caller, method, request_for(method, name, personal)) for name in names]
        assert all(answer == answers[0] for answer in answers), answers
        assert personal or answers[0][0] in ("NOT_FOUND", "PERMISSION_DENIED"), answers[0]


def test_others_records_make_no_next_page(world):
    """A page that holds all that the caller sees is the last, whatever others have behind it."""
    for person in (world.site.patient, world.site.other_patient):
        request = patient_pb2.ListPatientsRequest(parent=world.name, page_size=1)
        page = person.PatientService.ListPatients(request)
        assert [patient.name for patient in page.patients] == [person.identity.patient]
        assert not page.next_page_token


def refusals_of(world, caller):
    """{method: how often} of the refusals of a caller that the audit log holds."""
    auditor = world.caller("AUDITOR", "organization")
    text = f'actor.name = "{caller.name}" AND type = "{ACCESS}"'
    found, request = Counter(), service_pb2.ListEntriesRequest(parent=world.name, filter=text, page_size=1000)
    for entry in auditor.AuditService.ListEntries(request).entries:
        access = record_pb2.Access.FromString(entry.content.payload)
        if access.outcome == record_pb2.Access.OUTCOME_REFUSED:
            assert entry.content.entity == caller.name and not access.subjects and access.count == 1
            found[access.method] += 1
    return found


# One that no stranger may call: what it leaves stands behind all that the service recorded before.
LAST = {
    "auth": "trialog.auth.v1.KeyService/GetLookupKey",
    "inventory": "trialog.inventory.v1.EventService/Subscribe",
    "trials": "trialog.trials.v1.EventService/Subscribe",
    "analytics": "trialog.analytics.v1.EventService/Subscribe",
    "audit": "trialog.audit.v1.EventService/Subscribe",
}


def test_each_refusal_by_a_record_rule_is_recorded_and_nothing_else(world):
    """In Get, List, Watch, histories, exports and commands: one entry for a record that is there, none for one that is not."""
    strangers, expected, services = Strangers(world), {}, {}
    once = {case.method: case for case in reversed(cases())}
    for case in once.values():
        caller = strangers.take(case.role, case.relation, case.method)
        wanted = expected.setdefault(caller, Counter())
        name = world.records[case.pattern]
        none = answer_of(caller, case.method, case.request(world, absent(name)))
        there = answer_of(caller, case.method, case.request(world, name))
        by_name = there[0] == none[0] == "PERMISSION_DENIED" or case.method in BY_NAME
        shown = there[0] == "OK" and there[1]
        wanted[case.method] += by_name + (not shown)
        services.setdefault(caller, set()).add(case.method.split(".")[1])
    for caller, used in services.items():
        for service in used:
            assert answer_of(caller, LAST[service], request_for(LAST[service]))[0] == "PERMISSION_DENIED"
            expected[caller][LAST[service]] += 1
    for caller, wanted in expected.items():
        last = {LAST[service] for service in services[caller]}
        eventually(lambda: last <= set(refusals_of(world, caller)))
        assert refusals_of(world, caller) == wanted, caller.name


def test_refusals_beyond_a_minutes_share_are_counted_also_when_the_server_stops(make_server):
    server = make_server()
    clinic = Clinic(Organization(server))
    auditor = clinic.organization.join("auditor", "AUDITOR")
    refused_calls = 33  # More than are recorded one by one.
    for _ in range(refused_calls):
        with not_found():
            clinic.other_patient.PatientService.GetPatient(
                patient_pb2.GetPatientRequest(name=clinic.patient.identity.patient)
            )
    server.stop()
    server.start()
    auditor.reconnect(server.target)

    def counts():
        caller = f'type = "{ACCESS}" AND actor.name = "{clinic.other_patient.name}"'
        accesses = [
            record_pb2.Access.FromString(entry.content.payload) for entry in entries_of(auditor, clinic, caller)
        ]
        counted = [access.count for access in accesses if access.outcome == record_pb2.Access.OUTCOME_REFUSED]
        return counted if sum(counted) >= refused_calls else None

    counted = eventually(counts)
    assert sum(counted) == refused_calls and len(counted) < refused_calls
