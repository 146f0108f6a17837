"""Public topics as programs outside read them: the example notifier, killed at any moment, and what the topics hold."""
import collections
import json
import os
import pathlib
import random
import re
import secrets
import shutil
import sqlite3
import subprocess
import sys
import threading
import time

import confluent_kafka
import pytest
from clinic import Clinic
from confluent_kafka.admin import AdminClient, NewTopic
from fleet import REPOSITORY, Fleet
from notices import notices_of
from organization import Organization
from server import DEADLINE, write_secret
from test_fleet import retried
from topics import everything_in, names_of_topics, whole_topics
from trialog.auth.v1 import service_account_pb2
from trialog.trials.v1 import notification_pb2

from client import eventually, request_id

EXAMPLE = REPOSITORY / "docs" / "examples" / "notifier"
KILLS = 20
SEQUENCE = {"ce_sequence": f"{0:020}.{0:06}"}  # Of a place that all have passed.
SECRET_TEXTS = ("Ada Quintessa Marbleworth", "MRN-ada", "ada@example.org", "the heron at the weir", "Ben Othersby")


def make_topic(fleet, name):
    """A topic of consumers' own."""
    admin = AdminClient({"bootstrap.servers": fleet.kafka_flags[1]})
    admin.create_topics([NewTopic(name, 1, 1)])[name].result(DEADLINE)


class Notifier:
    """The example program, its keys and what it handled."""

    def __init__(self, fleet, folder, *flags):
        self.folder = folder
        folder.mkdir()
        (folder / "keys").mkdir(mode=0o700)
        self.handled = folder / "handled.db"
        self.printed = folder / "printed"
        prefix = fleet.kafka_flags[-1]
        self.group = f"{prefix}consumer.notifier-{secrets.token_hex(4)}"
        make_topic(fleet, f"{self.group}.aside")
        trials = "ipv4:" + ",".join(replica.target for replica in fleet.replicas["trials"])  # Each in turn.
        self.command = [
            *(sys.executable, EXAMPLE / "notifier.py", "--brokers", fleet.kafka_flags[1], "--topic_prefix", prefix),
            *("--auth", fleet.target["auth"], "--trials", trials, "--keys", folder / "keys"),
            *("--handled", self.handled, "--group", self.group, "--member", "one", *flags),
        ]
        self.process = None

    def start(self):
        with open(self.printed, "ab") as printed:
            self.process = subprocess.Popen(self.command, stdout=printed, stderr=subprocess.STDOUT)

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait(DEADLINE)

    def count(self):
        """How many events were handled."""
        if not self.handled.exists():
            return 0
        with sqlite3.connect(self.handled, timeout=DEADLINE) as database:
            try:
                return database.execute("SELECT count(*) FROM handled").fetchone()[0]
            except sqlite3.OperationalError:  # The table is not made yet.
                return 0

    def rows(self):
        """(organisation, notice) in the order in which they were handled."""
        with sqlite3.connect(self.handled, timeout=DEADLINE) as database:
            return database.execute("SELECT organization, notice FROM handled ORDER BY place").fetchall()

    def await_count(self, least):
        end = time.monotonic() + 3 * DEADLINE
        while self.count() < least:
            assert self.process.poll() is None, self.printed.read_text()[-2000:]
            assert time.monotonic() < end, (self.count(), self.printed.read_text()[-2000:])
            time.sleep(0.02)


def header(message, name):
    return dict(message.headers() or []).get(name, b"").decode()


def published(fleet):
    """The notices of the public topic by organisation, in order, each once: repeats dropped as docs/events.md says."""
    last, found = {}, {}
    for message in whole_topics(fleet.kafka_flags[1], f"{fleet.kafka_flags[-1]}trials.events"):
        sequence = header(message, "ce_sequence")
        if not re.fullmatch(r"\d{20}\.\d{6}", sequence) or sequence <= last.get(message.partition(), ""):
            continue
        last[message.partition()] = sequence
        if header(message, "ce_type") == "trialog.trials.v1.NotificationCreated":
            found.setdefault(message.key().decode(), []).append(header(message, "ce_subject"))
    return found


def partition_of(fleet, topic, key):
    """The partition of an organisation's events, once there is one."""
    return eventually(lambda: [m for m in whole_topics(fleet.kafka_flags[1], topic) if m.key() == key.encode()])[0].partition()


def organization_with_key(fleet, notifier):
    """A clinic whose notices the notifier may deliver; its patient wants a text message."""
    organization = Organization(fleet)
    accounts = organization.administrator.ServiceAccountService
    account = accounts.CreateServiceAccount(
        service_account_pb2.CreateServiceAccountRequest(
            parent=organization.name, service_account=service_account_pb2.ServiceAccount(display_name="Notifier")
        )
    )
    organization.grant(account, "NOTIFIER")
    made = accounts.CreateKey(service_account_pb2.CreateKeyRequest(parent=account.name))
    write_secret(notifier.folder / "keys" / organization.name.split("/")[1], made.key_secret)
    clinic = Clinic(organization)
    clinic.notifiers_key = made.key.name
    preferences = clinic.patient.NotificationService.GetPreferences(
        notification_pb2.GetPreferencesRequest(name=f"{clinic.patient.name}/notificationPreferences")
    )
    preferences.contacts.add(channel=notification_pb2.NOTIFICATION_CHANNEL_EMAIL, address="ada@example.org")
    clinic.patient.NotificationService.UpdatePreferences(
        notification_pb2.UpdatePreferencesRequest(
            preferences=preferences, update_mask={"paths": ["contacts"]}, request_id=request_id()
        )
    )
    return clinic


@pytest.fixture(scope="module")
def fleet(binaries, plain_kafka, tmp_path_factory):
    made = Fleet(tmp_path_factory.mktemp("consumers"), binaries, plain_kafka, trials=2)
    make_topic(made, f"{made.prefix}consumer.notices.aside")
    made.start()
    yield made
    made.kill()


@pytest.fixture
def notifier(fleet, tmp_path):
    made = Notifier(fleet, tmp_path / "notifier")
    yield made
    made.kill()


def test_a_notifier_killed_twenty_times_delivers_each_notice_once_and_in_order(fleet, notifier, pytestconfig):
    seed = pytestconfig.getoption("--seed") or random.SystemRandom().randrange(10**9)
    print(f"--seed {seed}")
    chance, notices = random.Random(seed), pytestconfig.getoption("--notices")
    clinics = [organization_with_key(fleet, notifier) for _ in range(3)]
    share = notices // len(clinics)

    def write(clinic):
        thread = clinic.new_thread()
        for number in range(share):
            request = clinic.send_request(clinic.patient, f"the heron at the weir, {number}", thread)
            retried(lambda request=request: clinic.provider.MessagingService.SendMessage(request))

    writers = [threading.Thread(target=write, args=(clinic,)) for clinic in clinics]
    for writer in writers:
        writer.start()
    notifier.start()
    for kill in range(KILLS):
        notifier.await_count(share * len(clinics) * kill // KILLS + chance.randrange(1, max(2, notices // KILLS)))
        notifier.kill()
        notifier.start()
    for writer in writers:
        writer.join()
    expected = {}

    def all_published():
        expected.update(published(fleet))
        return sum(len(expected.get(clinic.name.split("/")[1], ())) for clinic in clinics) >= share * len(clinics)

    eventually(all_published)
    notifier.await_count(sum(len(expected[clinic.name.split("/")[1]]) for clinic in clinics))
    handled = {}
    for organization, notice in notifier.rows():
        handled.setdefault(organization, []).append(notice)
    expected = {clinic.name.split("/")[1]: expected[clinic.name.split("/")[1]] for clinic in clinics}
    assert handled == expected
    for clinic in clinics:
        names = expected[clinic.name.split("/")[1]]
        listed = {notice.name for person in (clinic.patient, clinic.provider) for notice in notices_of(person)}
        assert len(names) == len(set(names)) and set(names) == listed
    assert "ada@example.org" not in notifier.printed.read_text() and b"ada@example.org" not in notifier.handled.read_bytes()
    said = [json.loads(line) for line in notifier.printed.read_text().splitlines()]
    delivered = collections.Counter(line["event"] for line in said if "event" in line)
    assert {line["channel"] for line in said if "channel" in line} >= {"EMAIL"}
    # What it was doing when it was killed it may do again, by the same key, which the receiver knows; nothing else.
    repeats = sum(delivered.values()) - len(delivered)
    print(f"{sum(delivered.values())} deliveries of {len(delivered)} notices, {KILLS} kills")
    assert repeats <= KILLS


def test_what_cannot_be_read_is_laid_aside_as_it_is_and_the_rest_goes_on(fleet, notifier):
    clinic = organization_with_key(fleet, notifier)
    topic, key = f"{fleet.kafka_flags[-1]}trials.events", clinic.name.split("/")[1]
    partition = partition_of(fleet, topic, key)
    headers = {"content-type": "application/protobuf", "ce_specversion": "1.0", "ce_id": "poison", "ce_source": "/trialog/trials",
               "ce_type": "trialog.trials.v1.NotificationCreated"}  # fmt: skip
    producer = confluent_kafka.Producer({"bootstrap.servers": fleet.kafka_flags[1]})
    producer.produce(topic, b"no event", key=key.encode(), partition=partition)
    producer.produce(topic, b"no organisation", partition=partition, headers=headers | SEQUENCE)
    producer.produce(topic, b"no place", key=key.encode(), partition=partition, headers=headers)
    producer.produce(topic, b"\xff\xff\xff", key=key.encode(), partition=partition, headers=headers | SEQUENCE)
    producer.flush()
    notifier.start()
    clinic.send(clinic.provider, clinic.patient, "after the poison")
    last = eventually(lambda: notices_of(clinic.patient))[0].name
    end = time.monotonic() + DEADLINE
    while (key, last) not in (notifier.rows() if notifier.count() else []):
        assert time.monotonic() < end, notifier.printed.read_text()[-2000:]
        time.sleep(0.05)
    aside = whole_topics(fleet.kafka_flags[1], f"{notifier.group}.aside")
    assert {(message.value(), header(message, "aside_reason")) for message in aside} == {
        (b"no event", "no CloudEvent of a known content type"),
        (b"no organisation", "no organisation"),
        (b"no place", "no place in the log"),
        (b"\xff\xff\xff", "not a trialog.trials.v1.NotificationCreated"),
    }
    assert {header(message, "aside_topic") for message in aside} == {topic}


def test_a_key_that_is_no_longer_taken_holds_up_no_other_organization(fleet, notifier):
    revoked, other = (organization_with_key(fleet, notifier) for _ in range(2))
    secret = (notifier.folder / "keys" / revoked.name.split("/")[1]).read_text(encoding="ascii")
    accounts = revoked.organization.administrator.ServiceAccountService
    accounts.RevokeKey(service_account_pb2.RevokeKeyRequest(name=revoked.notifiers_key, request_id=request_id()))
    # Both in one partition of the topic or not: neither waits for the other.
    for clinic in (revoked, other):
        clinic.send(clinic.provider, clinic.patient, "made-up text")
    notifier.start()

    def laid_aside():
        key = revoked.name.split("/")[1].encode()
        return [message for message in whole_topics(fleet.kafka_flags[1], f"{notifier.group}.aside") if message.key() == key]

    end = time.monotonic() + DEADLINE
    while not (notifier.count() and laid_aside()):
        assert notifier.process.poll() is None and time.monotonic() < end, notifier.printed.read_text()[-2000:]
        time.sleep(0.05)
    assert {organization for organization, _ in notifier.rows()} == {other.name.split("/")[1]}
    assert {header(message, "aside_reason") for message in laid_aside()} == {"ResolveContact: UNAUTHENTICATED"}
    assert secret not in notifier.printed.read_text()


def test_kcat_alone_gives_each_notice_once(fleet, tmp_path):
    state = tmp_path / "state"
    command = [EXAMPLE / "notices.sh", fleet.kafka_flags[1], state, "-1"]
    environment = os.environ | {"TOPIC_PREFIX": fleet.kafka_flags[-1]}

    def notices():
        done = subprocess.run(command, env=environment, check=True, timeout=DEADLINE, stdout=subprocess.PIPE, text=True)
        return done.stdout.splitlines()

    clinic = Clinic(Organization(fleet))
    clinic.send(clinic.provider, clinic.patient, "one")
    key = clinic.name.split("/")[1]
    end = time.monotonic() + DEADLINE
    while key not in published(fleet):
        assert time.monotonic() < end
    wanted = published(fleet)
    printed = notices()
    assert len(printed) == len(set(printed)) == sum(map(len, wanted.values()))
    for organization, names in wanted.items():
        assert [name for name in printed if name.startswith(f"organizations/{organization}/")] == names
    assert notices() == []
    shutil.rmtree(state)
    assert sorted(notices()) == sorted(printed)


def test_kcat_alone_lays_poison_aside_byte_for_byte_and_goes_on(fleet, tmp_path):
    topic, aside = f"{fleet.prefix}trials.events", f"{fleet.prefix}consumer.notices.aside"
    clinic = Clinic(Organization(fleet))
    command = [EXAMPLE / "notices.sh", fleet.kafka_flags[1], tmp_path / "state", "-1"]
    environment = os.environ | {"TOPIC_PREFIX": fleet.prefix}

    def notices():
        return subprocess.run(command, env=environment, check=True, timeout=DEADLINE, stdout=subprocess.PIPE, text=True).stdout.splitlines()

    def new_notice(text):
        before = published(fleet).get(key, [])
        clinic.send(clinic.provider, clinic.patient, text)
        end = time.monotonic() + DEADLINE
        while len(published(fleet).get(key, [])) == len(before):
            assert time.monotonic() < end

    key = clinic.name.split("/")[1]
    new_notice("before the poison")
    notices()
    laid = len(whole_topics(fleet.kafka_flags[1], aside))
    partition = partition_of(fleet, topic, key)
    good = {"ce_type": "trialog.trials.v1.NotificationCreated", "ce_subject": "organizations/x/users/y/notifications/z"}
    ran = tmp_path / "ran"
    poison = [
        (b"bytes\nwith\n\nlines\n", good | {"ce_sequence": "x"}),
        (b"", good | {"ce_sequence": "99999999999999999999"}),
        (None, {}),
        (b"commands", good | {"ce_sequence": f"1\n7[$(touch {ran})]\tce_sequence=2"}),
        (b"\x00\xff", good | SEQUENCE | {"ce_subject": f"$(touch {ran})"}),
    ]
    producer = confluent_kafka.Producer({"bootstrap.servers": fleet.kafka_flags[1]})
    for value, headers in poison:
        producer.produce(topic, value, partition=partition, headers=headers)
    producer.flush()
    new_notice("after the poison")
    assert notices() == published(fleet)[key][-1:]
    found = whole_topics(fleet.kafka_flags[1], aside)[laid:]
    assert [message.value() or b"" for message in found] == [value or b"" for value, _ in poison]
    offsets = [int(header(message, "aside_offset")) for message in found]
    assert offsets == list(range(offsets[0], offsets[0] + len(poison)))
    assert {(header(message, "aside_topic"), header(message, "aside_partition")) for message in found} == {(topic, str(partition))}
    assert not ran.exists()


def test_no_topic_holds_anything_personal(fleet):
    clinic = Clinic(Organization(fleet))
    clinic.send(clinic.provider, clinic.patient, "the heron at the weir")
    prefix, brokers = fleet.kafka_flags[-1], fleet.kafka_flags[1]
    names = names_of_topics(brokers, prefix)
    assert {f"{prefix}{service}.log" for service in ("auth", "inventory", "trials", "analytics", "audit")} < set(names)
    records = whole_topics(brokers, *names)
    assert len(records) > 50
    for message in records:
        for text in SECRET_TEXTS:
            assert text.encode() not in everything_in(message), (message.topic(), message.offset(), text)


def test_headers_are_those_of_the_page(fleet):
    """Each kind that was published has the headers of docs/events.md, and its value decodes by the descriptor set."""
    sys.path.insert(0, str(REPOSITORY / "scripts"))
    from event_headers import HEADERS
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    described = descriptor_pb2.FileDescriptorSet.FromString(
        pathlib.Path(REPOSITORY / "docs" / "events" / "trialog-events-v1.binpb").read_bytes()
    )
    pool = descriptor_pool.DescriptorPool()
    for file in described.file:
        pool.Add(file)
    known = [each.name for each in HEADERS]
    optional = {"ce_causationid", "traceparent"}
    kinds, caused = set(), 0
    for service in ("auth", "inventory", "trials", "analytics"):
        for message in whole_topics(fleet.kafka_flags[1], f"{fleet.kafka_flags[-1]}{service}.events"):
            names = [name for name, _ in message.headers() or []]
            if header(message, "ce_id") in ("", "poison"):
                continue  # What the tests of poison wrote.
            assert names == [name for name in known if name in names] and set(known) - set(names) <= optional
            kind = header(message, "ce_type")
            message_factory.GetMessageClass(pool.FindMessageTypeByName(kind)).FromString(message.value())
            assert header(message, "ce_dataschema") == f"urn:trialog:events:v1:{kind}"
            assert header(message, "ce_source") == f"/trialog/{service}" and header(message, "ce_partitionkey") == message.key().decode()
            kinds.add(kind)
            caused += "ce_causationid" in names
            assert ("ce_causationid" in names) >= (kind == "trialog.trials.v1.NotificationCreated")
    assert len(kinds) >= 6 and caused > 0
