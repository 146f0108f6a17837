"""Orders, distributions and appointments that do not go as planned: held, stopped, returned, cancelled."""
import pytest

from client import refused, request_id
from clinic import Clinic, date, tablets
from trialog.event.v1 import value_pb2
from trialog.trials.v1 import medication_pb2, scheduling_pb2
from watching import Watch

Order = medication_pb2.MedicationOrder
Distribution = medication_pb2.MedicationDistribution
Appointment = scheduling_pb2.Appointment


@pytest.fixture(scope="module")
def clinic(organization):
    return Clinic(organization)


def order_of(person, order):
    return person.MedicationService.GetMedicationOrder(medication_pb2.GetMedicationOrderRequest(name=order.name))


def distribution_of(person, distribution):
    return person.MedicationService.GetMedicationDistribution(
        medication_pb2.GetMedicationDistributionRequest(name=distribution.name)
    )


def test_held_order_goes_on_when_it_is_activated_again(clinic):
    order = clinic.publish(clinic.order(medication_name="Held"))
    hold = medication_pb2.HoldMedicationOrderRequest(
        name=order.name, state_reason="made-up: low counts", etag=order.etag, request_id=request_id()
    )
    clinic.provider.MedicationService.HoldMedicationOrder(hold)
    shown = order_of(clinic.patient, order)
    assert (shown.state, shown.state_reason) == (Order.STATE_ON_HOLD, "made-up: low counts")
    hold.request_id = request_id()
    with refused("ABORTED", "ETAG_MISMATCH"):
        clinic.provider.MedicationService.HoldMedicationOrder(hold)
    assert clinic.publish(order).state == Order.STATE_ACTIVE == order_of(clinic.patient, order).state


def test_order_that_is_not_in_force_is_not_held(clinic):
    draft = clinic.order(medication_name="Not in force")
    hold = medication_pb2.HoldMedicationOrderRequest(name=draft.name, request_id=request_id())
    with refused("FAILED_PRECONDITION", "MEDICATION_ORDER_STATE"):
        clinic.provider.MedicationService.HoldMedicationOrder(hold)
    assert order_of(clinic.provider, draft) == draft


def test_stopped_order_is_over(clinic):
    order = clinic.publish(clinic.order(medication_name="Stopped"))
    stop = medication_pb2.StopMedicationOrderRequest(name=order.name, request_id=request_id())
    with refused("INVALID_ARGUMENT", "REQUIRED", field="state_reason"):
        clinic.provider.MedicationService.StopMedicationOrder(stop)
    stop.state_reason, stop.request_id = "made-up: side effects", request_id()
    clinic.provider.MedicationService.StopMedicationOrder(stop)
    shown = order_of(clinic.patient, order)
    assert (shown.state, shown.state_reason) == (Order.STATE_STOPPED, "made-up: side effects")
    with refused("FAILED_PRECONDITION", "MEDICATION_ORDER_STATE"):
        clinic.publish(order)


def test_returned_distribution_says_how_much_came_back(clinic):
    distribution = clinic.prepare(date(2025, 2, 1), quantity=tablets(30))
    give_back = medication_pb2.ReturnMedicationDistributionRequest(
        name=distribution.name, returned_quantity=tablets(12), request_id=request_id()
    )
    with refused("FAILED_PRECONDITION", "MEDICATION_DISTRIBUTION_STATE"):
        clinic.provider.MedicationService.ReturnMedicationDistribution(give_back)
    clinic.finalize(distribution)
    give_back.request_id, give_back.returned_quantity.units = request_id(), 31
    with refused("INVALID_ARGUMENT", "BAD_QUANTITY", field="returned_quantity"):
        clinic.provider.MedicationService.ReturnMedicationDistribution(give_back)
    give_back.request_id, give_back.returned_quantity.units = request_id(), 12
    clinic.provider.MedicationService.ReturnMedicationDistribution(give_back)
    for person in (clinic.provider, clinic.patient):
        shown = distribution_of(person, distribution)
        assert (shown.state, shown.returned_quantity) == (Distribution.STATE_RETURNED, tablets(12))


def test_summary_counts_no_day_of_what_came_back(clinic):
    order = clinic.publish(clinic.order(medication_name="Summed up"))
    plan = {"quantity": tablets(30), "units_per_dose": value_pb2.Decimal(units=1), "doses_per_day": 1}
    distribution = clinic.finalize(clinic.prepare(date(2025, 3, 1), medication_order=order.name, **plan))
    request = medication_pb2.GetAdherenceSummaryRequest(
        parent=clinic.patient.identity.patient, medication_order=order.name, end_date=date(2025, 3, 31)
    )

    def covered():
        summary = clinic.patient.MedicationService.GetAdherenceSummary(request)
        assert summary.period_days == 30
        return summary.covered_days, summary.adherent

    assert covered() == (30, True)
    clinic.provider.MedicationService.ReturnMedicationDistribution(
        medication_pb2.ReturnMedicationDistributionRequest(
            name=distribution.name, returned_quantity=tablets(12), request_id=request_id()
        )
    )
    assert covered() == (18, False)
    request.start_date.CopyFrom(date(2025, 4, 1))
    with refused("INVALID_ARGUMENT", "BAD_PERIOD", field="end_date"):
        clinic.patient.MedicationService.GetAdherenceSummary(request)


def test_cancelled_appointment_frees_its_time(clinic):
    booked = clinic.book(1_940_000_000, 1_940_001_800)
    request = scheduling_pb2.WatchAppointmentsRequest(parent=clinic.name)
    cancel = scheduling_pb2.CancelAppointmentRequest(
        name=booked.name, state_reason="made-up: ill", etag=booked.etag, request_id=request_id()
    )
    with Watch(clinic.patient.SchedulingService.WatchAppointments(request)) as watch:
        watch.initial()
        clinic.provider.SchedulingService.CancelAppointment(cancel)
        assert watch.until(lambda change: change.name == booked.name).appointment.state == Appointment.STATE_CANCELLED
    shown = clinic.patient.SchedulingService.GetAppointment(scheduling_pb2.GetAppointmentRequest(name=booked.name))
    assert (shown.state, shown.state_reason) == (Appointment.STATE_CANCELLED, "made-up: ill")
    cancel.request_id = request_id()
    with refused("ABORTED", "ETAG_MISMATCH"):
        clinic.provider.SchedulingService.CancelAppointment(cancel)
    arrive = scheduling_pb2.CheckInAppointmentRequest(name=booked.name, request_id=request_id())
    with refused("FAILED_PRECONDITION", "APPOINTMENT_STATE"):
        clinic.provider.SchedulingService.CheckInAppointment(arrive)
    clinic.book(1_940_000_000, 1_940_001_800)
