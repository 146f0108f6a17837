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


class Server:
    """A running server process on a port that the system chose. Its log is `log_file`, beside the data folder."""

    def __init__(self, binaries, folder, *flags, program="trialog-standalone"):
        self.binaries = pathlib.Path(binaries)
        self.data = pathlib.Path(folder) / "data"
        self.log_file = pathlib.Path(folder) / "server.log"
        self.flags = flags
        self.program = program
        self.process = None
        self.target = None
        self.metrics_port = None  # Where --metrics_address gives one.
        make_data_folder(self.data, self.binaries)

    def start(self, clock=None, variables=None):
        """Starts it and waits until every service is healthy; with `clock` ("-10m") it believes in another time.
        `variables` are added to its environment."""
        self.launch(clock, variables)
        with grpc.insecure_channel(self.target) as channel:
            health = health_pb2_grpc.HealthStub(channel)
            answer = health.Check(health_pb2.HealthCheckRequest(), timeout=DEADLINE, wait_for_ready=True)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        return self

    def launch(self, clock=None, variables=None):
        """Starts it and waits until it says on which port it serves."""
        environment = dict(os.environ) | (variables or {})
        if clock:
            library = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))  # scripts/deps.sh test
            environment |= {"LD_PRELOAD": str(library), "FAKETIME": clock, "DONT_FAKE_MONOTONIC": "1"}
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                [self.binaries / self.program, "--data", self.data, "--address", "127.0.0.1:0", *self.flags],
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
            )
        self.target = f"127.0.0.1:{self._port()}"

    def _port(self):
        """The port of the line `serving on port N`."""
        printed = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while selector.select(DEADLINE):
                read = os.read(self.process.stdout.fileno(), 4096)
                printed += read
                if match := re.search(rb"serving on port (\d+)\n", printed):
                    metrics = re.search(rb"metrics on port (\d+)\n", printed)
                    self.metrics_port = int(metrics[1]) if metrics else None
                    return int(match[1])
                if not read:
                    break
        self.kill()
        raise RuntimeError(f"the server did not start: {self.log_file.read_text(errors='replace')[-2000:]}")

    def stop(self):
        """Ends it in order (SIGTERM); a server that ends badly fails the test."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(DEADLINE)
        self.process.stdout.close()
        self.process = None
        assert code == 0, self.log_file.read_text(errors="replace")[-2000:]

    def kill(self):
        """Ends it at once (SIGKILL), as a crash would."""
        if self.process is None:
            return
        self.process.kill()
        self.process.wait(DEADLINE)
        self.process.stdout.close()
        self.process = None

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

    def new_init_token(self):
        """A one-time token for one more organisation, as the operator would lay it down."""
        token = "init-" + secrets.token_urlsafe(24)
        write_secret(self.data / "keys" / "init.token", token + "\n")
        return token
