"""The quick start on Kafka as somebody runs it who stays: the consumer that goes on running prints what happens."""
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import uuid

from fleet import UP_DEADLINE
from server import DEADLINE

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def test_the_running_consumer_prints_new_notices(binaries, tmp_path):
    environment = os.environ | {"TRIALOG_PRESET": binaries.parent.name, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    data = tmp_path / "data"

    def tool(*arguments):
        command = [binaries / "trialogctl", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=DEADLINE, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextlib.contextmanager
    def started():
        command = ["scripts/quickstart.sh", "--kafka", "--data", data]
        running = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            printed = ""
            while "New notices are printed here" not in printed:
                line = running.stdout.readline()
                assert line, printed
                printed += line
            assert re.search(r"\d+ notices on trialog.trials.events", printed), printed
            yield running, re.search(r"Trialog serves on (\S+);", printed)[1]
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(UP_DEADLINE)
            running.stdout.close()

    with started() as (running, address):
        tool("login", "--server", address, "--credentials", data / "keys" / "demo-people.json", "--username", "provider-1")
        listed = tool("call", "trialog.trials.v1.PatientService/ListPatients", json.dumps({"parent": "organizations/demo", "page_size": 1}))
        patient = json.loads(listed)["patients"][0]
        message = {
            "parent": f"organizations/demo/threads/{uuid.uuid4()}",
            "recipients": [patient["user"]],
            "message": {"body": "made-up text"},
        }
        tool("call", "trialog.trials.v1.MessagingService/SendMessage", json.dumps(message))
        while not (line := running.stdout.readline()).startswith("notice: "):
            assert line, "it ended"
        assert line.startswith(f"notice: {patient['user']}/notifications/"), line
    with started():  # With the same command, on what is there.
        pass
