"""A small site that outgrows one machine: its embedded log goes to Kafka, with its history and its proofs."""
import shutil
import subprocess

from fleet import Fleet
from organization import Organization
from server import DEADLINE, Server
from test_fleet import create_biobank, retried
from trialog.auth.v1 import user_pb2
from trialog.inventory.v1 import biobank_pb2

PREFIX = "imported."


def trialogctl(binaries, *arguments):
    command = [binaries / "trialogctl", *arguments]
    return subprocess.run(command, check=False, timeout=2 * DEADLINE, capture_output=True, text=True)


def test_an_embedded_log_goes_on_on_kafka_at_the_same_offsets(binaries, tmp_path, plain_kafka):
    kafka = ("--kafka_brokers", plain_kafka.brokers, "--kafka_replicas", "1", "--kafka_topic_prefix", PREFIX)
    server = Server(binaries, tmp_path).start()
    try:
        organization = Organization(server)
        manager = organization.join("manager", "BIOBANK_MANAGER")
        made = create_biobank(manager, organization, "before")
        refused = trialogctl(binaries, "import-log", "--data", server.data, *kafka)
        assert refused.returncode == 1 and "is missing" in refused.stderr
        assert trialogctl(binaries, "topics", "create", *kafka).returncode == 0
        refused = trialogctl(binaries, "import-log", "--data", server.data, *kafka)
        assert refused.returncode == 1 and "in use" in refused.stderr
        server.stop()
        imported = trialogctl(binaries, "import-log", "--data", server.data, *kafka)
        assert imported.returncode == 0, imported.stderr
        assert imported.stdout.count("equal on both sides") == 5
        again = trialogctl(binaries, "import-log", "--data", server.data, *kafka)
        assert (again.returncode, again.stdout) == (0, imported.stdout), again.stderr

        # With the stores and keys that it had: no replay is needed, and the proofs go on.
        server.log_flags = kafka
        assert "All holds" in server.verify()
        server.start()
        manager.reconnect(server.target)
        assert create_biobank(manager, organization, "before") == made, "the request is still known"
        create_biobank(manager, organization, "after")
        listed = manager.BiobankService.ListBiobanks(biobank_pb2.ListBiobanksRequest(parent=organization.name))
        assert len(listed.biobanks) == 2
        lag = trialogctl(binaries, "lag", "inventory", *kafka)
        assert lag.returncode == 0 and len(lag.stdout.splitlines()) == 12, lag.stderr
        server.stop()
        assert "All holds" in server.verify()
        lag = trialogctl(binaries, "lag", *kafka)
        assert lag.returncode == 0 and lag.stdout.count(", 0 events not yet") >= 47, lag.stdout
        # The embedded log is a beginning of what stands there now, and nothing is imported over it.
        refused = trialogctl(binaries, "import-log", "--data", server.data, *kafka)
        assert refused.returncode == 1 and "Make the topics anew" in refused.stderr
    finally:
        server.kill()
    goes_on_as_five_processes(Fleet(tmp_path, binaries, plain_kafka, site=server.data, prefix=PREFIX), organization, manager, made)


def goes_on_as_five_processes(fleet, organization, manager, made):
    """With nothing of the one machine but its keys."""
    for replica in fleet.all():
        shutil.rmtree(replica.data / "keys" / "db")  # They are in their topic.
    try:
        fleet.start()
        manager.reconnect(fleet.target).sign_in_again()
        assert retried(lambda: create_biobank(manager, organization, "before"))[0] == made, "the request is still known"
        people = organization.administrator.reconnect(fleet.target).sign_in_again().UserService
        request = user_pb2.ListUsersRequest(parent=organization.name)
        assert "Person manager" in {user.display_name for user in retried(lambda: people.ListUsers(request))[0].users}
        retried(lambda: create_biobank(manager, organization, "on-five"))
        verified = fleet.verify(fleet.folder / "whole")
        assert verified.returncode == 0 and "All holds" in verified.stdout, verified.stdout + verified.stderr
    finally:
        fleet.kill()
