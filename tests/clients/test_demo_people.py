"""Who the demo leaves behind: everyone signs in with the file that it writes, and the lines that the quick start prints work."""
import json
import os
import random
import subprocess

import pytest

import stubs
from demo_runs import Demo, trial_rows, write_trial
from organization import role
from server import DEADLINE
from test_trialogctl import Tool
from trialog.auth.v1 import auth_pb2
from trialog.trials.v1 import patient_pb2

STAFF = {
    "coordinator": "COORDINATOR",
    "investigator": "INVESTIGATOR",
    "researcher": "TRIAL_RESEARCHER",
    "second-researcher": "TRIAL_RESEARCHER",
    "biobank-manager": "BIOBANK_MANAGER",
    "technician": "LAB_TECHNICIAN",
    "statistician": "ANALYST",
    "colleague": "ANALYST",
    "custodian": "DATA_CUSTODIAN",
    "auditor": "AUDITOR",
    "provider-1": "PROVIDER",
    "provider-2": "PROVIDER",
}
PATIENTS = 12


@pytest.fixture(scope="module")
def loaded(server, tmp_path_factory):
    """A demo that ran, and what it printed."""
    folder = tmp_path_factory.mktemp("demo-people")
    rows = trial_rows(random.Random(7), PATIENTS, inst=lambda number: 1 + number % 2)
    demo = Demo(server, folder, write_trial(folder / "trial.csv", rows), "demo")
    return demo, demo.run()


def people_of(demo):
    return json.loads((demo.folder / "demo-people.json").read_text(encoding="ascii"))


def test_file_of_its_people_is_the_readers_alone_and_said_where(loaded):
    demo, printed = loaded
    file = demo.folder / "demo-people.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert f"the demo's people, with their passwords: {file}\n" in printed


def test_everyone_in_the_file_signs_in_with_the_role_it_says(loaded):
    demo, _ = loaded
    people = people_of(demo)
    assert people["organization"] == demo.organization.id
    patients = {f"patient-{number}": "PARTICIPANT" for number in range(1, PATIENTS + 1)}
    assert {each["username"]: each["role"] for each in people["people"]} == {
        name: f"ROLE_{given}" for name, given in (STAFF | patients).items()
    }
    for each in people["people"]:
        person = demo.organization.sign_in(each["password"], username=each["username"])
        identity = person.AuthService.WhoAmI(auth_pb2.WhoAmIRequest()).identity
        assert identity.user.name == f"{demo.organization.name}/users/{each['username']}"
        assert role(each["role"].removeprefix("ROLE_")) in {grant.role for grant in identity.grants}
        if each["username"] in patients:
            assert identity.patient == f"{demo.organization.name}/patients/{each['username']}"


def test_file_that_was_lost_is_written_again_by_the_next_run(loaded):
    demo, _ = loaded
    before = people_of(demo)
    (demo.folder / "demo-people.json").unlink()
    assert demo.run().startswith("already loaded\n")
    assert people_of(demo) == before


def next_steps(*arguments):
    """What the quick start prints of how to go on."""
    script = stubs.REPOSITORY / "scripts" / "next_steps.sh"
    return subprocess.run([script, *arguments], capture_output=True, text=True, timeout=DEADLINE, check=True).stdout


def lines_of(printed):
    """The commands in it."""
    return [line.strip() for line in printed.splitlines() if line.startswith("  ")]


@pytest.fixture
def run_next_steps(loaded, binaries, tmp_path):
    """Runs the lines that the quick start prints of a folder with these of the demo's files; what they print."""
    demo, _ = loaded

    def run(*files):
        data = tmp_path / "data"
        (data / "keys").mkdir(parents=True)
        (data / "keys" / "administrator.json").symlink_to(demo.folder / "credentials")
        for file in files:
            (data / "keys" / file).symlink_to(demo.folder / file)
        printed = next_steps(binaries, demo.organization.server.target, data, demo.organization.id)
        done = subprocess.run(
            ["bash", "-eu", "-c", "\n".join(lines_of(printed))],
            cwd=stubs.REPOSITORY,
            env=os.environ | {"XDG_CONFIG_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return printed, done.stdout

    return run


def test_lines_that_the_quick_start_prints_show_a_clinician_their_patients(loaded, run_next_steps):
    demo, _ = loaded
    printed, answers = run_next_steps("demo-people.json")
    assert "data/keys/demo-people.json (only you can read it)" in printed
    assert f"Signed in as {demo.organization.administrator.name}." in answers
    assert f"Signed in as {demo.organization.name}/users/provider-1." in answers
    clinician = demo.organization.sign_in(password_of(demo, "provider-1"), username="provider-1")
    request = patient_pb2.ListPatientsRequest(parent=demo.organization.name, page_size=5)
    patients = clinician.PatientService.ListPatients(request).patients
    assert len(patients) == 5
    assert all(f'"{patient.name}"' in answers and patient.display_name in answers for patient in patients)


def test_lines_that_the_quick_start_prints_without_a_demo_work_too(loaded, run_next_steps):
    demo, _ = loaded
    printed, answers = run_next_steps()
    assert "demo-people" not in printed
    assert answers.count("Signed in as") == 1


def test_readme_gives_the_same_lines(tmp_path):
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "demo-people.json").touch()
    printed = next_steps("build/run/bin", "127.0.0.1:50051", tmp_path, "demo").replace(str(tmp_path), "data")
    readme = (stubs.REPOSITORY / "README.md").read_text(encoding="utf-8").splitlines()
    told = [line for line in readme if line.startswith("build/run/bin/trialogctl")]
    assert len(told) == 5
    assert told == [line for line in lines_of(printed) if line.startswith("build/run/bin/trialogctl")]


def password_of(demo, username):
    return next(each["password"] for each in people_of(demo)["people"] if each["username"] == username)


def test_tool_says_whose_credentials_it_was_not_given(loaded, binaries, tmp_path):
    demo, _ = loaded
    tool = Tool(binaries, tmp_path / "home")
    login = ["login", "--server", demo.organization.server.target, "--credentials"]
    file, of_one = demo.folder / "demo-people.json", demo.folder / "credentials"
    assert "choose one with --username" in tool.fails(*login, file)
    assert "nobody with the user name nobody" in tool.fails(*login, file, "--username", "nobody")
    assert "it is not of the user name somebody" in tool.fails(*login, of_one, "--username", "somebody")
    assert "Signed in as" in tool.must(*login, of_one)
    assert f"{demo.organization.name}/users/technician" in tool.must(*login, file, "--username", "technician")
