"""What goes on while no broker answers, what is said to everybody else, and that all comes back by itself."""
import collections
import contextlib
import re
import time

import grpc
import pytest
from client import eventually, reason_of, request_id, retry_delay_of
from clinic import Clinic
from fleet import Fleet, Kafka
from server import DEADLINE
from test_fleet import at, await_owned, create_biobank, retried, with_manager
from trialog.analytics.v1 import dataset_pb2
from trialog.auth.v1 import user_pb2
from trialog.event.v1 import value_pb2
from trialog.inventory.v1 import biobank_pb2
from trialog.trials.v1 import patient_pb2

MESSAGE_TIMEOUT = 10  # Seconds; the outage is longer.
CONNECTIONS, ON_EACH = 8, 900  # Commands at once: more than a partition takes.
MOST_WAITING = 4096  # That bound (max_waiting of platform/command/partition_owner.h): all are of one organisation.
LONGEST_LEAVE = 40  # Seconds; records are tried for 60.
STRICT = [("trialog-read", "strict")]


def told_to_come_again(call, timeout, *arguments, **more):
    """The call says that it cannot be answered before its caller gives up, and when to try again."""
    with pytest.raises(grpc.RpcError) as caught:
        call(*arguments, timeout=timeout, **more)
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE, caught.value
    assert 0 < retry_delay_of(caught.value) <= 30
    return reason_of(caught.value)


def figure(replica, name):
    """The sum of a metric over its labels."""
    return sum(float(value) for value in re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", replica.metrics(), re.M))


class Site:
    """Two replicas of inventory, one of each other service, on a broker of their own."""

    def __init__(self, fleet):
        self.fleet = fleet
        self.inventories = fleet.replicas["inventory"]
        for replica in self.inventories:
            await_owned(replica, 6)
        self.organization = with_manager(fleet)
        self.clinic = Clinic(self.organization)
        self.analyst = self.organization.join("analyst", "ANALYST")
        retried(lambda: create_biobank(self.organization.manager, self.organization, "before"))
        self.profile = patient_pb2.GetPatientRequest(name=self.clinic.patient.identity.patient)
        self.shown = self.clinic.provider.PatientService.GetPatient(self.profile)
        assert self.shown.display_name
        self.listed = biobank_pb2.ListBiobanksRequest(parent=self.organization.name)
        for replica in self.inventories:
            eventually(lambda: self.list_biobanks(replica))

    def list_biobanks(self, replica, **more):
        return at(self.organization, replica).BiobankService.ListBiobanks(self.listed, **more).biobanks

    def new_patient(self):
        return patient_pb2.CreatePatientRequest(
            parent=self.organization.name,
            patient_id="cleo",
            patient=patient_pb2.Patient(display_name="Cleo Meanwhile", medical_record_number="MRN-cleo"),
            request_id="make-cleo",
        )

    def new_user(self):
        return user_pb2.CreateUserRequest(
            parent=self.organization.name, user=user_pb2.User(username="dora", display_name="Dora Meanwhile"), request_id="make-dora"
        )

    def new_dataset(self):
        return dataset_pb2.CreateDatasetRequest(
            parent=self.organization.name,
            dataset_id="late",
            dataset=dataset_pb2.Dataset(display_name="Late"),
            columns=[dataset_pb2.Column(name="age", type=dataset_pb2.COLUMN_TYPE_INTEGER)],
            rows=[dataset_pb2.DataRow(subject="s1", values=[value_pb2.Value(integer=61)])],
            request_id="make-late",
        )

    def check_while_away(self, timeout):
        """What unseals nothing is shown; everything else is UNAVAILABLE before its deadline."""
        for replica in self.inventories:
            assert len(self.list_biobanks(replica, timeout=timeout)) == 1
            manager = at(self.organization, replica)
            told_to_come_again(manager.BiobankService.ListBiobanks, timeout, self.listed, metadata=STRICT)
            told_to_come_again(lambda timeout: create_biobank(manager, self.organization, "meanwhile", timeout), timeout)
        provider = self.clinic.provider.PatientService
        told_to_come_again(provider.GetPatient, timeout, self.profile)  # Who saw it could not be recorded.
        told_to_come_again(provider.CreatePatient, timeout, self.new_patient())  # Needs a key that is not there yet.
        told_to_come_again(self.organization.administrator.UserService.CreateUser, timeout, self.new_user())
        told_to_come_again(self.analyst.DatasetService.CreateDataset, timeout, self.new_dataset())  # And its rows, which are sealed.

    def flood(self):
        """More commands at once than are taken: each hears that it cannot be done now, and none stays behind."""
        stub_class = type(self.organization.manager.service("trialog.inventory.v1.BiobankService")._stub)
        request = biobank_pb2.CreateBiobankRequest(parent=self.organization.name, biobank=biobank_pb2.Biobank(display_name="Flood"))
        codes = collections.Counter()
        for replica in self.inventories:
            with contextlib.ExitStack() as connections:
                calls = []
                for _ in range(CONNECTIONS):
                    own = [("grpc.use_local_subchannel_pool", 1)]
                    stub = stub_class(connections.enter_context(grpc.insecure_channel(replica.target, own)))
                    for _ in range(ON_EACH):
                        request.request_id = request_id()
                        calls.append(stub.CreateBiobank.future(request, timeout=8, metadata=self.organization.manager.metadata()))
                assert figure(replica, "trialog_commands_waiting") <= MOST_WAITING
                codes.update(call.exception(DEADLINE).code().name for call in calls)
        # One client of so many calls may find its own time over first; the owner says that it takes no more.
        assert set(codes) <= {"UNAVAILABLE", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED"}, codes
        assert codes["RESOURCE_EXHAUSTED"] > 0, codes
        for replica in self.inventories:
            assert figure(replica, "trialog_commands_waiting") == 0

    def check_back(self):
        """All goes on by itself, and what was asked for meanwhile is done once."""
        for replica in self.inventories:
            retried(lambda: create_biobank(at(self.organization, replica), self.organization, "meanwhile"))
        shown, _ = retried(lambda: self.clinic.provider.PatientService.GetPatient(self.profile))
        assert shown.display_name == self.shown.display_name
        made, _ = retried(lambda: self.clinic.provider.PatientService.CreatePatient(self.new_patient()))
        assert made.display_name == "Cleo Meanwhile"
        made, _ = retried(lambda: self.organization.administrator.UserService.CreateUser(self.new_user()))
        assert made.display_name == "Dora Meanwhile"
        made, _ = retried(lambda: self.analyst.DatasetService.CreateDataset(self.new_dataset()))
        assert made.name.endswith("/late")
        for replica in self.inventories:
            listed, _ = retried(lambda: self.list_biobanks(replica, metadata=STRICT))
            names = {biobank.name.rsplit("/", 1)[1] for biobank in listed if biobank.display_name != "Flood"}
            assert names == {"before", "meanwhile"}
        assert all(replica.alive() for replica in self.fleet.all())


def test_without_a_broker_reads_go_on_and_all_else_says_so_and_comes_back_with_it(binaries, tmp_path):
    kafka = Kafka(tmp_path / "kafka")
    fleet = Fleet(tmp_path, binaries, kafka, "--kafka_message_timeout", f"{MESSAGE_TIMEOUT}s", inventory=2)
    try:
        site = Site(fleet.start())
        kafka.kill(1)
        gone = time.monotonic()
        site.check_while_away(timeout=2)
        site.flood()
        while time.monotonic() < gone + MESSAGE_TIMEOUT + 3:  # Writers have given their records up, and nobody can claim.
            site.check_while_away(timeout=1)
        kafka.start(1)
        site.check_back()
    finally:
        fleet.kill()
        kafka.down()


def test_who_is_told_to_end_does_so_in_time_without_a_broker(binaries, tmp_path):
    kafka = Kafka(tmp_path / "kafka")
    fleet = Fleet(tmp_path, binaries, kafka, "--drain", "3s", trials=0, analytics=0, audit=0)
    try:
        organization = with_manager(fleet.start())
        inventory = fleet.replicas["inventory"][0]
        await_owned(inventory, 12)
        manager = at(organization, inventory)
        retried(lambda: create_biobank(manager, organization, "before"))
        kafka.kill(1)
        request = biobank_pb2.CreateBiobankRequest(parent=organization.name, biobank=biobank_pb2.Biobank(display_name="Late"))
        stub = manager.service("trialog.inventory.v1.BiobankService")._stub
        waiting = stub.CreateBiobank.future(request, timeout=LONGEST_LEAVE, metadata=manager.metadata())
        begun = time.monotonic()
        for replica in fleet.all():
            replica.stop()
        assert time.monotonic() - begun < LONGEST_LEAVE, "it waited for its records to expire"
        assert waiting.exception(DEADLINE).code() == grpc.StatusCode.UNAVAILABLE
    finally:
        fleet.kill()
        kafka.down()
