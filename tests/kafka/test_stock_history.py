"""What the tests of faults look at finds what is wrong."""
import types

import pytest
from google.protobuf import timestamp_pb2
from stock_history import KINDS, History
from trialog.event.v1 import value_pb2
from trialog.inventory.v1 import inventory_item_pb2

WORLD = types.SimpleNamespace(name="w", locations=["here", "there"])


def line(operation, number, offset, units=0, location=0, outcome="ok", balance=0, **more):
    """An operation on item 0, acknowledged with its `number`-th movement."""
    after = {"location": location, "units": balance, "issued": 0, "movements": number}
    told = {"after": after, "position": f"3/{offset}"} if outcome == "ok" else {}
    times = {"wall": 10 * offset, "invoke": 10 * offset, "return": 10 * offset + 5 if outcome == "ok" else None}
    fields = {"world": "w", "client": 0, "operation": operation, "item": 0, "location": location, "units": units, "etag": 0, "met": []}
    return fields | times | told | {"outcome": outcome} | more


def movement(kind, number, change=0, balance=0, to="here", time=1000):
    return inventory_item_pb2.StockMovement(
        name=f"i/movements/{number}",
        kind=KINDS[kind],
        change=value_pb2.Quantity(units=change),
        balance=value_pb2.Quantity(units=balance),
        to_location=to,
        create_time=timestamp_pb2.Timestamp(nanos=time),
    )


RECEIVED = line("receive", 1, 1, units=100, balance=100)
ISSUED = line("issue", 2, 2, units=7, balance=93)
MOVED = line("move", 3, 3, location=1, balance=93)
ALREADY_THERE = line("move", 3, 4, location=1, balance=93)
UNKNOWN = line("issue", 0, 5, units=8, outcome="unknown", of="attempts before a refusal")
FOUND = [movement("receive", 1, 100, 100), movement("issue", 2, -7, 93), movement("move", 3, 0, 93, "there")]
LATE = movement("issue", 4, -8, 85, "there")


@pytest.mark.parametrize("found", [FOUND, [*FOUND, LATE]], ids=["as told", "what nobody was told happened"])
def test_what_is_right_passes(found):
    history = History([WORLD], [RECEIVED, ISSUED, MOVED, ALREADY_THERE, UNKNOWN])
    history.check_answers()
    history.check_movements(WORLD, {0: found})
    assert history.happened == ([UNKNOWN] if LATE in found else [])


@pytest.mark.parametrize(
    "found",
    [
        FOUND[:2],
        [FOUND[0], FOUND[2]],
        [*FOUND, movement("issue", 4, -7, 86, "there")],
        [*FOUND, movement("move", 4, 0, 93, "here")],
        [FOUND[0], movement("issue", 2, -6, 94), FOUND[2]],
        [*FOUND[:2], movement("move", 3, 0, 93, "here")],
    ],
    ids=["lost", "lost in between", "twice", "never asked for", "another amount", "another place"],
)
def test_movements_that_are_not_what_was_acknowledged_are_found(found):
    with pytest.raises(AssertionError):
        History([WORLD], [RECEIVED, ISSUED, MOVED, ALREADY_THERE, UNKNOWN]).check_movements(WORLD, {0: found})


def test_of_two_who_moved_it_there_the_one_who_asked_before_did():
    unknown = line("move", 0, 2, location=1, outcome="unknown", of="attempts before a refusal")
    later = line("move", 2, 9, location=1, balance=100)
    moved = movement("move", 2, 0, 100, "there", time=later["wall"] - 1)
    history = History([WORLD], [RECEIVED, unknown, later])
    history.check_movements(WORLD, {0: [FOUND[0], moved]})
    assert history.happened == [unknown]
    with pytest.raises(AssertionError):
        History([WORLD], [RECEIVED, later]).check_movements(WORLD, {0: [FOUND[0], moved]})


@pytest.mark.parametrize(
    "lines",
    [
        [RECEIVED, ISSUED | {"position": "3/1"}],
        [RECEIVED | {"position": "3/9"}, ISSUED],
        [UNKNOWN | {"of": "given up"}],
        [{"read": "w", "known": RECEIVED["after"], "shown": None, "met": []}],
        [{"read": "w", "known": ISSUED["after"], "shown": RECEIVED["after"], "met": []}],
    ],
    ids=["one record for two", "log against time", "given up", "read refused", "read too old"],
)
def test_bad_answers_are_found(lines):
    with pytest.raises(AssertionError):
        History([WORLD], lines).check_answers()
