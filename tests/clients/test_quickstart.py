"""The quick start as somebody runs it who stays: it serves until it is stopped, and each line that it prints works."""
import json
import os
import re
import subprocess

import stubs
from server import DEADLINE


class QuickStart:
    """A run of the script on what is built already, with a home folder of its own."""

    def __init__(self, binaries, folder):
        self.data = folder / "data"
        environment = os.environ | {"TRIALOG_PRESET": binaries.parent.name, "HOME": str(folder)}
        self._run = {"cwd": stubs.REPOSITORY, "env": environment, "text": True}

    def __enter__(self):
        self.process = subprocess.Popen(
            ["scripts/quickstart.sh", "--empty", "--data", self.data, "--port", "0"],
            stdout=subprocess.PIPE,
            **self._run,
        )
        self.printed = ""
        for line in self.process.stdout:
            self.printed += line
            if line.startswith("Other languages"):
                return self
        raise AssertionError(self.printed)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(DEADLINE)

    def do_as_it_says(self):
        """What the printed lines print, one after the other in one shell."""
        lines = re.findall(r"^  (\S.*)$", self.printed, flags=re.MULTILINE)
        assert len(lines) >= 3
        script = "set -e\n" + "\n".join(lines)
        return subprocess.run(
            ["bash", "-c", script], capture_output=True, timeout=DEADLINE, check=True, **self._run
        ).stdout


def test_empty_quick_start_serves_until_it_is_stopped_and_goes_on_in_the_same_folder(binaries, tmp_path):
    for _ in range(2):
        with QuickStart(binaries, tmp_path) as started:
            credentials = started.data / "keys" / "administrator.json"
            assert credentials.stat().st_mode & 0o777 == 0o600
            answers = started.do_as_it_says()
            assert answers.startswith("Signed in as organizations/demo/users/")
            assert '"username": "administrator"' in answers
            assert not (started.data / "demo.json").exists()
            said = json.loads(credentials.read_text(encoding="ascii"))
            assert said["password"] not in started.printed + answers
        assert started.process.returncode != 0  # Stopped, not ended.
