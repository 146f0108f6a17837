"""The operator's tool: sign in, tokens, verification of a running server, and what it says when something is wrong."""
import json
import os
import re
import subprocess

import pytest

import tls
from client import SERVICES, Caller
from organization import Organization, new_password
from server import DEADLINE, Server, write_secret
from test_serving import eventually
from trialog.audit.v1 import service_pb2
from trialog.auth.v1 import auth_pb2, user_pb2


class Tool:
    """trialogctl as one operator runs it: with a home of their own."""

    def __init__(self, binaries, home):
        self._program = binaries / "trialogctl"
        self.home = home
        self.saved = home / "trialog" / "token"

    def run(self, *arguments, **variables):
        """(exit status, standard output, standard error)."""
        done = subprocess.run(
            [self._program, *map(str, arguments)],
            env=dict(os.environ) | {"XDG_CONFIG_HOME": str(self.home)} | variables,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def must(self, *arguments, **variables):
        """Standard output of a run that succeeds."""
        code, out, err = self.run(*arguments, **variables)
        assert code == 0, err
        return out

    def fails(self, *arguments, **variables):
        """What a run that fails says."""
        code, _, err = self.run(*arguments, **variables)
        assert code == 1, err
        return err


@pytest.fixture
def tool(binaries, tmp_path):
    return Tool(binaries, tmp_path / "home")


@pytest.fixture(scope="module")
def audited(make_module_server):
    """An organisation on a server of its own, with entries, and its auditor's sign-in."""
    organization = Organization(make_module_server)
    password = new_password()
    auditor = organization.join("auditor", "AUDITOR", user=user_pb2.User(username="auditor"), password=password)
    for number in range(5):
        organization.join(f"person-{number}", "ANALYST")
    return organization, auditor, password


@pytest.fixture(scope="module")
def make_module_server(binaries, tmp_path_factory):
    server = Server(binaries, tmp_path_factory.mktemp("verified")).start()
    yield server
    server.stop()


def login(tool, organization, username, password):
    file = tool.home.parent / "password"
    write_secret(file, password + "\n")
    return tool.must(
        "login", "--server", organization.server.target, "--organization", organization.id,
        "--username", username, "--password_file", file,
    )  # fmt: skip


def who(target, token):
    return Caller(target, token).AuthService.WhoAmI(auth_pb2.WhoAmIRequest()).identity.user.name


def test_login_keeps_a_session_whose_token_is_reused_and_renewed(tool, organization):
    password = new_password()
    person = organization.join("operator", "ANALYST", user=user_pb2.User(username="operator"), password=password)
    assert f"Signed in as {person.name}" in login(tool, organization, "operator", password)
    assert tool.saved.stat().st_mode & 0o777 == 0o600
    token = tool.must("token").strip()
    assert who(organization.server.target, token) == person.name
    assert tool.must("token").strip() == token, "it has life left"

    saved = json.loads(tool.saved.read_text(encoding="ascii"))
    saved["access_token_expires"] = 0
    write_secret(tool.saved, json.dumps(saved))
    renewed = tool.must("token").strip()
    assert renewed != token
    assert who(organization.server.target, renewed) == person.name
    assert tool.must("token").strip() == renewed, "the new one is kept"
    assert json.loads(tool.saved.read_text(encoding="ascii"))["refresh_token"] != saved["refresh_token"]


def test_who_has_not_signed_in_or_signs_in_wrongly_is_told_so(tool, organization):
    assert "trialogctl login" in tool.fails("token")
    file = tool.home.parent / "password"
    write_secret(file, "not the password\n")
    arguments = ["login", "--server", organization.server.target, "--organization", organization.id, "--username", "x"]
    said = tool.fails(*arguments, "--password_file", file)
    assert "name or password" in said.lower() or "sign" in said.lower()
    assert not tool.saved.exists()
    os.chmod(file, 0o644)
    assert "mode 0600" in tool.fails(*arguments, "--password_file", file)
    assert "--organization" in tool.fails("login", "--server", organization.server.target)
    assert "--server" in tool.fails("login")
    assert "--data" in tool.fails("verify") and "--log_key" in tool.fails("verify", "--server", "127.0.0.1:1")
    assert "trialogctl verify" in tool.fails("verfy") and "no flag" in tool.fails("token", "now")


def test_server_that_is_away_is_named(tool, make_server):
    server = make_server()
    organization = Organization(server)
    password = new_password()
    organization.join("operator", "ANALYST", user=user_pb2.User(username="operator"), password=password)
    login(tool, organization, "operator", password)
    server.stop()
    saved = json.loads(tool.saved.read_text(encoding="ascii"))
    write_secret(tool.saved, json.dumps(saved | {"access_token_expires": 0}))
    file = tool.home.parent / "password"
    away = f"no answer from {server.target}: is the server running"
    assert away in tool.fails("token")
    arguments = ["login", "--server", server.target, "--organization", organization.id, "--username", "operator"]
    assert away in tool.fails(*arguments, "--password_file", file)
    assert json.loads(tool.saved.read_text(encoding="ascii"))["refresh_token"] == saved["refresh_token"]


def test_any_method_is_called_with_the_session(tool, organization):
    password = new_password()
    person = organization.join("caller", "ANALYST", user=user_pb2.User(username="caller"), password=password)
    login(tool, organization, "caller", password)
    answer = json.loads(tool.must("call", "trialog.auth.v1.AuthService/WhoAmI"))
    assert answer["identity"]["user"]["name"] == person.name
    listed = tool.must("call", "trialog.analytics.v1.DatasetService/ListDatasets", json.dumps({"parent": organization.name}))
    assert json.loads(listed) == {}
    assert "none of your roles" in tool.fails("call", "trialog.audit.v1.AuditService/GetCheckpoint")
    assert "no method 'AuthService/WhoAmI'" in tool.fails("call", "AuthService/WhoAmI")
    assert "trialog.auth.v1.WhoAmIRequest in JSON" in tool.fails("call", "trialog.auth.v1.AuthService/WhoAmI", '{"x": 1}')
    other = ["call", "--server", "127.0.0.1:1", "trialog.auth.v1.AuthService/WhoAmI"]
    assert "no answer from 127.0.0.1:1" in tool.fails(*other)


# Only Trialog's own services may call this one, whoever asks.
INTERNAL = "trialog.auth.v1.KeyService"


@pytest.mark.parametrize("service", sorted(SERVICES.keys() - {INTERNAL}))
def test_every_service_can_be_called_by_name(tool, server, service):
    method = next(m for m in SERVICES[service].methods if not m.server_streaming or len(SERVICES[service].methods) == 1)
    code, _, said = tool.run("call", "--server", server.target, f"{service}/{method.name}", "{}")
    assert code == 1 and "no method" not in said and "no answer" not in said, said


# verify --server.


def await_checkpoint(auditor, least):
    """Until a signed checkpoint has so many leaves."""

    def large_enough():
        size = auditor.AuditService.GetCheckpoint(service_pb2.GetCheckpointRequest()).tree_size
        return size if size >= least else 0

    return eventually(large_enough)


@pytest.fixture
def verify(tool, audited):
    """Runs verify --server as the auditor, with a checkpoint kept in a file."""
    organization, auditor, password = audited
    login(tool, organization, "auditor", password)
    await_checkpoint(auditor, 10)
    server = organization.server
    kept = tool.home.parent / "kept.checkpoint"
    common = ["verify", "--server", server.target, "--log_key", server.data / "keys" / "audit.pub"]
    return kept, lambda run, *more: run(*common, *more)


def test_running_server_is_verified_and_its_checkpoint_kept(tool, audited, verify):
    organization, auditor, _ = audited
    kept, run = verify
    first = run(tool.must, "--checkpoint", kept, "--entries", "all")
    proven, listed = map(int, re.search(r"All holds: (\d+) of the (\d+) entries", first).groups())
    assert proven == listed >= 5
    before = kept.read_text(encoding="utf-8")
    organization.join("one-more", "ANALYST")
    await_checkpoint(auditor, int(before.splitlines()[1]) + 1)
    second = run(tool.must, "--checkpoint", kept, "--entries", "3")
    assert "continues the one kept" in second and "All holds: 3 of the" in second
    assert int(kept.read_text(encoding="utf-8").splitlines()[1]) > int(before.splitlines()[1])
    assert "All holds: 0 of the" in run(tool.must, "--entries", "0")


def test_another_history_than_the_kept_one_is_found_and_the_evidence_stays(tool, binaries, verify, tmp_path):
    kept, run = verify
    run(tool.must, "--checkpoint", kept)
    note = kept.read_text(encoding="utf-8")
    changed = note.replace(note.splitlines()[2], "A" * 43 + "=")
    kept.write_text(changed, encoding="utf-8")  # Not what the log signed.
    assert "signed this note" in run(tool.fails, "--checkpoint", kept)
    assert kept.read_text(encoding="utf-8") == changed
    other = tmp_path / "other"
    subprocess.run([binaries / "trialogctl", "init", "--data", other], check=True, timeout=DEADLINE)
    said = tool.fails(*run(lambda *arguments: arguments)[:3], "--log_key", other / "keys" / "audit.pub")
    assert "signed this note" in said


def test_verification_needs_the_right_session_and_flags(tool, organization, verify):
    _, run = verify
    assert "--entries" in run(tool.fails, "--entries", "some")
    password = new_password()
    organization.join("curious", "ANALYST", user=user_pb2.User(username="curious"), password=password)
    arguments = run(lambda *given: given)
    login(tool, organization, "curious", password)
    assert "the saved session is of" in tool.fails(*arguments)
    own_server = [*arguments[:2], organization.server.target, *arguments[3:]]
    assert "role" in tool.fails(*own_server).lower()


def test_a_server_that_speaks_tls_and_asks_who_comes(binaries, tmp_path, tool):
    certificate, key = tls.self_signed(tmp_path)
    key.chmod(0o600)
    server = Server(binaries, tmp_path, f"--tls_certificate={certificate}", f"--tls_key={key}", f"--tls_client_roots={certificate}")
    server.launch()
    try:
        secure = {
            "TRIALOGCTL_SERVER_ROOTS": str(certificate),
            "TRIALOGCTL_CLIENT_CERTIFICATE": str(certificate),
            "TRIALOGCTL_CLIENT_KEY": str(key),
        }
        password = tmp_path / "password"
        write_secret(password, new_password() + "\n")
        who = ("--server", server.target, "--organization", "by-tls", "--username", "root", "--password_file", password)
        made = eventually(lambda: (done := tool.run("init", *who, "--data", server.data, **secure))[0] == 0 and done)
        assert "organizations/by-tls" in made[1]
        assert "no answer" in tool.fails("login", *who)  # In the clear.
        (tmp_path / "other").mkdir()
        unknown, its_key = tls.self_signed(tmp_path / "other")
        its_key.chmod(0o600)
        stranger = {"TRIALOGCTL_CLIENT_CERTIFICATE": str(unknown), "TRIALOGCTL_CLIENT_KEY": str(its_key)}
        assert "no answer" in tool.fails("login", *who, **secure | stranger)
        assert "no answer" in tool.fails("login", *who, TRIALOGCTL_SERVER_NAME="elsewhere", **secure)
        assert "or neither" in tool.fails("login", *who, TRIALOGCTL_CLIENT_KEY=str(key))
        tool.must("login", *who, TRIALOGCTL_SERVER_NAME="localhost", **secure)
        told = json.loads(tool.must("call", "trialog.auth.v1.AuthService/WhoAmI", **secure))
        assert told["identity"]["user"]["name"].startswith("organizations/by-tls/users/")
    finally:
        server.stop()
