"""The commands of trials that are about a trial, its subjects and their captures."""
from clinic import at, date, text_value
from client import request_id
from relation_commands import fresh, read, update
from trialog.trials.v1 import data_capture_pb2, enrollment_pb2, patient_pb2, researcher_pb2, trial_pb2

GIVEN = enrollment_pb2.CONSENT_STATE_GIVEN


def add_trials(world, under):
    _add_researcher(world, under)
    _add_trial(world, under)
    _add_news(world, under)
    _add_subject(world, under)
    _add_capture(world, under)


def _add_researcher(world, under):
    site = world.site
    researcher, profile = site.researcher, site.researcher_profile.name

    def made(caller):
        """Of who has no profile yet."""
        user = researcher if caller is None else site.reviewer
        return {"parent": site.name, "researcher": researcher_pb2.Researcher(user=user.name, expertise="Made-up")}

    def of_profile(_):
        return list(read(researcher, "ResearcherService/ListResearchers", parent=site.name).researchers)

    does = under("Researcher's profile", of_profile).do
    does(
        "ResearcherService/UpdateResearcher",
        lambda _: update(read(researcher, "ResearcherService/GetResearcher", name=profile), "researcher", contact=fresh("room")),
    )
    under("Profile of a researcher who has none", of_profile).do(
        "ResearcherService/CreateResearcher", made, acts=lambda caller: site.reviewer if caller == researcher else caller
    )


class Moves:
    """Trials in the states that moves begin in."""

    # How a trial comes to a state: the moves from DRAFT on, and who makes them.
    WAYS = {
        "DRAFT": (),
        "IN_REVIEW": ("Submit",),
        "APPROVED": ("Submit", "Approve"),
        "ACTIVE": ("Submit", "Approve", "Activate"),
        "SUSPENDED": ("Submit", "Approve", "Activate", "Suspend"),
        "FROZEN": ("Submit", "Approve", "Activate", "Freeze"),
        "LOCKED": ("Submit", "Approve", "Activate", "Lock"),
    }
    REASON = {"Reject", "Suspend", "Unfreeze", "Unlock", "Terminate"}

    def __init__(self, world):
        self._site = world.site
        self._world = world
        manager = world.caller("DATA_MANAGER", "organization")
        self._by = {"Approve": world.site.reviewer, "Freeze": manager, "Lock": manager}

    def trial(self, state, trial_id):
        """Name of a new trial of the researcher, in this state."""
        name = self._site.draft(trial_id).name
        for move in self.WAYS[state]:
            caller = self._by.get(move, self._site.researcher)
            read(caller, f"TrialService/{move}Trial", **self.fields(move, name), request_id=request_id())
        return name

    def fields(self, move, name):
        """Those of the request."""
        return {"name": name} | ({"state_reason": "made-up reason"} if move in self.REASON else {})


def _add_trial(world, under):
    site, moves = world.site, Moves(world)

    def of_trial(name):
        return read(site.researcher, "TrialService/GetTrial", name=name)

    def of_organization(_):
        """All trials, drafts too."""
        manager = world.caller("DATA_MANAGER", "organization")
        return list(read(manager, "TrialService/ListTrials", parent=site.name, page_size=1000).trials)

    def drafted(_):
        kind = trial_pb2.STUDY_TYPE_OBSERVATIONAL
        trial = trial_pb2.Trial(title="New", description="made-up", study_type=kind, start_date=date(2025, 1, 1))
        return {"parent": site.name, "trial_id": fresh("drafted"), "trial": trial}

    def moved(does, move, state):
        """A new trial each time, in the scope of those who hold a role for the trial."""

        def fields(_):
            return moves.fields(move, moves.trial(state, next(world.trials_in_scope)))

        does(f"TrialService/{move}Trial", fields)

    under("Organisation, for new trials", of_organization).do("TrialService/CreateTrial", drafted)
    does = under("Trial in DRAFT, by its researchers", of_trial).do
    does(
        "TrialService/UpdateTrial",
        lambda _: update(read(site.researcher, "TrialService/GetTrial", name=world.draft), "trial", title=fresh("Renamed")),
    )
    moved(does, "Submit", "DRAFT")
    does = under("Trial in review, by a second researcher", of_trial).do
    for move in ("Approve", "Reject"):
        moved(does, move, "IN_REVIEW")
    does = under("Trial from its approval on, by its researchers", of_trial).do
    for move, state in (
        ("Activate", "APPROVED"),
        ("Suspend", "ACTIVE"),
        ("Resume", "SUSPENDED"),
        ("Terminate", "ACTIVE"),
        ("Archive", "LOCKED"),
    ):
        moved(does, move, state)
    does = under("Data of a trial as a whole", of_trial).do
    for move, state in (("Freeze", "ACTIVE"), ("Unfreeze", "FROZEN"), ("Lock", "FROZEN"), ("Unlock", "LOCKED")):
        moved(does, move, state)


def _add_news(world, under):
    site = world.site

    def news(_):
        """All news, as the participant sees it."""
        return list(read(site.patient, "TrialService/ListTrialEvents", parent=site.trial, page_size=1000).trial_events)

    under("Trial from its approval on, by its researchers").do(
        "TrialService/PublishTrialEvent",
        lambda _: {"parent": site.trial, "trial_event": trial_pb2.TrialEvent(title="made-up news")},
        news,
    )
    under("News of a trial, as read", news).do("TrialService/AcknowledgeTrialEvent", lambda _: {"name": world.news.name})


def _add_subject(world, under):
    site, moves = world.site, Moves(world)

    def patient():
        """Name of a patient of the provider and of the clinic."""
        name = fresh("patient")
        made = patient_pb2.Patient(
            medical_record_number=fresh("MRN"), display_name="Made Up", primary_clinic=f"{site.name}/sites/main"
        )
        return read(
            site.provider, "PatientService/CreatePatient", parent=site.name, patient_id=name, patient=made, request_id=request_id()
        ).name

    def enrolling(trial, who):
        consent = enrollment_pb2.Consent(state=GIVEN, form_version="1.0")
        return {"parent": trial, "subject_id": fresh("s"), "subject": enrollment_pb2.Subject(patient=who, consent=consent)}

    def subject(caller):
        """Name of the subject that nobody in particular is, or the caller, in another trial, where given as a participant."""
        if caller is None:
            return site.subject.name
        own = caller == site.patient
        trial = moves.trial("ACTIVE", fresh("trial")) if own else site.trial
        who = caller.identity.patient if own else patient()
        return read(site.provider, "EnrollmentService/EnrollSubject", **enrolling(trial, who), request_id=request_id()).name

    def of_subject(name):
        return read(site.provider, "EnrollmentService/GetSubject", name=name)

    def subjects(_):
        return list(read(site.provider, "EnrollmentService/ListSubjects", parent=site.trial, page_size=1000).subjects)

    under("Patient who is to take part", subjects).do(
        "EnrollmentService/EnrollSubject", lambda _: enrolling(site.trial, patient()), path=["subject", "patient"]
    )
    does = under("Subject, by staff", of_subject).do
    does(
        "EnrollmentService/TransitionSubject",
        lambda caller: {"name": subject(caller), "state": enrollment_pb2.SUBJECT_STATE_FOLLOW_UP},
    )
    does(
        "EnrollmentService/RecordConsent",
        lambda caller: {"name": subject(caller), "consent": enrollment_pb2.Consent(state=GIVEN, form_version="2.0")},
    )
    under("Consent that is taken back, and captures that the caller or other staff entered", of_subject).do(
        "EnrollmentService/WithdrawConsent", lambda caller: {"name": subject(caller)}
    )


def _add_capture(world, under):
    site = world.site
    by_staff = "Consent that is taken back, and captures that the caller or other staff entered"

    def of_capture(name):
        return read(site.provider, "DataCaptureService/GetDataCapture", name=name)

    def captures(_):
        return list(read(site.provider, "DataCaptureService/ListDataCaptures", parent=site.trial, page_size=1000).data_captures)

    def entered_by(caller):
        """The participant, of what is to be their own; else the provider."""
        return site.patient if caller == site.patient else site.provider

    def creating(_):
        capture = data_capture_pb2.DataCapture(
            subject=site.subject.name, data_value=[text_value("note", "made-up")], track_time=at(1_700_000_000)
        )
        return {"parent": site.trial, "data_capture": capture, "submit": True}

    def amending(capture):
        return update(capture, "data_capture", amend_reason="made-up reason") | {"update_mask": {"paths": ["data_value"]}}

    does = under(by_staff).do
    does("DataCaptureService/CreateDataCapture", creating, captures, path=["data_capture", "subject"])
    does("DataCaptureService/AmendDataCapture", lambda caller: amending(site.capture("made-up", by=entered_by(caller))), of_capture)
    does(
        "DataCaptureService/SubmitDataCapture",
        lambda caller: {"name": site.capture("made-up", by=entered_by(caller), submit=False).name},
        of_capture,
    )
    does = under("Capture about a participant that staff entered, by the participant", of_capture).do
    does("DataCaptureService/AmendDataCapture", lambda _: amending(site.capture("made-up")))
    does("DataCaptureService/SubmitDataCapture", lambda _: {"name": site.capture("made-up", submit=False).name})
    under("What the clinician alone does for a patient").do(
        "DataCaptureService/FinalizeDataCapture", lambda _: {"name": site.capture("made-up").name}, of_capture
    )
    under("What the patient alone does").do(
        "DataCaptureService/AcknowledgeDataCapture",
        lambda _: {"name": site.finalize_capture(site.capture("made-up")).name},
        of_capture,
    )
