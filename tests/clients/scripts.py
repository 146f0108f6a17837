"""What client processes write while their server fails (journal.py), and what of it a server holds afterwards. Each command
has an effect that no other has, so that what is found tells which commands took effect, and how often."""
import itertools

from client import pages, request_id
from clinic import Clinic
from inventory import Biobank, get_sample, items_of, milliliters, samples_of
from trialog.analytics.v1 import cohort_pb2, dataset_pb2
from trialog.auth.v1 import service_account_pb2
from trialog.event.v1 import value_pb2
from trialog.inventory.v1 import inventory_item_pb2, sample_pb2
from trialog.trials.v1 import messaging_pb2, patient_pb2

RECEIVED = 1000  # Units of each item.
ISSUES = 20  # From each item, of 1, 2, 3 … units.


def stock(label, biobank, location):
    """A technician's: a sample, its stock, issues from it; then the next."""
    for number in itertools.count():
        identifier = f"{label}-{number}"
        answer = yield (
            ("sample", identifier),
            "trialog.inventory.v1.SampleService/CreateSample",
            sample_pb2.CreateSampleRequest(
                parent=biobank,
                sample=sample_pb2.Sample(identifier=identifier, sample_type="BLD"),
                request_id=request_id(),
            ),
        )
        if answer is None:
            continue
        sample = sample_pb2.Sample.FromString(answer).name
        answer = yield (
            ("item", sample),
            "trialog.inventory.v1.InventoryService/ReceiveStock",
            inventory_item_pb2.ReceiveStockRequest(
                parent=biobank,
                inventory_item=inventory_item_pb2.InventoryItem(
                    sample=sample, location=location, quantity=milliliters(RECEIVED)
                ),
                request_id=request_id(),
            ),
        )
        if answer is None:
            continue
        item = inventory_item_pb2.InventoryItem.FromString(answer).name
        for amount in range(1, ISSUES + 1):
            yield (
                ("issue", item, amount),
                "trialog.inventory.v1.InventoryService/IssueStock",
                inventory_item_pb2.IssueStockRequest(
                    name=item, quantity=milliliters(amount), request_id=request_id()
                ),
            )


def messages(label, organization, recipient):
    """A provider's: messages to a colleague, sealed."""
    for number in itertools.count():
        body = f"made-up {label} {number}"
        yield (
            ("message", body),
            "trialog.trials.v1.MessagingService/SendMessage",
            messaging_pb2.SendMessageRequest(
                parent=f"{organization}/threads/{label}",
                recipients=[recipient],
                message=messaging_pb2.Message(body=body),
                request_id=request_id(),
            ),
        )


def patients(label, organization):
    """A provider's: patients, each with a data key of their own."""
    for number in itertools.count():
        record_number = f"MRN-{label}-{number}"
        yield (
            ("patient", record_number),
            "trialog.trials.v1.PatientService/CreatePatient",
            patient_pb2.CreatePatientRequest(
                parent=organization,
                patient=patient_pb2.Patient(medical_record_number=record_number, display_name=f"Made-up {number}"),
                request_id=request_id(),
            ),
        )


def datasets(label, organization):
    """An analyst's: datasets, whose rows are files outside the log."""
    for number in itertools.count():
        name = f"{label} {number}"
        yield (
            ("dataset", name),
            "trialog.analytics.v1.DatasetService/CreateDataset",
            dataset_pb2.CreateDatasetRequest(
                parent=organization,
                dataset=dataset_pb2.Dataset(display_name=name),
                columns=[dataset_pb2.Column(name="age", type=dataset_pb2.COLUMN_TYPE_INTEGER)],
                rows=[
                    dataset_pb2.DataRow(subject=f"subject-{row}", values=[value_pb2.Value(integer=row)])
                    for row in range(rows_of(name))
                ],
                request_id=request_id(),
            ),
        )


def rows_of(dataset):
    """How many rows a dataset of this name has: enough to be shown exactly."""
    return 20 + int(dataset.rsplit(" ", 1)[1]) % 50


def accounts(label, organization):
    """An administrator's: service accounts."""
    for number in itertools.count():
        name = f"{label} {number}"
        yield (
            ("account", name),
            "trialog.auth.v1.ServiceAccountService/CreateServiceAccount",
            service_account_pb2.CreateServiceAccountRequest(
                parent=organization,
                service_account=service_account_pb2.ServiceAccount(display_name=name),
                request_id=request_id(),
            ),
        )


class Site:
    """An organisation whose people write in every service that takes commands."""

    def __init__(self, organization):
        self.organization = organization
        self.biobank = Biobank(organization)
        self.shelf = self.biobank.add_location("shelf", capacity=100_000)
        _, self.kept_item = self.biobank.add_stocked_sample("KEPT")  # That no script touches.
        self.kept = get_sample(self.biobank.technician, self.kept_item.sample)
        self.clinic = Clinic(organization)
        self.analyst = organization.join("analyst", "ANALYST")
        self.auditor = organization.join("auditor", "AUDITOR")
        self.people = [
            organization.administrator, self.biobank.manager, self.biobank.technician, self.clinic.provider,
            self.clinic.other_provider, self.analyst, self.auditor,
        ]  # fmt: skip
        self._before = set(self.effects())

    def jobs(self):
        """Who writes what, for journal.Client."""
        stock_of = (self.biobank.name, self.shelf)
        return [
            *((self.biobank.technician, stock, (f"S{number}", *stock_of)) for number in range(4)),
            (self.clinic.provider, messages, ("thread", self.organization.name, self.clinic.other_provider.name)),
            (self.clinic.provider, patients, ("P", self.organization.name)),
            (self.analyst, datasets, ("D", self.organization.name)),
            (self.organization.administrator, accounts, ("A", self.organization.name)),
        ]

    def go_to(self, target):
        """The server is there now."""
        for person in self.people:
            person.reconnect(target).sign_in_again()

    def effects(self):
        """What the server holds, as effects of commands."""
        technician, name = self.biobank.technician, self.organization.name
        found = [("sample", sample.identifier) for sample in samples_of(technician, self.biobank.name)]
        for item in items_of(technician, self.biobank.name):
            found.append(("item", item.sample))
            found.extend(("issue", item.name, amount) for amount in self._issues(item))
        request = messaging_pb2.ListMessagesRequest(parent=f"{name}/threads/-")
        listed = pages(self.clinic.provider.MessagingService.ListMessages, request, "messages")
        found += [("message", message.body) for message in listed]
        request = patient_pb2.ListPatientsRequest(parent=name)
        listed = pages(self.clinic.provider.PatientService.ListPatients, request, "patients")
        found += [("patient", patient.medical_record_number) for patient in listed]
        request = dataset_pb2.ListDatasetsRequest(parent=name)
        listed = pages(self.analyst.DatasetService.ListDatasets, request, "datasets")
        found += [("dataset", dataset.display_name) for dataset in listed]
        request = service_account_pb2.ListServiceAccountsRequest(parent=name)
        listed = pages(
            self.organization.administrator.ServiceAccountService.ListServiceAccounts, request, "service_accounts"
        )
        found += [("account", account.display_name) for account in listed]
        return found

    def _issues(self, item):
        """Amounts issued from an item; each movement follows from the one before, and the item is as the last one says."""
        movements = pages(
            self.biobank.technician.InventoryService.ListMovements,
            inventory_item_pb2.ListMovementsRequest(parent=item.name),
            "movements",
        )
        amounts = []
        balance = 0
        for movement in reversed(movements):
            balance += movement.change.units
            assert movement.balance.units == balance >= 0, movement
            if movement.kind == inventory_item_pb2.StockMovement.KIND_ISSUE:
                amounts.append(-movement.change.units)
        assert (item.quantity.units, item.movement_count) == (balance, len(movements)), item
        return amounts

    def check(self, journal):
        """What the clients were told is what the server holds; no command took effect twice or in part."""
        found = [effect for effect in self.effects() if effect not in self._before]
        journal.check_effects(found)
        items = sum(kind == "item" for kind, *_ in found)
        assert self.biobank.location(self.shelf).current_count == items
        self._check_rows()

    def _check_rows(self):
        """The files of some datasets hold their rows."""
        request = dataset_pb2.ListDatasetsRequest(parent=self.organization.name)
        listed = pages(self.analyst.DatasetService.ListDatasets, request, "datasets")
        for dataset in listed[:: max(1, len(listed) // 20)]:
            version = self.analyst.DatasetService.PublishVersion(
                dataset_pb2.PublishVersionRequest(name=f"{dataset.name}/versions/1", request_id=request_id())
            )
            cohort = self.analyst.CohortService.CreateCohort(
                cohort_pb2.CreateCohortRequest(
                    parent=dataset.name,
                    cohort=cohort_pb2.Cohort(display_name="all", dataset_version=version.name),
                    request_id=request_id(),
                )
            )
            attrition = self.analyst.CohortService.EvaluateCohort(
                cohort_pb2.EvaluateCohortRequest(name=cohort.name)
            ).attrition
            assert attrition.members.exact == rows_of(dataset.display_name)
