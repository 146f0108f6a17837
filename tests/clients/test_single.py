"""Each service as a process of its own: auth is whole, the other four say why they are not."""
import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from client import Caller, refused, request_of
from organization import Organization, new_password, role
from server import Server
from trialog.auth.v1 import auth_pb2

# A method that takes a token, of each service that cannot know callers alone.
METHODS = {
    "inventory": "trialog.inventory.v1.SampleService/GetSample",
    "trials": "trialog.trials.v1.TrialService/GetTrial",
    "analytics": "trialog.analytics.v1.DatasetService/GetDataset",
    "audit": "trialog.audit.v1.AuditService/GetCheckpoint",
}


@pytest.fixture(params=["auth", "inventory", "trials", "analytics", "audit"])
def single(request, binaries, tmp_path):
    server = Server(binaries, tmp_path, program=f"trialog-{request.param}").start()
    yield request.param, server
    server.stop()


def test_answers_health_and_reflection(single):
    service, server = single
    with grpc.insecure_channel(server.target) as channel:
        health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
        assert health.status == health_pb2.HealthCheckResponse.SERVING
        names = ProtoReflectionDescriptorDatabase(channel).get_services()
        assert f"trialog.{service}.v1.EventService" in names


@pytest.mark.parametrize("single", ["auth"], indirect=True)
def test_auth_alone_signs_people_up_and_in_and_knows_them(single):
    _, server = single
    organization = Organization(server)
    password = new_password()
    signed_up = organization.join("analyst", "ANALYST", password=password)
    signed_in = organization.sign_in(password, username=signed_up.credentials.username)
    for person in (signed_up, signed_in):
        identity = person.AuthService.WhoAmI(auth_pb2.WhoAmIRequest()).identity
        assert identity.user.name == f"{organization.name}/users/analyst"
        assert [grant.role for grant in identity.grants] == [role("ANALYST")]
    for token, reason in ((None, "TOKEN_MISSING"), ("x.y.z", "TOKEN_MALFORMED")):
        with refused("UNAUTHENTICATED", reason):
            Caller(server.target, token).AuthService.WhoAmI(auth_pb2.WhoAmIRequest())
    with refused("UNAUTHENTICATED", "SIGN_IN_FAILED"):
        organization.sign_in(new_password(), username=signed_up.credentials.username)


@pytest.mark.parametrize("single", METHODS, indirect=True)
def test_the_others_alone_refuse_a_call_with_a_token_and_say_why(single):
    service, server = single
    call = request_of(METHODS[service]).SerializeToString()
    with refused("UNAVAILABLE", "CALLERS_UNKNOWN"):
        Caller(server.target, "x.y.z").raw(METHODS[service], call)
