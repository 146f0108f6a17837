"""The whole server, under load through gRPC, while it is killed, loses power, or its disk fills up: every command that was
acknowledged is there once, none half; one in doubt is there once or not at all. TRIALOG_SEED repeats a run,
TRIALOG_CUTS lengthens it."""
import collections
import os
import re
import shutil
import subprocess
import time

import grpc
import pytest

import journal
from audited import await_entry, await_proven, entries_of
from client import eventually, reason_of, refused, request_id, retry_delay_of
from inventory import get_item, get_sample, items_of
from organization import Organization
from scripts import Site
from server import DEADLINE, EndedEarly, Server
from trialog.audit.v1 import service_pb2
from trialog.inventory.v1 import inventory_item_pb2
from watching import Watch

KILLS = 20
EVENTS = 10_000  # That audit folds while it is killed.
CUTS = int(os.environ.pop("TRIALOG_CUTS", "12"))
OPERATIONS = 1500  # Of the disk before a cut, at most: a start takes some 350 of them.
REFOLDS = 8


@pytest.fixture
def failing_disk(binaries, tmp_path):
    """A standalone on a disk that fails when told to (tests/fault/standalone_server.cc)."""
    server = FailingDisk(binaries, tmp_path, program="fault_standalone")
    yield server
    server.kill()


class FailingDisk(Server):
    stdin = subprocess.PIPE

    def start_until_cut(self, cut_after, torn_seed):
        """Starts it; whether it came to serve before its power was cut, after so many operations of the disk."""
        try:
            self.launch(flags=("--cut_after", str(cut_after), "--torn_seed", str(torn_seed)))
            return True
        except EndedEarly:
            self.await_cut()
            return False

    def await_cut(self):
        """Blocks until its power was cut and what was not synced is gone."""
        if self.process is not None:
            self.await_output(rb"(?=power cut\n)")
            assert self.process.wait(DEADLINE) == 0, self.last_words()
            self.kill()  # Closes the pipes.
        assert b"power cut\n" in self._printed, self.last_words()


def await_signed(auditor, leaves):
    """The latest checkpoint once it holds at least so many leaves. Audit has no stream to wait on."""
    end = time.monotonic() + DEADLINE
    while True:
        checkpoint = auditor.AuditService.GetCheckpoint(service_pb2.GetCheckpointRequest())
        if checkpoint.tree_size >= leaves:
            return checkpoint
        assert time.monotonic() < end, checkpoint.tree_size
        time.sleep(0.02)


def leaves_verified(server, checkpoint):
    """How many leaves the logs give when they are folded undisturbed: into the tree that the server's own store holds, of
    which the signed checkpoint is a part."""
    kept = server.data.parent / "checkpoint"
    kept.write_text(checkpoint.note)
    said = server.verify("--checkpoint", kept)
    return int(re.search(r"All holds: (\d+) leaves, root [0-9a-f]{64},", said)[1])


def repeat_some(chance, site, told):
    """Sends some of the acknowledged requests again, unchanged: each gets its first answer."""
    people = {job[1].__name__: job[0] for job in site.jobs()}
    writer_of = {"sample": "stock", "item": "stock", "issue": "stock"}
    for entry in chance.sample(told.acknowledged, min(300, len(told.acknowledged))):
        person = people[writer_of.get(entry.effect[0], entry.effect[0] + "s")]
        assert person.raw(entry.method, entry.request) == entry.answer, entry.effect


def test_kills_under_load_lose_and_double_nothing_and_audit_folds_as_if_undisturbed(make_server, chance):
    server = make_server()
    site = Site(Organization(server))
    acknowledged = 0
    with journal.Client(server.target, chance.random(), site.jobs()) as client:
        for kill in range(KILLS):
            count = chance.randint(1, EVENTS // KILLS)
            client.await_acknowledged(count)
            acknowledged += count
            server.kill()
            if kill % 4 == 3:
                server.start_and_kill(chance.uniform(0, 0.3))
            server.start()
            client.use(server.target)
        client.await_acknowledged(EVENTS - acknowledged)  # Each is an event, or more.
        told = client.finish()
    print(told)
    assert told.doubts.keys() == {"UNAVAILABLE"}
    site.go_to(server.target)
    site.check(told)
    repeat_some(chance, site, told)
    checkpoint = await_signed(site.auditor, EVENTS)
    server.stop()
    assert leaves_verified(server, checkpoint) >= checkpoint.tree_size

    # And folded again from the start, killed at any moment of that.
    tree = server.data / "stores" / "audit-tree"
    shutil.rmtree(tree)
    started = time.monotonic()
    server.start()
    took = time.monotonic() - started
    server.kill()
    shutil.rmtree(tree)
    for _ in range(REFOLDS):
        server.start_and_kill(chance.uniform(0, took))
    server.start()
    server.stop()
    assert leaves_verified(server, checkpoint) >= checkpoint.tree_size


@pytest.mark.embedded
def test_power_cuts_under_load_lose_and_double_nothing(failing_disk, chance):
    server = failing_disk.start()
    site = Site(Organization(server))
    server.stop()
    served = 0
    with journal.Client(server.target, chance.random(), site.jobs()) as client:
        for _ in range(CUTS):
            if server.start_until_cut(cut_after=chance.randint(0, OPERATIONS), torn_seed=chance.randint(-1, 10**6)):
                served += 1
                client.use(server.target)
                server.await_cut()
        server.start()
        client.use(server.target)
        client.await_acknowledged(200)
        told = client.finish()
    print(told, f"{served} of {CUTS} cuts while it served")
    assert served > 0
    site.go_to(server.target)
    site.check(told)
    repeat_some(chance, site, told)
    checkpoint = await_signed(site.auditor, len(told.acknowledged))
    server.stop()
    leaves_verified(server, checkpoint)


def refused_for_good(person, method, request, reason):
    """Sends a request until it is refused with RESOURCE_EXHAUSTED: of those on their way when the disk filled up, nobody
    knows what became."""
    for _ in range(20):
        with pytest.raises(grpc.RpcError) as caught:
            person.raw(method, request.SerializeToString())
        told = (caught.value.code().name, reason_of(caught.value))
        assert retry_delay_of(caught.value) > 0
        if told == ("RESOURCE_EXHAUSTED", reason):
            return
        assert told == ("UNAVAILABLE", "OWNER_CHANGED"), caught.value
    raise AssertionError(caught.value)


def move_kept_item(site):
    """The item that no script touches, in the tank."""
    return site.biobank.technician.InventoryService.MoveStock(
        inventory_item_pb2.MoveStockRequest(name=site.kept_item.name, location=site.biobank.tank, request_id=request_id())
    )


@pytest.mark.embedded
@pytest.mark.parametrize("order, reason", [("room 1000000", "DISK_WATERMARK"), ("full", "DISK_FULL")])
def test_full_disk_is_said_reads_go_on_and_writes_come_back(failing_disk, order, reason):
    server = failing_disk.start()
    site = Site(Organization(server))
    technician = site.biobank.technician
    writes = [(person, *next(script("LATER", *arguments))) for person, script, (_, *arguments) in site.jobs()[3:]]
    request = inventory_item_pb2.WatchInventoryItemsRequest(parent=site.biobank.name, filter=f'sample = "{site.kept.name}"')
    with (
        journal.Client(server.target, 1, site.jobs()) as client,
        Watch(technician.InventoryService.WatchInventoryItems(request, timeout=4 * DEADLINE)) as watch,
    ):
        watch.initial()
        client.await_acknowledged(200)
        server.order(order)
        for person, _, method, request in writes:
            refused_for_good(person, method, request, reason)
        # Nothing may be shown that cannot be recorded as shown; all else is read as ever.
        with refused("RESOURCE_EXHAUSTED", reason):
            site.clinic.profile(site.clinic.patient)
        assert get_sample(technician, site.kept.name) == site.kept
        assert get_item(technician, site.kept_item.name) == site.kept_item
        assert len(items_of(technician, site.biobank.name)) > 1

        server.order("free")
        client.await_acknowledged(200)
        moved = move_kept_item(site)
        assert watch.next().inventory_item == moved
        told = client.finish()
    assert told.doubts.keys() <= {"UNAVAILABLE", "RESOURCE_EXHAUSTED"}
    for person, _, method, request in writes:
        person.raw(method, request.SerializeToString())
    told.acknowledged += [journal.Entry(effect, method, b"", b"") for _, effect, method, _ in writes]
    site.check(told)
    check_audit_went_on(server, site, moved)
    assert told_events(server)["audit_interrupted"] == told_events(server)["audit_goes_on"]


def told_events(server):
    """How often each event stands in the event log."""
    return collections.Counter(line["event"] for line in server.log_lines())


def check_audit_went_on(server, site, moved):
    """The last write, that moved an item, is an entry under a signed checkpoint, with the process that met the full disk."""
    last_write = f'entity = "{moved.name}" AND type = "trialog.inventory.v1.StockMoved"'
    proven = await_proven(site.auditor, await_entry(site.auditor, site.organization, last_write))
    assert proven.proof.tree_index == proven.entry.tree_index < proven.proof.tree_size
    server.stop()
    assert told_events(server)["audit_stopped"] == 0
    assert leaves_verified(server, proven.checkpoint) >= proven.proof.tree_size


@pytest.mark.embedded
def test_audit_whose_disk_is_full_says_so_and_takes_in_later_what_came_meanwhile(failing_disk):
    server = failing_disk.start()
    site = Site(Organization(server))
    signed = await_signed(site.auditor, 1)
    server.order("full", "audit-tree")
    moved = move_kept_item(site)
    eventually(lambda: told_events(server)["audit_interrupted"])
    assert site.auditor.AuditService.GetCheckpoint(service_pb2.GetCheckpointRequest()).tree_size >= signed.tree_size
    last_write = f'entity = "{moved.name}" AND type = "trialog.inventory.v1.StockMoved"'
    assert entries_of(site.auditor, site.organization, last_write) == []
    server.order("free")
    check_audit_went_on(server, site, moved)
    assert (told_events(server)["audit_interrupted"], told_events(server)["audit_goes_on"]) == (1, 1)
