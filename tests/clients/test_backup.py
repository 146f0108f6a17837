"""Backup and restore of a folder: what comes back is what was there, and no restore loses what is known."""
import json
import pathlib
import shutil
import subprocess

import pytest

from organization import Organization
from server import DEADLINE
from test_biobank import biobank_pb2
from trialog.audit.v1 import service_pb2

pytestmark = pytest.mark.embedded  # The embedded log and its files.


def trialogctl(binaries, *arguments):
    command = [binaries / "trialogctl", *arguments]
    return subprocess.run(command, check=False, timeout=2 * DEADLINE, capture_output=True, text=True)


class Site:
    """A server with an organisation whose manager makes biobanks."""

    def __init__(self, server):
        self.server = server
        self.organization = Organization(server)
        self.manager = self.organization.join("manager", "BIOBANK_MANAGER")
        self.auditor = self.organization.join("auditor", "AUDITOR")

    def write(self, biobank_id):
        self.manager.BiobankService.CreateBiobank(
            biobank_pb2.CreateBiobankRequest(
                parent=self.organization.name,
                biobank_id=biobank_id,
                biobank=biobank_pb2.Biobank(display_name="Cold store"),
                request_id=f"make-{biobank_id}",
            )
        )

    def backup(self, name):
        """Stops the server, and gives the folders of the backup and of its keys."""
        self.server.stop()
        folders = self.server.data.parent / name, self.server.data.parent / f"{name}-keys"
        made = trialogctl(self.server.binaries, "backup", "--data", self.server.data, "--to", folders[0], "--keys_to", folders[1])
        assert made.returncode == 0, made.stderr
        return folders

    def restore(self, folders, *more, data=None):
        """What the tool says of a restore with the keys."""
        flags = ("--backup", folders[0], "--keys_backup", folders[1], "--data", data or self.server.data, *more)
        return trialogctl(self.server.binaries, "restore", *flags)

    def start(self):
        self.server.start()
        for person in (self.manager, self.auditor, self.organization.administrator, self.organization.nobody):
            person.connect(self.server.target)

    def biobanks(self):
        listed = self.manager.BiobankService.ListBiobanks(biobank_pb2.ListBiobanksRequest(parent=self.organization.name))
        return {biobank.name.rsplit("/", 1)[1] for biobank in listed.biobanks}


@pytest.fixture
def site(make_server):
    return Site(make_server())


def facts(folder):
    """Ends and last records of the log, and hashes of what each store holds, as a backup notes them."""
    noted = json.loads((folder / "backup.json").read_text(encoding="ascii"))["facts"]
    return {"log": noted["log"], "stores": noted["stores"]}


def everything(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_restored_on_an_empty_folder_is_what_was_there(site):
    site.write("one")
    first = site.backup("first")
    assert set(facts(first[0])["stores"]) == {"auth", "inventory", "trials", "analytics", "audit"}
    shutil.rmtree(site.server.data)
    restored = site.restore(first)
    assert restored.returncode == 0, restored.stderr
    site.server.verify()
    second = site.backup("second")
    assert facts(second[0]) == facts(first[0])
    site.start()
    assert site.biobanks() == {"one"}
    site.write("two")
    assert site.biobanks() == {"one", "two"}


def test_backup_holds_no_key_and_needs_a_server_that_is_stopped(site):
    running = trialogctl(site.server.binaries, "backup", "--data", site.server.data, "--to", site.server.data.parent / "never")
    assert running.returncode == 1 and "in use" in running.stderr.lower()
    assert not (site.server.data.parent / "never").exists()
    folders = site.backup("apart")
    master = (site.server.data / "keys" / "master.key").read_bytes().strip()
    assert not any(master in bytes_ for bytes_ in everything(folders[0]).values())
    assert {path.stat().st_mode & 0o777 for path in folders[1].rglob("*") if path.is_file() and path.name != "backup.json"} == {0o600}


def test_a_backup_that_would_lose_records_or_is_of_another_log_is_refused(site):
    site.write("one")
    older = site.backup("older")
    other = site.server.data.parent / "other"
    site.start()
    site.write("two")
    newer = site.backup("newer")
    refused = site.restore(older)
    assert refused.returncode == 1 and "would lose acknowledged records" in refused.stderr
    assert facts(site.backup("unchanged")[0]) == facts(newer[0]), "a refused restore changes nothing"

    # The older one goes its own way on another machine, further than this one went.
    assert site.restore(older, data=other).returncode == 0
    here, site.server.data = site.server.data, other
    site.start()
    for number in range(9):
        site.write(f"other-{number}")
    fork = site.backup("fork")
    site.server.data = here
    refused = site.restore(fork)
    assert refused.returncode == 1 and "it is not the same log" in refused.stderr
    # A folder that is behind its own backup gets it.
    shutil.rmtree(here)
    assert site.restore(older).returncode == 0
    again = site.restore(newer)
    assert again.returncode == 0, again.stderr
    assert pathlib.Path(f"{here}.before-restore").is_dir()
    site.start()
    assert site.biobanks() == {"one", "two"}


def test_keys_that_do_not_go_with_the_data_are_refused(site, make_server):
    site.write("one")
    older = site.backup("older")
    site.start()
    site.organization.join("new", "LAB_TECHNICIAN")  # A person, and so a key.
    newer = site.backup("newer")
    stranger = Site(make_server())
    others = stranger.backup("others")

    def refused(folders, data=None):
        said = site.restore(folders, data=data)
        assert said.returncode == 1 and "keys are" in said.stderr, said.stderr
        return said.stderr

    empty = site.server.data.parent / "empty"
    assert "older than those of the backup" in refused((newer[0], older[1]), empty)
    assert "of another site" in refused((newer[0], others[1]), empty)
    assert not empty.exists()
    # What the folder knows of keys counts as well: here its log is gone, and a backup that had none would do.
    shutil.rmtree(site.server.data / "log")
    assert "older than those of the folder" in refused(older)
    assert site.restore(newer).returncode == 0


def test_a_restore_that_died_half_way_is_undone_first(site):
    site.write("one")
    older = site.backup("older")
    site.start()
    site.write("two")
    newer = site.backup("newer")
    # As it is between the two renames.
    before, data = site.server.data.with_name(f"{site.server.data.name}.before-restore"), site.server.data
    shutil.copytree(data, data.with_name(f"{data.name}.restoring"))
    data.rename(before)
    refused = site.restore(older)
    assert refused.returncode == 1 and "would lose acknowledged records" in refused.stderr
    assert data.is_dir() and not before.exists()
    assert site.restore(newer).returncode == 0
    # What an earlier restore left beside it is no sign of that: whoever removes the folder has it removed.
    data.rename(data.with_name("removed"))
    refused = trialogctl(site.server.binaries, "restore", "--backup", newer[0], "--data", data)
    assert refused.returncode == 1 and not data.exists()
    data.with_name("removed").rename(data)
    site.start()
    assert site.biobanks() == {"one", "two"}


def test_a_checkpoint_that_was_kept_elsewhere_refuses_an_older_backup(site):
    older = site.backup("older")
    site.start()
    site.write("one")
    first = site.auditor.AuditService.GetCheckpoint(service_pb2.GetCheckpointRequest()).tree_size
    site.write("two")
    while (checkpoint := site.auditor.AuditService.GetCheckpoint(service_pb2.GetCheckpointRequest())).tree_size <= first:
        pass
    kept = site.server.data.parent / "kept"
    kept.write_text(checkpoint.note, encoding="utf-8")
    newer = site.backup("newer")
    shutil.rmtree(site.server.data)
    refused = site.restore(older, "--checkpoint", kept)
    assert refused.returncode == 1 and "checkpoint" in refused.stderr
    assert not site.server.data.exists()
    restored = site.restore(newer, "--checkpoint", kept)
    assert restored.returncode == 0, restored.stderr


def test_a_damaged_backup_is_refused_and_the_file_named(site):
    site.write("one")
    folders = site.backup("whole")
    files = json.loads((folders[0] / "backup.json").read_text(encoding="ascii"))["files"]
    shutil.rmtree(site.server.data)
    for part in ("log/", "stores/inventory/"):
        file = max((file for file in files if file["path"].startswith(part)), key=lambda each: each["bytes"])
        path = folders[0] / file["path"]
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        refused = site.restore(folders)
        assert refused.returncode == 1 and file["path"] in refused.stderr, refused.stderr
        path.unlink()
        refused = site.restore(folders)
        assert refused.returncode == 1 and file["path"] in refused.stderr, refused.stderr
        path.write_bytes(whole)
        assert not site.server.data.exists()
    without = trialogctl(site.server.binaries, "restore", "--backup", folders[0], "--data", site.server.data)
    assert without.returncode == 1 and "has no keys" in without.stderr
    assert site.restore(folders).returncode == 0
