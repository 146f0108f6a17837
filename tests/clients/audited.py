"""What audit holds of an organisation, up to now. Audit follows the logs of the other services, each in its order: once it
holds a record that was written last, it holds all that was written before."""
from client import eventually, pages, request_id
from organization import role
from trialog.analytics.v1 import dataset_pb2
from trialog.audit.v1 import service_pb2
from trialog.auth.v1 import invitation_pb2, organization_pb2
from trialog.inventory.v1 import biobank_pb2
from trialog.trials.v1 import trial_pb2

WRITERS = ("BIOBANK_MANAGER", "ANALYST", "TRIAL_RESEARCHER")
DRAFT = trial_pb2.Trial(title="m", description="m", study_type=trial_pb2.STUDY_TYPE_OBSERVATIONAL)
INVITATION = invitation_pb2.Invitation(roles=[invitation_pb2.InvitedRole(role=role("ANALYST"))])


def entries_of(auditor, organization, text):
    """The latest entries of anything with the organisation's `name` that a filter selects."""
    request = service_pb2.ListEntriesRequest(parent=organization.name, filter=text)
    return list(auditor.AuditService.ListEntries(request).entries)


def await_entry(auditor, organization, text):
    """The latest such entry, once there is one."""
    return eventually(lambda: entries_of(auditor, organization, text))[0]


def await_proven(auditor, entry):
    """The entry with the proof that a signed checkpoint holds it."""
    return eventually(lambda: auditor.AuditService.GetEntry(service_pb2.GetEntryRequest(name=entry.name)))


class Audited:
    """The entries of one organisation."""

    def __init__(self, organization, holders=None):
        """`holders`: a caller by role, who join where not given."""
        self._organization = organization
        self._holders = holders or {name: organization.join(f"marking-{name.lower().replace('_', '-')}", name) for name in (*WRITERS, "AUDITOR")}
        self._marks = 0

    def entries(self):
        """All that is to be audited up to now, without the records that this writes to know it."""
        self._marks += 1
        name, holders, mark = self._organization.name, self._holders, f"mark-{self._marks}"
        holders["BIOBANK_MANAGER"].BiobankService.CreateBiobank(
            biobank_pb2.CreateBiobankRequest(parent=name, biobank_id=mark, biobank=biobank_pb2.Biobank(display_name="m"))
        )
        holders["ANALYST"].DatasetService.CreateDataset(
            dataset_pb2.CreateDatasetRequest(parent=name, dataset_id=mark, dataset=dataset_pb2.Dataset(display_name="m"))
        )
        holders["TRIAL_RESEARCHER"].TrialService.CreateTrial(
            trial_pb2.CreateTrialRequest(parent=name, trial_id=mark, trial=DRAFT, request_id=request_id())
        )
        self._organization.administrator.OrganizationService.CreateInvitation(
            organization_pb2.CreateInvitationRequest(parent=name, invitation_id=mark, invitation=INVITATION)
        )
        return eventually(lambda: self._written(mark))

    def _written(self, mark):
        """The entries, once the mark's four are among them."""
        request = service_pb2.ListEntriesRequest(parent=self._organization.name, page_size=1000)
        entries = pages(self._holders["AUDITOR"].AuditService.ListEntries, request, "entries")
        if sum(entry.content.entity.endswith("/" + mark) for entry in entries) < 4:
            return None
        return [entry for entry in entries if "/mark-" not in entry.content.entity]
