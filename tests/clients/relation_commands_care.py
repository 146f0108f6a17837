"""The commands of trials that are about a patient: care, medication, appointments, messages and notices."""
import itertools

from clinic import at, date, tablets
from client import request_id
from relation_commands import fresh, read, update
from trialog.trials.v1 import medication_pb2, messaging_pb2, notification_pb2, patient_pb2, scheduling_pb2

CLINICIAN, PATIENT = "What the clinician alone does for a patient", "What the patient alone does"


def add_care(world, under):
    _add_patient(world, under)
    _add_orders(world, under)
    _add_distributions(world, under)
    _add_appointments(world, under)
    _add_messages(world, under)
    _add_notices(world, under)


def _add_patient(world, under):
    site = world.site
    name = site.patient.identity.patient

    def patient(_=None):
        return read(site.provider, "PatientService/GetPatient", name=name)

    def patients(_):
        coordinator = world.caller("COORDINATOR", "organization")
        return list(read(coordinator, "PatientService/ListPatients", parent=site.name, page_size=1000).patients)

    def created(_):
        clinic = f"{site.name}/sites/main"
        made = patient_pb2.Patient(medical_record_number=fresh("MRN-new"), display_name="Made Up", primary_clinic=clinic)
        return {"parent": site.name, "patient_id": fresh("new"), "patient": made}

    def assigned():
        """A provider's name that the patient has."""
        user = f"{site.name}/users/{fresh('assigned')}"
        request = {"name": name, "provider": patient_pb2.ProviderAssignment(user=user)}
        read(site.provider, "PatientService/AssignProvider", **request, request_id=request_id())
        return user

    under("Clinic, for new patients", patients).do("PatientService/CreatePatient", created)
    under("Patient's record", patient).do(
        "PatientService/UpdatePatient", lambda _: update(patient(), "patient", contact=fresh("room"))
    )
    does = under("Patient's providers and appointments", patient).do
    does(
        "PatientService/AssignProvider",
        lambda _: {"name": name, "provider": patient_pb2.ProviderAssignment(user=f"{site.name}/users/{fresh('assigned')}")},
    )
    does("PatientService/UnassignProvider", lambda _: {"name": name, "user": assigned()})


def _add_orders(world, under):
    site = world.site
    patient, provider = site.patient.identity.patient, site.provider

    def active():
        return site.publish(site.order()).name

    def of_order(name):
        return read(provider, "MedicationService/GetMedicationOrder", name=name)

    def orders(_):
        return list(read(provider, "MedicationService/ListMedicationOrders", parent=patient, page_size=1000).medication_orders)

    does = under(CLINICIAN, of_order).do
    order = medication_pb2.MedicationOrder(medication_name="Carboplatin", dose="450 mg", frequency="once a day")
    does("MedicationService/CreateMedicationOrder", lambda _: {"parent": patient, "medication_order": order}, orders)
    does("MedicationService/ActivateMedicationOrder", lambda _: {"name": site.order().name})
    does("MedicationService/HoldMedicationOrder", lambda _: {"name": active(), "state_reason": "made-up reason"})
    does("MedicationService/StopMedicationOrder", lambda _: {"name": active(), "state_reason": "made-up reason"})
    does("MedicationService/AddFeedback", lambda _: {"name": active(), "feedback": "made-up: in the morning"})
    under(PATIENT, of_order).do("MedicationService/AcknowledgeMedicationOrder", lambda _: {"name": active()})


def _add_distributions(world, under):
    site = world.site
    patient, provider = site.patient.identity.patient, site.provider

    def final():
        return site.finalize(site.prepare(quantity=tablets(30))).name

    def of_distribution(name):
        return read(provider, "MedicationService/GetMedicationDistribution", name=name)

    def taken(_):
        """All distributions and all that the patient logged."""
        service = "MedicationService/"
        return (
            list(read(provider, service + "ListMedicationDistributions", parent=patient, page_size=1000).medication_distributions),
            list(read(provider, service + "ListAdherenceLogs", parent=patient, page_size=1000).adherence_logs),
            list(read(provider, service + "ListProtocolAdherences", parent=patient, page_size=1000).protocol_adherences),
        )

    made = medication_pb2.MedicationDistribution(medication_name="Carboplatin", dose="450 mg", distribution_date=date(2025, 1, 5))
    does = under(CLINICIAN, of_distribution).do
    does("MedicationService/CreateMedicationDistribution", lambda _: {"parent": patient, "medication_distribution": made}, taken)
    does("MedicationService/FinalizeMedicationDistribution", lambda _: {"name": site.prepare().name})
    does("MedicationService/ReturnMedicationDistribution", lambda _: {"name": final(), "returned_quantity": tablets(3)})
    does = under(PATIENT, of_distribution).do
    does("MedicationService/AcknowledgeMedicationDistribution", lambda _: {"name": final()})
    dose = medication_pb2.AdherenceLog(
        distribution=world.distribution.name, planned_time=at(1_736_236_800), track_time=at(1_736_236_860)
    )
    does("MedicationService/LogAdherence", lambda _: {"parent": patient, "adherence_log": dose}, taken)
    does(
        "MedicationService/RecordProtocolAdherence",
        lambda _: {
            "parent": patient,
            "protocol_id": fresh("protocol"),
            "adherence_state": medication_pb2.ProtocolAdherence.ADHERENCE_STATE_ADHERENT,
        },
        taken,
    )


def _add_appointments(world, under):
    site, hours = world.site, itertools.count(2_000_000_000, 3600)

    def booked():
        start = next(hours)
        return site.book(start, start + 1800).name

    def arrived():
        name = booked()
        read(site.provider, "SchedulingService/CheckInAppointment", name=name, request_id=request_id())
        return name

    def of_appointment(name):
        return read(site.provider, "SchedulingService/GetAppointment", name=name)

    def appointments(_):
        return list(read(site.provider, "SchedulingService/ListAppointments", parent=site.name, page_size=1000).appointments)

    def booking(_):
        start = next(hours)
        made = scheduling_pb2.Appointment(
            patient=site.patient.identity.patient, provider=site.provider.name, start_time=at(start), end_time=at(start + 1800)
        )
        return {"parent": site.name, "appointment": made}

    def rescheduling(_):
        start = next(hours)
        appointment = read(site.provider, "SchedulingService/GetAppointment", name=booked())
        return {"name": appointment.name, "etag": appointment.etag, "start_time": at(start), "end_time": at(start + 1800)}

    does = under("Patient's providers and appointments", of_appointment).do
    does("SchedulingService/BookAppointment", booking, appointments, path=["appointment", "patient"])
    does("SchedulingService/RescheduleAppointment", rescheduling)
    does("SchedulingService/CancelAppointment", lambda _: {"name": booked(), "state_reason": "made-up reason"})
    does("SchedulingService/CheckInAppointment", lambda _: {"name": booked()})
    does("SchedulingService/CompleteAppointment", lambda _: {"name": arrived()})
    does("SchedulingService/MarkNoShowAppointment", lambda _: {"name": booked()})


def _add_messages(world, under):
    site = world.site

    def other(person):
        return site.patient if person == site.provider else site.provider

    def sent(person):
        """A message of the person to the other side."""
        return site.send(person, other(person), "made-up: hello")

    def owner(caller):
        return caller if caller in (site.patient, site.provider) else site.patient

    def of_thread(below):
        """The messages of a thread, as the patient sees them."""
        thread = below.split("/messages/")[0]
        return list(read(site.patient, "MessagingService/ListMessages", parent=thread, page_size=1000).messages)

    def sending(caller):
        person = owner(caller)
        message = messaging_pb2.Message(body="made-up: again")
        return {"parent": sent(person).thread, "message": message, "recipients": [other(person).name]}

    under("Thread that there is", of_thread).do("MessagingService/SendMessage", sending, begins=True)
    under("Message, by its sender", of_thread).do(
        "MessagingService/EditMessage", lambda caller: update(sent(owner(caller)), "message", body="made-up: edited")
    )
    does = under("Message, by its recipient", of_thread).do
    for method in ("MarkDelivered", "MarkRead"):
        does(f"MessagingService/{method}", lambda caller: {"name": sent(other(owner(caller))).name})


def _add_notices(world, under):
    patient = world.site.patient
    preferences = f"{patient.name}/notificationPreferences"

    def of_preferences(_=None):
        return read(patient, "NotificationService/GetPreferences", name=preferences)

    def notices(_):
        return list(read(patient, "NotificationService/ListNotifications", parent=patient.name, page_size=1000).notifications)

    under("Notice, as seen", notices).do("NotificationService/AcknowledgeNotification", lambda _: {"name": world.notice})
    under("Preferences about notices, by whom they are of", of_preferences).do(
        "NotificationService/UpdatePreferences",
        lambda _: {
            "preferences": notification_pb2.NotificationPreferences(
                name=preferences, etag=of_preferences().etag, muted_kinds=[notification_pb2.NOTIFICATION_KIND_FEEDBACK_ADDED]
            ),
            "update_mask": {"paths": ["muted_kinds"]},
        },
    )
