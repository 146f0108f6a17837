"""Stores that are built again, or copied, while their server runs."""
import pytest
from test_backup import Site, trialogctl

pytestmark = pytest.mark.embedded  # The standalone's folder; tests/kafka/test_rebuild.py does the same on Kafka.

STORES = ("auth", "inventory", "trials", "analytics", "audit", "audit-tree")


@pytest.fixture
def site(make_server):
    return Site(make_server())


def databases(data):
    """RocksDB's own id of each store, which no other has."""
    return {name: (data / "stores" / name / "IDENTITY").read_text(encoding="ascii") for name in STORES}


def restart(site):
    site.server.stop()
    site.start()


def verify(site):
    site.server.stop()
    verified = trialogctl(site.server.binaries, "verify", "--data", site.server.data)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    site.start()


def test_every_store_is_built_again_beside_the_one_in_use_and_taken_at_the_next_start(site):
    data, binaries = site.server.data, site.server.binaries
    site.write("before")
    for service in STORES[:-1]:
        built = trialogctl(binaries, "rebuild", service, "--data", data)
        assert built.returncode == 0, built.stderr
        assert "at its next start" in built.stdout
        site.write(f"beside-{service}")  # It goes on meanwhile.
    former = databases(data)
    assert sorted(path.name for path in (data / "stores").iterdir()) == sorted([*STORES, *(f"{name}.next" for name in STORES)])
    restart(site)
    now = databases(data)
    assert not set(former.values()) & set(now.values()), "a store was not replaced"
    assert sorted(path.name for path in (data / "stores").iterdir()) == sorted(STORES)
    assert site.biobanks() == {"before", *(f"beside-{service}" for service in STORES[:-1])}
    site.write("after")
    verify(site)


def test_a_damaged_store_is_built_again_and_the_server_starts(site):
    data, binaries = site.server.data, site.server.binaries
    site.write("one")
    site.server.stop()
    tables = list((data / "stores" / "inventory").glob("*.sst"))
    assert tables
    for path in tables:
        path.write_bytes(b"\0" * path.stat().st_size)
    built = trialogctl(binaries, "rebuild", "inventory", "--data", data)
    assert built.returncode == 0, built.stderr
    site.start()
    assert site.biobanks() == {"one"}


def test_a_snapshot_of_a_store_in_use_is_gone_on_from(site, tmp_path):
    data, binaries = site.server.data, site.server.binaries
    site.write("one")
    restart(site)  # What it holds is on disk then.
    site.write("two")
    copy = tmp_path / "snapshot"
    for arguments in (("snapshot", "inventory", "--data", data, "--to", copy), ("rebuild", "inventory", "--data", data, "--from", copy)):
        done = trialogctl(binaries, *arguments)
        assert done.returncode == 0, done.stderr
    restart(site)
    assert site.biobanks() == {"one", "two"}
    verify(site)
    again = trialogctl(binaries, "snapshot", "inventory", "--data", data, "--to", copy)
    assert again.returncode == 1 and "is there already" in again.stderr


def test_what_cannot_be_built_says_why_and_changes_nothing(site, make_server, tmp_path):
    data, binaries = site.server.data, site.server.binaries
    for arguments, reason in (
        (("rebuild", "stock", "--data", data), "there is no service 'stock'"),
        (("rebuild", "inventory"), "give --data"),
        (("rebuild", "inventory", "--data", data, "--from", tmp_path / "nowhere"), "holds no snapshot of inventory"),
        (("rebuild", "inventory", "--data", tmp_path / "nowhere"), "nowhere/stores cannot be locked"),
        (("snapshot", "inventory", "--data", tmp_path / "nowhere", "--to", tmp_path / "copy"), "nowhere/stores/inventory"),
    ):
        refused = trialogctl(binaries, *arguments)
        assert refused.returncode == 1 and reason in refused.stderr, refused.stderr
    other = Site(make_server())  # Another log, which goes further.
    for number in range(30):
        other.write(f"other-{number}")
    restart(other)
    copy = tmp_path / "of-the-other"
    assert trialogctl(binaries, "snapshot", "inventory", "--data", other.server.data, "--to", copy).returncode == 0
    refused = trialogctl(binaries, "rebuild", "inventory", "--data", data, "--from", copy)
    assert refused.returncode == 1 and "log" in refused.stderr, refused.stderr
    restart(site)
    assert site.biobanks() == set()
