"""Where access ends: at the other trial of the same patient, at the version that another one could see, at the role
that was taken back, in exports that are under way and in repeated calls too."""
import pytest

from clinic import TrialSite, text_value
from client import not_found, refused, request_id
from inventory import Biobank, get_sample, samples_of
from organization import Organization
from trialog.inventory.v1 import sample_pb2
from trialog.trials.v1 import data_capture_pb2, enrollment_pb2, patient_pb2, trial_pb2

# More than the server, gRPC and the sockets between buffer for a reader that does not read.
SUBJECTS, ITEMS, LENGTH = 120, 90, 900


@pytest.fixture
def site(server):
    return TrialSite(Organization(server))


def activated(site, trial_id):
    trial = site.draft(trial_id).name
    site.approve(trial)
    site.researcher.TrialService.ActivateTrial(trial_pb2.ActivateTrialRequest(name=trial, request_id=request_id()))
    return trial


def enroll(site, patient, trial, subject_id):
    return site.provider.EnrollmentService.EnrollSubject(
        enrollment_pb2.EnrollSubjectRequest(
            parent=trial,
            subject_id=subject_id,
            subject=enrollment_pb2.Subject(
                patient=patient,
                consent=enrollment_pb2.Consent(state=enrollment_pb2.CONSENT_STATE_GIVEN, form_version="1.0"),
            ),
            request_id=request_id(),
        )
    )


@pytest.mark.parametrize("role", ["COORDINATOR", "INVESTIGATOR", "PROVIDER"])
def test_a_role_for_one_trial_gives_nothing_of_the_patients_other_trial(site, role):
    other = activated(site, "other")
    capture = site.capture("entered for the first trial")
    enroll(site, site.patient.identity.patient, other, "both")
    staff = site.organization.join("staff", role, scope=other)
    patient = site.patient.identity.patient
    if role == "PROVIDER":
        site.provider.PatientService.AssignProvider(
            patient_pb2.AssignProviderRequest(
                name=patient, provider=patient_pb2.ProviderAssignment(user=staff.name), request_id=request_id()
            )
        )
    assert staff.PatientService.GetPatient(patient_pb2.GetPatientRequest(name=patient)).name == patient
    subjects = enrollment_pb2.ListSubjectsRequest(parent=f"{site.name}/trials/-")
    assert [subject.trial for subject in staff.EnrollmentService.ListSubjects(subjects).subjects] == [other]
    captures = data_capture_pb2.ListDataCapturesRequest(parent=f"{site.name}/trials/-")
    assert not staff.DataCaptureService.ListDataCaptures(captures).data_captures
    with not_found():
        staff.DataCaptureService.GetDataCapture(data_capture_pb2.GetDataCaptureRequest(name=capture.name))
    with not_found():
        staff.DataCaptureService.AmendDataCapture(
            data_capture_pb2.AmendDataCaptureRequest(
                data_capture=data_capture_pb2.DataCapture(
                    name=capture.name, etag=capture.etag, data_value=[text_value("note", "another's")]
                ),
                update_mask={"paths": ["data_value"]},
                request_id=request_id(),
            )
        )
    with not_found():
        staff.EnrollmentService.WithdrawConsent(
            enrollment_pb2.WithdrawConsentRequest(name=site.subject.name, request_id=request_id())
        )
    unchanged = site.provider.DataCaptureService.GetDataCapture(
        data_capture_pb2.GetDataCaptureRequest(name=capture.name)
    )
    assert unchanged == capture


def test_history_shows_a_version_with_its_own_metadata_to_who_may_see_it(site):
    biobank = Biobank(site.organization)
    donor, other = site.other_patient, site.patient
    sample = biobank.add_sample("PASSED-ON", patient=donor.identity.patient, tracking="first")

    def update(sample, **fields):
        return biobank.technician.SampleService.UpdateSample(
            sample_pb2.UpdateSampleRequest(
                sample=sample_pb2.Sample(name=sample.name, etag=sample.etag, **fields),
                update_mask={"paths": list(fields)},
                request_id=request_id(),
            )
        )

    sample = update(sample, patient=other.identity.patient, tracking="second")
    sample = update(sample, patient=donor.identity.patient, tracking="third")

    def history(caller, **page):
        request = sample_pb2.GetSampleHistoryRequest(name=sample.name, **page)
        return caller.SampleService.GetSampleHistory(request)

    everything = history(biobank.manager).revisions
    assert [(r.version, r.sample.tracking) for r in everything] == [(3, "third"), (2, "second"), (1, "first")]
    own = history(donor).revisions
    assert [(r.version, r.sample.tracking, r.event_id) for r in own] == [
        (r.version, r.sample.tracking, r.event_id) for r in everything if r.version != 2
    ]
    assert set(own[0].changed_fields) > set(everything[0].changed_fields)  # As if nothing had been before it.
    pages, token = [], ""
    while not pages or token:
        page = history(donor, page_size=1, page_token=token)
        pages, token = [*pages, *page.revisions], page.next_page_token
    assert [(r.version, r.sample.tracking) for r in pages] == [(3, "third"), (1, "first")]
    with not_found():
        history(other)


def test_staff_who_is_a_patient_too_lists_all_that_they_may_get(site):
    biobank = Biobank(site.organization)
    for identifier in ("ONE", "TWO"):
        biobank.add_sample(identifier)
    everywhere = f"{site.name}/biobanks/-"
    both = site.organization.join("both", "LAB_TECHNICIAN", "PARTICIPANT", patient=f"{site.name}/patients/not-there")
    assert samples_of(both, everywhere) == samples_of(both, biobank.name) == samples_of(biobank.technician, everywhere)
    assert len(samples_of(both, everywhere)) == 2


def test_a_repeated_call_tells_nothing_once_access_was_taken_back(site):
    patient = site.patient.identity.patient
    get = patient_pb2.GetPatientRequest(name=patient)
    update = patient_pb2.UpdatePatientRequest(
        patient=patient_pb2.Patient(
            name=patient, etag=site.provider.PatientService.GetPatient(get).etag, contact="made-up contact"
        ),
        update_mask={"paths": ["contact"]},
        request_id=request_id(),
    )
    first = site.provider.PatientService.UpdatePatient(update)
    assert first.contact == "made-up contact" and site.provider.PatientService.UpdatePatient(update) == first
    coordinator = site.organization.join("coordinator", "COORDINATOR")
    coordinator.PatientService.UnassignProvider(
        patient_pb2.UnassignProviderRequest(name=patient, user=site.provider.name, request_id=request_id())
    )
    with not_found():
        site.provider.PatientService.GetPatient(get)
    # Done as it was, which the caller may know; what stands there now, or stood there then, the caller may not.
    assert site.provider.PatientService.UpdatePatient(update) == patient_pb2.Patient(name=patient)


def test_an_export_ends_with_the_role_that_opened_it(site):
    for number in range(SUBJECTS):
        patient = site.provider.PatientService.CreatePatient(
            patient_pb2.CreatePatientRequest(
                parent=site.name,
                patient_id=f"exported-{number}",
                patient=patient_pb2.Patient(medical_record_number=f"EXPORTED-{number}", display_name="Made-up"),
                request_id=request_id(),
            )
        )
        subject = enroll(site, patient.name, site.trial, f"exported-{number}")
        capture = site.provider.DataCaptureService.CreateDataCapture(
            data_capture_pb2.CreateDataCaptureRequest(
                parent=site.trial,
                data_capture=data_capture_pb2.DataCapture(
                    subject=subject.name, data_value=[text_value(f"item-{i}", "v" * LENGTH) for i in range(ITEMS)]
                ),
                request_id=request_id(),
                submit=True,
            )
        )
        site.finalize_capture(capture)
    custodian = site.organization.join("custodian", "DATA_CUSTODIAN")
    request = data_capture_pb2.ExportCodedCapturesRequest(parent=site.trial)
    export = custodian.DataCaptureService.ExportCodedCaptures(request)
    taken = [next(export)]
    site.organization.revoke(custodian, "DATA_CUSTODIAN")
    with refused("ABORTED", "WATCH_ACCESS_CHANGED"):
        for message in export:
            taken.append(message)
    assert len(taken) < SUBJECTS
    other = site.organization.join("other-custodian", "DATA_CUSTODIAN")
    assert len(list(other.DataCaptureService.ExportCodedCaptures(request))) == SUBJECTS + 1
