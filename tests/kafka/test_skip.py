"""A record that nobody can read stops a partition, and no other; an operator's skip is an event, and all go on."""
import subprocess
import time

import confluent_kafka
import grpc
import pytest
from client import reason_of
from server import DEADLINE
from test_fleet import all_write, at, create_biobank, retried, with_manager
from trialog.inventory.v1 import biobank_pb2

NOISE = b"\xff\xff these bytes are no record"


def trialogctl(fleet, *arguments):
    command = [fleet.binaries / "trialogctl", *arguments, *fleet.kafka_flags]
    return subprocess.run(command, check=False, timeout=2 * DEADLINE, capture_output=True, text=True)


def write_noise(fleet, topic, partition):
    """What somebody with rights to the topic wrote. Gives its offset."""
    offsets = []
    producer = confluent_kafka.Producer({"bootstrap.servers": fleet.kafka_flags[1]})
    producer.produce(topic, NOISE, partition=partition, on_delivery=lambda error, message: offsets.append((error, message.offset())))
    producer.flush(DEADLINE)
    (error, offset), = offsets
    assert error is None
    return offset


def partition_of(organization, biobank):
    """The partition that an organisation is written in: the one that its biobank stands in."""
    read = organization.manager.service("trialog.inventory.v1.BiobankService")._stub.GetBiobank.with_call
    request = biobank_pb2.GetBiobankRequest(name=biobank.name)
    _, told = read(request, timeout=DEADLINE, metadata=(*organization.manager.metadata(), ("trialog-read", "strict")))
    return int(dict(told.trailing_metadata())["trialog-position"].split("/")[0])


def test_a_record_that_nobody_can_read_is_passed_over_once_an_operator_says_so(make_fleet, tmp_path):
    fleet = make_fleet(inventory=2, trials=0, analytics=0)
    first, second = fleet.replicas["inventory"]
    audit = fleet.replicas["audit"][0]
    organizations = [with_manager(fleet) for _ in range(3)]
    partitions = []
    for organization in organizations:
        made, _ = retried(lambda: create_biobank(at(organization, first), organization, "before"))
        partitions.append(partition_of(organization, made))
    hit, partition = organizations[0], partitions[0]
    others = [organization for organization, other in zip(organizations, partitions) if other != partition]
    place = ("inventory", str(partition))
    offset = write_noise(fleet, f"{fleet.prefix}inventory.log", partition)

    deadline = time.monotonic() + DEADLINE
    while any('trialog_healthy{service="inventory"} 1' in replica.metrics() for replica in (first, second)):
        assert time.monotonic() < deadline, "nobody stopped"
    with pytest.raises(grpc.RpcError) as caught:
        create_biobank(at(hit, first), hit, "stopped")
    assert reason_of(caught.value) == "LOG_RECORD_UNREADABLE"
    all_write(others, second, "meanwhile")

    for arguments, reason in (
        ((*place, str(offset - 1), "--ticket", "OPS-1"), "is a record that this build folds"),
        ((*place, str(offset + 100), "--ticket", "OPS-1"), "holds no offset"),
        ((*place, str(offset), "--ticket", "since John Doe said so"), "--ticket says where"),
        ((*place, str(offset)), "--ticket says where"),
        (("inventory", "99", str(offset), "--ticket", "OPS-1"), "has partitions 0 to 11"),
        (("stock", "1", str(offset), "--ticket", "OPS-1"), "there is no service"),
    ):
        refused = trialogctl(fleet, "skip", *arguments)
        assert refused.returncode == 1 and reason in refused.stderr, refused.stderr
    skipped = trialogctl(fleet, "skip", *place, str(offset), "--ticket", "OPS-1")
    assert skipped.returncode == 0 and "LOG_RECORD_UNREADABLE" in skipped.stdout and "as OPS-1 says" in skipped.stdout, skipped
    again = trialogctl(fleet, "skip", *place, str(offset), "--ticket", "OPS-1")
    assert again.returncode == 0 and "skipped already" in again.stdout, again

    for replica in (first, second, audit):
        replica.stop()
        replica.start()
    all_write(organizations, second, "after")
    for replica in (first, second, audit):
        assert f'trialog_healthy{{service="{replica.service}"}} 1' in replica.metrics(), replica.last_words()
        alarms = [line for line in replica.metrics().splitlines() if line.startswith("trialog_log_alarms_total{")]
        assert alarms and all(line.endswith(" 0") for line in alarms), alarms
    lag = trialogctl(fleet, "lag", "inventory")
    assert lag.returncode == 0 and len(lag.stdout.splitlines()) == 12, lag.stderr
    verified = fleet.verify(tmp_path / "whole")
    assert verified.returncode == 0, verified.stdout + verified.stderr
