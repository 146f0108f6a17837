"""A trialog-standalone of our own: its data folder, its process, its end."""
import json
import os
import pathlib
import re
import secrets
import selectors
import signal
import subprocess
import urllib.request

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

# Longest wait for anything that takes milliseconds on an idle machine; reached only when something is broken.
DEADLINE = 60


def write_secret(path, text):
    """Writes a file of mode 0600."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write(text)


def make_data_folder(folder, binaries):
    """Makes what a server needs before its first start."""
    subprocess.run([binaries / "trialogctl", "init", "--data", folder], check=True, timeout=DEADLINE)


# The standalone whose clock may be told to be wrong (tests/fault/standalone_server.cc).
AT_ANOTHER_TIME = "fault_standalone"


class EndedEarly(Exception):
    """The process ended, or said nothing, before what was waited for."""


class Server:
    """A running server process on a port that the system chose. Its log is `log_file`, beside the data folder."""

    standalone = "trialog-standalone"
    stdin = None  # That of the tests.
    kafka = None  # Addresses of brokers: the log of each server is there, in topics of its own, instead of in its folder.

    def __init__(self, binaries, folder, *flags, program=standalone):
        self.binaries = pathlib.Path(binaries)
        self.data = pathlib.Path(folder) / "data"
        self.log_file = pathlib.Path(folder) / "server.log"
        self.flags = flags
        self.program = program
        self.process = None
        self.target = None
        self.metrics_port = None  # Where --metrics_address gives one.
        self._printed = b""
        make_data_folder(self.data, self.binaries)
        # One service alone is whole on Kafka only beside the others: tests/kafka.
        self.log_flags = self._make_topics() if self.kafka and program == Server.standalone else ()

    def _make_topics(self):
        flags = ("--kafka_brokers", self.kafka, "--kafka_replicas", "1", "--kafka_topic_prefix", f"t{secrets.token_hex(6)}.")
        create = [self.binaries / "trialogctl", "topics", "create", *flags]
        subprocess.run(create, check=True, timeout=DEADLINE, stdout=subprocess.DEVNULL)
        return flags

    def start(self, clock=None, flags=(), variables=None):
        """Starts it and waits until every service is healthy; with `clock` ("-10m") it believes in another time.
        `flags` and `variables` are added to its command line and environment."""
        self.launch(clock, flags, variables)
        with grpc.insecure_channel(self.target) as channel:
            health = health_pb2_grpc.HealthStub(channel)
            answer = health.Check(health_pb2.HealthCheckRequest(), timeout=DEADLINE, wait_for_ready=True)
        if answer.status != health_pb2.HealthCheckResponse.SERVING:
            raise EndedEarly(self.last_words())
        return self

    def launch(self, clock=None, flags=(), variables=None):
        """Starts it and waits until it says on which port it serves."""
        self._spawn(clock, flags, variables)
        self.target = f"127.0.0.1:{self._port()}"

    def start_and_kill(self, seconds):
        """Starts it and kills it so much later, wherever it is by then."""
        self._spawn()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        else:
            raise AssertionError(self.last_words())

    def _spawn(self, clock=None, flags=(), variables=None):
        self._printed = b""
        environment = os.environ | (variables or {})
        program = AT_ANOTHER_TIME if clock else self.program
        # The brokers' clock cannot be told to be wrong; who believes in another time has an embedded log.
        where = ("--clock_shift", clock) if clock else self.log_flags
        flags = (*self.flags, *where, *flags)
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                [self.binaries / program, "--data", self.data, "--address", "127.0.0.1:0", *flags],
                stdin=self.stdin,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
            )

    def _port(self):
        """The port of the line `serving on port N`; a line `metrics on port N` may stand before it."""
        serving = self.await_output(rb"(?:metrics on port (\d+)\n)?serving on port (\d+)\n")
        self.metrics_port = int(serving[1]) if serving[1] else None
        return int(serving[2])

    def await_output(self, pattern):
        """The first match of `pattern` in what it prints after the last one."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while not (match := re.search(pattern, self._printed)):
                read = os.read(self.process.stdout.fileno(), 4096) if selector.select(DEADLINE) else b""
                self._printed += read
                if not read:
                    self.kill()
                    raise EndedEarly(f"the server printed {self._printed} and no {pattern}: {self.last_words()}")
        self._printed = self._printed[match.end() :]
        return match

    def last_words(self):
        """The end of its log."""
        return self.log_file.read_text(errors="replace")[-2000:]

    def stop(self):
        """Ends it in order (SIGTERM); a server that ends badly fails the test."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(DEADLINE)
        self.process.stdout.close()
        self.process = None
        assert code == 0, self.last_words()

    def kill(self):
        """Ends it at once (SIGKILL), as a crash would."""
        if self.process is None:
            return
        self.process.kill()
        self.process.wait(DEADLINE)
        self.process.stdout.close()
        self.process = None

    def order(self, *words):
        """Has the program do something, and waits until it does; only with `stdin` a pipe, as of fault_standalone."""
        self.process.stdin.write(" ".join(map(str, words)).encode() + b"\n")
        self.process.stdin.flush()
        self.await_output(rb"done\n")

    def metrics(self):
        """The page that Prometheus reads; only with --metrics_address."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=DEADLINE) as page:
            return page.read().decode("utf-8")

    def log_lines(self):
        """The event log, line by line; each must be a JSON object."""
        return [json.loads(line) for line in self.log_file.read_text(encoding="utf-8").splitlines()]

    def alive(self):
        """Whether the process that was started still runs."""
        return self.process is not None and self.process.poll() is None

    def verify(self, *flags):
        """What `trialogctl verify` says of the data folder of a server that was stopped; anything bad fails the test."""
        result = subprocess.run(
            [self.binaries / "trialogctl", "verify", "--data", self.data, *self.log_flags, *flags],
            capture_output=True,
            text=True,
            timeout=2 * DEADLINE,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def new_init_token(self):
        """A one-time token for one more organisation, as the operator would lay it down."""
        token = "init-" + secrets.token_urlsafe(24)
        write_secret(self.data / "keys" / "init.token", token + "\n")
        return token
