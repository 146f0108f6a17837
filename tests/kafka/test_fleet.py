"""Five services in processes of their own on a real Kafka: what one alone cannot show."""
import os
import re
import shutil
import signal
import time

import grpc
import pytest
from client import Caller
from organization import Organization
from server import DEADLINE
from trialog.auth.v1 import user_pb2
from trialog.inventory.v1 import biobank_pb2

# Longest that an organisation may wait for another replica to write for it. On an idle machine: a second when the owner
# leaves, eight when it dies: six until the group notes it, one of grace.
TAKEOVER = 40
ROOM = 8 << 30  # Bytes that fill a disk up: far more than all else writes meanwhile.


def create_biobank(caller, organization, biobank_id, timeout=DEADLINE):
    """A biobank by this caller, under a request id that says which."""
    request = biobank_pb2.CreateBiobankRequest(
        parent=organization.name,
        biobank_id=biobank_id,
        biobank=biobank_pb2.Biobank(display_name="Cold store"),
        request_id=f"make-{biobank_id}",
    )
    return caller.BiobankService.CreateBiobank(request, timeout=timeout)


def retried(action):
    """Repeats what nobody knows the outcome of, as a client does, and how long that took; a refusal fails the test."""
    start = time.monotonic()
    while True:
        try:
            return action(), time.monotonic() - start
        except grpc.RpcError as error:
            unsure = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)
            assert error.code() in unsure, error
            assert time.monotonic() - start < TAKEOVER, error


def all_write(organizations, replica, biobank_id):
    """Each of them makes a biobank at a replica, whoever writes for it; gives how long the slowest waited."""
    return max(retried(lambda: create_biobank(at(organization, replica), organization, biobank_id))[1] for organization in organizations)


def await_owned(replica, at_least):
    """Waits until a replica owns so many partitions."""
    deadline = time.monotonic() + TAKEOVER
    while replica.owned() < at_least:
        assert time.monotonic() < deadline, replica.last_words()


def with_manager(fleet):
    """An organisation with somebody who may make biobanks."""
    organization = Organization(fleet)
    organization.manager = organization.join("manager", "BIOBANK_MANAGER")
    return organization


def at(organization, replica):
    """The organisation's manager, who asks this replica."""
    return organization.manager.reconnect(organization.server.target_with(replica))


def test_either_replica_takes_commands_and_shows_what_the_other_wrote(make_fleet):
    fleet = make_fleet(inventory=2)
    first, second = fleet.replicas["inventory"]
    await_owned(first, 1)
    await_owned(second, 1)
    for organization in [with_manager(fleet) for _ in range(3)]:
        made, _ = retried(lambda: create_biobank(at(organization, first), organization, "one"))
        again, _ = retried(lambda: create_biobank(at(organization, second), organization, "one"))
        assert again == made, "the other replica gives another outcome to the same request"
        retried(lambda: create_biobank(at(organization, second), organization, "two"))
        for replica in (first, second):
            request = biobank_pb2.ListBiobanksRequest(parent=organization.name)
            deadline = time.monotonic() + DEADLINE
            while len(at(organization, replica).BiobankService.ListBiobanks(request).biobanks) < 2:
                assert time.monotonic() < deadline, "one replica does not see what the other wrote"
    deadline = time.monotonic() + DEADLINE
    while 'trialog_kafka_brokers_up{client="follow"} 1\n' not in (told := first.metrics()):
        assert time.monotonic() < deadline, told
    assert re.search(r'^trialog_kafka_records_received_total{client="follow"} [1-9]', told, re.M), told


def test_a_strict_read_shows_at_any_replica_what_was_acknowledged_before_it(make_fleet):
    fleet = make_fleet(inventory=2, trials=0, analytics=0, audit=0)
    first, second = fleet.replicas["inventory"]
    await_owned(first, 1)
    await_owned(second, 1)
    strict = [("trialog-read", "strict")]
    for organization in [with_manager(fleet) for _ in range(3)]:
        for number in range(20):
            made, _ = retried(lambda: create_biobank(at(organization, first), organization, f"bank-{number}"))
            for replica in (first, second):
                manager = at(organization, replica)
                shown, _ = retried(lambda: manager.BiobankService.GetBiobank(biobank_pb2.GetBiobankRequest(name=made.name), metadata=strict))
                assert shown == made
                request = biobank_pb2.ListBiobanksRequest(parent=organization.name)
                listed, _ = retried(lambda: manager.BiobankService.ListBiobanks(request, metadata=strict))
                assert len(listed.biobanks) == number + 1


def test_others_take_over_when_a_replica_leaves_or_dies_and_nothing_is_lost(make_fleet):
    fleet = make_fleet(inventory=2)
    first, second = fleet.replicas["inventory"]
    await_owned(first, 6)
    await_owned(second, 6)
    organizations = [with_manager(fleet) for _ in range(6)]  # Some of them are written for by each.

    all_write(organizations, first, "before")
    first.process.send_signal(signal.SIGTERM)
    left = all_write(organizations, second, "left")
    first.process.wait(DEADLINE)
    first.process.stdout.close()
    first.process = None
    first.start()
    await_owned(first, 6)
    all_write(organizations, first, "back")
    first.kill()
    died = all_write(organizations, second, "died")
    first.start()
    await_owned(first, 6)
    first.process.send_signal(signal.SIGSTOP)
    paused = all_write(organizations, second, "paused")
    first.process.send_signal(signal.SIGCONT)
    all_write(organizations, first, "woken")
    print(f"longest wait: {left:.2f} s after SIGTERM, {died:.2f} s after SIGKILL, {paused:.2f} s after SIGSTOP")
    for organization in organizations:
        listed = at(organization, second).BiobankService.ListBiobanks(biobank_pb2.ListBiobanksRequest(parent=organization.name))
        ids = {biobank.name.rsplit("/", 1)[1] for biobank in listed.biobanks}
        assert ids == {"before", "left", "back", "died", "paused", "woken"}


def test_keys_are_shared_by_the_replicas_of_auth_and_lost_with_no_volume(make_fleet):
    fleet = make_fleet(auth=2, trials=0, analytics=0, audit=0)
    first, second = fleet.replicas["auth"]
    await_owned(first, 6)
    await_owned(second, 6)
    organization = with_manager(fleet)

    def await_people(replica, expected):
        request = user_pb2.ListUsersRequest(parent=organization.name)
        administrator = organization.administrator.reconnect(fleet.target_with(replica))
        deadline, names = time.monotonic() + DEADLINE, set()
        while names != expected:  # A plain read may be a moment old.
            assert time.monotonic() < deadline, names
            names = {user.display_name for user in retried(lambda: administrator.UserService.ListUsers(request))[0].users}

    known = {"", "Person manager"}
    await_people(first, known)
    await_people(second, known)
    # Whichever wrote for the organisation, the other one makes the next person's key.
    fleet.owner("auth").kill()
    organization.administrator = organization.administrator.reconnect(fleet.target)
    made = user_pb2.CreateUserRequest(
        parent=organization.name, user=user_pb2.User(username="alone", display_name="Person alone"), request_id="alone"
    )
    retried(lambda: organization.administrator.UserService.CreateUser(made))
    for replica in (first, second):
        replica.kill()
        shutil.rmtree(replica.data / "keys" / "db")
        shutil.rmtree(replica.data / "stores")
    for replica in (first, second):
        replica.start()
        await_people(replica, known | {"Person alone"})


def test_a_replica_that_cannot_write_leaves_the_partitions_to_others(make_fleet):
    fleet = make_fleet(inventory=2, trials=0, analytics=0, audit=0)
    first, second = fleet.replicas["inventory"]
    await_owned(first, 6)
    organizations = [with_manager(fleet) for _ in range(4)]
    all_write(organizations, second, "before")
    first.stop()
    first.flags += ("--disk_watermark", str(2**60))  # A full disk.
    first.start()
    await_owned(second, 12)
    all_write(organizations, first, "meanwhile")  # Whoever is asked.
    assert first.owned() == 0 and "left_group" not in first.log_file.read_text(encoding="utf-8")


def test_a_replica_whose_disk_fills_gives_its_partitions_up_and_takes_its_share_when_there_is_room(make_fleet, tmp_path):
    fleet = make_fleet(inventory=2, trials=0, analytics=0, audit=0)
    first, second = fleet.replicas["inventory"]
    organizations = [with_manager(fleet) for _ in range(4)]
    first.stop()
    first.flags += ("--disk_watermark", str(shutil.disk_usage(tmp_path).free - ROOM // 2))
    first.start()
    await_owned(first, 1)
    all_write(organizations, first, "before")
    filler = tmp_path / "filler"
    with open(filler, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, ROOM)
    await_owned(second, 12)
    all_write(organizations, first, "meanwhile")  # Whoever is asked.
    assert first.owned() == 0 and "left_group" in first.log_file.read_text(encoding="utf-8")
    filler.unlink()
    await_owned(first, 1)
    assert "joined_group" in first.log_file.read_text(encoding="utf-8")
    all_write(organizations, second, "after")


def test_only_our_own_services_reach_the_port_for_peers(make_fleet):
    fleet = make_fleet()
    inventory = fleet.replicas["inventory"][0]
    roots = (fleet.peers / "roots.pem").read_bytes()
    with grpc.secure_channel(inventory.peer, grpc.ssl_channel_credentials(roots)) as channel:
        with pytest.raises(grpc.FutureTimeoutError):
            grpc.channel_ready_future(channel).result(3)
    with pytest.raises(grpc.RpcError) as caught:  # The public port believes nobody who only says so.
        nobody = Caller(fleet.target)
        request = biobank_pb2.ListBiobanksRequest(parent="organizations/any")
        nobody.BiobankService.ListBiobanks(request, metadata=(("trialog-service", "inventory"),))
    assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED
