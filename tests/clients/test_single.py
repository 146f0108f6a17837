"""Each service as a process of its own: auth is whole, the other four say why they are not."""
import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from server import Server

# A method of each service that takes a token.
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


def test_a_call_with_a_token_is_answered_or_refused_with_a_reason(single):
    service, server = single
    with grpc.insecure_channel(server.target) as channel:
        method = METHODS.get(service, "trialog.auth.v1.AuthService/WhoAmI")
        call = channel.unary_unary(f"/{method}")
        with pytest.raises(grpc.RpcError) as refused:
            call(b"", timeout=10, metadata=[("authorization", "Bearer x.y.z")])
        expected = grpc.StatusCode.UNAUTHENTICATED if service == "auth" else grpc.StatusCode.UNAVAILABLE
        assert refused.value.code() == expected
        if service != "auth":
            assert "trialog-standalone" in refused.value.details()
