"""Flags, environment and flagfiles of the programs: what is wrong is refused, with the reason and what to do."""
import os
import re
import socket
import subprocess

import pytest

import stubs
from client import Caller, refused
from server import DEADLINE, make_data_folder
from test_serving import PROGRAMS
from trialog.auth.v1 import auth_pb2


@pytest.fixture
def run(binaries):
    """Runs a program to its end; gives (exit status, standard output, standard error)."""

    def run_program(program, *arguments, **variables):
        done = subprocess.run(
            [binaries / program, *arguments],
            env=dict(os.environ) | variables,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    return run_program


@pytest.fixture
def refusal(run):
    """Runs a program that must refuse to start; gives what it says."""

    def refuse(program, *arguments, **variables):
        code, _, errors = run(program, *arguments, **variables)
        assert code == 1, errors
        return errors

    return refuse


@pytest.mark.parametrize("program", [program for program in PROGRAMS if program != "trialog-standalone"])
def test_a_service_on_kafka_is_reached_by_the_others(refusal, program):
    assert "--kafka_brokers needs --peer_address" in refusal(program, "--address=127.0.0.1:0", "--kafka_brokers=127.0.0.1:1")


@pytest.mark.parametrize("program", [*PROGRAMS, "trialogctl"])
def test_unknown_flags_and_values_of_no_type_are_refused(refusal, program):
    assert "--adress" in refusal(program, "--adress=127.0.0.1:1").replace("'", "--")
    prefix, flag = ("TRIALOGCTL_", "--entries=") if program == "trialogctl" else ("TRIALOG_", "--drain=soon")
    if program != "trialogctl":
        assert "drain" in refusal(program, flag)
    said = refusal(program, **{f"{prefix}ADRESS": "127.0.0.1:1"})
    assert f"{prefix}ADRESS" in said and "unset it" in said


@pytest.mark.parametrize("program", PROGRAMS[:2])
def test_every_bad_value_is_named_at_once(refusal, program):
    bad = {
        "drain": "-5s", "keepalive_time": "1ms", "keepalive_timeout": "2h", "min_ping_interval": "0",
        "max_calls": "0", "max_streams": "-1", "max_streams_per_connection": "0", "log_calls": "some", "data": "",
        "tls_key": "nowhere.pem", "peer_reload": "0",
    }  # fmt: skip
    said = refusal(program, *(f"--{flag}={value}" for flag, value in bad.items()), "left-over")
    for flag in [*bad, "tls_certificate"]:
        assert f"--{flag}=" in said or flag == "tls_key", (flag, said)
    assert "left-over" in said and "must be from 0 to 1h" in said and "faults, errors or all" in said


def test_value_from_the_environment_is_refused_by_its_name(refusal):
    said = refusal("trialog-standalone", TRIALOG_DRAIN="soon")
    assert "TRIALOG_DRAIN" in said and "soon" in said
    said = refusal("trialog-standalone", TRIALOG_MAX_CALLS="0")
    assert "--max_calls=0: must be from 1" in said


def test_command_line_counts_before_environment_before_flagfile(make_server, tmp_path):
    everywhere = tmp_path / "everywhere.flags"
    everywhere.write_text("# What all of ours have.\n--metrics_address=0\n--log_calls=errors\n", encoding="ascii")
    variables = {"TRIALOG_FLAGFILE": str(everywhere)}

    def logged_calls(server):
        with refused("UNAUTHENTICATED", "TOKEN_MISSING"):
            Caller(server.target).AuthService.WhoAmI(auth_pb2.WhoAmIRequest())
        server.stop()
        return [line for line in server.log_lines() if line["event"] == "call"]

    server = make_server(variables=variables | {"TRIALOG_LOG_CALLS": "faults"})
    assert server.metrics_port, "the flagfile's"
    assert logged_calls(server) == [], "the environment's"
    assert logged_calls(make_server("--log_calls=errors", variables={"TRIALOG_LOG_CALLS": "faults"})), "the command line's"

    named = make_server(f"--flagfile={everywhere}", "--metrics_address=")
    assert named.metrics_port is None, "the later of two on the command line"


def test_missing_flagfile_is_refused(refusal, tmp_path):
    assert "none.flags" in refusal("trialog-standalone", f"--flagfile={tmp_path}/none.flags")


@pytest.mark.parametrize("program", PROGRAMS)
def test_folder_without_keys_is_refused_with_what_to_do(refusal, program, tmp_path):
    said = refusal(program, f"--data={tmp_path}/nothing")
    assert "NOT_INITIALISED" in said and f"trialogctl init --data {tmp_path}/nothing" in said


@pytest.mark.parametrize("program", PROGRAMS[:2])
def test_addresses_that_cannot_be_are_refused(refusal, binaries, program, tmp_path):
    make_data_folder(tmp_path / "data", binaries)
    data = f"--data={tmp_path}/data"
    said = refusal(program, data, "--address=0.0.0.0:0")
    assert "INSECURE_ADDRESS" in said and "--tls_certificate" in said
    assert "METRICS_ADDRESS" in refusal(program, data, "--address=127.0.0.1:0", "--metrics_address=here")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert "ADDRESS_IN_USE" in refusal(program, data, f"--address=127.0.0.1:{port}")
        assert "ADDRESS_IN_USE" in refusal(program, data, "--address=127.0.0.1:0", f"--metrics_address={port}")


def flags_of(run, program):
    _, out, err = run(program, "--help")
    return set(re.findall(r"^\s+--(\w+) \(", out + err, re.M))


def test_operations_page_says_what_every_flag_is(run):
    text = (stubs.REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `--(\w+)`", text, re.M))
    for program in PROGRAMS:
        assert flags_of(run, program) == documented, program


def test_help_of_trialogctl_says_what_every_command_and_flag_is(run):
    code, text, _ = run("trialogctl", "help")
    assert code == 0
    commands = set(re.findall(r"^  trialogctl ([\w-]+)", text, re.M)) - {"help"}
    assert commands == {"init", "login", "token", "call", "verify", "topics", "owners", "lag", "rebuild", "snapshot", "skip", "backup", "restore", "import-log", "demo"}
    assert flags_of(run, "trialogctl") == set(re.findall(r"--(\w+)", text)) - {"help", "flagfile"}
    for command in commands:
        code, one, _ = run("trialogctl", "help", command)
        assert code == 0 and one.startswith(f"  trialogctl {command}") and one in text
