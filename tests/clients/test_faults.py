"""The whole server, under load through gRPC, while it is killed, loses power, or its disk fills up: every command that was
acknowledged is there once, none half; one in doubt is there once or not at all. TRIALOG_SEED repeats a run."""
import os
import re
import shutil
import subprocess
import time

import grpc
import pytest

import journal
from client import reason_of, refused, request_id, retry_delay_of
from inventory import get_item, get_sample, items_of
from organization import Organization
from scripts import Site
from server import DEADLINE, EndedEarly, Server
from trialog.audit.v1 import service_pb2
from trialog.inventory.v1 import inventory_item_pb2
from watching import Watch

KILLS = int(os.environ.get("K", "20"))
EVENTS = int(os.environ.get("E","10000"))  # That audit folds while it is killed.
CUTS = 15
REFOLDS = 8


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
    with journal.Client(server.target, chance.random(), site.jobs()) as client:
        for kill in range(KILLS):
            client.await_acknowledged(chance.randint(1, 2 * EVENTS // KILLS))
            server.kill()
            if kill % 4 == 3:
                server.start_and_kill(chance.uniform(0, 0.3))
            server.start()
            client.use(server.target)
        client.await_acknowledged(EVENTS // 2)
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
