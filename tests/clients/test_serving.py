"""How a server serves: health, limits, keepalive, drain, a full disk, metrics, logs, traces. Each on a server of its own."""
import concurrent.futures
import re
import signal
import socket
import time

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

import tls
from client import Caller, reason_of, refused, request_id, retry_delay_of
from clinic import Clinic
from inventory import Biobank
from organization import Organization
from server import DEADLINE, Server
from trialog.auth.v1 import auth_pb2, grant_pb2, service_account_pb2, user_pb2
from trialog.event.v1 import subscribe_pb2
from trialog.inventory.v1 import inventory_item_pb2, sample_pb2, storage_pb2
from trialog.trials.v1 import care_events_pb2, events_pb2, patient_pb2

PROGRAMS = ["trialog-standalone", "trialog-auth", "trialog-inventory", "trialog-trials", "trialog-analytics", "trialog-audit"]


def eventually(read):
    """The first answer of `read` that is not empty: for numbers that are only read, never told."""
    end = time.monotonic() + DEADLINE
    while not (found := read()):
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.02)
    return found


# Limits.


def watch_of(biobank):
    request = inventory_item_pb2.WatchInventoryItemsRequest(parent=biobank.name)
    return biobank.manager.InventoryService.WatchInventoryItems(request)


def test_streams_beyond_the_limit_are_refused_until_one_ends(make_server):
    biobank = Biobank(Organization(make_server("--max_streams=2")))
    streams = [watch_of(biobank) for _ in range(2)]
    for stream in streams:
        next(stream)
    with refused("RESOURCE_EXHAUSTED", "TOO_MANY_STREAMS") as caught:
        next(watch_of(biobank))
    assert retry_delay_of(caught.value) > 0
    streams.pop().cancel()

    def opened():
        try:
            return next(watch_of(biobank))
        except grpc.RpcError as error:
            assert reason_of(error) == "TOO_MANY_STREAMS"  # The server has not yet heard of the end.
            return None

    assert eventually(opened)


def test_calls_beyond_the_limit_are_refused_at_once(make_server):
    server = make_server("--max_calls=1")
    biobank = Biobank(Organization(server))
    stream = watch_of(biobank)
    next(stream)
    with refused("RESOURCE_EXHAUSTED", "TOO_MANY_CALLS"):
        biobank.location(biobank.freezer)
    with grpc.insecure_channel(server.target) as channel:  # Other services, and health, have room of their own.
        health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=DEADLINE)
        assert health.status == health_pb2.HealthCheckResponse.SERVING
    stream.cancel()


# Keepalive, by a client that speaks HTTP/2 in its own way (RFC 9113).

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS, PING, GOAWAY = 4, 6, 7
ENHANCE_YOUR_CALM = 11


def frame(kind, payload=b"", flags=0):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + bytes(4) + payload


def frames(connection):
    """(kind, payload) of what the server sends, until it closes the connection."""
    stream = connection.makefile("rb")
    while len(head := stream.read(9)) == 9:
        yield head[3], stream.read(int.from_bytes(head[:3], "big"))


@pytest.fixture(scope="module")
def impatient(binaries, tmp_path_factory):
    """A server that gives up a silent client within a second."""
    flags = ["--keepalive_time=300ms", "--keepalive_timeout=300ms", "--min_ping_interval=30s"]
    server = Server(binaries, tmp_path_factory.mktemp("impatient"), *flags).start()
    yield server
    server.stop()


def connect(server):
    host, port = server.target.split(":")
    connection = socket.create_connection((host, int(port)), timeout=DEADLINE)
    connection.sendall(PREFACE + frame(SETTINGS))
    return connection


def test_client_that_answers_no_ping_is_cut_off(impatient):
    with connect(impatient) as connection:
        kinds = [kind for kind, _ in frames(connection)]  # Ends when the server closes.
    assert PING in kinds


def test_client_that_pings_too_often_is_told_to_calm_down_and_cut_off(impatient):
    with connect(impatient) as connection:
        try:
            for _ in range(20):
                connection.sendall(frame(PING, b"anything"))
        except ConnectionError:
            pass  # It was quick.
        away = [payload for kind, payload in frames(connection) if kind == GOAWAY]
    assert int.from_bytes(away[0][4:8], "big") == ENHANCE_YOUR_CALM


# Reflection and TLS.


def test_reflection_can_be_turned_off(make_server):
    server = make_server("--reflection=false")
    with grpc.insecure_channel(server.target) as channel, pytest.raises(grpc.RpcError) as caught:
        ProtoReflectionDescriptorDatabase(channel).get_services()
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_tls_serves_who_trusts_the_certificate_and_nobody_in_the_clear(binaries, tmp_path):
    certificate, key = tls.self_signed(tmp_path)
    server = Server(binaries, tmp_path, f"--tls_certificate={certificate}", f"--tls_key={key}")
    server.launch()
    try:
        trusted = grpc.ssl_channel_credentials(certificate.read_bytes())
        for address in (server.target, server.target.replace("127.0.0.1", "localhost")):
            with grpc.secure_channel(address, trusted) as channel:
                answer = health_pb2_grpc.HealthStub(channel).Check(
                    health_pb2.HealthCheckRequest(), timeout=DEADLINE, wait_for_ready=True
                )
                assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with grpc.insecure_channel(server.target) as channel, pytest.raises(grpc.RpcError):
            health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=DEADLINE)
    finally:
        server.stop()


# Drain.


@pytest.mark.parametrize("program", PROGRAMS)
def test_terminated_server_says_not_serving_ends_streams_and_exits_in_order(binaries, tmp_path, program):
    server = Server(binaries, tmp_path, program=program).start()
    with grpc.insecure_channel(server.target) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=DEADLINE)
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        server.process.send_signal(signal.SIGTERM)
        assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
        with refused("UNAVAILABLE", "SERVER_DRAINING"):
            next(watch)
    server.stop()  # Its exit status is 0.
    events = [line["event"] for line in server.log_lines()]
    assert events[-3:] == ["serving", "draining", "stopped"]


def test_commands_of_a_drain_are_done_or_refused_and_never_lost(make_server):
    server = make_server()
    organization = Organization(server)
    biobank = Biobank(organization)

    requests = [biobank.new_sample(f"DRAINED-{number}") for number in range(400)]

    def add(request):
        try:
            return biobank.technician.SampleService.CreateSample(request).uid
        except grpc.RpcError as error:
            # gRPC itself cancels what comes after the server stopped to listen and before the client heard of it.
            assert error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED), error
            return None

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(add, request) for request in requests]
        answers[20].result()
        server.process.send_signal(signal.SIGTERM)
        before = [answer.result() for answer in answers]
    server.stop()
    assert None in before and sum(map(bool, before)) > 10, "it ended in the middle"
    server.start()
    technician = biobank.technician.reconnect(server.target)
    for request, first in zip(requests, before):
        again = technician.SampleService.CreateSample(request).uid  # The same request_id.
        assert first in (again, None)
    listed = technician.SampleService.ListSamples(sample_pb2.ListSamplesRequest(parent=biobank.name, page_size=1000))
    assert len(listed.samples) == len(requests)


# A disk that fills up.


def test_below_the_watermark_writes_are_refused_and_reads_go_on(make_server):
    server = make_server()
    organization = Organization(server)
    biobank = Biobank(organization)
    provider = organization.join("provider", "PROVIDER")
    server.stop()
    server.flags = [f"--disk_watermark={2**62}"]
    server.start()
    technician = biobank.technician.reconnect(server.target)
    manager = biobank.manager.reconnect(server.target)
    request = biobank.new_sample("TOO-LATE")
    with refused("RESOURCE_EXHAUSTED", "DISK_WATERMARK") as caught:
        technician.SampleService.CreateSample(request)
    assert retry_delay_of(caught.value) > 0
    # What would make a data key first is refused before that.
    with refused("RESOURCE_EXHAUSTED", "DISK_WATERMARK"):
        provider.reconnect(server.target).PatientService.CreatePatient(
            patient_pb2.CreatePatientRequest(
                parent=organization.name,
                patient=patient_pb2.Patient(medical_record_number="MRN-1", display_name="Made Up"),
                request_id=request_id(),
            )
        )
    freezer = manager.StorageService.GetStorageLocation(storage_pb2.GetStorageLocationRequest(name=biobank.freezer))
    assert freezer.name == biobank.freezer
    server.stop()
    server.flags = []
    server.start()
    assert biobank.technician.reconnect(server.target).SampleService.CreateSample(request).identifier == "TOO-LATE"


# Metrics.


def samples_of(page):
    """{name{labels}: value} of a page in Prometheus' text format."""
    found = {}
    for line in page.splitlines():
        if line and not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            found[name] = float(value)
    return found


def test_metrics_tell_rates_latencies_queues_lags_and_proofs(make_server):
    server = make_server("--metrics_address=0")
    organization = Organization(server)
    biobank = Biobank(organization)
    clinic = Clinic(organization)
    clinic.profile(clinic.patient)
    with refused("NOT_FOUND", "NOT_FOUND"):
        biobank.manager.StorageService.GetStorageLocation(
            storage_pb2.GetStorageLocationRequest(name=f"{biobank.name}/storageLocations/none")
        )
    stream = watch_of(biobank)
    next(stream)

    page = server.metrics()
    samples = samples_of(page)
    inventory = 'service="inventory"'
    created = f'{inventory},method="StorageService/CreateStorageLocation",code="OK"'
    assert samples[f"trialog_rpc_duration_seconds_count{{{created}}}"] == 2
    assert samples[f'trialog_rpc_duration_seconds_bucket{{{created},le="+Inf"}}'] == 2
    assert samples[f"trialog_rpc_duration_seconds_sum{{{created}}}"] > 0
    missed = f'{inventory},method="StorageService/GetStorageLocation",code="NOT_FOUND"'
    assert samples[f"trialog_rpc_duration_seconds_count{{{missed}}}"] == 1
    assert samples[f'trialog_streams_open{{{inventory},method="InventoryService/WatchInventoryItems"}}'] == 1
    assert samples[f"trialog_calls_open{{{inventory}}}"] == 1
    assert samples['trialog_access_records_total{service="trials",outcome="shown"}'] > 0
    assert samples["trialog_data_keys_made_total"] >= 2
    assert samples["trialog_disk_free_bytes"] > samples["trialog_disk_watermark_bytes"]
    for service in ("auth", "inventory", "trials", "analytics", "audit"):
        assert samples[f'trialog_healthy{{service="{service}"}}'] == 1
        assert samples[f'trialog_commands_waiting{{service="{service}"}}'] >= 0
        assert samples[f'trialog_fold_lag_records{{service="{service}",source="{service}",reader="state"}}'] >= 0
        assert samples[f'trialog_fold_lag_records{{service="{service}",source="auth",reader="callers"}}'] >= 0
        for verdict in ("fenced", "duplicate", "gap"):
            assert samples[f'trialog_log_records_total{{service="{service}",verdict="{verdict}"}}'] == 0
        assert samples[f'trialog_log_alarms_total{{service="{service}"}}'] == 0
    assert samples[f'trialog_log_records_total{{{inventory},verdict="admitted"}}'] >= 3
    assert samples['trialog_fold_lag_records{service="trials",source="trials",reader="reactions"}'] >= 0
    stream.cancel()

    # Quiet again: all is folded, in the tree and under a signed checkpoint.
    def settled():
        now = samples_of(server.metrics())
        lags = [value for name, value in now.items() if name.startswith("trialog_fold_lag_records")]
        return now if not any(lags) and now["trialog_audit_proof_age_seconds"] == 0 else None

    now = eventually(settled)
    assert now["trialog_audit_signed_size"] == now["trialog_audit_tree_size"] > 0
    assert now["trialog_audit_checkpoint_timestamp_seconds"] == pytest.approx(time.time(), abs=DEADLINE)


def test_metrics_have_bounded_labels_that_name_nobody(make_server):
    server = make_server("--metrics_address=127.0.0.1:0")
    organization = Organization(server)
    clinic = Clinic(organization)
    page = server.metrics()
    for name in (organization.id, "Quintessa", "MRN-", "Marbleworth", "users/", clinic.provider.name):
        assert name not in page
    labels = set(re.findall(r'(\w+)="', page))
    own = {"service", "method", "code", "verdict", "source", "reader", "outcome"}
    assert labels <= own | {"le", "quantile"}  # Of histograms, and of the HTTP server's own summary.
    series = [name for name in samples_of(page) if "_bucket" not in name]
    Organization(server)  # Another one adds no series but those of methods and codes not met before.
    known = {re.sub(r",le=.*", "", name) for name in series}
    added = {name for name in samples_of(server.metrics()) if "_bucket" not in name} - known
    assert not {name for name in added if "trialog_rpc" not in name and "trialog_stream" not in name}


def test_without_the_flag_nothing_listens_for_metrics(server):
    assert server.metrics_port is None


# The event log.

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"
TRACED = [("traceparent", TRACEPARENT)]


def test_calls_are_logged_with_their_trace_and_without_who_or_what(make_server):
    server = make_server("--log_calls=all")
    organization = Organization(server)
    organization.administrator.UserService.GetUser(
        user_pb2.GetUserRequest(name=f"{organization.name}/users/root"), metadata=TRACED
    )
    with refused("NOT_FOUND", "NOT_FOUND"):
        organization.administrator.UserService.GetUser(
            user_pb2.GetUserRequest(name=f"{organization.name}/users/nobody"),
            metadata=[("traceparent", "Ada Quintessa Marbleworth, of whom no header may tell the log")],
        )
    server.stop()
    lines = server.log_lines()
    assert all({"time", "level", "event"} <= line.keys() for line in lines)
    calls = [line for line in lines if line["event"] == "call" and line["method"].endswith("/GetUser")]
    assert [(call["code"], call.get("reason"), call.get("trace")) for call in calls] == [
        ("OK", None, TRACE_ID),
        ("NOT_FOUND", "NOT_FOUND", None),
    ]
    assert all(int(call["micros"]) > 0 for call in calls)
    text = server.log_file.read_text(encoding="utf-8")
    for told in ("Marbleworth", organization.id):
        assert told not in text


@pytest.mark.parametrize("level, methods", [("errors", ["WhoAmI"]), ("faults", [])])
def test_the_log_says_as_much_as_it_was_told_to(make_server, level, methods):
    server = make_server(f"--log_calls={level}")
    nobody = Caller(server.target)
    with refused("UNAUTHENTICATED", "TOKEN_MISSING"):
        nobody.AuthService.WhoAmI(auth_pb2.WhoAmIRequest())
    server.stop()
    assert [line["method"].split("/")[1] for line in server.log_lines() if line["event"] == "call"] == methods


# Traces, from the caller through the event to whoever reads it.


def notifier_of(organization):
    """A program that may subscribe to events."""
    accounts = organization.administrator.ServiceAccountService
    account = accounts.CreateServiceAccount(
        service_account_pb2.CreateServiceAccountRequest(
            parent=organization.name, service_account=service_account_pb2.ServiceAccount(display_name="Notifier")
        )
    )
    organization.administrator.UserService.GrantRole(
        user_pb2.GrantRoleRequest(
            parent=account.name,
            grant=grant_pb2.Grant(role="ROLE_NOTIFIER", scope=organization.name),
            request_id=request_id(),
        )
    )
    secret = accounts.CreateKey(service_account_pb2.CreateKeyRequest(parent=account.name)).key_secret
    issued = organization.nobody.ServiceAccountService.IssueServiceToken(
        service_account_pb2.IssueServiceTokenRequest(key_secret=secret)
    )
    return Caller(organization.server.target, issued.access_token)


def notices_of(organization):
    """The events of notices from the first on, as the program that delivers them gets them."""
    kind = events_pb2.TrialsEvent.DESCRIPTOR.fields_by_name["notification_created"].message_type.full_name
    request = subscribe_pb2.SubscribeRequest(parent=organization.name, types=[kind], from_start=True)
    subscriber = notifier_of(organization)
    for batch in subscriber.raw_stream("trialog.trials.v1.EventService/Subscribe", request.SerializeToString()):
        yield from subscribe_pb2.SubscribeResponse.FromString(batch).events


def test_trace_goes_from_the_caller_through_the_event_to_who_delivers_the_notice(server):
    organization = Organization(server)
    clinic = Clinic(organization)
    forged = [("traceparent", "Ada Quintessa Marbleworth was born on 1815-12-10 in London")]
    for body, headers in (("forged", forged), ("traced", TRACED), ("untraced", [])):
        clinic.provider.MessagingService.SendMessage(clinic.send_request(clinic.patient, body), metadata=headers)
    last = clinic.send(clinic.provider, clinic.patient, "the last")
    traces = []
    for event in notices_of(organization):
        notice = care_events_pb2.NotificationCreated.FromString(event.payload)
        if notice.thread:
            traces.append(event.trace)
        if notice.resource == last.name:
            break
    assert traces == ["", TRACEPARENT, "", ""]
