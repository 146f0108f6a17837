"""A clinic with its patients, providers and a trial, for tests of flows C and D."""
import uuid

from google.protobuf import timestamp_pb2
from google.type import date_pb2

from client import request_id
from notices import notices_from_now
from trialog.event.v1 import value_pb2
from trialog.trials.v1 import (
    data_capture_pb2,
    enrollment_pb2,
    medication_pb2,
    messaging_pb2,
    notification_pb2,
    patient_pb2,
    researcher_pb2,
    scheduling_pb2,
    trial_pb2,
)
from watching import Watch


def date(year, month, day):
    return date_pb2.Date(year=year, month=month, day=day)


def at(seconds):
    return timestamp_pb2.Timestamp(seconds=seconds)


def text_value(name, text):
    """A named value of an object."""
    return value_pb2.NamedValue(name=name, value=value_pb2.Value(text=text))


def tablets(number):
    return value_pb2.Quantity(units=number, unit="{tbl}")


class Clinic:
    """Two patients who signed up, each cared for by a provider of their own; two researchers."""

    def __init__(self, organization):
        self.organization = organization
        self.name = organization.name
        self.provider = organization.join("provider", "PROVIDER")
        self.other_provider = organization.join("other-provider", "PROVIDER")
        self.patient = self.add_patient("ada", self.provider, display_name="Ada Quintessa Marbleworth")
        self.other_patient = self.add_patient("ben", self.other_provider, display_name="Ben Othersby")

    def add_patient(self, patient_id, provider, **fields):
        """A patient's profile by their provider, then the patient's own sign-up; gives the person."""
        fields.setdefault("medical_record_number", f"MRN-{patient_id}")
        name = f"{self.name}/patients/{patient_id}"
        request = patient_pb2.CreatePatientRequest(
            parent=self.name,
            patient_id=patient_id,
            patient=patient_pb2.Patient(user=f"{self.name}/users/{patient_id}", **fields),
            request_id=request_id(),
        )
        provider.PatientService.CreatePatient(request)
        return self.organization.join(patient_id, "PARTICIPANT", patient=name)

    def profile(self, person):
        """The patient record of a person."""
        return person.PatientService.GetMyProfile(patient_pb2.GetMyProfileRequest(parent=self.name)).patient

    # Medication.

    def prepare(self, distribution_date=None, **fields):
        """A prepared distribution."""
        fields.setdefault("medication_name", "Carboplatin")
        fields.setdefault("dose", "450 mg")
        return self.provider.MedicationService.CreateMedicationDistribution(
            medication_pb2.CreateMedicationDistributionRequest(
                parent=self.patient.identity.patient,
                medication_distribution=medication_pb2.MedicationDistribution(
                    distribution_date=distribution_date or date(2025, 1, 5), **fields
                ),
                request_id=request_id(),
            )
        )

    def finalize(self, distribution):
        """The distribution, available to the patient."""
        return self.provider.MedicationService.FinalizeMedicationDistribution(
            medication_pb2.FinalizeMedicationDistributionRequest(name=distribution.name, request_id=request_id())
        )

    def order(self, **fields):
        """A drafted order."""
        fields = {
            "medication_name": "Carboplatin",
            "dose": "450 mg",
            "frequency": "once a day",
            "instructions": "made-up: with water",
        } | fields
        return self.provider.MedicationService.CreateMedicationOrder(
            medication_pb2.CreateMedicationOrderRequest(
                parent=self.patient.identity.patient,
                medication_order=medication_pb2.MedicationOrder(**fields),
                request_id=request_id(),
            )
        )

    def publish(self, order):
        """The order, in force."""
        return self.provider.MedicationService.ActivateMedicationOrder(
            medication_pb2.ActivateMedicationOrderRequest(name=order.name, request_id=request_id())
        )

    def log_dose(self, distribution, planned, taken):
        """A dose that the patient took at `taken`, due at `planned` (seconds)."""
        return self.patient.MedicationService.LogAdherence(
            medication_pb2.LogAdherenceRequest(
                parent=self.patient.identity.patient,
                adherence_log=medication_pb2.AdherenceLog(
                    distribution=distribution.name, planned_time=at(planned), track_time=at(taken)
                ),
                request_id=request_id(),
            )
        )

    # Messages and notices.

    def new_thread(self):
        """Name of a thread that begins with its first message."""
        return f"{self.name}/threads/{uuid.uuid4()}"

    def send_request(self, recipient, body, thread=None, **more):
        """The request that sends a message."""
        return messaging_pb2.SendMessageRequest(
            parent=thread or self.new_thread(),
            recipients=[recipient.name],
            message=messaging_pb2.Message(body=body, **more),
            request_id=request_id(),
        )

    def send(self, sender, recipient, body, thread=None, **more):
        """A message."""
        return sender.MessagingService.SendMessage(self.send_request(recipient, body, thread, **more))

    def watch_messages(self, person, **more):
        """The open stream of a person's messages."""
        request = messaging_pb2.WatchMessagesRequest(parent=f"{self.name}/threads/-", **more)
        return Watch(person.MessagingService.WatchMessages(request))

    def watch_notices(self, person):
        """The open stream of a person's notices, past those that stood already."""
        return notices_from_now(person)

    def acknowledge_notice(self, person, name):
        """The notice, seen."""
        return person.NotificationService.AcknowledgeNotification(
            notification_pb2.AcknowledgeNotificationRequest(name=name, request_id=request_id())
        )

    def book(self, start, end, **fields):
        """An appointment of the patient with the provider between two times (seconds)."""
        return self.provider.SchedulingService.BookAppointment(
            scheduling_pb2.BookAppointmentRequest(
                parent=self.name,
                appointment=scheduling_pb2.Appointment(
                    patient=self.patient.identity.patient,
                    provider=self.provider.name,
                    start_time=at(start),
                    end_time=at(end),
                    **fields,
                ),
                request_id=request_id(),
            )
        )


class TrialSite(Clinic):
    """A clinic that takes part in an active trial, with its first patient as subject."""

    def __init__(self, organization):
        super().__init__(organization)
        self.researcher = organization.join("researcher", "TRIAL_RESEARCHER")
        self.reviewer = organization.join("reviewer", "TRIAL_RESEARCHER")
        self.researcher_profile = self.researcher.ResearcherService.CreateResearcher(
            researcher_pb2.CreateResearcherRequest(
                parent=self.name,
                researcher=researcher_pb2.Researcher(
                    user=self.researcher.name, expertise="Oncology", institution="Made-up clinic", contact="room 12"
                ),
                request_id=request_id(),
            )
        )
        self.trial = self.draft("lung").name
        self.approve(self.trial)
        self.researcher.TrialService.ActivateTrial(
            trial_pb2.ActivateTrialRequest(name=self.trial, request_id=request_id())
        )
        self.subject = self.enroll(self.patient)

    def draft(self, trial_id, **fields):
        """A drafted trial."""
        fields = {
            "title": "Lung",
            "description": "A made-up study of the lung",
            "study_type": trial_pb2.STUDY_TYPE_OBSERVATIONAL,
            "start_date": date(2025, 1, 1),
        } | fields
        return self.researcher.TrialService.CreateTrial(
            trial_pb2.CreateTrialRequest(
                parent=self.name, trial_id=trial_id, trial=trial_pb2.Trial(**fields), request_id=request_id()
            )
        )

    def submit(self, trial):
        return self.researcher.TrialService.SubmitTrial(
            trial_pb2.SubmitTrialRequest(name=trial, request_id=request_id())
        )

    def approve(self, trial):
        """Submits a draft and has the second researcher approve it."""
        self.submit(trial)
        return self.reviewer.TrialService.ApproveTrial(
            trial_pb2.ApproveTrialRequest(name=trial, request_id=request_id())
        )

    def enroll(self, person, provider=None):
        """The subject that a patient becomes, with consent."""
        return (provider or self.provider).EnrollmentService.EnrollSubject(
            enrollment_pb2.EnrollSubjectRequest(
                parent=self.trial,
                subject_id=f"s-{person.identity.patient.rsplit('/', 1)[-1]}",
                subject=enrollment_pb2.Subject(
                    patient=person.identity.patient,
                    consent=enrollment_pb2.Consent(state=enrollment_pb2.CONSENT_STATE_GIVEN, form_version="1.0"),
                ),
                request_id=request_id(),
            )
        )

    def capture(self, text, track_time=None, by=None, submit=True):
        """An entered capture about the subject."""
        return (by or self.provider).DataCaptureService.CreateDataCapture(
            data_capture_pb2.CreateDataCaptureRequest(
                parent=self.trial,
                data_capture=data_capture_pb2.DataCapture(
                    subject=self.subject.name,
                    data_value=[text_value("note", text)],
                    trial_data=[text_value("visit", "baseline")],
                    track_time=at(track_time) if track_time else None,
                ),
                request_id=request_id(),
                submit=submit,
            )
        )

    def finalize_capture(self, capture):
        """The capture, complete by the clinician's word."""
        return self.provider.DataCaptureService.FinalizeDataCapture(
            data_capture_pb2.FinalizeDataCaptureRequest(name=capture.name, request_id=request_id())
        )
