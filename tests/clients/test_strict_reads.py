"""Strict reads (metadata `trialog-read: strict`): what was acknowledged before, and what may not be read so. Beside other replicas:
tests/kafka/test_fleet.py."""
import pytest

from client import refused
from inventory import Biobank
from server import DEADLINE
from trialog.audit.v1 import service_pb2
from trialog.inventory.v1 import sample_pb2

STRICT = ("trialog-read", "strict")


@pytest.fixture(scope="module")
def biobank(organization):
    return Biobank(organization)


def test_a_strict_read_shows_what_was_acknowledged_and_writes_nothing(biobank):
    request = sample_pb2.GetSampleRequest(name=biobank.add_sample("STRICT-1").name)
    technician, positions = biobank.technician, set()
    for _ in range(3):
        read = technician.service("trialog.inventory.v1.SampleService")._stub.GetSample.with_call
        shown, call = read(request, timeout=DEADLINE, metadata=(*technician.metadata(), STRICT))
        assert shown.identifier == "STRICT-1"
        positions.add(dict(call.trailing_metadata())["trialog-position"])
    assert len(positions) == 1


@pytest.mark.parametrize("mode", ["Strict", "eventual"])
def test_another_word_is_refused(biobank, mode):
    request = sample_pb2.GetSampleRequest(name=biobank.add_sample(f"STRICT-{mode}").name)
    with refused("INVALID_ARGUMENT", "BAD_READ_MODE"):
        biobank.technician.SampleService.GetSample(request, metadata=[("trialog-read", mode)])


def test_a_stream_is_not_read_strictly(biobank):
    with refused("INVALID_ARGUMENT", "BAD_READ_MODE"):
        next(biobank.technician.SampleService.WatchSamples(sample_pb2.WatchSamplesRequest(parent=biobank.name), metadata=[STRICT]))


def test_audit_follows_the_logs_and_is_not_read_strictly(organization):
    auditor = organization.join("auditor", "AUDITOR")
    with refused("INVALID_ARGUMENT", "BAD_READ_MODE"):
        auditor.AuditService.GetCheckpoint(service_pb2.GetCheckpointRequest(), metadata=[STRICT])
