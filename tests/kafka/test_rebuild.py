"""Stores of processes on Kafka that are built again, or brought along, while others go on."""
import shutil
import subprocess

from server import DEADLINE
from test_fleet import at, await_owned, create_biobank, retried, with_manager
from trialog.inventory.v1 import biobank_pb2


def trialogctl(fleet, *arguments):
    command = [fleet.binaries / "trialogctl", *arguments]
    return subprocess.run(command, check=False, timeout=2 * DEADLINE, capture_output=True, text=True)


def identity(replica, name):
    return (replica.data / "stores" / name / "IDENTITY").read_text(encoding="ascii")


def test_a_new_replica_begins_with_a_snapshot_of_a_peers_store_and_a_store_is_built_again_beside_the_log(make_fleet, tmp_path):
    fleet = make_fleet(inventory=2, trials=0, analytics=0)
    first, second = fleet.replicas["inventory"]
    audit = fleet.replicas["audit"][0]
    await_owned(first, 1)
    organization = with_manager(fleet)

    def write(replica, biobank_id):
        retried(lambda: create_biobank(at(organization, replica), organization, biobank_id))

    def shown(replica, wanted=("trialog-read", "strict")):
        request = biobank_pb2.ListBiobanksRequest(parent=organization.name, page_size=100)
        manager = at(organization, replica)
        listed, _ = retried(lambda: manager.BiobankService.ListBiobanks(request, metadata=[wanted]))
        return {biobank.name.rsplit("/", 1)[1] for biobank in listed.biobanks}

    for number in range(20):
        write(first, f"bank-{number}")
    first.stop()
    first.start()  # What it holds is on disk then.
    write(second, "before")

    # Another log is not what the snapshot was made of.
    copy = tmp_path / "snapshot"
    made = trialogctl(fleet, "snapshot", "inventory", "--data", first.data, "--to", copy)
    assert made.returncode == 0, made.stderr
    elsewhere = (*fleet.kafka_flags[:-1], fleet.prefix + "other.")
    assert trialogctl(fleet, "topics", "create", *elsewhere).returncode == 0
    refused = trialogctl(fleet, "rebuild", "inventory", "--data", second.data, "--from", copy, *elsewhere)
    assert refused.returncode == 1 and "the log of inventory ends in partition" in refused.stderr, refused.stderr

    # A replica without a store, from its peer's.
    second.stop()
    shutil.rmtree(second.data / "stores")
    for arguments in (("inventory", "--data", second.data, "--from", copy), ("audit", "--data", audit.data)):
        built = trialogctl(fleet, "rebuild", *arguments, *fleet.kafka_flags)
        assert built.returncode == 0, built.stderr
    prepared = (second.data / "stores" / "inventory.next" / "IDENTITY").read_text(encoding="ascii")
    write(first, "meanwhile")
    second.start()
    assert identity(second, "inventory") == prepared
    expected = {"before", "meanwhile", *(f"bank-{number}" for number in range(20))}
    assert shown(first) == expected
    request = biobank_pb2.GetBiobankRequest(name=f"{organization.name}/biobanks/meanwhile")
    read = at(organization, first).service("trialog.inventory.v1.BiobankService")._stub.GetBiobank.with_call
    _, told = read(request, timeout=DEADLINE, metadata=(*organization.manager.metadata(), ("trialog-read", "strict")))
    position = dict(told.trailing_metadata())["trialog-position"]
    assert shown(second, ("trialog-min-position", position)) == expected, "what the second folded itself"

    former = identity(audit, "audit"), identity(audit, "audit-tree")
    audit.stop()
    audit.start()
    assert former[0] != identity(audit, "audit") and former[1] != identity(audit, "audit-tree")
    for replica in fleet.all():
        replica.stop()
    for service in ("auth", "inventory", "audit"):  # Put together, they are what the logs give.
        shutil.copytree(fleet.replicas[service][-1].data, tmp_path / "whole", dirs_exist_ok=True)
    verified = trialogctl(fleet, "verify", "--data", tmp_path / "whole", *fleet.kafka_flags)
    assert verified.returncode == 0, verified.stdout + verified.stderr
