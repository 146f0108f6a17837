"""`trialogctl demo`: any trial's file of the same columns through a real server, with figures that this test computes itself;
cut off and begun again; and what it says of bad files."""
import collections
import signal
import subprocess
import time

import pytest

import survival
from audited import Audited
from client import pages, request_id
from demo_records import check_records
from demo_runs import COLUMNS, LUNG, PATIENCE, Demo, check_by_sex, check_proven, figures, figures_text, read_trial, trial_rows, write_trial
from demo_scenes import check_scenes
from server import DEADLINE, write_secret
from trialog.auth.v1 import auth_pb2, user_pb2
from trialog.event.v1 import record_pb2


def events_of(organization, of=lambda content: True):
    """How many events of each kind there are, accesses aside."""
    kinds = collections.Counter(entry.content.type for entry in Audited(organization).entries() if of(entry.content))
    del kinds[record_pb2.Access.DESCRIPTOR.full_name]
    return kinds


def work_of(organization):
    """The same, but for what comes of people signing in and for notices: whom those go to follows roles a moment later."""
    return events_of(organization, lambda content: not content.type.startswith("trialog.auth.") and content.actor.name != "trials")


def other_columns(chance):
    """Columns in another order, with some that nobody asks for."""
    columns = [*COLUMNS, "note", "center"]
    chance.shuffle(columns)
    return columns


CASES = {
    "twelve rows": (12, {}),
    "other institutions, some missing, other columns": (45, {"institutions": (7, 8, 4711, None)}),
    "no deaths among women": (30, {"status": lambda number: (number + 1) % 2}),
    "nobody died": (20, {"status": lambda number: 0}),
    "everybody died on one day": (24, {"status": lambda number: 1, "time": lambda number: 100}),
    "men alone": (16, {"sex": lambda number: 1}),
}


@pytest.mark.parametrize("case", CASES)
def test_any_file_of_these_columns_gives_the_figures_computed_here(server, tmp_path, chance, case):
    count, how = CASES[case]
    rows = trial_rows(chance, count, **how)
    columns = other_columns(chance) if "other columns" in case else COLUMNS
    demo = Demo(server, tmp_path, write_trial(tmp_path / "trial.csv", rows, columns), "demo")
    printed = demo.run()
    check_by_sex(printed, rows)
    check_proven(printed)
    check_records(demo.organization, rows)


def test_lung_trial_gives_its_published_figures_and_a_second_run_repeats_them(server, tmp_path):
    demo = Demo(server, tmp_path, LUNG, "demo")
    printed = demo.run()
    rows = read_trial(LUNG)
    check_scenes(demo.organization, printed)
    check_by_sex(printed, rows)
    found = figures(printed)
    assert found["dataset version 1, by sex, one follow-up typed wrong (kept as it was)"] != found["dataset version 2, by sex, corrected"]
    men_and_women = {"male": survival.Group("138", "112", "270"), "female": survival.Group("90", "53", "426")}
    assert found["dataset version 2, by sex, corrected"] == [men_and_women, (10.3267, 0.001311)]
    sizes = collections.Counter(f"institution {row['inst']}" for row in rows if row["inst"] is not None)
    by_institution = found["dataset version 2, by institution"][0]
    assert by_institution.keys() == sizes.keys()
    hidden = {group for group, figures in by_institution.items() if figures.n is None}
    small = {group for group, size in sizes.items() if size < survival.THRESHOLD}
    assert small and small <= hidden
    assert all(figures.n == str(sizes[group]) for group, figures in by_institution.items() if group not in hidden)

    started = time.monotonic()
    again = demo.run()
    print(f"the second run took {time.monotonic() - started:.1f} s")
    assert again.startswith("already loaded\n")
    assert figures_text(again) == figures_text(printed)
    check_by_sex(again, rows)
    check_proven(again)
    check_records(demo.organization, rows)


def kill_after(demo, lines, seconds):
    """Begins the demo and kills it so long after it printed so many lines; whether it was still running then."""
    process = demo.begin()
    with process:
        for _ in range(lines):
            process.stdout.readline()
        try:
            process.wait(seconds)
            return False
        except subprocess.TimeoutExpired:
            process.kill()
            return True


def test_demo_killed_anywhere_goes_on_to_the_same_figures(server, tmp_path, chance):
    rows = trial_rows(chance, 40, institutions=(1, 2, 3, None))
    data = write_trial(tmp_path / "trial.csv", rows)
    undisturbed, killed = Demo(server, tmp_path, data, "undisturbed"), Demo(server, tmp_path, data, "killed")
    expected = undisturbed.run()
    # A scene has up to ten lines, and is done again from its start.
    kills = sum(kill_after(killed, chance.randint(0, 9), chance.uniform(0, 0.1)) for _ in range(12))
    assert kills >= 4
    printed = killed.run()
    assert figures_text(printed) == figures_text(expected)
    assert killed.plot() == undisturbed.plot()
    check_by_sex(printed, rows)
    check_proven(printed)
    check_records(killed.organization, rows)
    assert work_of(killed.organization) == work_of(undisturbed.organization)


@pytest.mark.parametrize("port", ["the same port", "another port"])
def test_demo_whose_server_was_killed_goes_on_to_the_same_figures(make_server, tmp_path, chance, port):
    server = make_server()
    rows = trial_rows(chance, 40, institutions=(1, 2, 3, None))
    demo = Demo(server, tmp_path, write_trial(tmp_path / "trial.csv", rows), "demo")
    for lines in (0, 3, 5):
        process = demo.begin()
        with process:
            for _ in range(lines):
                process.stdout.readline()
            server.kill()
            if port == "the same port":
                server.start(flags=("--address", server.target))
                process.wait(PATIENCE)  # It may have got over it, or not.
            else:
                server.start()
                process.kill()  # It asks at the old port until it gives up.
    printed = demo.run()
    check_by_sex(printed, rows)
    check_proven(printed)
    demo.organization.administrator.reconnect(server.target)
    demo.organization.nobody.connect(server.target)
    check_records(demo.organization, rows)


def end_sessions(organization):
    """Ends every session but the administrator's; their names."""
    administrator = organization.administrator
    ended = set()
    for user in pages(administrator.UserService.ListUsers, user_pb2.ListUsersRequest(parent=organization.name), "users"):
        if user.name != administrator.name:
            for name in sessions_of(organization, user.name):
                administrator.AuthService.RevokeSession(
                    auth_pb2.RevokeSessionRequest(name=name, request_id=request_id())
                )
                ended.add(name)
    return ended


def sessions_of(organization, user):
    """Names of a user's open sessions."""
    request = auth_pb2.ListSessionsRequest(parent=user)
    return {session.name for session in pages(organization.administrator.AuthService.ListSessions, request, "sessions")}


# Before any watch, and while one is open.
@pytest.mark.parametrize("line", ["patients enrolled with consent", "  the participant watches their notices"])
def test_demo_goes_on_when_its_peoples_sessions_are_ended(server, tmp_path, chance, line):
    rows = trial_rows(chance, 16)
    demo = Demo(server, tmp_path, write_trial(tmp_path / "trial.csv", rows), "demo")
    printed = ""
    with demo.begin() as process:
        while line not in printed:
            printed += (read := process.stdout.readline())
            assert read, printed + process.stderr.read()
        process.send_signal(signal.SIGSTOP)
        ended = end_sessions(demo.organization)
        process.send_signal(signal.SIGCONT)
        printed += process.stdout.read()
        errors = process.stderr.read()
    assert process.returncode == 0, printed + errors
    assert len(ended) > len(rows)
    assert sessions_of(demo.organization, f"{demo.organization.name}/users/statistician"), "it met the end of its session"
    check_by_sex(printed, rows)
    check_proven(printed)
    check_records(demo.organization, rows)


def test_demo_outlives_its_access_tokens(make_server, tmp_path, chance):
    # By the demo's clock each token that this server gives has ended when it comes.
    server = make_server(clock="-10m")
    rows = trial_rows(chance, 12)
    demo = Demo(server, tmp_path, write_trial(tmp_path / "trial.csv", rows), "demo")
    printed = demo.run()
    check_by_sex(printed, rows)
    check_proven(printed)
    renewed = events_of(demo.organization)["trialog.auth.v1.SessionRefreshed"]
    assert renewed > 10 * len(rows)
    check_records(demo.organization, rows)


GOOD = "3,306,1,74,1,1,90,100,1175,\n"


def run_without_server(binaries, tmp_path, data, state):
    """A demo that must end before it calls anything."""
    return subprocess.run(
        [
            binaries / "trialogctl", "demo", "--server", "127.0.0.1:1", "--data", data,
            "--credentials", tmp_path / "none", "--state", state,
        ],  # fmt: skip
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "line 1, column inst: the file is empty"),
        ("inst,time,age,sex,ph.ecog,ph.karno,pat.karno,meal.cal,wt.loss\n", "line 1, column status: is missing"),
        (",".join(COLUMNS) + "\n", "line 2, column inst: the row is missing"),
        (",".join(COLUMNS) + "\n" + GOOD, "line 3, column inst: the row is missing"),
        (",".join(COLUMNS) + "\n" + GOOD + "3,many,1,74,1,1,90,100,1175,\n", "line 3, column time: give a whole number"),
        (",".join(COLUMNS) + "\n" + GOOD + GOOD + "3,306,1,,1,1,90,100,1175,\n", "line 4, column age: may not be empty"),
        (",".join(COLUMNS) + "\n" + GOOD + "3,306,2,74,1,1,90,100,1175,\n", "line 3, column status: give a number from 0"),
        (",".join(COLUMNS) + "\n" + GOOD + "3,306,1\n", "line 3, column age: the line has 3 cells, the header 10"),
        ("\x00\xff" * 100, "line 1, column inst: is missing"),
    ],
)
def test_bad_file_is_refused_with_its_line_and_column_before_anything_is_called(binaries, tmp_path, text, message):
    data = tmp_path / "trial.csv"
    data.write_text(text, encoding="latin-1")
    result = run_without_server(binaries, tmp_path, data, tmp_path / "state.json")
    assert (result.returncode, result.stdout) == (1, "")
    assert message in result.stderr
    assert not (tmp_path / "state.json").exists()


def test_state_of_a_demo_with_other_data_is_refused(server, tmp_path, chance):
    demo = Demo(server, tmp_path, write_trial(tmp_path / "one.csv", trial_rows(chance, 12)), "demo")
    demo.run()
    demo.data = write_trial(tmp_path / "other.csv", trial_rows(chance, 12))
    with demo.begin() as process:
        output, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, output) == (1, "")
    assert "is of a demo with other data" in errors


def test_damaged_state_is_refused_with_what_is_wrong_before_anything_is_called(binaries, tmp_path):
    state = tmp_path / "state.json"
    write_secret(state, '{"done":[],"data":5}')
    result = run_without_server(binaries, tmp_path, LUNG, state)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f'{state} is damaged: "data" is no text\n'
    assert state.read_text() == '{"done":[],"data":5}'


def test_demo_without_state_says_that_no_earlier_checkpoint_was_kept(server, tmp_path, chance):
    demo = Demo(server, tmp_path, write_trial(tmp_path / "trial.csv", trial_rows(chance, 12)), "demo", keeps_state=False)
    for printed in (demo.run(), demo.run()):
        assert "signed by the log's key" in printed and "kept from the start" not in printed
        assert "the checkpoint taken as this run began (without --state none is kept from before)" in printed
        assert "--people FILE writes them down" in printed
    assert [file.name for file in demo.folder.iterdir()] == ["credentials"]
