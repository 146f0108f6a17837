"""A Watch loses and doubles nothing, however often its reader is cut off."""
import collections
import threading

import pytest

from client import request_id
from inventory import Biobank, milliliters
from organization import Organization
from trialog.inventory.v1 import inventory_item_pb2
from watching import Watch

CHANGES, CUTS = 10_000, 100


@pytest.fixture(scope="module")
def biobank(organization):
    return Biobank(organization, "watched")


def watch(biobank, **more):
    request = inventory_item_pb2.WatchInventoryItemsRequest(parent=biobank.name, **more)
    return Watch(biobank.manager.InventoryService.WatchInventoryItems(request, timeout=240))


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
