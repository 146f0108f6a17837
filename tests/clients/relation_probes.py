"""How each method that reads shows a record of docs/access.md: one probe for each way of asking it."""
import time

import grpc

import access_table
from client import reason_of, request_of
from clinic import date
from trialog.trials.v1 import care_events_pb2
from watching import Watch

# What a caller who may not see a record is told; anything else that is no answer is a fault.
HIDDEN = {
    ("NOT_FOUND", "NOT_FOUND"),
    ("PERMISSION_DENIED", "ROLE_MISSING"),
    ("PERMISSION_DENIED", "ROWS_NOT_READABLE"),  # Of a dataset that the caller sees.
    ("FAILED_PRECONDITION", "RESULT_NOT_SHOWN"),
}


class Probe:
    """One way of asking a method for a record: `shows(answer)` says whether it is there."""

    def __init__(self, method, request, shows):
        self.method = method  # Full name.
        self.request = request
        self.shows = shows

    def sees(self, caller):
        """Whether the record is there for this caller."""
        service, name = self.method.split("/")
        try:
            return bool(self.shows(getattr(caller.service(service), name)(self.request)))
        except grpc.RpcError as error:
            if (error.code().name, reason_of(error)) in HIDDEN:
                return False
            raise AssertionError(f"{self.method}: {error}") from error


def _names(resources):
    return {resource.name for resource in resources}


def _page(answer):
    """The resources of a page: by AIP-158 its first field."""
    return getattr(answer, answer.DESCRIPTOR.fields[0].name)


def _watched(stream, name):
    """Whether the name is among what stands when the stream begins."""
    with Watch(stream) as watch:
        return name in {value.name for change in watch.initial() for field, value in change.ListFields() if field.message_type}


class _Under:
    """Adds probes of one title of docs/access.md."""

    def __init__(self, probes, title):
        self._added = probes.of.setdefault(title, [])

    def ask(self, method, shows=lambda answer: True, **fields):
        """The method as it is, and as of now where it has that."""
        full = access_table.full_name(method)
        request = request_of(full, **fields)
        self._added.append(Probe(full, request, shows))
        if "as_of" in request.DESCRIPTOR.fields_by_name:
            past = request_of(full, **fields)
            past.as_of.FromNanoseconds(time.time_ns())
            self._added.append(Probe(full, past, shows))

    def get(self, method, name):
        """An answer at all is the record."""
        self.ask(method, name=name)

    def list(self, method, name, *parents, **fields):
        """The record is on the page of each parent: the first, or the one that `fields` ask for."""
        for parent in parents:
            self.ask(method, lambda answer: name in _names(_page(answer)), parent=parent, **fields)

    def watch(self, method, name, *parents):
        """The record is there when a stream below each parent begins."""
        for parent in parents:
            self.ask(method, lambda stream: _watched(stream, name), parent=parent)


class Probes:
    """The probes of each kind of record, by its title in docs/access.md."""

    def __init__(self, world):
        self.of = {}
        self._all = f"{world.name}/{{}}/-".format
        self._add_auth(world)
        self._add_inventory(world)
        self._add_patient(world)
        self._add_trials(world)
        self._add_subject(world)
        self._add_medication(world)
        self._add_contacts(world)
        self._add_notices(world)
        self._add_analytics(world)
        self._add_audit(world)

    def _under(self, title):
        return _Under(self, title)

    def _add_auth(self, world):
        under = self._under("Settings of an organisation")
        under.get("OrganizationService/GetOrganization", world.name)
        under.ask("OrganizationService/ListOrganizations", lambda answer: world.name in _names(answer.organizations))
        under = self._under("Account, its sessions and grants")
        user, identity = world.site.patient.name, world.site.patient.identity
        under.get("UserService/GetUser", user)
        under.list("UserService/ListUsers", user, world.name, page_size=1000)
        under.list("UserService/ListGrants", identity.grants[0].name, user)
        sessions = request_of("trialog.auth.v1.AuthService/ListSessions", parent=user)
        under.list("AuthService/ListSessions", world.site.patient.AuthService.ListSessions(sessions).sessions[0].name, user)
        self._under("Who one is oneself").ask("AuthService/WhoAmI", lambda answer: answer.identity.user.name == user)
        under = self._under("Service account")
        under.get("ServiceAccountService/GetServiceAccount", world.program.name)
        under.list("ServiceAccountService/ListServiceAccounts", world.program.name, world.name)

    def _add_inventory(self, world):
        biobank, place = world.biobank.name, world.biobank.freezer
        under = self._under("Biobank and storage location")
        under.get("BiobankService/GetBiobank", biobank)
        under.list("BiobankService/ListBiobanks", biobank, world.name)
        under.get("StorageService/GetStorageLocation", place)
        under.get("StorageService/GetOccupancy", place)
        under.list("StorageService/ListStorageLocations", place, biobank)
        under = self._under("Sample and stock")
        sample, item, parents = world.sample.name, world.item.name, (biobank, self._all("biobanks"))
        under.get("SampleService/GetSample", sample)
        under.get("SampleService/GetSampleHistory", sample)
        under.list("SampleService/ListSamples", sample, *parents)
        under.watch("SampleService/WatchSamples", sample, *parents)
        under.get("InventoryService/GetInventoryItem", item)
        under.list("InventoryService/ListInventoryItems", item, *parents)
        under.watch("InventoryService/WatchInventoryItems", item, *parents)
        under.list("InventoryService/ListMovements", world.movement, item)

    def _add_patient(self, world):
        patient, researcher = world.site.patient.identity.patient, world.site.researcher_profile.name
        under = self._under("Patient")
        under.get("PatientService/GetPatient", patient)
        under.list("PatientService/ListPatients", patient, world.name)
        under.watch("PatientService/WatchPatients", patient, world.name)
        under = self._under("Own profile")
        under.ask("PatientService/GetMyProfile", lambda answer: answer.patient.name == patient, parent=world.name)
        under = self._under("Researcher")
        under.get("ResearcherService/GetResearcher", researcher)
        under.list("ResearcherService/ListResearchers", researcher, world.name)

    def _add_trials(self, world):
        for title, trial in (
            ("Trial in DRAFT", world.draft),
            ("Trial in review", world.review),
            ("Trial, ACTIVE", world.site.trial),
        ):
            under = self._under(title)
            under.get("TrialService/GetTrial", trial)
            under.list("TrialService/ListTrials", trial, world.name)
            under.watch("TrialService/WatchTrials", trial, world.name)
        self._under("News of a trial").list("TrialService/ListTrialEvents", world.news.name, world.site.trial)

    def _add_subject(self, world):
        trial, subject, capture = world.site.trial, world.site.subject, world.capture.name
        parents = (trial, self._all("trials"))
        under = self._under("Subject and data capture")
        under.get("EnrollmentService/GetSubject", subject.name)
        under.list("EnrollmentService/ListSubjects", subject.name, *parents)
        under.watch("EnrollmentService/WatchSubjects", subject.name, *parents)
        under.get("DataCaptureService/GetDataCapture", capture)
        under.get("DataCaptureService/GetDataCaptureHistory", capture)
        under.list("DataCaptureService/ListDataCaptures", capture, *parents)
        under.watch("DataCaptureService/WatchDataCaptures", capture, *parents)
        under.ask(
            "DataCaptureService/GetLatestDataCapture",
            lambda answer: answer.data_capture.name == capture,
            parent=trial,
            patient=subject.patient,
        )
        under = self._under("Final captures of a trial under subject keys")
        under.ask(
            "DataCaptureService/ExportCodedCaptures",
            lambda stream: any(coded.captures for coded in list(stream)),
            parent=trial,
        )

    def _add_medication(self, world):
        patient, service = world.site.patient.identity.patient, "MedicationService/"
        in_force = self._under("Medication in force, and what was taken of it")
        prepared = self._under("Order in DRAFT, distribution that is only prepared")
        for under, order, distribution in (
            (in_force, world.order.name, world.distribution.name),
            (prepared, world.draft_order.name, world.prepared.name),
        ):
            under.get(service + "GetMedicationOrder", order)
            under.list(service + "ListMedicationOrders", order, patient)
            under.get(service + "GetMedicationDistribution", distribution)
            under.list(service + "ListMedicationDistributions", distribution, patient)
            for name in (order, distribution):
                under.watch(service + "WatchMedication", name, patient)
        in_force.list(service + "ListAdherenceLogs", world.dose.name, patient)
        in_force.list(service + "ListProtocolAdherences", world.protocol.name, patient)
        for name in (world.dose.name, world.protocol.name):
            in_force.watch(service + "WatchMedication", name, patient)
        in_force.ask(service + "GetAdherenceSummary", parent=patient, end_date=date(2025, 3, 1))

    def _add_contacts(self, world):
        under = self._under("Thread and message")
        thread, message = world.message.thread, world.message.name
        parents = (thread, self._all("threads"))
        under.list("MessagingService/ListThreads", thread, world.name)
        under.list("MessagingService/ListMessages", message, *parents)
        under.watch("MessagingService/WatchMessages", message, *parents)
        under, appointment = self._under("Appointment"), world.appointment.name
        under.get("SchedulingService/GetAppointment", appointment)
        under.list("SchedulingService/ListAppointments", appointment, world.name)
        under.watch("SchedulingService/WatchAppointments", appointment, world.name)

    def _add_notices(self, world):
        def told(stream):
            """Whether the notice was told of before a later one, which all who follow this are told of."""
            seen = set()
            for batch in stream:
                assert {event.type for event in batch.events} <= {care_events_pb2.NotificationCreated.DESCRIPTOR.full_name}
                seen |= {event.subject for event in batch.events}
                if world.later_notice in seen:
                    stream.cancel()
                    return world.notice in seen
            raise AssertionError("the stream ended")

        user = world.site.patient.name
        under = self._under("Notice")
        under.list("NotificationService/ListNotifications", world.notice, user)
        under.watch("NotificationService/WatchNotifications", world.notice, user)
        under.ask("trialog.trials.v1.EventService/Subscribe", told, parent=world.name, from_start=True)
        self._under("Contacts of a notice's recipient").get("NotificationService/ResolveContact", world.notice)
        under = self._under("Preferences about notices")
        under.get("NotificationService/GetPreferences", f"{user}/notificationPreferences")

    def _add_analytics(self, world):
        study, analysis, all_datasets = world.study, world.released.name, self._all("datasets")
        under = self._under("Dataset, its versions, cohorts and analyses")
        under.get("DatasetService/GetDataset", study.dataset)
        under.list("DatasetService/ListDatasets", study.dataset, world.name)
        under.get("DatasetService/GetVersion", study.version)
        under.list("DatasetService/ListVersions", study.version, study.dataset)
        under.get("CohortService/GetCohort", study.cohort)
        under.list("CohortService/ListCohorts", study.cohort, study.dataset, all_datasets)
        under.get("CohortService/EvaluateCohort", study.cohort)
        under.get("CohortService/GetAttrition", study.cohort)
        under.get("AnalysisService/GetAnalysis", analysis)
        under.list("AnalysisService/ListAnalyses", analysis, study.cohort, all_datasets + "/cohorts/-")
        under.watch("AnalysisService/WatchAnalyses", analysis, study.cohort, all_datasets + "/cohorts/-")
        under = self._under("Rows of a dataset that holds no trial's data")
        under.ask("DatasetService/ListRows", parent=study.version)
        for title, name in (
            ("Result that is released", analysis),
            ("Result that a custodian has yet to release", world.pending.name),
        ):
            for method in ("GetAnalysisResult", "GetPlot", "VerifyAnalysis"):
                self._under(title).get("AnalysisService/" + method, name)

    def _add_audit(self, world):
        entry = world.entry()
        under = self._under("Audit entry about a trial")
        under.get("AuditService/GetEntry", entry.name)
        under.list("AuditService/ListEntries", entry.name, world.name, filter=f'entity = "{world.site.trial}"')
        under.ask("AuditService/GetInclusionProof", tree_index=entry.tree_index)
        under = self._under("Who read a patient's records")
        under.ask("AuditService/ListAccesses", parent=world.name, subject=world.site.patient.identity.patient)
