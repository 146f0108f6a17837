"""README's first queries work as they stand, but for the address and the organisation of the test's server."""
import json
import os
import re
import subprocess
import sys

import pytest

import stubs
from client import SERVICES
from organization import new_password
from server import DEADLINE, write_secret
from test_grpcurl import GRPCURL
from test_trialogctl import Tool, login
from trialog.auth.v1 import user_pb2

TEXT = (stubs.REPOSITORY / "README.md").read_text(encoding="utf-8")
_, _, QUERIES = TEXT.partition("## First queries")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", QUERIES, re.M | re.S)


@pytest.fixture
def adapted(binaries, organization, tmp_path):
    """Replaces what is another in this test: paths, address, organisation; and the environment of who signed in."""
    password = new_password()
    username = f"reader-{tmp_path.name}"
    reader = organization.join(username, "ANALYST", user=user_pb2.User(username=username), password=password)
    organization.grant(reader, "SYSTEM_ADMINISTRATOR")
    tool = Tool(binaries, tmp_path / "home")
    login(tool, organization, username, password)
    credentials = {"organization": organization.id, "username": username, "password": password}
    write_secret(tmp_path / "administrator.json", json.dumps(credentials))
    folder = tmp_path / "bin"
    folder.mkdir()
    os.symlink(GRPCURL, folder / "grpcurl")
    environment = dict(os.environ) | {
        "XDG_CONFIG_HOME": str(tool.home),
        "TOKEN": tool.must("token").strip(),
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
    }

    def adapt(text):
        for written, here in {
            "build/run/bin": str(binaries),
            "127.0.0.1:50051": organization.server.target,
            "organizations/demo": organization.name,
            "data/keys/administrator.json": str(tmp_path / "administrator.json"),
        }.items():
            text = text.replace(written, here)
        return text

    return adapt, environment, reader


def run(command, environment):
    done = subprocess.run(
        command, cwd=stubs.REPOSITORY, env=environment, capture_output=True, text=True, timeout=DEADLINE, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_are_queries_by_tool_for_a_clinician_by_grpcurl_and_by_python():
    assert [language for language, _ in BLOCKS] == ["", "", "", "python"]


# The clinician's are of a loaded demo: test_demo_people.py.
@pytest.mark.parametrize("block", [0, 2])
def test_every_command_line_works(adapted, block):
    adapt, environment, reader = adapted
    out = run(["bash", "-eu", "-c", adapt(BLOCKS[block][1])], environment)
    assert reader.name in out


def test_python_query_works(adapted):
    adapt, environment, reader = adapted
    environment.pop("PYTHONPATH", None)
    assert reader.name in run([sys.executable, "-c", adapt(BLOCKS[3][1])], environment)


def test_every_page_and_method_it_names_exists():
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert target.startswith("https://") or (stubs.REPOSITORY / target).exists(), target
    methods = {f"{service.full_name}/{method.name}" for service in SERVICES.values() for method in service.methods}
    named = set(re.findall(r"trialog\.\w+\.v1\.\w+/\w+", TEXT))
    assert named and named <= methods
