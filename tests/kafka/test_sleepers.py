"""Processes that stand still, are replaced, and go on: nobody is refused, or shown anything strictly, from what they knew."""
import base64
import contextlib
import functools
import shutil
import signal
import time

import grpc
import pytest
from client import Caller, reason_of
from organization import Organization, new_password
from server import DEADLINE, Server
from test_fleet import TAKEOVER, await_owned, create_biobank, retried
from topics import whole_topics
from trialog.auth.v1 import auth_pb2, auth_pb2_grpc, invitation_pb2, organization_pb2, service_account_pb2, user_pb2
from trialog.event.v1 import record_pb2
from trialog.inventory.v1 import biobank_pb2, biobank_pb2_grpc

ASKED = 10
STRICT = ("trialog-read", "strict")
UNSURE = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED}


@contextlib.contextmanager
def standing_still(server):
    """It does nothing meanwhile."""
    server.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.process.send_signal(signal.SIGCONT)


def connected(target):
    """A channel that stays connected while the server stands still."""
    channel = grpc.insecure_channel(target, [("grpc.use_local_subchannel_pool", 1)])
    grpc.channel_ready_future(channel).result(DEADLINE)
    return channel


def outcome(call):
    """The answer, or None where nobody knows; any other refusal fails the test."""
    try:
        return call.result(2 * TAKEOVER)
    except grpc.RpcError as error:
        assert error.code() in UNSURE, f"refused from an old state: {error.code()} {reason_of(error)}"
        return None


def test_an_owner_of_auth_that_stood_still_turns_away_nobody_who_joined_meanwhile(make_fleet):
    fleet = make_fleet(auth=2, inventory=0, trials=0, analytics=0, audit=0)
    organization = Organization(fleet)
    for replica in fleet.replicas["auth"]:
        await_owned(replica, 6)
    stub = organization.administrator.service("trialog.auth.v1.OrganizationService")._stub
    request = organization_pb2.CreateInvitationRequest(parent=organization.name, invitation=invitation_pb2.Invitation())
    _, call = stub.CreateInvitation.with_call(request, timeout=DEADLINE, metadata=organization.administrator.metadata())
    partition = int(dict(call.trailing_metadata())["trialog-position"].split("/")[0])
    sleeper = fleet.owners("auth")[partition]
    other = next(replica for replica in fleet.replicas["auth"] if replica is not sleeper)
    password = new_password()
    with connected(sleeper.target) as channel:
        with standing_still(sleeper):
            organization.nobody = Caller(fleet.target_with(other))
            organization.administrator.reconnect(fleet.target_with(other))
            invitation, _ = retried(lambda: organization.invite("LAB_TECHNICIAN"))
            joining = auth_pb2.SignUpRequest(
                organization=organization.name,
                user_id="new",
                user=user_pb2.User(username="new", display_name="Person New"),
                password=password,
                invitation_token=invitation,
            )
            organization.nobody.AuthService.SignUp(joining)
            later = retried(lambda: organization.invite("LAB_TECHNICIAN"))[0]
            login = auth_pb2.LoginRequest(organization=organization.name, username="new", password=password)
            sleepers = auth_pb2_grpc.AuthServiceStub(channel)
            logins = [sleepers.Login.future(login, timeout=2 * TAKEOVER) for _ in range(ASKED)]
            joining.user_id = joining.user.username = "later"
            joining.invitation_token = later
            joined = sleepers.SignUp.future(joining, timeout=2 * TAKEOVER)
        outcomes = [outcome(call) for call in logins]
        outcome(joined)
        print(f"{sum(answer is not None for answer in outcomes)} of {ASKED} signed in, the rest are to try again")
        assert retried(lambda: sleepers.Login(login, timeout=DEADLINE))[0].identity.user.username == "new"


def token_of(kind, name, secrets):
    """A token of that form which nobody gave out."""
    parts = (name, *[bytes(32)] * secrets)
    return ".".join((kind, *(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)))


def refusal_of(call):
    """The code of a call that nobody may make, asked again while that is not known."""
    deadline = time.monotonic() + TAKEOVER
    while True:
        try:
            call()
        except grpc.RpcError as error:
            if error.code() not in UNSURE:
                return error.code()
            assert time.monotonic() < deadline, error
        else:
            raise AssertionError("it was let in")


def test_what_strangers_call_an_organization_is_in_no_log_and_stops_none(make_fleet):
    fleet = make_fleet(auth=2, inventory=0, trials=0, analytics=0)
    organization = Organization(fleet)
    auth, accounts = organization.nobody.AuthService, organization.nobody.ServiceAccountService
    personal = "ada@example.org"
    names = [f"organizations/{personal}/users/u/sessions/s".encode(), b"organizations/\xff\xfe/users/u/sessions/s", b"organizations/\xff\xfe/a/b/c/d"]
    calls = [
        *(functools.partial(auth.RefreshToken, auth_pb2.RefreshTokenRequest(refresh_token=token_of("trlgr1", name, 2))) for name in names),
        *(
            functools.partial(accounts.IssueServiceToken, service_account_pb2.IssueServiceTokenRequest(key_secret=token_of("trlgk1", name, 1)))
            for name in names
        ),
        functools.partial(auth.Login, auth_pb2.LoginRequest(organization=f"organizations/{personal}", username="x", password="made-up one")),
        # One of the right form, which nobody has: this one is looked for.
        functools.partial(auth.Login, auth_pb2.LoginRequest(organization="organizations/nobody-has-it", username="x", password="made-up one")),
    ]
    for call in calls:
        assert refusal_of(call) in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.INVALID_ARGUMENT), call
    records = whole_topics(fleet.kafka_flags[1], f"{fleet.prefix}auth.log")
    data = [record_pb2.LogRecord.FromString(message.value()).data for message in records]  # Each can be read.
    assert {each.organization for each in data if each.method == "owner.confirm"} == {""}
    assert not any(text in message.value() for message in records for text in (personal.encode(), b"nobody-has-it"))
    for replica in fleet.all():  # Whoever folds them goes on.
        replica.stop()
        replica.start()
    organization.administrator.connect(fleet.target)
    retried(lambda: organization.invite("LAB_TECHNICIAN"))


class OnKafka(Server):
    """A standalone whose log is on Kafka, under a prefix that another has as well."""

    def __init__(self, binaries, folder, kafka, flags=()):
        self.kafka, self.given = kafka, flags
        super().__init__(binaries, folder)

    def _make_topics(self):
        return self.given or super()._make_topics()


@pytest.fixture
def two(binaries, plain_kafka, tmp_path):
    """Two standalones of one site, the second not started."""
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    first = OnKafka(binaries, tmp_path / "first", plain_kafka.brokers)
    second = OnKafka(binaries, tmp_path / "second", plain_kafka.brokers, first.log_flags)
    shutil.rmtree(second.data / "keys")
    shutil.copytree(first.data / "keys", second.data / "keys")
    yield first, second
    first.kill()
    second.kill()


def test_a_standalone_that_was_replaced_shows_and_refuses_nothing_from_what_it_knew(two):
    first, second = two
    first.start()
    organization = Organization(first)
    manager = organization.join("manager", "BIOBANK_MANAGER")
    retried(lambda: create_biobank(manager, organization, "one"))
    metadata = manager.metadata()
    with connected(first.target) as channel:
        biobanks = biobank_pb2_grpc.BiobankServiceStub(channel)
        with standing_still(first):
            second.start()
            manager.reconnect(second.target)
            retried(lambda: create_biobank(manager, organization, "two"))
            wanted = biobank_pb2.GetBiobankRequest(name=f"{organization.name}/biobanks/two")
            reads = [biobanks.GetBiobank.future(wanted, timeout=TAKEOVER, metadata=(*metadata, STRICT)) for _ in range(ASKED)]
        for call in reads:  # NOT_FOUND is what it knew.
            shown = outcome(call)
            assert shown is None or shown.name == wanted.name
        shown, _ = retried(lambda: biobanks.GetBiobank(wanted, timeout=DEADLINE, metadata=(*metadata, STRICT)))
        assert shown.name == wanted.name
    assert first.process.poll() is None
