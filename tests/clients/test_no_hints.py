"""A refusal tells nothing about what exists: another's record and one that is not there look the same."""
import grpc
import pytest

from client import reason_of, request_id
from inventory import Biobank
from trialog.inventory.v1 import sample_pb2


def answer_of(call, request):
    with pytest.raises(grpc.RpcError) as refused:
        call(request)
    return refused.value.code().name, reason_of(refused.value), refused.value.details()


@pytest.fixture(scope="module")
def biobank(organization):
    return Biobank(organization, "hidden")


@pytest.fixture(scope="module")
def stranger(organization, biobank):
    """A technician of another place: the right role, in another scope."""
    return organization.join("stranger", "LAB_TECHNICIAN", scope=f"{organization.name}/biobanks/elsewhere")


@pytest.mark.parametrize("personal", [True, False])
def test_an_outsiders_transition_is_refused_alike(biobank, stranger, personal):
    there = biobank.add_sample(f"THERE-{personal}").name
    requests = [
        sample_pb2.TransitionSampleRequest(
            name=name,
            state=sample_pb2.SAMPLE_STATE_QUARANTINED,
            state_reason="made up" if personal else "",
            request_id=request_id(),
        )
        for name in (there, f"{biobank.name}/samples/not-there")
    ]
    answers = [answer_of(stranger.SampleService.TransitionSample, request) for request in requests]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("personal", [True, False])
def test_an_outsiders_update_is_refused_alike(biobank, stranger, personal):
    there = biobank.add_sample(f"KNOWN-{personal}").name
    requests = [
        sample_pb2.UpdateSampleRequest(
            sample=sample_pb2.Sample(
                name=name,
                etag='"1"',
                identifier="X",
                sample_type="SER",
                handling_instructions="made up" if personal else "",
            ),
            request_id=request_id(),
        )
        for name in (there, f"{biobank.name}/samples/not-there")
    ]
    answers = [answer_of(stranger.SampleService.UpdateSample, request) for request in requests]
    assert answers[0] == answers[1]


def test_the_owner_of_the_place_hears_that_it_is_not_there(biobank):
    request = sample_pb2.TransitionSampleRequest(
        name=f"{biobank.name}/samples/not-there",
        state=sample_pb2.SAMPLE_STATE_QUARANTINED,
        state_reason="made up",
        request_id=request_id(),
    )
    assert answer_of(biobank.technician.SampleService.TransitionSample, request)[0] == "NOT_FOUND"
