"""A backup of a replica's stores comes back on Kafka only where the topics are the ones that they were folded from, and go as far."""
import subprocess

import pytest
from server import DEADLINE
from test_fleet import at, create_biobank, retried, with_manager
from test_refused_starts import longest_of, remade, site, write  # pylint: disable=unused-import  # site is a fixture.
from trialog.inventory.v1 import biobank_pb2


def trialogctl(fleet, *arguments):
    command = [fleet.binaries / "trialogctl", *arguments]
    return subprocess.run(command, check=False, timeout=2 * DEADLINE, capture_output=True, text=True)


@pytest.fixture
def saved(site, tmp_path):  # pylint: disable=redefined-outer-name
    """The site, with a backup of inventory's folder and keys; and a way to restore it."""
    folders = tmp_path / "backup", tmp_path / "backup-keys"
    data = site.inventory.data
    made = trialogctl(site, "backup", "--data", data, "--to", folders[0], "--keys_to", folders[1])
    assert made.returncode == 0, made.stderr
    site.restore = lambda: trialogctl(
        site, "restore", "--backup", folders[0], "--keys_backup", folders[1], "--data", data, *site.kafka_flags
    )
    return site


def test_a_backup_goes_on_where_the_log_went_on_and_never_replaces_what_a_server_holds(saved):
    saved.inventory.start()
    retried(lambda: create_biobank(at(saved.organization, saved.inventory), saved.organization, "later"))
    held = saved.restore()
    assert held.returncode == 1 and "stop the server first" in held.stderr, held.stderr
    saved.inventory.stop()
    restored = saved.restore()
    assert restored.returncode == 0, restored.stderr
    again = saved.restore()
    assert again.returncode == 1 and ".before-restore" in again.stderr and "is there already" in again.stderr
    saved.inventory.start()
    request = biobank_pb2.ListBiobanksRequest(parent=saved.organization.name)
    manager = at(saved.organization, saved.inventory)
    listed, _ = retried(lambda: manager.BiobankService.ListBiobanks(request, metadata=[("trialog-read", "strict")]))
    assert {biobank.name.rsplit("/", 1)[1] for biobank in listed.biobanks} == {"before", "later"}


def test_a_backup_of_more_than_the_topics_hold_is_refused(saved):
    records = remade(saved)
    longest = longest_of(records)
    write(saved, [(r.partition(), r.value()) for r in records if r is not longest])
    refused = saved.restore()
    assert refused.returncode == 1 and "log" in refused.stderr and "inventory" in refused.stderr, refused.stderr
    assert (saved.inventory.data / "stores").is_dir(), "what was there is gone"
    write(saved, [(longest.partition(), longest.value())])
    assert saved.restore().returncode == 0


def test_a_backup_of_another_log_is_refused(saved):
    records = remade(saved)
    claims = {record.partition(): record.value() for record in records}
    swapped = dict(zip(claims, reversed(claims.values())))
    write(saved, [(record.partition(), swapped[record.partition()]) for record in records])
    refused = saved.restore()
    assert refused.returncode == 1 and "is not the one that the store was folded from" in refused.stderr, refused.stderr
