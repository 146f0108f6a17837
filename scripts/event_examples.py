"""Made-up public events: what a field holds follows from its name and type, the same in every run, and reads like a real one."""
import base64
import hashlib
import re

from google.protobuf import descriptor_pool, json_format, message_factory

from proto_docs import ALIASES, records, snake

ORGANIZATION = "demo"
RECORD_TIME = "2026-03-02T09:30:00.250Z"
# The last part of a name, by the collection it is in.
IDS = {
    "organizations": ORGANIZATION, "adherenceLogs": "log-31", "analyses": "survival-1", "appointments": "visit-12",
    "biobanks": "central", "cohorts": "treated", "dataCaptures": "capture-88", "datasets": "lung", "grants": "grant-5",
    "inventoryItems": "item-17", "medicationDistributions": "handout-4", "medicationOrders": "order-9", "messages": "message-3",
    "movements": "2", "notifications": "notice-6", "patients": "patient-7", "serviceAccounts": "notifier",
    "sessions": "session-2", "signingKeys": "key-1", "sites": "north", "storageLocations": "freezer-2", "samples": "sample-17",
    "subjects": "subject-7", "threads": "thread-8", "trialEvents": "news-1", "trials": "lung-2026", "users": "coordinator-1",
    "versions": "1",
}  # fmt: skip
# Records whose uid is not the last part of their name.
OWN_UIDS = {"Organization", "ServiceAccount", "User"}
USERS = {
    "approved_by": "administrator-1", "captured_by": "coordinator-1", "creator": "technician-1", "decider": "custodian-1",
    "finalized_by": "provider-1", "grantor": "administrator-1", "members": ("participant-7", "provider-1"), "provider": "provider-1",
    "providers": "provider-1", "publisher": "researcher-1", "recipient": "participant-7", "recipients": "participant-7",
    "requester": "analyst-1", "researchers": "researcher-1", "responsible_person": "manager-1", "sender": "provider-1",
    "submitted_by": "researcher-1", "Appointment.creator": "coordinator-1", "Grant.name": "monitor-1",
    "NotificationAcknowledged.name": "participant-7", "NotificationCreated.name": "participant-7", "Patient.user": "participant-7",
    "ProviderAssignment.user": "provider-1", "ProviderUnassigned.user": "provider-1", "RoleEnded.name": "monitor-1",
    "RoleRevoked.name": "monitor-1", "UserLinked.name": "participant-7",
}  # fmt: skip
# Names of records whose field says neither in its name nor in its comment what they are of.
NAMES = {
    "context": "Trial", "dataset_version": "organizations/{o}/datasets/{d}/versions/{v}", "FeedbackAdded.name": "MedicationOrder",
    "InventoryItem.location": "StorageLocation", "movement": "organizations/{o}/biobanks/{b}/inventoryItems/{i}/movements/{m}",
    "resource": "MedicationDistribution", "RoleEnded.name": "Grant", "RoleRevoked.name": "Grant", "scope": "Trial",
    "StockMoved.location": "StorageLocation",
}  # fmt: skip
TEXTS = {
    "alg": "ES256", "columns": "age", "container_type": "CRY", "crv": "P-256", "end_column": "last_contact",
    "event_column": "status", "failure_reason": "TOO_FEW_ROWS", "form_version": "3", "group_column": "arm",
    "identifier": "LUNG-0017", "kty": "EC", "location": "Building 4", "paths": "active", "preservation": "SNP",
    "sample_type": "PL1", "start_column": "enrolled", "subject_key": "K7Q2-M4XD", "tier": "genetics", "tiers": "genetics",
    "tracking": "LIMS-4711", "use": "sig",
    "DataCaptureAmended.paths": "track_time", "Biobank.display_name": "Central biobank", "Organization.display_name": "Demo hospital",
    "ServiceAccount.display_name": "Notifier", "StorageLocation.display_name": "Freezer 2",
}  # fmt: skip
TIMES = {
    "collect_time": "2026-03-02T07:45:00Z", "end_time": "2026-03-09T10:30:00Z", "expire_time": "2026-05-31T09:30:00.250Z",
    "occur_time": "2026-03-02T09:15:00Z", "start_time": "2026-03-09T10:00:00Z", "track_time": "2026-03-02T09:15:00Z",
    "Grant.start_time": RECORD_TIME, "Grant.end_time": "2027-03-01T00:00:00Z", "SigningKey.end_time": "2026-06-07T10:00:00Z",
    "SigningKey.expire_time": "2026-06-07T10:05:00Z",
}  # fmt: skip
NUMBERS = {"capacity": 500, "freeze_thaw_limit": 3, "DataCaptureAmended.version": 2}
# In hundredths: of a quantity by the field that it stands in.
UNITS = {
    "InventoryItem.issued_quantity": 0,
    "StockAdjusted.balance": 120, "StockAdjusted.change": -5, "StockIssued.balance": 100, "StockIssued.change": -25,
    "StockIssued.issued": 25, "StockReturned.balance": 110, "StockReturned.change": 10, "StockReturned.issued": 15,
}  # fmt: skip
ENUMS = {
    "from": "SUBJECT_STATE_SCREENING", "from_state": "SAMPLE_STATE_RECEIVED", "to": "SUBJECT_STATE_ENROLLED",
    "to_state": "SAMPLE_STATE_STORED", "Analysis.release_policy": "RELEASE_POLICY_CUSTODIAN", "AnalysisMoved.state": "STATE_RELEASED",
    "Appointment.state": "STATE_BOOKED", "Consent.state": "CONSENT_STATE_GIVEN",
    "DataCaptureAmended.state": "DATA_CAPTURE_STATE_SUBMITTED", "MedicationOrderActivated.from_state": "STATE_DRAFT",
    "RoleEnded.role": "ROLE_MONITOR", "RoleRevoked.role": "ROLE_MONITOR", "Grant.role": "ROLE_MONITOR",
    "Sample.state": "SAMPLE_STATE_STORED", "Sample.storage_temperature": "STORAGE_TEMPERATURE_MINUS_60_TO_MINUS_85",
    "Subject.state": "SUBJECT_STATE_ENROLLED",
}  # fmt: skip
# What a record has when it is read and no public event says: the fields that every record has, and some of their own.
ON_READING = {"create_time", "update_time", "etag"}
ON_READING_OF = {
    "Analysis.released_sets", "InventoryItem.sample_state", "Message.send_time", "StorageLocation.current_count",
    "TrialEvent.acknowledged",
}  # fmt: skip
# What a record does not have yet, or what did not change, when this event is written.
NOT_YET = {
    "AnalysisMoved": {"failure_reason"},
    "AnalysisRequested": {"decider", "failure_reason", "attempts"},
    "AppointmentBooked": {"arrival_time"},
    "BiobankCreated": {"providers"},
    "ConsentRecorded": {"replaces"},
    "DataCaptureAmended": {"occur_time"},
    "DataCaptureCreated": {"finalized_by", "finalize_time", "acknowledge_time"},
    "MessageSent": {"delivery_time", "read_time", "edit_time", "read"},
    "NotificationCreated": {"thread"},
    "PatientCreated": {"providers"},
    "PatientUpdated": {"uid", "user", "primary_clinic", "providers"},
    "RoleGranted": {"revoke_time", "end_record_time"},
    "SampleCreated": {"freeze_thaw_count"},
    "SubjectEnrolled": {"past_consents", "exit_time"},
    "ThreadStarted": {"last_message_time"},
    "UserCreated": {"patient"},
}  # fmt: skip
# Kinds that answer another event, and so name it as their cause.
REACTIONS = {"trialog.trials.v1.NotificationCreated": "trialog.trials.v1.MedicationDistributionFinalized"}




def made_up_uuid(version, seed):
    """A UUID of a version that follows from `seed`."""
    digits = hashlib.sha256(seed.encode()).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-{version}{digits[13:16]}-a{digits[17:20]}-{digits[20:32]}"


def event_id(kind):
    """The id of the example of a kind, which is given by its full name."""
    return made_up_uuid(8, f"event {kind}")


def is_filled_on_reading(field):
    """Whether the service computes it when the record is read, so that no event holds it."""
    message = field.containing_type
    standard = field.name in ON_READING and "etag" in message.fields_by_name
    return standard or f"{message.name}.{field.name}" in ON_READING_OF


class Examples:
    """Makes example events. Of `described_set`, which has public fields alone, so no other can be in them."""

    def __init__(self, protos, described_set):
        self._protos = protos
        self._pool = descriptor_pool.DescriptorPool()
        for file in described_set.file:
            self._pool.Add(file)
        self._records = {name: pattern for name, (_, _, pattern) in records(protos).items()}
        self._by_field = {snake(name): name for name in self._records} | ALIASES
        self._comments = {f.full_name: protos.comment(f) for file in protos.files for m in protos.messages(file.package) for f in m.fields}

    def message_type(self, kind):
        """The public form of a message, given by its full name."""
        return self._pool.FindMessageTypeByName(kind)

    def value(self, kind):
        """An example of an event kind, as proto3 JSON has it."""
        message = message_factory.GetMessageClass(self.message_type(kind))()
        json_format.ParseDict(self._fill(message.DESCRIPTOR, NOT_YET.get(message.DESCRIPTOR.name, ())), message)
        return json_format.MessageToDict(message)

    def _fill(self, message, left_out, within=()):
        if message.full_name == "google.type.Date":
            return {"year": 2026, "month": 3, "day": 2}
        filled = {}
        for field in message.fields:
            first_of_oneof = field.containing_oneof is None or field is field.containing_oneof.fields[0]
            if field.name in left_out or is_filled_on_reading(field) or not first_of_oneof or field.message_type in within:
                continue
            value = self._value(field, left_out, (*within, message))
            filled[field.name] = [value] if field.is_repeated and not isinstance(value, list) else value
        if "uid" in filled and "name" in filled:
            own = message.name in OWN_UIDS
            filled["uid"] = made_up_uuid(7, f"uid {message.name}") if own else filled["name"].rsplit("/", 1)[1]
        return filled

    def _value(self, field, left_out, within):
        if field.message_type is not None and field.message_type.full_name == "google.protobuf.Timestamp":
            return looked_up(TIMES, field) or RECORD_TIME
        if field.message_type is not None and field.message_type.full_name == "google.protobuf.Duration":
            return "604800s" if "idle" in field.name else "2592000s"
        if field.message_type is not None and field.message_type.full_name == "trialog.event.v1.Quantity":
            return {"units": UNITS.get(f"{field.containing_type.name}.{field.name}", 125), "scale": 2, "unit": "mL"}
        if field.message_type is not None:
            return self._fill(field.message_type, left_out, within)
        if field.enum_type is not None:
            return looked_up(ENUMS, field) or field.enum_type.values[1].name  # The first is "unspecified".
        if field.type == field.TYPE_STRING:
            return self._text(field)
        return True if field.type == field.TYPE_BOOL else looked_up(NUMBERS, field) or 1

    def _text(self, field):
        if field.name in ("x", "y"):  # Of a public key: 32 bytes.
            return base64.urlsafe_b64encode(hashlib.sha256(field.name.encode()).digest()).decode().rstrip("=")
        if field.name == "cause_event":
            return event_id(REACTIONS[field.containing_type.full_name])
        named = self._pattern(field)
        if not named:
            return looked_up(TEXTS, field) or field.name.replace("_", " ")
        user = looked_up(USERS, field)
        return [filled_in(named, each) for each in user] if isinstance(user, tuple) else filled_in(named, user)

    def _pattern(self, field):
        """The form of the name that a field holds; None where it holds no name."""
        known = looked_up(NAMES, field)
        if known or looked_up(TEXTS, field):
            return self._records.get(known, known)
        message = field.containing_type
        own = self._records.get(message.name) if field.name == "name" else None
        said = re.search(r"organizations/\{\w+\}(/\w+/\{\w+\})*", self._comments.get(field.full_name, ""))
        if own or said:
            return own or said[0]
        if field.name in USERS or field.name == "user":
            return self._records["User"]
        # "MedicationOrderHeld.name" is that of a MedicationOrder.
        begins = [name for name in self._records if message.name.startswith(name)] if field.name == "name" else []
        return self._records.get(max(begins, key=len) if begins else self._by_field.get(field.name))


def looked_up(table, field):
    """What a table says of a field: by message and name, or by name alone."""
    return table.get(f"{field.containing_type.name}.{field.name}", table.get(field.name))


def filled_in(pattern, user):
    """A pattern with an id in each pair of braces; of a user, when there is one in it, the id `user`."""
    parts = pattern.split("/")
    for number in range(1, len(parts), 2):
        parts[number] = user if user and parts[number - 1] == "users" else IDS[parts[number - 1]]
    return "/".join(parts)


def subject_of(value):
    """The name of the record that an example is about: what stands first in it, or within that."""
    first = next(iter(value.values()))
    name = first["name"] if isinstance(first, dict) else first
    return name.split("/movements/")[0]  # A movement is one of an inventory item.
