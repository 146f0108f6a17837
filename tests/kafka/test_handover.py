"""What those who do not write see of it: streams, records of what was read, records of a writer whose term is over, names taken twice."""
import subprocess
import time

import confluent_kafka
import grpc
from client import eventually
from clinic import Clinic
from fleet import CERTIFICATES_SH, UP_DEADLINE
from organization import Organization
from server import DEADLINE
from test_fleet import TAKEOVER, all_write, at, await_owned, create_biobank, retried, with_manager
from topics import whole_topics
from trialog.audit.v1 import service_pb2
from trialog.event.v1 import record_pb2, subscribe_pb2
from trialog.trials.v1 import care_events_pb2, messaging_pb2, patient_pb2
from watching import Watch

EACH_TIME = 5  # Messages.
SERVICE = "trialog.trials.v1.MessagingService"


def resumed_with(opened, resume_token=""):
    """The answers of a stream, and of the streams that go on from its resume tokens when it breaks."""
    deadline = time.monotonic() + 3 * TAKEOVER
    while True:
        try:
            for answer in opened(resume_token):
                resume_token = answer.resume_token or resume_token
                yield answer
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.UNAVAILABLE and time.monotonic() < deadline, error


def partition_of(clinic):
    """The partition that the organisation is written in."""
    send = clinic.provider.service(SERVICE)._stub.SendMessage.with_call
    _, told = send(clinic.send_request(clinic.patient, "made-up first"), timeout=DEADLINE, metadata=clinic.provider.metadata())
    return int(dict(told.trailing_metadata())["trialog-position"].split("/")[0])


def test_streams_at_another_replica_show_all_once_and_in_order_over_changes_of_owners(make_fleet):
    fleet = make_fleet(inventory=0, trials=2, analytics=0, audit=0)
    organization = Organization(fleet)
    clinic, notifier = Clinic(organization), organization.program("NOTIFIER")
    for replica in fleet.replicas["trials"]:
        await_owned(replica, 6)
    partition = partition_of(clinic)
    owner = fleet.owners("trials")[partition]
    other = next(replica for replica in fleet.replicas["trials"] if replica is not owner)
    for person in (clinic.provider, clinic.patient, notifier):
        person.connect(fleet.target_with(other))

    def watch(resume_token):
        parent = f"{organization.name}/threads/-"
        return clinic.patient.MessagingService.WatchMessages(
            messaging_pb2.WatchMessagesRequest(parent=parent, resume_token=resume_token, skip_initial=not resume_token), timeout=4 * TAKEOVER
        )

    def subscribe(resume_token):
        request = subscribe_pb2.SubscribeRequest(parent=organization.name, resume_token=resume_token)
        return notifier.service("trialog.trials.v1.EventService").Subscribe(request, timeout=4 * TAKEOVER)

    watched, subscribed = resumed_with(watch), resumed_with(subscribe)
    assert not next(subscribed).events  # From now on.
    assert next(watched).initial_done
    sent, shown, told = [], [], []

    def send(count):
        for _ in range(count):
            request = clinic.send_request(clinic.patient, "made-up text")
            sent.append(retried(lambda: clinic.provider.MessagingService.SendMessage(request))[0].name)

    send(EACH_TIME)
    owner.kill()
    send(EACH_TIME)
    owner.start()
    await_owned(owner, 6)
    send(EACH_TIME)
    while len(shown) < len(sent):
        shown += [change.message.name for change in next(watched).changes]
    while len(told) < len(sent):
        told += [care_events_pb2.NotificationCreated.FromString(event.payload).resource for event in next(subscribed).events]
    assert shown == sent and told == sent


def test_what_any_replica_shows_of_a_person_is_recorded(make_fleet):
    fleet = make_fleet(inventory=0, trials=2, analytics=0)
    clinic = Clinic(Organization(fleet))
    for replica in fleet.replicas["trials"]:
        await_owned(replica, 6)
    patient = clinic.patient.identity.patient
    provider = clinic.provider
    for replica in fleet.replicas["trials"]:
        provider.connect(fleet.target_with(replica))
        shown, _ = retried(lambda: provider.PatientService.GetPatient(patient_pb2.GetPatientRequest(name=patient)))
        assert shown.display_name

    def read():
        accesses = clinic.patient.AuditService.ListAccesses(service_pb2.ListAccessesRequest(parent=clinic.name)).accesses
        mine = [a for a in accesses if a.method.endswith("PatientService/GetPatient") and a.actor.name == provider.name]
        return mine if len(mine) >= 2 else None

    assert len(eventually(read)) == 2


def fenced(replica):
    """How many records of terms that were over it has seen."""
    line = next(line for line in replica.metrics().splitlines() if line.startswith('trialog_log_records_total{') and 'verdict="fenced"' in line)
    return int(float(line.split()[-1]))


def test_a_late_record_of_a_writer_whose_term_is_over_is_passed_over_and_counted_by_every_reader(make_fleet, tmp_path):
    fleet = make_fleet(inventory=2, trials=0, analytics=0)
    first, second = fleet.replicas["inventory"]
    await_owned(first, 6)
    organizations = [with_manager(fleet) for _ in range(4)]
    all_write(organizations, second, "before")
    for leaves, stays in ((first, second), (second, first)):  # So each partition changes hands.
        leaves.stop()
        await_owned(stays, 12)
        leaves.start()
    all_write(organizations, second, "after")
    topic, brokers = f"{fleet.prefix}inventory.log", fleet.kafka_flags[1]
    terms, written = {}, []
    for message in whole_topics(brokers, topic):
        record = record_pb2.LogRecord.FromString(message.value())
        if record.HasField("claim"):
            terms[message.partition()] = record.claim.term
        elif record.data.events:
            written.append((message, record.data.term))
    late = next(message for message, term in written if term < terms[message.partition()])
    before = {replica: fenced(replica) for replica in (first, second)}
    producer = confluent_kafka.Producer({"bootstrap.servers": brokers})
    producer.produce(topic, late.value(), partition=late.partition())
    assert producer.flush(DEADLINE) == 0
    for replica, count in before.items():
        deadline = time.monotonic() + DEADLINE
        while (now := fenced(replica)) == count:
            assert time.monotonic() < deadline, "nobody noticed it"
        assert now == count + 1
    all_write(organizations, first, "last")
    verified = fleet.verify(tmp_path / "whole")  # Audit's tree too is what the log gives without it.
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_two_of_one_name_do_their_work_and_say_so_until_each_has_its_own(make_fleet):
    fleet = make_fleet(inventory=2, trials=0, analytics=0, audit=0)
    first, second = fleet.replicas["inventory"]
    organization = with_manager(fleet)
    second.stop()
    names = second.flags
    second.flags += ("--member", "inventory-0")  # The first one's.
    retried(lambda: create_biobank(at(organization, first), organization, "before"))
    second.start()
    deadline = time.monotonic() + UP_DEADLINE
    number = 0
    while not all("MEMBER_REPLACED" in replica.log_file.read_text(encoding="utf-8") for replica in (first, second)):
        assert time.monotonic() < deadline, "they never noticed"
        number += 1
        retried(lambda: create_biobank(at(organization, (first, second)[number % 2]), organization, f"meanwhile-{number}"))
    second.stop()
    second.flags = names
    second.start()
    await_owned(first, 6)
    await_owned(second, 6)
    all_write([organization], second, "after")


def reaches(address, roots, certificate, key):
    """Whether a connection with this certificate is taken, and the one shown is by these authorities."""
    credentials = grpc.ssl_channel_credentials(roots.read_bytes(), key.read_bytes(), certificate.read_bytes())
    with grpc.secure_channel(address, credentials) as channel:
        try:
            grpc.channel_ready_future(channel).result(2)
            return True
        except grpc.FutureTimeoutError:
            return False


def test_certificates_and_authorities_are_changed_while_all_runs(make_fleet, tmp_path):
    fleet = make_fleet("--peer_reload", "1s", inventory=2, trials=0, analytics=0, audit=0)
    first, second = fleet.replicas["inventory"]
    organization = with_manager(fleet)
    old, new = fleet.peers, tmp_path / "new"
    subprocess.run([CERTIFICATES_SH, new], check=True, timeout=DEADLINE)
    kept = tmp_path / "kept"
    kept.mkdir()
    for name in ("roots.pem", "inventory.pem", "inventory.key"):
        (kept / name).write_bytes((old / name).read_bytes())

    def put(name, content):
        (old / f"{name}.new").write_bytes(content)
        (old / f"{name}.new").rename(old / name)

    def await_reached(folder, wanted):
        deadline = time.monotonic() + UP_DEADLINE
        for replica in fleet.all():
            while reaches(replica.peer, folder / "roots.pem", folder / "inventory.pem", folder / "inventory.key") != wanted:
                assert time.monotonic() < deadline, replica.last_words()

    assert not reaches(first.peer, new / "roots.pem", new / "inventory.pem", new / "inventory.key")
    # As an authority is changed: both are believed, then all show the new one's, then the old one is believed no more.
    both = (kept / "roots.pem").read_bytes() + (new / "roots.pem").read_bytes()
    put("roots.pem", both)
    (new / "both.pem").write_bytes(both)
    deadline = time.monotonic() + UP_DEADLINE
    for replica in fleet.all():
        while not reaches(replica.peer, kept / "roots.pem", new / "inventory.pem", new / "inventory.key"):
            assert time.monotonic() < deadline, replica.last_words()
    for service in ("auth", "inventory"):
        for kind in ("key", "pem"):
            put(f"{service}.{kind}", (new / f"{service}.{kind}").read_bytes())
    await_reached(new, True)
    put("roots.pem", (new / "roots.pem").read_bytes())
    await_reached(kept, False)
    # Those who run know who is started anew, and it knows them.
    second.stop()
    await_owned(first, 12)
    second.start()
    await_owned(second, 1)
    for replica in (first, second):
        retried(lambda: create_biobank(at(organization, replica), organization, f"at-{replica.peer.rsplit(':', 1)[1]}"))
    assert all(replica.alive() for replica in fleet.all())
