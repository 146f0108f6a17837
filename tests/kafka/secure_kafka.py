"""A Kafka that kafka.sh made secure, and kcat as any of its users, or as nobody."""
import os
import pathlib
import re
import selectors
import subprocess
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
KAFKA_SH = REPOSITORY / "deploy" / "kafka" / "kafka.sh"

# Longest wait for anything that takes seconds on an idle machine; reached only when something is broken.
DEADLINE = 60
# The same for a start, which fetches the jars if they are not there, and runs a Java program for each line of the list.
UP_DEADLINE = 300

REFUSED = "Broker: Topic authorization failed"


class SecureKafka:
    """Its folder, its addresses, what its users may do."""

    def __init__(self, folder):
        self.folder = folder
        self.brokers = None

    def up(self, *flags):
        """Starts it, and knows its addresses; does nothing more where it already runs."""
        command = [KAFKA_SH, "up", "1", "--secure", "--dir", self.folder, "--port", "0", *flags]
        printed = subprocess.run(command, check=True, timeout=UP_DEADLINE, stdout=subprocess.PIPE, text=True).stdout
        self.brokers = printed.strip()
        return self

    def down(self):
        """Stops what `up` started, and nothing else."""
        subprocess.run([KAFKA_SH, "down", "--forget", "--dir", self.folder], check=True, timeout=DEADLINE)

    @property
    def roots(self):
        """Whom the brokers are verified against."""
        return self.folder / "tls" / "ca.pem"

    def settings(self, user):
        """kcat's settings as that user."""
        return ["-F", self.folder / "clients" / user]

    def flags(self, user):
        """The flags of our own programs as that user."""
        return (
            *("--kafka_brokers", self.brokers, "--kafka_replicas", "1", "--kafka_roots", self.roots),
            *("--kafka_user", user, "--kafka_password_file", self.folder / "users" / user),
        )

    def kcat(self, settings, *arguments, stdin=""):
        """What kcat says, all of it."""
        command = ["kcat", *settings, "-X", f"bootstrap.servers={self.brokers}", *arguments]
        result = subprocess.run(
            command,
            input=stdin.encode(),
            timeout=DEADLINE,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        return result.returncode, result.stdout.decode(errors="replace")

    def tool(self, name, *arguments):
        """What one of Kafka's own tools prints, run as the one who may do all."""
        script = KAFKA_SH.with_name("secure.sh").read_text(encoding="utf-8")
        version = re.search(r"^secure_version=(\S+)", script, re.M)[1]
        libraries = os.environ.get("KAFKA_LIBS", REPOSITORY / ".deps" / f"kafka-{version}")
        return subprocess.run(
            ["java", "-Xmx64m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp", f"{libraries}/*", name]
            + ["--bootstrap-server", self.brokers, "--command-config", self.folder / "admin.properties", *arguments],
            check=True,
            timeout=DEADLINE,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout

    def read(self, user, topic):
        """What that user reads of a topic from its beginning to its end."""
        return self.kcat(self.settings(user), "-C", "-t", topic, "-o", "beginning", "-e", "-f", "%p %o %S\n")

    def write(self, user, topic, text="a line\n"):
        """What becomes of that user's attempt to write, with a key, which compacted topics ask for."""
        return self.kcat(self.settings(user), "-P", "-t", topic, "-p", "0", "-k", "a key", stdin=text)

    def describe(self, user, topic):
        """What that user learns of a topic."""
        return self.kcat(self.settings(user), "-L", "-t", topic, "-m", str(DEADLINE // 2))[1]

    def refusal(self, settings, reason):
        """Connects with those settings until kcat says why it cannot, which must be for that reason. It would go on trying."""
        command = ["kcat", *settings, "-b", self.brokers, "-L", "-m", str(DEADLINE)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said, until = b"", time.monotonic() + DEADLINE
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(process.stdout, selectors.EVENT_READ)
                while not re.search(reason.encode(), said) and selector.select(max(0, until - time.monotonic())):
                    read = os.read(process.stdout.fileno(), 4096)
                    if not read:
                        break
                    said += read
        finally:
            process.kill()
            process.wait(DEADLINE)
            process.stdout.close()
        assert re.search(reason.encode(), said), said.decode(errors="replace")
        assert b"brokers:" not in said, said.decode(errors="replace")
