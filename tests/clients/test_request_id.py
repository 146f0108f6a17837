"""A request_id makes a retry safe (AIP-155): same answer and one effect, also over a crash; and of many who race, one wins."""
import collections

import grpc
import pytest

from client import refused, request_id
from clinic import Clinic, at
from inventory import Biobank, get_item, milliliters, samples_of
from organization import Organization
from racers import Racers
from trialog.inventory.v1 import inventory_item_pb2, sample_pb2
from trialog.trials.v1 import patient_pb2, scheduling_pb2

RACERS = 64


@pytest.fixture(scope="module")
def biobank(organization):
    return Biobank(organization, "retries")


def movements_of(biobank, item):
    request = inventory_item_pb2.ListMovementsRequest(parent=item.name)
    return biobank.technician.InventoryService.ListMovements(request).movements


def test_repeated_request_gets_the_first_answer_and_has_one_effect(biobank):
    request = biobank.new_sample("REPEATED")
    request.sample_id = ""  # The server draws one, once.
    answers = [biobank.technician.SampleService.CreateSample(request) for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert len(samples_of(biobank.technician, biobank.name, filter='identifier = "REPEATED"')) == 1


def test_first_answer_is_given_again_after_later_changes(biobank):
    request = biobank.new_sample("LATER")
    first = biobank.technician.SampleService.CreateSample(request)
    biobank.transition(first, "QUARANTINED", "made-up reason")
    assert biobank.technician.SampleService.CreateSample(request) == first


def test_request_id_with_other_content_is_refused(biobank):
    request = biobank.new_sample("CONTENT")
    biobank.technician.SampleService.CreateSample(request)
    request.sample.sample_type = "OTHER"
    with refused("ALREADY_EXISTS", "REQUEST_ID_REUSED"):
        biobank.technician.SampleService.CreateSample(request)


def test_same_request_id_of_two_callers_is_two_requests(biobank):
    request = biobank.new_sample("CALLERS")
    biobank.technician.SampleService.CreateSample(request)
    colleague = biobank.organization.join("colleague", "LAB_TECHNICIAN")
    with refused("ALREADY_EXISTS", "SAMPLE_EXISTS"):  # The colleague's own attempt, decided anew.
        colleague.SampleService.CreateSample(request)


def test_refused_attempt_does_not_use_up_its_request_id(biobank):
    _, item = biobank.add_stocked_sample("ATTEMPT")
    issue = inventory_item_pb2.IssueStockRequest(name=item.name, quantity=milliliters(26), request_id=request_id())
    with refused("FAILED_PRECONDITION", "OVER_ISSUE"):
        biobank.technician.InventoryService.IssueStock(issue)
    biobank.technician.InventoryService.AdjustStock(
        inventory_item_pb2.AdjustStockRequest(
            name=item.name,
            counted_quantity=milliliters(30),
            cause=inventory_item_pb2.ADJUSTMENT_CAUSE_COUNT,
            request_id=request_id(),
        )
    )
    assert biobank.technician.InventoryService.IssueStock(issue).quantity == milliliters(4)


def test_call_that_ran_out_of_time_is_settled_by_its_retry(biobank):
    requests = [biobank.new_sample(f"OUT-OF-TIME-{number}") for number in range(20)]
    for request in requests:
        try:
            biobank.technician.SampleService.CreateSample(request, timeout=0)
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED, error
    for request in requests:
        sample = biobank.technician.SampleService.CreateSample(request)
        assert sample.etag == '"1"'
    found = {sample.identifier for sample in samples_of(biobank.technician, biobank.name)}
    assert {request.sample.identifier for request in requests} <= found


def test_repeat_after_a_crash_gets_the_first_answer(make_server):
    server = make_server()
    biobank = Biobank(Organization(server))
    creation = biobank.new_sample("CRASH")
    sample = biobank.technician.SampleService.CreateSample(creation)
    receipt = biobank.stock(sample)
    item = biobank.technician.InventoryService.ReceiveStock(receipt)
    issue = inventory_item_pb2.IssueStockRequest(name=item.name, quantity=milliliters(5), request_id=request_id())
    issued = biobank.technician.InventoryService.IssueStock(issue)

    server.kill()
    server.start()
    technician = biobank.technician.reconnect(server.target)
    for _ in range(2):
        assert technician.SampleService.CreateSample(creation) == sample
        assert technician.InventoryService.ReceiveStock(receipt) == item
        assert technician.InventoryService.IssueStock(issue) == issued
    assert get_item(technician, item.name).quantity == milliliters(20)
    assert len(movements_of(biobank, item)) == 2
    creation.sample.tracking = "OTHER"
    with refused("ALREADY_EXISTS", "REQUEST_ID_REUSED"):
        technician.SampleService.CreateSample(creation)


# Races of many client processes.


@pytest.fixture(scope="module")
def racers(server):
    started = Racers(RACERS, server.target)
    yield started
    started.close()


@pytest.fixture(scope="module")
def clinic(organization):
    return Clinic(organization)


def outcomes(results):
    return collections.Counter((code, reason) for code, reason, _ in results)


def test_one_request_sent_by_all_has_one_effect(biobank, racers):
    request = biobank.new_sample("SENT-BY-ALL")
    results = racers.race(biobank.technician, "trialog.inventory.v1.SampleService/CreateSample", [request] * RACERS)
    assert outcomes(results) == {("OK", None): RACERS}
    assert len({answer for _, _, answer in results}) == 1


def test_one_wins_the_race_for_a_sample_identifier(biobank, racers):
    requests = [biobank.new_sample("RACE") for _ in range(RACERS)]
    for number, request in enumerate(requests):
        request.sample_id = f"race-{number}"
    results = racers.race(biobank.technician, "trialog.inventory.v1.SampleService/CreateSample", requests)
    assert outcomes(results) == {("OK", None): 1, ("ALREADY_EXISTS", "IDENTIFIER_TAKEN"): RACERS - 1}
    winner = sample_pb2.Sample.FromString(next(answer for code, _, answer in results if code == "OK"))
    assert samples_of(biobank.technician, biobank.name, filter='identifier = "RACE"') == [winner]


def test_one_wins_the_race_for_the_last_free_place(biobank, racers):
    box = biobank.add_location("race-box", capacity=3)
    for number in range(2):
        biobank.receive(biobank.add_sample(f"PLACE-TAKEN-{number}"), location=box)
    samples = [biobank.add_sample(f"PLACE-{number}") for number in range(RACERS)]
    requests = [biobank.stock(sample, location=box) for sample in samples]
    results = racers.race(biobank.technician, "trialog.inventory.v1.InventoryService/ReceiveStock", requests)
    assert outcomes(results) == {("OK", None): 1, ("FAILED_PRECONDITION", "LOCATION_FULL"): RACERS - 1}
    assert biobank.location(box).current_count == 3


def test_one_wins_the_race_for_the_last_stock_unit(biobank, racers):
    sample = biobank.add_sample("LAST-UNIT")
    item = biobank.receive(sample, quantity=milliliters(1))
    requests = [
        inventory_item_pb2.IssueStockRequest(name=item.name, quantity=milliliters(1), request_id=request_id())
        for _ in range(RACERS)
    ]
    results = racers.race(biobank.technician, "trialog.inventory.v1.InventoryService/IssueStock", requests)
    # The last unit makes the sample DEPLETED: who comes later finds it so.
    assert outcomes(results) == {("OK", None): 1, ("FAILED_PRECONDITION", "SAMPLE_NOT_STORED"): RACERS - 1}
    after = get_item(biobank.technician, item.name)
    assert after.quantity == milliliters(0)
    assert after.sample_state == sample_pb2.SAMPLE_STATE_DEPLETED
    assert [movement.balance.units for movement in movements_of(biobank, item)] == [0, 1]


def test_one_wins_the_race_for_stock_that_is_enough_for_one(biobank, racers):
    item = biobank.receive(biobank.add_sample("ENOUGH-FOR-ONE"), quantity=milliliters(5))
    requests = [
        inventory_item_pb2.IssueStockRequest(name=item.name, quantity=milliliters(3), request_id=request_id())
        for _ in range(RACERS)
    ]
    results = racers.race(biobank.technician, "trialog.inventory.v1.InventoryService/IssueStock", requests)
    assert outcomes(results) == {("OK", None): 1, ("FAILED_PRECONDITION", "OVER_ISSUE"): RACERS - 1}
    assert get_item(biobank.technician, item.name).quantity == milliliters(2)


def test_one_wins_the_race_for_a_medical_record_number(clinic, racers):
    requests = [
        patient_pb2.CreatePatientRequest(
            parent=clinic.name,
            patient=patient_pb2.Patient(medical_record_number="MRN-race", display_name=f"Racer {number}"),
            request_id=request_id(),
        )
        for number in range(RACERS)
    ]
    results = racers.race(clinic.provider, "trialog.trials.v1.PatientService/CreatePatient", requests)
    assert outcomes(results) == {("OK", None): 1, ("ALREADY_EXISTS", "MRN_TAKEN"): RACERS - 1}
    listed = clinic.provider.PatientService.ListPatients(patient_pb2.ListPatientsRequest(parent=clinic.name)).patients
    assert [patient.medical_record_number for patient in listed].count("MRN-race") == 1


def test_one_wins_the_race_for_an_appointment_slot(clinic, racers):
    start = 1_950_000_000
    requests = [
        scheduling_pb2.BookAppointmentRequest(
            parent=clinic.name,
            appointment=scheduling_pb2.Appointment(
                patient=clinic.patient.identity.patient,
                provider=clinic.provider.name,
                start_time=at(start + number),  # Each overlaps each.
                end_time=at(start + number + 1800),
            ),
            request_id=request_id(),
        )
        for number in range(RACERS)
    ]
    results = racers.race(clinic.provider, "trialog.trials.v1.SchedulingService/BookAppointment", requests)
    assert outcomes(results) == {("OK", None): 1, ("FAILED_PRECONDITION", "PROVIDER_BUSY"): RACERS - 1}
    booked = clinic.provider.SchedulingService.ListAppointments(
        scheduling_pb2.ListAppointmentsRequest(parent=clinic.name)
    ).appointments
    assert len(booked) == 1
