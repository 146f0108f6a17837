"""The tamper-evident log: who did, read and was refused what, each entry provable by anyone who has a checkpoint. The
proofs are checked here from RFC 6962 and docs/formats/leaf.md alone."""
import base64
import hashlib
import hmac

import pytest

from audited import await_entry, await_proven, entries_of
from client import eventually, not_found, refused, request_id
from clinic import Clinic, TrialSite
from organization import Organization, role
from trialog.audit.v1 import entry_pb2, service_pb2
from trialog.event.v1 import record_pb2
from trialog.trials.v1 import data_capture_pb2, medication_pb2, patient_pb2, scheduling_pb2

ACCESS = record_pb2.Access.DESCRIPTOR.full_name


@pytest.fixture(scope="module")
def clinic(organization):
    return Clinic(organization)


@pytest.fixture(scope="module")
def auditor(organization):
    return organization.join("auditor", "AUDITOR")


# RFC 6962, section 2.1, and docs/formats/leaf.md.


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def prefixed(data):
    return len(data).to_bytes(8, "big") + data


def leaf_of(material):
    """The leaf, computed from what it commits to."""
    content = entry_pb2.EntryContent.FromString(material.content)
    place = prefixed(content.source.encode()) + material.leaf[8 + len(content.source) : 8 + len(content.source) + 24]
    commitment = hmac.digest(
        material.salt,
        b"trialog.audit.commitment.v1" + prefixed(material.content) + prefixed(material.record_hash),
        "sha256",
    )
    return place + commitment


def root_by_inclusion(leaf, proof):
    """The root that a proof leads to (section 2.1.3.2 of RFC 9162, which says the same as RFC 6962)."""
    index, last, node = proof.tree_index, proof.tree_size - 1, sha256(b"\0", leaf)
    for sibling in proof.hashes:
        assert last > 0
        if index & 1 or index == last:
            node = sha256(b"\1", sibling, node)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = sha256(b"\1", node, sibling)
        index, last = index >> 1, last >> 1
    assert last == 0
    return node


def roots_by_consistency(proof, first_root):
    """(root of the earlier tree, root of the later tree) that a proof leads to (section 2.1.4.2 of RFC 9162)."""
    path = list(proof.hashes)
    if proof.from_size & (proof.from_size - 1) == 0:
        path.insert(0, first_root)
    first, last = proof.from_size - 1, proof.to_size - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    old = new = path[0]
    for node in path[1:]:
        assert last > 0
        if first & 1 or first == last:
            old, new = sha256(b"\1", node, old), sha256(b"\1", node, new)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            new = sha256(b"\1", new, node)
        first, last = first >> 1, last >> 1
    assert last == 0
    return old, new


# What is recorded.


def test_every_change_is_an_entry_with_who_what_and_when(clinic, auditor):
    order = clinic.publish(clinic.order(medication_name="Audited"))
    about = f'entity = "{order.name}" AND type = "trialog.trials.v1.MedicationOrder'
    activated = await_entry(auditor, clinic, about + 'Activated"')
    created = await_entry(auditor, clinic, about + 'Created"')
    assert created.tree_index < activated.tree_index
    for entry in (created, activated):
        assert entry.content.actor.name == clinic.provider.name
        assert list(entry.content.actor.roles) == [role("PROVIDER")]  # In which the provider could do it.
        assert entry.content.entity_type == "medicationOrders"
        assert entry.content.summary and entry.content.payload
    assert activated.content.record_time.ToNanoseconds() == order.update_time.ToNanoseconds()


def test_reading_personal_fields_is_an_entry_and_the_patient_sees_who_read(clinic, auditor):
    patient = clinic.patient.identity.patient
    clinic.provider.PatientService.GetPatient(patient_pb2.GetPatientRequest(name=patient))

    def accesses(person, subject):
        request = service_pb2.ListAccessesRequest(parent=clinic.name, subject=subject)
        return [
            access
            for access in person.AuditService.ListAccesses(request).accesses
            if access.method.endswith("PatientService/GetPatient")
        ]

    read = eventually(lambda: accesses(clinic.patient, ""))[0]
    assert read.actor.name == clinic.provider.name
    assert accesses(auditor, patient)[0].entry == read.entry
    with refused("NOT_FOUND", "NOT_FOUND"):
        accesses(clinic.other_patient, patient)


def test_patient_sees_every_reading_of_what_is_theirs(server):
    """Of a long page too, and of records that have names of their own."""
    site = TrialSite(Organization(server))
    capture, appointment = site.capture("made-up"), site.book(1_900_000_000, 1_900_000_600, reason="made-up")
    auditor = site.organization.join("auditor", "AUDITOR")
    names = [site.patient.identity.patient]
    for number in range(120):
        request = patient_pb2.CreatePatientRequest(
            parent=site.name,
            patient=patient_pb2.Patient(display_name="Made-up", medical_record_number=f"MRN-{number}"),
            request_id=request_id(),
        )
        names.append(site.provider.PatientService.CreatePatient(request).name)
    page = site.provider.PatientService.ListPatients(
        patient_pb2.ListPatientsRequest(parent=site.name, page_size=1000)
    )
    assert sorted(patient.name for patient in page.patients) == sorted(names)
    site.provider.DataCaptureService.GetDataCapture(data_capture_pb2.GetDataCaptureRequest(name=capture.name))
    site.provider.SchedulingService.GetAppointment(scheduling_pb2.GetAppointmentRequest(name=appointment.name))

    def methods(person, subject=""):
        """The short names of the methods by which the provider read what is the subject's."""
        request = service_pb2.ListAccessesRequest(parent=site.name, subject=subject, page_size=1000)
        return {
            access.method.split("/")[1]
            for access in person.AuditService.ListAccesses(request).accesses
            if access.actor.name == site.provider.name
        }

    eventually(lambda: methods(site.patient) >= {"ListPatients", "GetDataCapture", "GetAppointment"})
    assert [name for name in names if "ListPatients" not in methods(auditor, name)] == []
    assert not methods(site.other_patient) & {"ListPatients", "GetDataCapture", "GetAppointment"}


@pytest.mark.parametrize("refusal", ["role", "record"])
def test_refused_call_is_an_entry(clinic, auditor, refusal):
    person = clinic.organization.join(f"refused-by-{refusal}", "PARTICIPANT")
    if refusal == "role":
        method = "MedicationService/FinalizeMedicationDistribution"
        with refused("PERMISSION_DENIED", "ROLE_MISSING"):
            person.MedicationService.FinalizeMedicationDistribution(
                medication_pb2.FinalizeMedicationDistributionRequest(name="made-up", request_id=request_id())
            )
    else:
        method = "PatientService/GetPatient"
        with not_found():
            person.PatientService.GetPatient(patient_pb2.GetPatientRequest(name=clinic.patient.identity.patient))

    def refusals():
        entries = entries_of(auditor, clinic, f'type = "{ACCESS}" AND actor.name = "{person.name}"')
        accesses = [record_pb2.Access.FromString(entry.content.payload) for entry in entries]
        return [access for access in accesses if access.outcome == record_pb2.Access.OUTCOME_REFUSED]

    assert eventually(refusals)[0].method.endswith(method)


def test_failed_sign_in_is_an_entry(clinic, auditor):
    with refused("UNAUTHENTICATED", "SIGN_IN_FAILED"):
        clinic.organization.sign_in("not the password", username="nobody-of-this-name")

    def failed():
        return [
            entry
            for entry in entries_of(auditor, clinic, f'type = "{ACCESS}" AND source = "auth"')
            if record_pb2.Access.FromString(entry.content.payload).outcome
            == record_pb2.Access.OUTCOME_SIGN_IN_FAILED
        ]

    assert eventually(failed)[0].content.actor.kind == record_pb2.Caller.KIND_ANONYMOUS


def test_entries_hold_no_personal_text(clinic, auditor):
    order = clinic.order(instructions="made-up: under the violet lamp")
    entry = await_entry(auditor, clinic, f'entity = "{order.name}"')
    assert b"violet" not in await_proven(auditor, entry).SerializeToString()


# What is proven.


def test_entry_is_proven_by_its_inclusion_in_a_signed_checkpoint(clinic, auditor):
    entry = await_entry(auditor, clinic, f'entity = "{clinic.order().name}"')
    proven = await_proven(auditor, entry)
    material = proven.entry.material
    assert entry_pb2.EntryContent.FromString(material.content) == proven.entry.content
    assert leaf_of(material) == material.leaf
    assert root_by_inclusion(material.leaf, proven.proof) == proven.checkpoint.root
    changed = entry_pb2.LeafMaterial()
    changed.CopyFrom(material)
    changed.content = changed.content.replace(b"medicationOrders", b"medicationOrderz", 1)
    assert leaf_of(changed) != material.leaf


def test_later_checkpoint_is_proven_to_continue_an_earlier_one(clinic, auditor):
    first_entry = await_entry(auditor, clinic, f'entity = "{clinic.order().name}"')
    first = await_proven(auditor, first_entry).checkpoint
    second_entry = await_entry(auditor, clinic, f'entity = "{clinic.order().name}"')
    second = await_proven(auditor, second_entry).checkpoint
    assert second.tree_size > first.tree_size
    proof = auditor.AuditService.GetConsistencyProof(
        service_pb2.GetConsistencyProofRequest(from_size=first.tree_size, to_size=second.tree_size)
    )
    assert roots_by_consistency(proof, first.root) == (first.root, second.root)
    proof.hashes[-1] = bytes(32)
    assert roots_by_consistency(proof, first.root) != (first.root, second.root)


def test_checkpoints_note_names_size_and_root(auditor, clinic):
    entry = await_entry(auditor, clinic, f'entity = "{clinic.order().name}"')
    checkpoint = await_proven(auditor, entry).checkpoint
    origin, size, root, blank, signature = checkpoint.note.split("\n")[:5]
    assert (origin, int(size), base64.b64decode(root)) == (checkpoint.origin, checkpoint.tree_size, checkpoint.root)
    assert blank == "" and signature.startswith(f"\N{EM DASH} {origin} ")


# Who sees what.


def test_auditor_of_another_organisation_sees_nothing_here(server, clinic, auditor):
    entry = await_entry(auditor, clinic, f'entity = "{clinic.order().name}"')
    stranger = Organization(server).join("auditor", "AUDITOR")
    with not_found():
        stranger.AuditService.GetEntry(service_pb2.GetEntryRequest(name=entry.name))
    with not_found():
        entries_of(stranger, clinic, "")
