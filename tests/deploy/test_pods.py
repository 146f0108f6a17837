"""The five services, started with exactly what the manifests say: users, mounts, keys, command lines, environment, names and ports. The
overlay is `small`, with a second replica of inventory and of trials, as `kubectl scale` would make them."""
import json
import os
import re
import shutil
import signal
import subprocess
import time

import grpc
import pytest
from client import Caller, eventually, request_id
from clinic import TrialSite
from manifests import DEPLOY, SERVICES, TOOLS, Manifests, render, secrets_of
from organization import Organization
from pods import GATEWAY, Cluster, Network
from secure_kafka import DEADLINE, KAFKA_SH, UP_DEADLINE
from trialog.analytics.v1 import dataset_pb2
from trialog.audit.v1 import service_pb2
from trialog.auth.v1 import auth_pb2
from trialog.inventory.v1 import biobank_pb2


def may_make_namespaces():
    """Whether this machine lets us: root does, where no container forbids it."""
    command = ["unshare", "--mount", "--net", "--pid", "--uts", "--ipc", "--fork", "true"]
    return os.geteuid() == 0 and subprocess.run(command, check=False, capture_output=True, timeout=DEADLINE).returncode == 0


pytestmark = pytest.mark.skipif(not may_make_namespaces(), reason="only who may make namespaces can play the nodes")

BROKER = "kafka.kafka.svc"
REPLICAS = {"auth": 1, "inventory": 2, "trials": 2, "analytics": 1, "audit": 1}


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """Names and addresses of this test alone."""
    made = Network(tmp_path_factory.mktemp("network"))
    made.name(GATEWAY, BROKER)
    return made


@pytest.fixture(scope="module")
def kafka(network, tmp_path_factory):
    """A secure broker at the address that the manifests name; its folder."""
    folder = tmp_path_factory.mktemp("kafka")
    command = [KAFKA_SH, "up", "1", "--secure", "--dir", folder, "--host", BROKER, "--port", "9093"]
    down = [KAFKA_SH, "down", "--forget", "--dir", folder]
    try:
        subprocess.run(command, check=True, timeout=UP_DEADLINE, stdout=subprocess.DEVNULL)
        yield folder
    finally:
        subprocess.run(down, check=True, timeout=DEADLINE)


@pytest.fixture(scope="module")
def site(kafka, binaries, tmp_path_factory):
    """What an operator keeps, as secrets.sh reads it."""
    folder = tmp_path_factory.mktemp("site")
    subprocess.run([binaries / "trialogctl", "init", "--data", folder], check=True, timeout=DEADLINE, stdout=subprocess.DEVNULL)
    shutil.copytree(kafka / "users", folder / "kafka" / "users")
    shutil.copy(kafka / "tls" / "ca.pem", folder / "kafka" / "ca.pem")
    authority = DEPLOY / "peers" / "certificates.sh"  # Any would do; this one is not that of the peers.
    for service in SERVICES:
        command = [authority, folder / "tls", "--hosts", f"trialog-{service}.trialog.svc", service]
        subprocess.run(command, check=True, timeout=DEADLINE)
    return folder


@pytest.fixture(scope="module")
def cluster(network, site, binaries, tmp_path_factory):
    """All pods, ready."""
    folder = tmp_path_factory.mktemp("cluster")
    folder.chmod(0o755)
    programs = folder / "programs"
    programs.mkdir()
    for program in (*(binaries / f"trialog-{service}" for service in SERVICES), binaries / "trialogctl", TOOLS / "grpc-health-probe"):
        shutil.copy(program, programs)
    command = [DEPLOY / "kubernetes" / "secrets.sh", site]
    secrets = secrets_of(subprocess.run(command, check=True, timeout=DEADLINE, stdout=subprocess.PIPE, text=True).stdout)
    made = Cluster(folder, network, Manifests(render("kubernetes/overlays/small")), secrets, programs)
    topics = made.job("trialog-topics")
    assert topics.run() == 0, topics.last_words()
    try:
        for service, replicas in REPLICAS.items():
            made.stateful_set(f"trialog-{service}", replicas)
        for pod in made.pods.values():
            pod.start()
        for pod in made.pods.values():
            pod.await_serving()
        yield made
    finally:
        made.kill()


class Site:
    """As the client tests know a server: the Services' names, and the one-time token of the site."""

    target = {service: f"dns:///trialog-{service}.trialog.svc:50051" for service in SERVICES}

    def __init__(self, folder):
        self._token = folder / "keys" / "init.token"

    def new_init_token(self):
        """There is one."""
        return self._token.read_text(encoding="ascii").strip()


@pytest.fixture(scope="module")
def organization(cluster, site):
    """The first organisation, with a trial in it; callers verify the servers."""
    roots = (site / "tls" / "roots.pem").read_bytes()
    Caller.channel_credentials = grpc.ssl_channel_credentials(roots)
    try:
        yield TrialSite(Organization(Site(site)))
    finally:
        Caller.channel_credentials = None


def test_probes_say_that_all_serve(cluster):
    for pod in cluster.pods.values():
        for kind in ("startup", "readiness", "liveness"):
            assert pod.probe(kind) == 0, (kind, pod.last_words())


def test_a_probe_says_when_nobody_answers(cluster):
    pod = cluster.pods["trialog-audit-0"]
    command = pod.container["livenessProbe"]["exec"]["command"]
    assert pod.enter(*(word.replace("50051", "50059") for word in command)) != 0


def test_keys_are_in_memory_and_their_owners_alone(cluster):
    """As the servers demand it, whatever modes a Secret's files have; and nothing of them is on a volume."""
    expected = {"auth": {"service.key", "master.key", "init.token"}, "audit": {"service.key", "audit.key"}}
    for name, pod in cluster.pods.items():
        keys = {path for path in (pod.folder / "volumes" / "keys").iterdir() if path.is_file()}
        assert {path.name for path in keys} == expected.get(name.split("-")[1], {"service.key"})
        assert all((path.stat().st_mode & 0o777, path.stat().st_uid) == (0o600, pod.user) for path in keys)
        for claim in pod.workload["spec"]["volumeClaimTemplates"]:
            volume = pod.folder / "volumes" / claim["metadata"]["name"]
            assert not {path.name for path in volume.rglob("*")} & {path.name for path in keys}
    volumes = cluster.pods["trialog-auth-0"].folder / "volumes"
    assert (volumes / "data-keys" / "db" / "CURRENT").exists() and not (volumes / "keys" / "db" / "CURRENT").exists()


def test_servers_are_without_rights_and_cannot_write_their_root(cluster):
    for pod in cluster.pods.values():
        status = dict(line.split(":", 1) for line in open(f"/proc/{pod.pid}/status", encoding="ascii"))
        assert set(status["Uid"].split()) == {str(pod.user)} and status["NoNewPrivs"].strip() == "1"
        assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapInh")} == {0}
        assert status["NSpid"].split()[-1] == "1"
        assert pod.enter("touch", "/anything") != 0 and pod.enter("touch", "/var/lib/trialog/anything") == 0


def test_a_trial_goes_through_all_five(organization):
    """Personal data go to auth's owner of the organisation, an import to trials, each by the name that Kubernetes gives it."""
    custodian = organization.organization.join("custodian", "DATA_CUSTODIAN", "ANALYST")
    organization.finalize_capture(organization.capture("imported"))
    dataset = custodian.DatasetService.CreateDataset(
        dataset_pb2.CreateDatasetRequest(
            parent=organization.name, dataset_id="trial", dataset=dataset_pb2.Dataset(display_name="Trial")
        )
    )
    column = dataset_pb2.Column(name="enroll_date", type=dataset_pb2.COLUMN_TYPE_DATE)
    imported = dataset_pb2.ImportFromTrialRequest(
        name=dataset.name, trial=organization.trial, columns=[column], request_id=request_id()
    )
    assert custodian.DatasetService.ImportFromTrial(imported).row_count == 1
    auditor = organization.organization.join("auditor", "AUDITOR")
    asked = service_pb2.GetCheckpointRequest()
    assert eventually(lambda: auditor.AuditService.GetCheckpoint(asked)).tree_size > 0


@pytest.fixture(scope="module")
def manager(organization):
    """Somebody who may make biobanks."""
    return organization.organization.join("manager", "BIOBANK_MANAGER")


def biobank(organization, biobank_id):
    """A request to make one; the same when it is repeated."""
    return biobank_pb2.CreateBiobankRequest(
        parent=organization.name,
        biobank_id=biobank_id,
        biobank=biobank_pb2.Biobank(display_name="Cold store"),
        request_id=f"make-{biobank_id}",
    )


def test_either_replica_takes_a_command(cluster, organization, manager):
    """Only one of them owns the organisation; the other finds it by the address in its claim."""
    for ordinal in (0, 1):
        pod = cluster.pods[f"trialog-inventory-{ordinal}"]
        known_as = (("grpc.ssl_target_name_override", "trialog-inventory.trialog.svc"),)
        with grpc.secure_channel(f"{pod.address}:50051", Caller.channel_credentials, options=known_as) as channel:
            create = channel.unary_unary(
                "/trialog.inventory.v1.BiobankService/CreateBiobank",
                request_serializer=biobank_pb2.CreateBiobankRequest.SerializeToString,
                response_deserializer=biobank_pb2.Biobank.FromString,
            )
            made = create(biobank(organization, f"by-{ordinal}"), timeout=DEADLINE, metadata=manager.metadata())
            assert made.name.endswith(f"by-{ordinal}")


def test_claims_carry_the_names_of_pods(kafka, binaries, organization):
    command = [binaries / "trialogctl", "owners", "inventory", "--kafka_brokers", f"{BROKER}:9093", "--kafka_replicas", "1"]
    command += ["--kafka_roots", kafka / "tls" / "ca.pem", "--kafka_user", "trialog-inventory"]
    command += ["--kafka_password_file", kafka / "users" / "trialog-inventory"]
    printed = subprocess.run(command, check=True, timeout=DEADLINE, stdout=subprocess.PIPE, text=True).stdout
    owners = set(re.findall(r"^inventory \d+: (\S+),", printed, re.M)) - {"nobody"}
    names = {f"trialog-inventory-{ordinal}.trialog-peers-inventory.trialog.svc:50052" for ordinal in (0, 1)}
    assert owners and owners <= names, printed


def test_a_port_is_forwarded_to_a_client_that_knows_the_service_by_name(cluster, site, organization):
    """As deploy/kubernetes/README.md has it: another address, the Service's name."""
    command = [TOOLS / "grpcurl", "-cacert", site / "tls" / "roots.pem", "-authority", "trialog-auth.trialog.svc", "-d", "@"]
    command += [f"{cluster.pods['trialog-auth-0'].address}:50051", "trialog.auth.v1.OrganizationService/CreateOrganization"]
    spent = {"organization_id": "another", "administrator": {"username": "root"}, "password": "Pw-of-nobody-else", "init_token": "spent"}
    called = subprocess.run(command, input=json.dumps(spent), check=False, timeout=DEADLINE, capture_output=True, text=True)
    assert "INIT_TOKEN_INVALID" in called.stderr, called.stderr


def test_a_pod_that_is_deleted_comes_back_with_its_volumes(cluster, organization):
    """With other keys in memory and the same data keys on the volume: people still sign in, and are read."""
    pod = cluster.pods["trialog-auth-0"]
    pod.terminate(signal.SIGTERM)
    assert pod.wait(pod.spec["terminationGracePeriodSeconds"]) == 0, pod.last_words()
    pod.restart()
    pod.await_serving()
    who = eventually(lambda: organization.provider.AuthService.WhoAmI(auth_pb2.WhoAmIRequest()).identity)
    assert who.user.display_name == "Person provider"
    organization.provider.sign_in_again()


def test_without_kafka_no_probe_restarts_anything(cluster, kafka, organization, manager):
    subprocess.run([KAFKA_SH, "down", "--dir", kafka], check=True, timeout=DEADLINE)
    for pod in cluster.pods.values():
        assert pod.probe("liveness") == 0 and pod.probe("readiness") == 0, pod.last_words()
    subprocess.run([KAFKA_SH, "up", "--dir", kafka], check=True, timeout=UP_DEADLINE, stdout=subprocess.DEVNULL)
    made = eventually(lambda: manager.BiobankService.CreateBiobank(biobank(organization, "after")))
    assert made.name.endswith("/after")


def test_all_end_in_time(cluster):
    started = time.monotonic()
    for pod in cluster.pods.values():
        pod.terminate(signal.SIGTERM)
    for pod in cluster.pods.values():
        left = started + pod.spec["terminationGracePeriodSeconds"] - time.monotonic()
        assert pod.wait(left) == 0, pod.last_words()
