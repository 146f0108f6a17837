"""A Watch loses and doubles nothing, however often its reader is cut off."""
import collections
import threading
import time

import pytest
from google.protobuf import timestamp_pb2

from client import SERVICES, refused, request_id
from clinic import Clinic
from inventory import Biobank, milliliters
from organization import Organization
from server import DEADLINE
from trialog.event.v1 import subscribe_pb2
from trialog.inventory.v1 import inventory_item_pb2
from trialog.trials.v1 import care_events_pb2
from watching import Watch

CHANGES, CUTS = 10_000, 100
TOKENS_LAST = 330  # Seconds: five minutes, and half of one for clocks that differ.
EVENTS = [name for name in SERVICES if name.endswith(".EventService")]


@pytest.fixture(scope="module")
def biobank(organization):
    return Biobank(organization, "watched")


def watch(biobank, by=None, timeout=240, **more):
    request = inventory_item_pb2.WatchInventoryItemsRequest(parent=biobank.name, **more)
    return Watch((by or biobank.manager).InventoryService.WatchInventoryItems(request, timeout=timeout))


def change_stock(biobank, items, changes, failures):
    """Counts the items in turn; the count is the number of the change."""
    try:
        for number in range(1, changes + 1):
            biobank.technician.InventoryService.AdjustStock(
                inventory_item_pb2.AdjustStockRequest(
                    name=items[number % len(items)].name,
                    counted_quantity=milliliters(number),
                    cause=inventory_item_pb2.ADJUSTMENT_CAUSE_COUNT,
                    request_id=request_id(),
                )
            )
    except Exception as error:  # Told by the test's own thread.
        failures.append(error)


def test_reader_cut_off_a_hundred_times_sees_each_of_ten_thousand_changes_once_and_in_order(biobank):
    items = [biobank.add_stocked_sample(f"WATCHED-{number}")[1] for number in range(10)]
    reader = watch(biobank)
    assert {change.name for change in reader.initial()} >= {item.name for item in items}

    failures = []
    writer = threading.Thread(target=change_stock, args=(biobank, items, CHANGES, failures))
    writer.start()
    seen, cuts = [], 0
    while len(seen) < CHANGES:
        seen.extend(change.inventory_item.quantity.units for change in reader.next_batch())
        assert not failures, failures[0]
        if cuts < CUTS and len(seen) >= (cuts + 1) * CHANGES // (CUTS + 1):
            reader.cut()
            reader = watch(biobank, resume_token=reader.resume_token)
            cuts += 1
    writer.join()
    assert cuts == CUTS
    assert seen == list(range(1, CHANGES + 1))
    reader.cut()


def test_resume_token_skips_nothing_that_happened_while_nobody_read(biobank):
    _, item = biobank.add_stocked_sample("AWAY")
    reader = watch(biobank)
    reader.initial()
    reader.cut()
    failures = []
    change_stock(biobank, [item], 300, failures)
    assert not failures
    with watch(biobank, resume_token=reader.resume_token) as resumed:
        assert [change.inventory_item.quantity.units for change in resumed.take(300)] == list(range(1, 301))


def test_many_readers_see_the_same_changes(biobank):
    _, item = biobank.add_stocked_sample("SHARED")
    readers = [watch(biobank, skip_initial=True) for _ in range(20)]
    for reader in readers:
        reader.initial()
    failures = []
    change_stock(biobank, [item], 50, failures)
    assert not failures
    seen = [[(c.name, c.inventory_item.quantity.units) for c in reader.take(50)] for reader in readers]
    assert collections.Counter(map(tuple, seen)) == {tuple((item.name, n) for n in range(1, 51)): 20}
    for reader in readers:
        reader.cut()


def test_watch_outlives_a_restart_of_the_server(make_server):
    server = make_server()
    biobank = Biobank(Organization(server))
    _, item = biobank.add_stocked_sample("RESTART")
    with watch(biobank) as reader:
        reader.initial()
        change_stock(biobank, [item], 5, [])
        assert len(reader.take(5)) == 5
        token = reader.resume_token
    server.kill()
    server.start()
    biobank.manager.reconnect(server.target)
    biobank.technician.reconnect(server.target)
    failures = []
    change_stock(biobank, [item], 9, failures)
    assert not failures
    with watch(biobank, resume_token=token) as resumed:
        assert [change.inventory_item.quantity.units for change in resumed.take(9)] == list(range(1, 10))


# Events, for programs: those of trials that tell of notices; all others are for our own services alone.


def subscribe(caller, organization, service="trialog.trials.v1.EventService", metadata=(), **more):
    """The answers of an open subscription to an organisation's events."""
    request = subscribe_pb2.SubscribeRequest(parent=organization.name, **more)
    return caller.service(service).Subscribe(request, metadata=metadata)


def told_of(answer):
    """The records that notices are about."""
    return [care_events_pb2.NotificationCreated.FromString(event.payload).resource for event in answer.events]


def test_subscription_goes_on_behind_its_token(server):
    organization = Organization(server)
    clinic, notifier = Clinic(organization), organization.program("NOTIFIER")
    stream = subscribe(notifier, organization)
    assert not next(stream).events  # From now on, and at once.
    first, second = (clinic.send(clinic.provider, clinic.patient, f"made-up {word}") for word in ("first", "second"))
    answers, told = [], []
    while second.name not in told:
        answers.append(next(stream))
        told += told_of(answers[-1])
    assert told == [first.name, second.name]
    stream.cancel()
    third = clinic.send(clinic.patient, clinic.provider, "made-up third")
    resumed = subscribe(notifier, organization, resume_token=answers[-1].resume_token)
    assert told_of(next(resumed)) == [third.name]
    resumed.cancel()


@pytest.mark.parametrize("service", EVENTS)
def test_events_are_not_for_people_nor_for_who_says_to_be_a_service(organization, service):
    """Our own services subscribe within the process; from outside, their mark counts for nothing."""
    ours = [("trialog-service", "audit")]
    person = organization.join(f"curious-{service.split('.')[1]}", "AUDITOR", "PROVIDER", "DATA_CUSTODIAN", "LAB_TECHNICIAN")
    for caller in (person, organization.administrator):
        for metadata in ([], ours):
            with refused("PERMISSION_DENIED", "ROLE_MISSING"):
                next(subscribe(caller, organization, service, metadata, from_start=True))
    with refused("UNAUTHENTICATED", "TOKEN_MISSING"):
        next(subscribe(organization.nobody, organization, service, ours, from_start=True))


@pytest.mark.parametrize("service", EVENTS)
def test_events_are_for_a_notifier_of_the_organisation_in_trials_alone(server, organization, service):
    """Programs that deliver notices: those of the organisation, and of trials only."""
    own, foreign = organization.program("NOTIFIER"), Organization(server).program("NOTIFIER")
    code = ("NOT_FOUND", "NOT_FOUND") if service == "trialog.trials.v1.EventService" else ("PERMISSION_DENIED", "ROLE_MISSING")
    with refused(*code):
        next(subscribe(foreign, organization, service, from_start=True))
    if code[0] != "NOT_FOUND":
        with refused(*code):
            next(subscribe(own, organization, service, from_start=True))


# The end of what a stream was opened with.


BEHIND = 600  # Seconds that the clock of clocked_server is, at first; its callers renew their tokens for each call.


def seconds_from_now(seconds):
    return timestamp_pb2.Timestamp(seconds=int(time.time()) + seconds)


def test_watch_ends_with_its_token_and_goes_on_with_the_next(clocked_server):
    biobank = Biobank(Organization(clocked_server))
    _, item = biobank.add_stocked_sample("OUTLIVED")
    failures = []
    with watch(biobank, timeout=DEADLINE) as reader:
        reader.initial()
        clocked_server.order("later", TOKENS_LAST)
        change_stock(biobank, [item], 3, failures)
        with refused("UNAUTHENTICATED", "TOKEN_EXPIRED"):
            reader.next()
    assert not failures
    with watch(biobank, timeout=DEADLINE, resume_token=reader.resume_token) as resumed:
        assert [change.inventory_item.quantity.units for change in resumed.take(3)] == [1, 2, 3]


def test_subscription_ends_with_its_token_and_goes_on_with_the_next(clocked_server):
    organization = Organization(clocked_server)
    clinic = Clinic(organization)

    first = subscribe(organization.program("NOTIFIER"), organization)
    resume_token = next(first).resume_token  # At once: no event need come first.
    clocked_server.order("later", TOKENS_LAST)
    message = clinic.send(clinic.provider, clinic.patient, "told after the token's end")
    with refused("UNAUTHENTICATED", "TOKEN_EXPIRED"):
        next(first)
    assert told_of(next(subscribe(organization.program("NOTIFIER"), organization, resume_token=resume_token))) == [message.name]


def test_watch_ends_when_a_grant_of_its_caller_begins_or_ends(clocked_server):
    organization = Organization(clocked_server)
    biobank = Biobank(organization)
    _, item = biobank.add_stocked_sample("FOR-A-WHILE")
    person = organization.join("for-a-while", "PARTICIPANT")
    organization.grant(person, "LAB_TECHNICIAN", start_time=seconds_from_now(60 - BEHIND), end_time=seconds_from_now(120 - BEHIND))
    failures = []

    def passes(seconds, reader):
        """So much time, and then something happens: the watch ends instead of telling of it."""
        clocked_server.order("later", seconds)
        change_stock(biobank, [item], 1 + seconds, failures)
        with refused("ABORTED", "WATCH_ACCESS_CHANGED"):
            reader.next()

    with watch(biobank, person, DEADLINE) as reader:
        assert reader.initial() == []
        passes(90, reader)
    with watch(biobank, person, DEADLINE) as reader:
        assert [change.name for change in reader.initial()] == [item.name]
        passes(60, reader)
    # Nor does it go on from where it stood: what entered and left meanwhile was not told.
    with watch(biobank, person, DEADLINE, resume_token=reader.resume_token) as resumed:
        with refused("ABORTED", "WATCH_ACCESS_CHANGED"):
            resumed.next()
    with watch(biobank, person, DEADLINE) as reader:
        assert reader.initial() == []
    assert not failures


def test_watch_ends_with_a_grant_though_nothing_happens(organization, biobank):
    biobank.add_stocked_sample("FOR-A-MOMENT")
    person = organization.join("for-a-moment", "PARTICIPANT")
    organization.grant(person, "LAB_TECHNICIAN", end_time=seconds_from_now(5))
    person.sign_in_again()
    with watch(biobank, person, DEADLINE) as reader:
        assert reader.initial()
        with refused("ABORTED", "WATCH_ACCESS_CHANGED"):
            reader.next()
