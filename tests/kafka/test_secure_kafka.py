"""Kafka as operators run it: TLS, passwords, rights. Our programs work on it; nobody can do what the list does not say.

What is expected here is written down again, not read from deploy/kafka/acls.txt: a line too many there fails a test."""
import re
import stat
import subprocess

import pytest

from secure_kafka import DEADLINE, KAFKA_SH, REFUSED
from server import Server, write_secret

SERVICES = ("auth", "inventory", "trials", "analytics", "audit")
LOGS = tuple(f"trialog.{service}.log" for service in SERVICES)
EVENTS = tuple(f"trialog.{service}.events" for service in SERVICES if service != "audit")  # It publishes nothing.
KEYS = "trialog.keys"
ALL_IN_ONE = "trialog-standalone"
INSPECTOR = "trialog-inspector"
USERS = tuple(f"trialog-{service}" for service in SERVICES) + (ALL_IN_ONE, "trialog-operator", "trialog-consumer", INSPECTOR)

# Whose logs a service folds beside its own.
FOLDS = {
    "auth": set(),
    "inventory": {"auth"},
    "trials": {"auth", "inventory", "analytics"},
    "analytics": {"auth"},
    "audit": set(SERVICES),
}


def service_of(user):
    """The service that is that user's, if it is a service's."""
    service = user.removeprefix("trialog-")
    return service if service in SERVICES else None


def may_write(user, topic):
    """Only its owner writes to a topic; auth keeps the keys, consumers what they lay aside."""
    if topic == ASIDE or user == "trialog-consumer":
        return topic == ASIDE and user == "trialog-consumer"
    if user == ALL_IN_ONE:
        return True
    service = service_of(user)
    return topic in (f"trialog.{service}.log", f"trialog.{service}.events") or (service == "auth" and topic == KEYS)


def may_read(user, topic):
    """Owners read what is theirs, services what they fold, consumers what is public, who inspects all but keys."""
    if user == "trialog-consumer":
        return topic in (*EVENTS, ASIDE)
    if user == INSPECTOR:
        return topic in (*LOGS, *EVENTS)
    service = service_of(user)
    folded = FOLDS.get(service, ())
    return may_write(user, topic) or topic in {f"trialog.{other}.log" for other in folded}


# Laid aside by a consumer.
ASIDE = "trialog.consumer.aside"
USED = ("trialog.trials.events", ASIDE, KEYS)


def trialogctl(binaries, *arguments):
    """Runs the operator's tool."""
    command = [binaries / "trialogctl", *arguments]
    return subprocess.run(command, check=False, timeout=DEADLINE, capture_output=True, text=True)


@pytest.fixture(scope="session")
def topics(kafka, binaries):
    """The private topics, made by the operator."""
    made = trialogctl(binaries, "topics", "create", *kafka.flags("trialog-operator"))
    assert made.returncode == 0, made.stderr
    return kafka


@pytest.fixture(scope="session")
def used(topics, binaries, tmp_path_factory):
    """A Kafka that holds what a server wrote that has made an organisation. The server is stopped: what the tests then
    write to its topics is no record of ours."""

    class OnSecureKafka(Server):
        kafka = topics.brokers

        def _make_topics(self):
            return topics.flags(ALL_IN_ONE)

    folder = tmp_path_factory.mktemp("standalone")
    server = OnSecureKafka(binaries, folder).start()
    try:
        password = folder / "password"
        write_secret(password, "correct horse battery staple 9")
        made = trialogctl(
            binaries,
            *("init", "--data", server.data, "--server", server.target, "--organization", "clinic"),
            *("--username", "administrator", "--password_file", password),
        )
        assert made.returncode == 0, made.stderr + server.last_words()
        server.stop()
        server.verify()
        topics.data = server.data
    finally:
        server.kill()
    for topic in USED:
        if topic == ASIDE:
            topics.tool("org.apache.kafka.tools.TopicCommand", "--create", "--topic", topic, "--partitions", "1")
        writer = next(user for user in USERS if may_write(user, topic))
        assert topics.write(writer, topic)[0] == 0
    return topics


def test_operator_checks_topics(topics, binaries):
    checked = trialogctl(binaries, "topics", "check", *topics.flags("trialog-operator"))
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("user", [user for user in USERS if service_of(user)])
def test_each_service_may_check_all_topics(topics, binaries, user):
    checked = trialogctl(binaries, "topics", "check", *topics.flags(user))
    assert checked.returncode == 0, checked.stderr


def test_only_the_operator_makes_topics(topics, binaries):
    flags = (*topics.flags("trialog-auth"), "--kafka_topic_prefix", "trialog.other.")
    made = trialogctl(binaries, "topics", "create", *flags)
    assert made.returncode != 0
    assert "trialog.other.auth.log" in made.stderr and "uthorization failed" in made.stderr


def test_without_password_nothing(topics):
    tls = ["-X", "security.protocol=SSL", "-X", f"ssl.ca.location={topics.roots}"]
    topics.refusal(tls, r"[Dd]isconnected")
    topics.refusal([*topics.settings("trialog-auth"), "-X", "sasl.password=wrong"], "invalid credentials")
    topics.refusal([*topics.settings("trialog-auth"), "-X", "sasl.username=nobody"], "invalid credentials")


def test_programs_say_why_they_cannot_log_in(topics, binaries, tmp_path):
    write_secret(tmp_path / "password", "wrong")
    checked = trialogctl(
        binaries, "topics", "check", *topics.flags("trialog-operator"), "--kafka_password_file", tmp_path / "password"
    )
    assert checked.returncode != 0
    assert "invalid credentials" in checked.stderr


def test_plaintext_is_refused(topics):
    topics.refusal(["-X", "security.protocol=PLAINTEXT"], r"[Dd]isconnected")
    name = ["-X", "sasl.mechanism=SCRAM-SHA-512", "-X", "sasl.username=trialog-auth", "-X", "sasl.password=any"]
    topics.refusal(["-X", "security.protocol=SASL_PLAINTEXT", *name], r"[Dd]isconnected")


def test_brokers_of_another_authority_are_refused(topics, tmp_path):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
        + ["-subj", "/CN=Trialog Kafka CA", "-keyout", tmp_path / "key.pem", "-out", tmp_path / "ca.pem"],
        check=True,
        timeout=DEADLINE,
        capture_output=True,
    )
    other = ["-X", f"ssl.ca.location={tmp_path / 'ca.pem'}"]
    topics.refusal([*topics.settings("trialog-auth"), *other], "certificate verify failed")


def test_controllers_know_each_other_by_certificate(topics):
    host, port = topics.brokers.split(":")
    command = ["openssl", "s_client", "-connect", f"{host}:{int(port) + 1}", "-CAfile", topics.roots, "-ign_eof"]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, check=False, timeout=DEADLINE, capture_output=True, text=True)
    assert "Verify return code: 0 (ok)" in result.stdout
    assert "bad certificate" in result.stderr or "certificate required" in result.stderr


def test_secrets_are_their_owners(kafka):
    users = {path.name: path for path in (kafka.folder / "users").iterdir()}
    assert users.keys() == {*USERS, "trialog-broker"}
    passwords = {path.read_text(encoding="ascii") for path in users.values()}
    assert len(passwords) == len(users) and min(map(len, passwords)) >= 43
    tls = list((kafka.folder / "tls").iterdir())
    for path in (*users.values(), *tls, *(kafka.folder / "clients").iterdir(), kafka.folder / "node1" / "server.properties"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    # Nothing is left that could make another certificate, nor the file with all passwords that the storage was made from.
    assert {path.name for path in tls} == {"ca.pem", "broker.pem"}
    assert not (kafka.folder / "node1" / "format").exists()


def test_plain_up_is_not_taken_for_secure(tmp_path):
    (tmp_path / "brokers").write_text("127.0.0.1:1\n", encoding="ascii")
    command = [KAFKA_SH, "up", "1", "--secure", "--dir", tmp_path]
    result = subprocess.run(command, check=False, timeout=DEADLINE, capture_output=True, text=True)
    assert result.returncode == 1 and "is not secure" in result.stderr


def test_a_server_works(used):
    """What it wrote as the standalone is there for the services that may read it."""
    code, printed = used.read("trialog-inventory", "trialog.auth.log")
    assert code == 0
    sizes = [line for line in printed.splitlines() if line[0].isdigit()]
    assert sizes, printed


def test_who_inspects_sees_owners_and_lag_and_verifies(used, binaries):
    flags = used.flags(INSPECTOR)
    owners = trialogctl(binaries, "owners", *flags)
    assert owners.returncode == 0 and len(re.findall(r", term \d+", owners.stdout)) >= len(SERVICES), owners.stdout + owners.stderr
    for arguments in ((), ("--group", "trialog.consumer.notifier")):
        lag = trialogctl(binaries, "lag", *arguments, *flags)
        assert lag.returncode == 0, lag.stderr
    verified = trialogctl(binaries, "verify", "--data", used.data, *flags)
    assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.mark.parametrize("user", USERS)
def test_who_reads_which_topic(used, user):
    outcomes = {topic: used.read(user, topic) for topic in (*LOGS, *USED)}
    read = {topic for topic, (code, _) in outcomes.items() if code == 0}
    assert read == {topic for topic in outcomes if may_read(user, topic)}
    assert all(REFUSED in printed for topic, (_, printed) in outcomes.items() if topic not in read), outcomes


@pytest.mark.parametrize("user", USERS)
def test_who_writes_which_topic(used, user):
    outcomes = {topic: used.write(user, topic) for topic in (*LOGS, *USED)}
    written = {topic for topic, (code, _) in outcomes.items() if code == 0}
    assert written == {topic for topic in outcomes if may_write(user, topic)}
    assert all(REFUSED in printed for topic, (_, printed) in outcomes.items() if topic not in written), outcomes


def test_nothing_else_is_granted(kafka):
    """The brokers' own account of all rights, of the topics too that nobody has made yet."""
    topics = (*LOGS, *EVENTS, KEYS)
    services = [user for user in USERS if service_of(user)] + [ALL_IN_ONE]
    expected = {(user, "READ", "TOPIC", topic) for user in USERS for topic in topics if may_read(user, topic)}
    for user in services:
        expected |= {(user, "WRITE", "TOPIC", topic) for topic in topics if may_write(user, topic)}
        expected |= {(user, "DESCRIBE", "TOPIC", topic) for topic in topics}
        expected |= {(user, "DESCRIBE_CONFIGS", "TOPIC", topic) for topic in topics}
        groups = SERVICES if user == ALL_IN_ONE else [service_of(user)]
        expected |= {(user, "READ", "GROUP", f"trialog.{service}.owners") for service in groups}
    for operation in ("CREATE", "DESCRIBE", "DESCRIBE_CONFIGS"):
        expected.add(("trialog-operator", operation, "TOPIC", "trialog.*"))
    expected |= {(INSPECTOR, "DESCRIBE_CONFIGS", "TOPIC", topic) for topic in (*LOGS, *EVENTS)}
    expected.add((INSPECTOR, "DESCRIBE", "GROUP", "trialog.*"))
    expected.add(("trialog-consumer", "READ", "GROUP", "trialog.consumer.*"))
    for operation in ("READ", "WRITE", "DESCRIBE"):
        expected.add(("trialog-consumer", operation, "TOPIC", "trialog.consumer.*"))

    granted = set()
    resource = None
    for line in kafka.tool("kafka.admin.AclCommand", "--list").splitlines():
        if found := re.search(r"resourceType=(\w+), name=([^,]+), patternType=(\w+)", line):
            resource = (found[1], found[2] + ("*" if found[3] == "PREFIXED" else ""))
        elif found := re.search(r"principal=User:([^,]+), host=\*, operation=(\w+), permissionType=ALLOW", line):
            granted.add((found[1], found[2], *resource))
    assert granted == expected


def test_up_again_changes_nothing(used):
    brokers = used.brokers
    assert used.up().brokers == brokers
