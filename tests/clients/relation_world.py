"""One organisation with a record of each kind, and callers who stand to them in every way that docs/access.md names."""
from concurrent.futures import ThreadPoolExecutor

from client import eventually, request_id
from clinic import TrialSite
from inventory import Biobank
from organization import Organization
from test_statistics import Study, survival_by
from trialog import options_pb2
from trialog.analytics.v1 import analysis_pb2, dataset_pb2
from trialog.audit.v1 import service_pb2
from trialog.auth.v1 import auth_pb2
from trialog.inventory.v1 import inventory_item_pb2
from trialog.trials.v1 import clinical_events_pb2, medication_pb2, patient_pb2, trial_pb2

EVERY_ROLE = [name.removeprefix("ROLE_") for name in options_pb2.Role.keys() if name != "ROLE_UNSPECIFIED"]


def pattern_of(name):
    """"organizations/o/users/u" → "organizations/*/users/*"; a singleton's last word stays."""
    return "/".join("*" if n % 2 else word for n, word in enumerate(name.split("/")))


class World:
    """The records, and who stands to them how."""

    def __init__(self, server):
        self.organization = organization = Organization(server)
        self.foreign = Organization(server)
        self.name = organization.name
        self.site = TrialSite(organization)
        self.study = Study(organization)
        self.biobank = Biobank(organization)
        self.draft, self.review = f"{self.name}/trials/draft", f"{self.name}/trials/review"
        self._scopes = {
            "trial": [self.site.trial, self.draft, self.review],
            "site": [f"{self.name}/sites/main"],
            "biobank": [self.biobank.name],
            "dataset": [self.study.dataset],
            "organization": [self.name],
            "other person": [f"{self.site.other_patient.name}"],
        }
        for kind, collection in (("trial", "trials"), ("site", "sites"), ("biobank", "biobanks"), ("dataset", "datasets")):
            self._scopes[f"other {kind}"] = [f"{self.name}/{collection}/other"]
        self._people = {}
        self._make_clinic()
        self._make_stock()
        self._make_statistics()
        self._make_callers()
        self.program = organization.program("ANALYST")
        self.records = self._by_pattern()

    # Callers.

    def caller(self, role, relation):
        """Who holds the role in that relation; made when first asked for."""
        if relation == "ended":
            relation = {"TRIAL_RESEARCHER": "named", "PROVIDER": "named"}.get(role, "own")
        if relation == "foreign":
            role = "NOTIFIER" if role == "NOTIFIER" else "anyone"
        if (role, relation) not in self._people:
            self._people[role, relation] = self._join(role, relation)
        return self._people[role, relation]

    def everybody_else(self, *roles):
        """All callers of the organisation but the owner of the records in the rows of `anyone`, and those of `roles`."""
        owners = {self.site.patient.name, self.site.provider.name}
        return {
            caller.name: caller
            for (role, relation), caller in self._people.items()
            if relation != "foreign" and role not in roles and caller.name not in owners
        }.values()

    def _join(self, role, relation):
        scopes = self._scopes[relation]
        if role == "NOTIFIER":
            return self.organization.program(role, *scopes)
        name = f"{role}-{relation}".lower().replace("_", "-").replace(" ", "-")
        person = self.organization.join(name, role, scope=scopes[0])
        for scope in scopes[1:]:
            self.organization.grant(person, role, scope)
        return person.sign_in_again() if scopes[1:] else person

    def _make_callers(self):
        site, study = self.site, self.study
        creator = self._creator
        self._people |= {
            ("SYSTEM_ADMINISTRATOR", "organization"): self.organization.administrator,
            ("anyone", "own"): site.patient,
            ("PARTICIPANT", "own"): site.patient,
            ("PARTICIPANT", "part"): site.patient,
            ("PARTICIPANT", "organization"): site.other_patient,
            ("PROVIDER", "named"): site.provider,
            ("PROVIDER", "own"): site.provider,
            ("TRIAL_RESEARCHER", "named"): site.researcher,
            ("TRIAL_RESEARCHER", "own"): site.researcher,
            ("LAB_TECHNICIAN", "own"): creator,
            ("ANALYST", "own"): study.analyst,
            ("ANALYST", "named"): study.colleague,
            ("DATA_CUSTODIAN", "own"): self._asking_custodian,
        }
        everywhere = [role for role in EVERY_ROLE if role != "NOTIFIER"]
        self._people["anyone", "foreign"] = self.foreign.join("foreigner", *everywhere)
        self._people["NOTIFIER", "foreign"] = self.foreign.program("NOTIFIER")

    def stranger(self, role, number, relation):
        """One more caller of a role to whom no record here belongs."""
        name = f"stranger-{role}-{relation}-{number}".lower().replace("_", "-").replace(" ", "-")
        if role == "PARTICIPANT":
            return self.site.add_patient(name, self.site.other_provider, display_name="Made Up Stranger")
        return self.organization.join(name, role, scope=self._scopes[relation][0])

    def make(self, wanted):
        """Makes these callers (role, relation), several at a time."""
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda each: self.caller(*each), wanted))

    def end_roles(self):
        """Takes the roles of those whom the records name back, and gives them again elsewhere."""
        organization, site = self.organization, self.site
        for person, role, again in (
            (site.provider, "PROVIDER", [("PROVIDER", "other site")]),
            (site.researcher, "TRIAL_RESEARCHER", [("TRIAL_RESEARCHER", "other trial")]),
            (self.study.analyst, "ANALYST", [("ANALYST", "other dataset")]),
            (site.patient, "PARTICIPANT", [("PROVIDER", "other trial"), ("AUDITOR", "other trial")]),
            (self._creator, "LAB_TECHNICIAN", []),
        ):
            organization.revoke(person, role)
            for given, scope in again:
                organization.grant(person, given, self._scopes[scope][0])
            person.sign_in_again()

    # Records.

    def _by_pattern(self):
        """{pattern of a resource name, as in the methods' paths: the one of this world}."""
        site, user = self.site, self.site.patient
        sessions = user.AuthService.ListSessions(auth_pb2.ListSessionsRequest(parent=user.name)).sessions
        names = [
            user.name,
            f"{user.name}/notificationPreferences",
            user.identity.grants[0].name,
            sessions[0].name,
            self.notice,
            self.program.name,
            self.program.key,
            self.biobank.name,
            self.biobank.freezer,
            self.sample.name,
            self.item.name,
            site.patient.identity.patient,
            site.researcher_profile.name,
            site.trial,
            self.news.name,
            site.subject.name,
            self.capture.name,
            self.order.name,
            self.distribution.name,
            self.dose.name,
            self.protocol.name,
            self.message.thread,
            self.message.name,
            self.appointment.name,
            self.study.dataset,
            self.study.version,
            self.study.cohort,
            self.released.name,
            self.entry().name,
        ]
        return {pattern_of(name): name for name in names}

    def entry(self):
        """The audit entry that the trial was drafted by, with its proof."""
        audit = self.caller("AUDITOR", "organization").AuditService
        about = f'entity = "{self.site.trial}" AND type = "{clinical_events_pb2.TrialCreated.DESCRIPTOR.full_name}"'
        entries = service_pb2.ListEntriesRequest(parent=self.name, filter=about)
        entry = eventually(lambda: audit.ListEntries(entries).entries)[0]
        # Once it is given with its proof, a signed state of the tree holds it.
        eventually(lambda: audit.GetEntry(service_pb2.GetEntryRequest(name=entry.name)))
        return entry

    def _make_clinic(self):
        site, organization = self.site, self.organization
        profile = site.profile(site.patient)
        profile.primary_clinic = f"{self.name}/sites/main"
        site.provider.PatientService.UpdatePatient(
            patient_pb2.UpdatePatientRequest(
                patient=profile, update_mask={"paths": ["primary_clinic"]}, request_id=request_id()
            )
        )
        self.capture = site.finalize_capture(site.capture("made-up"))
        self.order = site.publish(site.order())
        self.draft_order = site.order()
        self.distribution = site.finalize(site.prepare())
        self.prepared = site.prepare()
        self.dose = site.log_dose(self.distribution, 1_736_150_400, 1_736_150_460)
        self.protocol = site.patient.MedicationService.RecordProtocolAdherence(
            medication_pb2.RecordProtocolAdherenceRequest(
                parent=site.patient.identity.patient,
                protocol_id="diet",
                adherence_state=medication_pb2.ProtocolAdherence.ADHERENCE_STATE_ADHERENT,
                request_id=request_id(),
            )
        )
        self.message = site.send(site.patient, site.provider, "made-up: between us")
        self.appointment = site.book(1_900_000_000, 1_900_001_800)
        site.draft("draft")
        site.draft("review")
        site.submit(self.review)
        self.news = site.researcher.TrialService.PublishTrialEvent(
            trial_pb2.PublishTrialEventRequest(
                parent=site.trial, trial_event=trial_pb2.TrialEvent(title="made-up news"), request_id=request_id()
            )
        )
        with site.watch_notices(site.patient) as notices:  # What stood already is read; the next is of this order.
            order = site.publish(site.order())
            self.notice = notices.until(lambda change: change.notification.resource == order.name).name
        # A notice of another person, after it: whoever follows events has by then been told of the first.
        with site.watch_notices(site.other_patient) as notices:
            site.send(site.other_provider, site.other_patient, "made-up: hello")
            self.later_notice = notices.next().name

    def _make_stock(self):
        organization, biobank = self.organization, self.biobank
        creator = self._creator = organization.join("creator", "LAB_TECHNICIAN")
        self.sample = creator.SampleService.CreateSample(
            biobank.new_sample("OWNED", patient=self.site.patient.identity.patient)
        )
        self.item = creator.InventoryService.ReceiveStock(biobank.stock(self.sample))
        movements = inventory_item_pb2.ListMovementsRequest(parent=self.item.name)
        self.movement = biobank.technician.InventoryService.ListMovements(movements).movements[0].name
        organization.revoke(creator, "LAB_TECHNICIAN")
        organization.grant(creator, "LAB_TECHNICIAN", f"{self.name}/biobanks/other")
        creator.sign_in_again()
        biobank.assign(self.site.provider)

    def _make_statistics(self):
        study = self.study
        self._asking_custodian = self.organization.join("asking", "ANALYST", "DATA_CUSTODIAN")
        for person in (study.colleague, self._asking_custodian):
            study.analyst.DatasetService.ShareDataset(
                dataset_pb2.ShareDatasetRequest(name=study.dataset, user=person.name, request_id=request_id())
            )
        self.pending = study.compute(study.cohort, survival_by("sex"), by=self._asking_custodian)
        computed = study.compute(study.cohort, survival_by("sex"), by=study.colleague)
        self.released = study.custodian.AnalysisService.ReleaseAnalysis(
            analysis_pb2.ReleaseAnalysisRequest(name=computed.name, request_id=request_id())
        )
