"""Notices of what happens in inventory and analytics: who is told, and that nobody else is."""
import pytest

from client import eventually, refused, request_id
from clinic import Clinic
from inventory import Biobank, milliliters
from notices import kinds_of, notices_from_now, notices_of, until_told
from organization import Organization
from test_statistics import Study, survival_by
from trialog.analytics.v1 import analysis_pb2, dataset_pb2
from trialog.audit.v1 import service_pb2
from trialog.inventory.v1 import biobank_pb2, inventory_item_pb2, sample_pb2
from trialog.trials.v1 import notification_pb2

ITEMS = 5


def move(biobank, item, location):
    biobank.technician.InventoryService.MoveStock(
        inventory_item_pb2.MoveStockRequest(name=item.name, location=location, request_id=request_id())
    )


def adjust(biobank, item, tenths):
    biobank.technician.InventoryService.AdjustStock(
        inventory_item_pb2.AdjustStockRequest(
            name=item.name,
            counted_quantity=milliliters(tenths),
            cause=inventory_item_pb2.ADJUSTMENT_CAUSE_COUNT,
            request_id=request_id(),
        )
    )


class Staff:
    """A biobank whose technician changes stock, and people around it; all roles are known to who tells."""

    def __init__(self, organization):
        self.biobank = Biobank(organization)
        elsewhere = f"{organization.name}/biobanks/elsewhere"
        self.provider = organization.join("assigned", "PROVIDER")
        self.biobank.assign(self.provider)
        self.strangers = [
            organization.join("unassigned", "PROVIDER"),
            organization.join("manager-elsewhere", "BIOBANK_MANAGER", scope=elsewhere),
            organization.join("technician-elsewhere", "LAB_TECHNICIAN", scope=elsewhere),
            organization.join("patient", "PARTICIPANT"),
            organization.administrator,
        ]
        self.former = organization.join("former", "PROVIDER")
        self.biobank.assign(self.former)
        self.biobank.manager.BiobankService.UnassignProvider(
            biobank_pb2.UnassignProviderRequest(
                name=self.biobank.name, provider=self.former.name, request_id=request_id()
            )
        )
        # The last to get a role.
        witness = organization.join("witness", "BIOBANK_MANAGER")
        sample, self.item = self.biobank.add_stocked_sample("WITNESSED")
        counts = iter(range(100, 10_000))
        until_told(witness, lambda: adjust(self.biobank, self.item, next(counts)))


def test_stock_that_a_technician_moves_is_told_to_whom_it_concerns_and_to_nobody_else(server):
    staff = Staff(Organization(server))
    biobank, manager = staff.biobank, staff.biobank.manager
    sample = biobank.add_sample("MOVED")
    with notices_from_now(manager) as notices:
        item = biobank.receive(sample)
        move(biobank, item, biobank.tank)
        adjust(biobank, item, 7)
        biobank.transition(sample, "QUARANTINED", "made-up reason")
        told = notices.until(lambda change: change.notification.resource == sample.name).notification
    assert told.kind == notification_pb2.NOTIFICATION_KIND_SAMPLE_STATE_CHANGED
    assert told in notices_of(manager)
    for person in (manager, staff.provider):
        assert kinds_of(person, item.name) == ["STOCK_ADJUSTED", "STOCK_MOVED", "STOCK_RECEIVED"]
        assert kinds_of(person, sample.name) == ["SAMPLE_STATE_CHANGED"]
    assert notices_of(biobank.technician) == []  # Who did it all.
    for person in [*staff.strangers, staff.former]:
        assert notices_of(person) == [], person.name


def test_who_registered_a_sample_is_told_what_a_manager_makes_of_it(server):
    staff = Staff(Organization(server))
    sample = staff.biobank.add_sample("BLOCKED")
    with notices_from_now(staff.biobank.technician) as notices:
        staff.biobank.manager.SampleService.TransitionSample(
            sample_pb2.TransitionSampleRequest(
                name=sample.name,
                state=sample_pb2.SAMPLE_STATE_BLOCKED,
                state_reason="made-up reason",
                request_id=request_id(),
            )
        )
        assert notices.next().notification.resource == sample.name
    assert kinds_of(staff.biobank.technician, sample.name) == ["SAMPLE_STATE_CHANGED"]
    assert kinds_of(staff.biobank.manager, sample.name) == []


def test_each_change_is_told_once_also_after_a_restart(make_server):
    server = make_server()
    staff = Staff(Organization(server))
    manager = staff.biobank.manager
    items = [staff.biobank.add_stocked_sample(f"COUNTED-{number}")[1] for number in range(ITEMS)]

    def is_count(notice):
        return notice.resource != staff.item.name and (
            notice.kind == notification_pb2.NOTIFICATION_KIND_STOCK_ADJUSTED
        )

    def count(amount):
        """Names of the notices of a count of each item, acknowledged."""
        with notices_from_now(manager) as notices:
            for item in items:
                adjust(staff.biobank, item, amount)
            told = [notices.until(lambda change: is_count(change.notification)).notification for _ in items]
        assert [notice.resource for notice in told] == [item.name for item in items]
        for notice in told:
            manager.NotificationService.AcknowledgeNotification(
                notification_pb2.AcknowledgeNotificationRequest(name=notice.name, request_id=request_id())
            )
        return [notice.name for notice in told]

    before = count(100)
    server.kill()
    server.start()
    for person in (manager, staff.biobank.technician):
        person.reconnect(server.target)
    told = [*before, *count(200)]
    assert len(set(told)) == 2 * ITEMS
    assert [notice.name for notice in notices_of(manager) if is_count(notice)] == told[::-1]


@pytest.fixture(scope="module")
def study(organization):
    """A study with a dataset whose results a custodian releases; all roles are known to who tells."""
    study = Study(organization)
    study.shared = study.create_dataset("shared").name
    study.publish(f"{study.shared}/versions/1")
    study.analyst.DatasetService.ShareDataset(
        dataset_pb2.ShareDatasetRequest(name=study.shared, user=study.colleague.name, request_id=request_id())
    )
    study.guest = study.freeze(study.create_cohort("guest", by=study.colleague, dataset=study.shared), by=study.colleague)
    witness = organization.join("witness", "DATA_CUSTODIAN")
    until_told(witness, lambda: study.ask(study.guest, survival_by("sex"), by=study.colleague))
    return study


def test_requester_is_told_when_a_second_person_releases_or_withholds(study):
    for decide, request, kind in (
        ("ReleaseAnalysis", analysis_pb2.ReleaseAnalysisRequest, "ANALYSIS_RELEASED"),
        ("WithholdAnalysis", analysis_pb2.WithholdAnalysisRequest, "ANALYSIS_WITHHELD"),
    ):
        with notices_from_now(study.custodian) as asked, notices_from_now(study.colleague) as notices:
            analysis = study.compute(study.guest, survival_by("sex"), by=study.colleague)
            asked.until(lambda change: change.notification.resource == analysis.name)
            assert kinds_of(study.custodian, analysis.name) == ["ANALYSIS_REQUESTED"]
            getattr(study.custodian.AnalysisService, decide)(request(name=analysis.name, request_id=request_id()))
            notice = notices.until(lambda change: change.notification.resource == analysis.name).notification
        assert notice in notices_of(study.colleague)
        assert kinds_of(study.colleague, analysis.name) == [kind]
        assert kinds_of(study.custodian, analysis.name) == ["ANALYSIS_REQUESTED"]  # Not what they did themselves.
        assert kinds_of(study.analyst, analysis.name) == []  # The dataset is theirs, the question is not.


def test_requester_is_told_of_a_result_that_the_policy_releases(study):
    with notices_from_now(study.analyst) as notices:
        analysis = study.compute(study.cohort, survival_by("sex"))
        notices.until(lambda change: change.notification.resource == analysis.name)
    assert kinds_of(study.analyst, analysis.name) == ["ANALYSIS_RELEASED"]
    assert kinds_of(study.custodian, analysis.name) == []


def test_notifier_learns_where_to_tell_the_recipient_of_an_open_notice_and_that_is_recorded(server):
    organization = Organization(server)
    clinic, notifier = Clinic(organization), organization.program("NOTIFIER")
    patient = clinic.patient
    clinic.send(clinic.provider, patient, "are the drops helping?")
    notice = eventually(lambda: notices_of(patient))[0].name

    def resolve(caller=notifier):
        return caller.NotificationService.ResolveContact(notification_pb2.ResolveContactRequest(name=notice))

    assert resolve() == notification_pb2.ResolveContactResponse()  # In the application only.
    wanted = notification_pb2.NotificationPreferences(
        name=f"{patient.name}/notificationPreferences",
        etag='"0"',
        language="fr-CH",
        contacts=[
            notification_pb2.NotificationContact(channel="NOTIFICATION_CHANNEL_SMS", address="+41 79 555 01 02"),
            notification_pb2.NotificationContact(channel="NOTIFICATION_CHANNEL_EMAIL", address="ada@example.org"),
        ],
    )
    patient.NotificationService.UpdatePreferences(
        notification_pb2.UpdatePreferencesRequest(
            preferences=wanted, update_mask={"paths": ["contacts", "language"]}, request_id=request_id()
        )
    )
    answer = resolve()
    assert (list(answer.contacts), answer.language) == (list(wanted.contacts), "fr-CH")
    auditor = organization.join("auditor", "AUDITOR")

    def sights():
        asked = service_pb2.ListAccessesRequest(parent=organization.name, subject=wanted.name)
        return [entry for entry in auditor.AuditService.ListAccesses(asked).accesses if entry.method.endswith("ResolveContact")]

    assert eventually(sights)[0].actor.name == notifier.name
    with refused("PERMISSION_DENIED", "ROLE_MISSING"):
        resolve(clinic.provider)
    clinic.acknowledge_notice(patient, notice)
    with refused("FAILED_PRECONDITION", "NOTICE_OVER"):
        resolve()
