"""Runs of `trialogctl demo`: tables of trials, a demo in an organisation of its own, and the figures that it printed, which
are computed here too."""
import csv
import json
import pathlib
import re
import subprocess

import pytest

import stubs
import survival
from organization import Organization
from server import DEADLINE, write_secret

COLUMNS = ["inst", "time", "status", "age", "sex", "ph.ecog", "ph.karno", "pat.karno", "meal.cal", "wt.loss"]
LUNG = stubs.REPOSITORY / "tests" / "data" / "lung.csv"
PATIENCE = 4 * DEADLINE
# Days by which one follow-up is typed wrong at first: three years.
LATER_BY_MISTAKE = 3 * 365


def trial_rows(chance, count, institutions=(1, 2), **fixed):
    """Made-up rows; None is a missing value."""

    def maybe(value):
        return value if chance.random() < 0.8 else None

    return [
        {
            "inst": chance.choice(institutions),
            "time": chance.randint(1, 900),
            "status": int(chance.random() < 0.7),
            "age": chance.randint(30, 85),
            "sex": 1 + number % 2,
            "ph.ecog": maybe(chance.randint(0, 3)),
            "ph.karno": maybe(chance.randrange(50, 101, 10)),
            "pat.karno": maybe(chance.randrange(30, 101, 10)),
            "meal.cal": maybe(chance.randint(200, 2600)),
            "wt.loss": maybe(chance.randint(-20, 60)),
        }
        | {name: value(number) for name, value in fixed.items()}
        for number in range(count)
    ]


def write_trial(path, rows, columns=COLUMNS):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def read_trial(path):
    with open(path, newline="", encoding="utf-8") as file:
        return [
            {name: int(float(text)) if text else None for name, text in row.items()} for row in csv.DictReader(file)
        ]


class Demo:
    """The demo of one file in an organisation of its own."""

    def __init__(self, server, folder, data, name, keeps_state=True):
        self.organization = Organization(server)
        self.keeps_state = keeps_state
        self.folder = pathlib.Path(folder) / name
        self.folder.mkdir()
        self.data = data
        credentials = self.organization.administrator.credentials
        write_secret(
            self.folder / "credentials",
            json.dumps(
                {
                    "organization": self.organization.id,
                    "username": credentials.username,
                    "password": credentials.password,
                }
            ),
        )

    def command(self):
        server = self.organization.server
        return [
            server.binaries / "trialogctl", "demo", "--server", server.target, "--data", self.data,
            "--credentials", self.folder / "credentials", "--log_key", server.data / "keys" / "audit.pub",
            *(("--state", self.folder / "state.json") if self.keeps_state else ()),
        ]  # fmt: skip

    def run(self):
        """Runs it to its end; gives what it printed."""
        result = subprocess.run(self.command(), capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def plot(self):
        """The survival plot that it wrote."""
        return (self.folder / "state.json.svg").read_text()

    def begin(self):
        """Starts it; the process, whose output can be read."""
        return subprocess.Popen(self.command(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def figures(printed):
    """{title: ({group: survival.Group}, (chi-square, p) or None)} of what the demo printed."""
    found = {}
    for line in printed.splitlines():
        if title := re.fullmatch(r"  (dataset version \d, .*)", line):
            groups, test = {}, None
            found[title[1]] = [groups, test]
        elif curve := re.fullmatch(r"    (\S.*?) +n +(\S+)  deaths +(\S+)  median +(\S+) days \(.*\)", line):
            groups[curve[1]] = survival.Group(
                *(None if text in ("hidden", "-") else text for text in curve.groups()[1:])
            )
        elif log_rank := re.fullmatch(r"    log-rank chi-square (\S+) on \d+ degrees? of freedom, p (\S+)", line):
            found[title_of(found)][1] = (float(log_rank[1]), float(log_rank[2]))
    return found


def title_of(found):
    return next(reversed(found))


def figures_text(printed):
    """The lines from the figures to where the plot is."""
    return printed[printed.index("figures, as the analytics service") : printed.index("  survival plot")]


def wrongly_typed(rows):
    """Index of the row whose follow-up is typed wrong at first: the death that comes soonest, the first of such; of nobody's
    death, the first row."""
    return min(range(len(rows)), key=lambda index: (not rows[index]["status"], rows[index]["time"] if rows[index]["status"] else 0))


def as_typed_first(rows):
    """The rows as version 1 holds them."""
    wrong = wrongly_typed(rows)
    return [row | {"time": row["time"] + LATER_BY_MISTAKE} if index == wrong else row for index, row in enumerate(rows)]


def figures_by_sex(rows):
    """What must be printed of these rows by sex: [{group: survival.Group}, (chi-square, p) or None]."""
    by_sex = survival.groups_of(rows, lambda row: {1: "male", 2: "female"}[row["sex"]])
    test = survival.log_rank(*by_sex.values()) if len(by_sex) == 2 else None
    return [
        {sex: survival.shown(subjects) for sex, subjects in by_sex.items()},
        test and (pytest.approx(test[0], abs=6e-5), pytest.approx(test[1], abs=6e-7)),
    ]


def check_by_sex(printed, rows):
    """The figures by sex are those computed here: of version 1 the wrong ones, of version 2 the corrected."""
    found = figures(printed)
    assert found["dataset version 1, by sex, one follow-up typed wrong (kept as it was)"] == figures_by_sex(as_typed_first(rows))
    assert found["dataset version 2, by sex, corrected"] == figures_by_sex(rows)


def check_proven(printed):
    assert "signed by the log's key" in printed
    assert "the log continues the checkpoint kept from the start" in printed
