"""The five services as processes of their own on one Kafka, as many replicas of each as a test wants."""
import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import socket
import subprocess

from server import DEADLINE, Server, make_data_folder, write_secret

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
KAFKA_SH = REPOSITORY / "deploy" / "kafka" / "kafka.sh"
CERTIFICATES_SH = REPOSITORY / "deploy" / "peers" / "certificates.sh"
SERVICES = ("auth", "inventory", "trials", "analytics", "audit")
UP_DEADLINE = 300


class Kafka:
    """Brokers that kafka.sh starts, in the clear."""

    def __init__(self, folder, count=1):
        self.folder, self.count = folder, count
        command = [KAFKA_SH, "up", str(count), "--dir", folder, "--port", "0"]
        self.brokers = subprocess.run(command, check=True, timeout=UP_DEADLINE, stdout=subprocess.PIPE, text=True).stdout.strip()

    def kill(self, number):
        """Kills a broker that was started here."""
        self.signal(number, signal.SIGKILL)

    def signal(self, number, what):
        """Sends a signal to a broker that was started here."""
        os.kill(int((self.folder / f"node{number}" / "pid").read_text()), what)

    def start(self, number):
        """Starts a broker again."""
        subprocess.run([KAFKA_SH, "start", str(number), "--dir", self.folder], check=True, timeout=UP_DEADLINE)

    def partitions(self, prefix):
        """{(topic, partition): (leader, brokers in sync)} of the topics whose names begin so, as any broker says."""
        said = subprocess.run(["kcat", "-b", self.brokers, "-L", "-J"], check=True, timeout=UP_DEADLINE, stdout=subprocess.PIPE)
        return {
            (topic["topic"], partition["partition"]): (partition["leader"], len(partition["isrs"]))
            for topic in json.loads(said.stdout)["topics"]
            if topic["topic"].startswith(prefix)
            for partition in topic["partitions"]
        }

    def down(self, at_once=False):
        """Stops what was started, and nothing else; in order, or at once."""
        for number in range(1, self.count + 1) if at_once else ():
            with contextlib.suppress(ProcessLookupError):  # Killed before.
                self.kill(number)
        subprocess.run([KAFKA_SH, "down", "--forget", "--dir", self.folder], check=True, timeout=UP_DEADLINE)


def kept_port():
    """A socket that keeps a port for a replica's peers, through its restarts, while the socket is open: bound, never listening, the
    system gives the port to no other, and a server may listen there, as both allow the address to be used again."""
    keeper = socket.socket()
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    keeper.bind(("127.0.0.1", 0))
    return keeper


class Replica(Server):
    """One process of one service, with a data folder of its own and the site's keys in it."""

    def __init__(self, fleet, service, number):
        folder = fleet.folder / f"{service}-{number}"
        folder.mkdir()
        self.service = service
        self.binaries = fleet.binaries
        self.data = folder / "data"
        self.data.mkdir()
        shutil.copytree(fleet.keys, self.data / "keys")
        self.log_file = folder / "server.log"
        self.program = f"trialog-{service}"
        self.process = self.target = self.metrics_port = None
        self._printed = b""
        self._peer_port = kept_port()
        self.peer = f"127.0.0.1:{self._peer_port.getsockname()[1]}"
        self.log_flags = fleet.kafka_flags
        self.flags = (
            *("--metrics_address", "0", "--peer_address", self.peer),
            *("--peer_roots", fleet.peers / "roots.pem"),
            *("--peer_certificate", fleet.peers / f"{service}.pem", "--peer_key", fleet.peers / f"{service}.key"),
            *("--trials_peer", fleet.trials_peer if service == "analytics" else ""),
            *(("--blobs", fleet.folder / "blobs") if service == "analytics" else ()),
            *(("--member", f"{service}-{number}") if fleet.named else ()),
            *fleet.flags,
        )

    def owned(self):
        """How many partitions it owns."""
        lines = (line for line in self.metrics().splitlines() if line.startswith("trialog_partitions_owned{"))
        return sum(int(float(line.split()[-1])) for line in lines)


class Fleet:
    """All processes of a site. `replicas`: how many of a service, one where it is not said; 0 leaves it out. `named`: each is known
    to its group by a name that it keeps, as it is deployed; else it joins as somebody new. `site`: a
    data folder whose keys it goes on with; `prefix`: that of topics that are there; both made anew by default."""

    def __init__(self, folder, binaries, kafka, *flags, named=True, site=None, prefix=None, **replicas):
        self.folder, self.binaries, self.flags, self.named = folder, binaries, flags, named
        self.peers = folder / "peers"
        subprocess.run([CERTIFICATES_SH, self.peers], check=True, timeout=DEADLINE)
        if site is None:
            make_data_folder(folder / "site", binaries)
        self.keys = (site or folder / "site") / "keys"
        self.prefix = prefix or f"f{secrets.token_hex(6)}."
        copies = ("--kafka_replicas", str(kafka.count))
        self.kafka_flags = ("--kafka_brokers", kafka.brokers, *copies, "--kafka_topic_prefix", self.prefix)
        create = [binaries / "trialogctl", "topics", "create", *self.kafka_flags]
        subprocess.run(create, check=True, timeout=DEADLINE, stdout=subprocess.DEVNULL)
        self.trials_peer = ""
        self.replicas = {}
        for service in sorted(SERVICES, key=lambda name: name == "analytics"):  # It is told where trials is.
            self.replicas[service] = [Replica(self, service, i) for i in range(replicas.get(service, 1))]
            if service == "trials" and self.replicas[service]:
                self.trials_peer = self.replicas[service][0].peer

    def start(self):
        """Starts every process; each of them has caught up then."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(Replica.start, self.all()))
        return self

    def all(self):
        """Every process."""
        return [replica for service in SERVICES for replica in self.replicas[service]]

    @property
    def target(self):
        """Where each service is: its first replica that runs."""
        return {replica.service: replica.target for replica in reversed(self.all()) if replica.alive()}

    def target_with(self, replica):
        """The same, with this replica of its service."""
        return self.target | {replica.service: replica.target}

    def new_init_token(self):
        """A one-time token for one more organisation, laid down for every replica of auth."""
        token = "init-" + secrets.token_urlsafe(24)
        for replica in self.replicas["auth"]:
            write_secret(replica.data / "keys" / "init.token", token + "\n")
        return token

    def owner(self, service):
        """The replica that owns most partitions of the service."""
        return max((r for r in self.replicas[service] if r.alive()), key=lambda r: r.owned())

    def owners(self, service):
        """The replica that owns each partition, None where none does, as the log says."""
        command = [self.binaries / "trialogctl", "owners", service, *self.kafka_flags]
        said = subprocess.run(command, check=True, timeout=DEADLINE, stdout=subprocess.PIPE, text=True).stdout
        by_peer = {replica.peer: replica for replica in self.replicas[service]}
        found = re.findall(r"^\S+ (\d+): (\S+), term", said, re.M)
        return {int(partition): by_peer.get(address) for partition, address in found}

    def verify(self, folder):
        """What `trialogctl verify` says of the first replicas of all services, stopped, with their stores in one folder."""
        for service in SERVICES:
            for replica in self.replicas[service]:
                replica.stop()
            for replica in self.replicas[service][:1]:
                shutil.copytree(replica.data, folder, dirs_exist_ok=True)
        command = [self.binaries / "trialogctl", "verify", "--data", folder, *self.kafka_flags]
        return subprocess.run(command, check=False, timeout=2 * DEADLINE, capture_output=True, text=True)

    def kill(self):
        """Ends all at once."""
        for replica in self.all():
            replica.kill()
