"""Flow C, trial medication: sign up, own profile and orders, adherence, messages, a finalized distribution and its alert,
an order with feedback, appointments; and who sees what."""
import pytest

from client import not_found, refused, request_id
from clinic import Clinic, at, date, text_value
from trialog.auth.v1 import auth_pb2
from trialog.trials.v1 import change_pb2, medication_pb2, messaging_pb2, notification_pb2, patient_pb2, scheduling_pb2
from watching import Watch

Order = medication_pb2.MedicationOrder
Distribution = medication_pb2.MedicationDistribution


@pytest.fixture(scope="module")
def clinic(organization):
    return Clinic(organization)


def distributions_of(person, patient):
    return list(
        person.MedicationService.ListMedicationDistributions(
            medication_pb2.ListMedicationDistributionsRequest(parent=patient)
        ).medication_distributions
    )


def orders_of(person, patient, **more):
    return list(
        person.MedicationService.ListMedicationOrders(
            medication_pb2.ListMedicationOrdersRequest(parent=patient, **more)
        ).medication_orders
    )


def test_answer_to_signing_in_says_who_this_is(clinic):
    identity = clinic.patient.AuthService.WhoAmI(auth_pb2.WhoAmIRequest()).identity
    assert identity.user.name == clinic.patient.name
    assert identity.patient == f"{clinic.name}/patients/ada"
    assert len(identity.grants) == 1


def test_patient_reads_their_own_profile(clinic):
    profile = clinic.profile(clinic.patient)
    assert profile.name == clinic.patient.identity.patient
    assert (profile.display_name, profile.medical_record_number) == ("Ada Quintessa Marbleworth", "MRN-ada")
    assert [provider.user for provider in profile.providers] == [clinic.provider.name]
    assert profile.active


def test_profile_keeps_every_field(clinic):
    person = clinic.add_patient(
        "all-fields",
        clinic.provider,
        display_name="Made Up",
        date_of_birth=date(1951, 3, 17),
        contact="made-up street 1",
        preferences=[text_value("language", "de-CH")],
        attributes=[text_value("ward", "made-up ward")],
        trial_details=[text_value("histology", "made-up histology")],
        primary_clinic=f"{clinic.name}/sites/main",
    )
    profile = clinic.profile(person)
    assert profile.date_of_birth == date(1951, 3, 17)
    assert (profile.contact, profile.primary_clinic) == ("made-up street 1", f"{clinic.name}/sites/main")
    assert list(profile.preferences) == [text_value("language", "de-CH")]
    assert list(profile.attributes) == [text_value("ward", "made-up ward")]
    assert list(profile.trial_details) == [text_value("histology", "made-up histology")]


def test_medical_record_number_is_unique(clinic):
    with refused("ALREADY_EXISTS", "MRN_TAKEN"):
        clinic.add_patient("same-mrn", clinic.provider, display_name="Same", medical_record_number="MRN-ada")


def test_patient_changes_their_own_contact(clinic):
    profile = clinic.profile(clinic.patient)
    profile.contact = "made-up street 2"
    changed = clinic.patient.PatientService.UpdatePatient(
        patient_pb2.UpdatePatientRequest(patient=profile, update_mask={"paths": ["contact"]}, request_id=request_id())
    )
    assert changed.contact == "made-up street 2"


def test_patient_lists_own_distributions_latest_first(clinic):
    early, late, middle = (clinic.finalize(clinic.prepare(date(2024, month, 5))) for month in (1, 3, 2))
    clinic.prepare(date(2024, 4, 5))  # Not the patient's yet.
    listed = distributions_of(clinic.patient, clinic.patient.identity.patient)
    ours = [each.name for each in listed if each.name in (early.name, late.name, middle.name)]
    assert ours == [late.name, middle.name, early.name]
    assert all(each.state == Distribution.STATE_FINALIZED for each in listed)


def test_patient_logs_adherence(clinic):
    distribution = clinic.finalize(clinic.prepare())
    on_time = clinic.log_dose(distribution, planned=1_736_150_400, taken=1_736_150_460)
    late = clinic.log_dose(distribution, planned=1_736_236_800, taken=1_736_236_800 + 7200)
    states = medication_pb2.AdherenceLog
    assert on_time.adherence_state == states.ADHERENCE_STATE_ON_TIME
    assert late.adherence_state == states.ADHERENCE_STATE_LATE
    for reader in (clinic.patient, clinic.provider):
        logs = reader.MedicationService.ListAdherenceLogs(
            medication_pb2.ListAdherenceLogsRequest(parent=clinic.patient.identity.patient)
        ).adherence_logs
        assert [log.name for log in logs] == [late.name, on_time.name]


def test_patient_updates_protocol_adherence(clinic):
    states = medication_pb2.ProtocolAdherence

    def record(state):
        return clinic.patient.MedicationService.RecordProtocolAdherence(
            medication_pb2.RecordProtocolAdherenceRequest(
                parent=clinic.patient.identity.patient,
                protocol_id="diet",
                adherence_state=state,
                request_id=request_id(),
            )
        )

    record(states.ADHERENCE_STATE_NON_ADHERENT)
    record(states.ADHERENCE_STATE_ADHERENT)
    listed = clinic.provider.MedicationService.ListProtocolAdherences(
        medication_pb2.ListProtocolAdherencesRequest(parent=clinic.patient.identity.patient)
    ).protocol_adherences
    assert [(each.protocol_id, each.adherence_state) for each in listed] == [("diet", states.ADHERENCE_STATE_ADHERENT)]


def test_message_reaches_the_clinician_live_and_is_read(clinic):
    with clinic.watch_messages(clinic.provider) as watch, clinic.watch_notices(clinic.provider) as notices:
        watch.initial()
        sent = clinic.send(clinic.patient, clinic.provider, "May I take it with milk?")
        assert sent.state == messaging_pb2.Message.STATE_SENT
        live = watch.until(lambda change: change.name == sent.name).message
        assert (live.body, live.sender) == ("May I take it with milk?", clinic.patient.name)
        assert live.patient == clinic.patient.identity.patient
        notice = notices.until(lambda change: change.notification.thread == sent.thread).notification
        assert notice.kind == notification_pb2.NOTIFICATION_KIND_MESSAGE_RECEIVED
    messaging = clinic.provider.MessagingService
    delivered = messaging.MarkDelivered(messaging_pb2.MarkDeliveredRequest(name=sent.name, request_id=request_id()))
    assert delivered.state == messaging_pb2.Message.STATE_DELIVERED
    read = messaging.MarkRead(messaging_pb2.MarkReadRequest(name=sent.name, request_id=request_id()))
    assert read.read and read.HasField("read_time")


def test_edited_message_is_a_new_version(clinic):
    sent = clinic.send(clinic.patient, clinic.provider, "made-up: tpyo")
    sent.body = "made-up: typo"
    edited = clinic.patient.MessagingService.EditMessage(
        messaging_pb2.EditMessageRequest(message=sent, update_mask={"paths": ["body"]}, request_id=request_id())
    )
    assert (edited.body, edited.version) == ("made-up: typo", 2)

    def listed(**more):
        """What the other one reads."""
        request = messaging_pb2.ListMessagesRequest(parent=sent.thread, **more)
        return [(each.body, each.version) for each in clinic.provider.MessagingService.ListMessages(request).messages]

    assert listed() == [("made-up: typo", 2)]
    assert listed(as_of=edited.edit_time) == [("made-up: typo", 2)]
    assert listed(as_of=sent.send_time) == [("made-up: tpyo", 1)], "the first version is kept as it was"


def test_threads_and_messages_are_listed_latest_first(clinic):
    thread = clinic.new_thread()
    first = clinic.send(clinic.patient, clinic.provider, "first", thread)
    second = clinic.send(clinic.provider, clinic.patient, "second", thread)
    messaging = clinic.patient.MessagingService
    listed = messaging.ListMessages(messaging_pb2.ListMessagesRequest(parent=thread)).messages
    assert [message.name for message in listed] == [second.name, first.name]
    threads = messaging.ListThreads(messaging_pb2.ListThreadsRequest(parent=clinic.name)).threads
    assert threads[0].name == thread
    assert sorted(threads[0].members) == sorted([clinic.patient.name, clinic.provider.name])


def test_finalized_distribution_alerts_the_patient_who_acknowledges_it(clinic):
    with clinic.watch_notices(clinic.patient) as notices:
        prepared = clinic.prepare(date(2025, 6, 1))
        with not_found():
            clinic.patient.MedicationService.GetMedicationDistribution(
                medication_pb2.GetMedicationDistributionRequest(name=prepared.name)
            )
        assert clinic.finalize(prepared).state == Distribution.STATE_FINALIZED
        notice = notices.until(lambda change: change.notification.resource == prepared.name).notification
        assert notice.kind == notification_pb2.NOTIFICATION_KIND_DISTRIBUTION_AVAILABLE
    acknowledged = clinic.patient.MedicationService.AcknowledgeMedicationDistribution(
        medication_pb2.AcknowledgeMedicationDistributionRequest(name=prepared.name, request_id=request_id())
    )
    assert acknowledged.state == Distribution.STATE_ACKNOWLEDGED
    assert clinic.acknowledge_notice(clinic.patient, notice.name).HasField("acknowledge_time")


def test_provider_publishes_an_order_with_feedback_and_the_patient_acknowledges_it(clinic):
    with clinic.watch_notices(clinic.patient) as notices:
        draft = clinic.order(medication_name="Metoprolol")
        assert draft.name not in {order.name for order in orders_of(clinic.patient, clinic.patient.identity.patient)}
        published = clinic.publish(draft)
        assert published.state == Order.STATE_ACTIVE
        kinds = notification_pb2
        notice = notices.until(lambda change: change.notification.resource == draft.name).notification
        assert notice.kind == kinds.NOTIFICATION_KIND_MEDICATION_ORDER_ACTIVE
        clinic.provider.MedicationService.AddFeedback(
            medication_pb2.AddFeedbackRequest(
                name=draft.name, feedback="made-up: in the morning", request_id=request_id()
            )
        )
        notice = notices.until(lambda change: change.notification.resource == draft.name).notification
        assert notice.kind == kinds.NOTIFICATION_KIND_FEEDBACK_ADDED
    acknowledged = clinic.patient.MedicationService.AcknowledgeMedicationOrder(
        medication_pb2.AcknowledgeMedicationOrderRequest(name=draft.name, request_id=request_id())
    )
    assert acknowledged.feedback == "made-up: in the morning"
    assert acknowledged.HasField("acknowledge_time")


def test_most_recent_order_of_a_patient_is_one_query(clinic):
    clinic.publish(clinic.order(medication_name="Earlier"))
    latest = clinic.publish(clinic.order(medication_name="Latest"))
    found = orders_of(clinic.patient, clinic.patient.identity.patient, page_size=1)
    assert [order.name for order in found] == [latest.name]


def test_one_stream_tells_of_all_medication(clinic):
    request = medication_pb2.WatchMedicationRequest(parent=clinic.patient.identity.patient)
    with Watch(clinic.patient.MedicationService.WatchMedication(request)) as watch:
        watch.initial()
        order = clinic.publish(clinic.order(medication_name="Streamed"))
        entered = watch.until(lambda change: change.name == order.name)
        assert entered.kind == change_pb2.CHANGE_KIND_ENTER  # A draft is not the patient's to see.
        assert entered.medication_order.instructions == "made-up: with water"
        distribution = clinic.finalize(clinic.prepare(medication_name="Streamed"))
        entered = watch.until(lambda change: change.name == distribution.name)
        assert entered.medication_distribution.medication_name == "Streamed"


def test_changes_since_a_break_are_read_with_the_resume_token(clinic):
    request = medication_pb2.WatchMedicationRequest(parent=clinic.patient.identity.patient)
    with Watch(clinic.patient.MedicationService.WatchMedication(request)) as watch:
        watch.initial()
        token = watch.resume_token
    missed = clinic.publish(clinic.order(medication_name="Missed"))
    request.resume_token = token
    with Watch(clinic.patient.MedicationService.WatchMedication(request)) as watch:
        assert watch.until(lambda change: True).name == missed.name


def test_appointment_is_booked_and_shown_with_its_context(clinic):
    with clinic.watch_notices(clinic.patient) as notices:
        booked = clinic.book(1_900_000_000, 1_900_001_800, reason="made-up: control", location="room 3")
        notice = notices.until(lambda change: change.notification.resource == booked.name).notification
        assert notice.kind == notification_pb2.NOTIFICATION_KIND_APPOINTMENT_BOOKED
    shown = clinic.patient.SchedulingService.GetAppointment(scheduling_pb2.GetAppointmentRequest(name=booked.name))
    assert (shown.patient, shown.provider) == (clinic.patient.identity.patient, clinic.provider.name)
    assert (shown.reason, shown.location) == ("made-up: control", "room 3")
    assert shown.state == scheduling_pb2.Appointment.STATE_BOOKED


def test_nobody_is_booked_twice_at_one_time(clinic):
    clinic.book(1_910_000_000, 1_910_001_800)
    with refused("FAILED_PRECONDITION", "PROVIDER_BUSY"):
        clinic.book(1_910_001_799, 1_910_003_600)
    clinic.book(1_910_001_800, 1_910_003_600)  # Touching is not overlap.


def test_appointment_is_moved_kept_and_completed(clinic):
    booked = clinic.book(1_920_000_000, 1_920_001_800)
    scheduling = clinic.provider.SchedulingService
    moved = scheduling.RescheduleAppointment(
        scheduling_pb2.RescheduleAppointmentRequest(
            name=booked.name,
            start_time=at(1_920_010_000),
            end_time=at(1_920_011_800),
            etag=booked.etag,
            request_id=request_id(),
        )
    )
    assert moved.start_time == at(1_920_010_000)
    scheduling.CheckInAppointment(
        scheduling_pb2.CheckInAppointmentRequest(name=booked.name, request_id=request_id())
    )
    done = scheduling.CompleteAppointment(
        scheduling_pb2.CompleteAppointmentRequest(name=booked.name, request_id=request_id())
    )
    assert done.state == scheduling_pb2.Appointment.STATE_FULFILLED


def test_patient_who_did_not_come_is_marked(clinic):
    booked = clinic.book(1_930_000_000, 1_930_001_800)
    missed = scheduling_pb2.MarkNoShowAppointmentRequest(name=booked.name, request_id=request_id())
    marked = clinic.provider.SchedulingService.MarkNoShowAppointment(missed)
    assert marked.state == scheduling_pb2.Appointment.STATE_NOSHOW
    clinic.book(1_930_000_000, 1_930_001_800)  # The time is free again.


# Who sees what.


def test_patient_sees_only_their_own_orders_and_adherence(clinic):
    order = clinic.publish(clinic.order())
    distribution = clinic.finalize(clinic.prepare())
    stranger = clinic.other_patient
    with not_found():
        stranger.PatientService.GetPatient(patient_pb2.GetPatientRequest(name=clinic.patient.identity.patient))
    with not_found():
        stranger.MedicationService.GetMedicationOrder(medication_pb2.GetMedicationOrderRequest(name=order.name))
    with not_found():
        stranger.MedicationService.AcknowledgeMedicationDistribution(
            medication_pb2.AcknowledgeMedicationDistributionRequest(name=distribution.name, request_id=request_id())
        )
    assert orders_of(stranger, clinic.patient.identity.patient) == []
    assert distributions_of(stranger, clinic.patient.identity.patient) == []
    listed = stranger.PatientService.ListPatients(patient_pb2.ListPatientsRequest(parent=clinic.name)).patients
    assert [patient.name for patient in listed] == [stranger.identity.patient]


def test_provider_sees_only_assigned_patients(clinic):
    patient = clinic.patient.identity.patient
    stranger = clinic.other_provider
    with not_found():
        stranger.PatientService.GetPatient(patient_pb2.GetPatientRequest(name=patient))
    assert orders_of(stranger, patient) == []
    clinic.provider.PatientService.AssignProvider(
        patient_pb2.AssignProviderRequest(
            name=patient, provider=patient_pb2.ProviderAssignment(user=stranger.name), request_id=request_id()
        )
    )
    assert stranger.PatientService.GetPatient(patient_pb2.GetPatientRequest(name=patient)).name == patient
    clinic.provider.PatientService.UnassignProvider(
        patient_pb2.UnassignProviderRequest(name=patient, user=stranger.name, request_id=request_id())
    )
    with not_found():
        stranger.PatientService.GetPatient(patient_pb2.GetPatientRequest(name=patient))


def test_messages_are_their_members_alone(clinic):
    sent = clinic.send(clinic.patient, clinic.provider, "made-up: between us")
    for stranger in (clinic.other_patient, clinic.other_provider, clinic.organization.administrator):
        messaging = stranger.MessagingService
        assert not messaging.ListMessages(messaging_pb2.ListMessagesRequest(parent=sent.thread)).messages
        with not_found():
            messaging.MarkRead(messaging_pb2.MarkReadRequest(name=sent.name, request_id=request_id()))


def test_watch_shows_nothing_of_another_patient(clinic):
    request = patient_pb2.WatchPatientsRequest(parent=clinic.name)
    with Watch(clinic.other_patient.PatientService.WatchPatients(request)) as watch:
        assert [change.name for change in watch.initial()] == [clinic.other_patient.identity.patient]
        for person, contact in ((clinic.patient, "hidden"), (clinic.other_patient, "shown")):
            profile = clinic.profile(person)
            profile.contact = contact
            person.PatientService.UpdatePatient(
                patient_pb2.UpdatePatientRequest(
                    patient=profile, update_mask={"paths": ["contact"]}, request_id=request_id()
                )
            )
        change = watch.next()
        assert (change.name, change.patient.contact) == (clinic.other_patient.identity.patient, "shown")
