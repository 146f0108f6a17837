"""A trial from its draft to the archive, its subjects' states and consents, and captures that wait for their submission: each
move in its place, and what is refused out of place."""
import pytest

from client import refused, request_id
from clinic import TrialSite
from trialog.trials.v1 import data_capture_pb2, enrollment_pb2, researcher_pb2, trial_pb2
from watching import Watch

DRAFT, ACTIVE, SUSPENDED, FROZEN, LOCKED, TERMINATED, ARCHIVED = (
    trial_pb2.TrialState.Value("TRIAL_STATE_" + state)
    for state in ("DRAFT", "ACTIVE", "SUSPENDED", "FROZEN", "LOCKED", "TERMINATED", "ARCHIVED")
)
GIVEN = enrollment_pb2.CONSENT_STATE_GIVEN


@pytest.fixture(scope="module")
def site(organization):
    return TrialSite(organization)


@pytest.fixture(scope="module")
def manager(organization):
    return organization.join("data-manager", "DATA_MANAGER")


def get(person, name):
    return person.TrialService.GetTrial(trial_pb2.GetTrialRequest(name=name))


def active(site, trial_id):
    """Name of one more trial that runs."""
    name = site.draft(trial_id).name
    site.approve(name)
    site.researcher.TrialService.ActivateTrial(trial_pb2.ActivateTrialRequest(name=name, request_id=request_id()))
    return name


def subject_of(site, name):
    return site.provider.EnrollmentService.GetSubject(enrollment_pb2.GetSubjectRequest(name=name))


# Trials.


def test_draft_is_changed_until_it_is_submitted(site):
    draft = site.draft("changes")
    draft.title = "Made-up other title"
    request = trial_pb2.UpdateTrialRequest(trial=draft, update_mask={"paths": ["title"]}, request_id=request_id())
    changed = site.researcher.TrialService.UpdateTrial(request)
    assert changed.title == "Made-up other title" == get(site.researcher, draft.name).title
    request.request_id = request_id()
    with refused("ABORTED", "ETAG_MISMATCH"):
        site.researcher.TrialService.UpdateTrial(request)
    site.submit(draft.name)
    request.trial.etag = get(site.researcher, draft.name).etag
    with refused("FAILED_PRECONDITION", "TRIAL_IN_REVIEW"):
        site.researcher.TrialService.UpdateTrial(request)


def test_suspended_trial_takes_nobody_in_until_it_is_resumed(site):
    trial, trials = active(site, "pauses"), site.researcher.TrialService
    suspend = trial_pb2.SuspendTrialRequest(name=trial, state_reason="made-up: supplies", request_id=request_id())
    assert trials.SuspendTrial(suspend).state == SUSPENDED
    shown = get(site.researcher, trial)
    assert (shown.state, shown.state_reason) == (SUSPENDED, "made-up: supplies")
    enroll = enrollment_pb2.EnrollSubjectRequest(
        parent=trial,
        subject=enrollment_pb2.Subject(
            patient=site.patient.identity.patient, consent=enrollment_pb2.Consent(state=GIVEN, form_version="1.0")
        ),
        request_id=request_id(),
    )
    with refused("FAILED_PRECONDITION", "TRIAL_NOT_ACTIVE"):
        site.provider.EnrollmentService.EnrollSubject(enroll)
    suspend.request_id = request_id()
    with refused("FAILED_PRECONDITION", "ILLEGAL_MOVE"):
        trials.SuspendTrial(suspend)
    resume = trial_pb2.ResumeTrialRequest(name=trial, request_id=request_id())
    assert trials.ResumeTrial(resume).state == ACTIVE == get(site.researcher, trial).state
    enroll.request_id = resume.request_id = request_id()
    site.provider.EnrollmentService.EnrollSubject(enroll)
    with refused("FAILED_PRECONDITION", "ILLEGAL_MOVE"):
        trials.ResumeTrial(resume)


def test_data_manager_freezes_locks_and_unlocks_with_a_reason(site, manager):
    trial, trials = active(site, "is-cleaned"), manager.TrialService
    with Watch(site.researcher.TrialService.WatchTrials(trial_pb2.WatchTrialsRequest(parent=site.name))) as watch:
        watch.initial()
        moves = [
            (trials.FreezeTrial, trial_pb2.FreezeTrialRequest(name=trial), FROZEN),
            (trials.UnfreezeTrial, trial_pb2.UnfreezeTrialRequest(name=trial, state_reason="made-up: too early"), ACTIVE),
            (trials.LockTrial, trial_pb2.LockTrialRequest(name=trial), LOCKED),
            (trials.UnlockTrial, trial_pb2.UnlockTrialRequest(name=trial, state_reason="made-up: a late query"), FROZEN),
        ]
        for move, request, state in moves:
            request.request_id = request_id()
            assert move(request).state == state == get(manager, trial).state
            assert watch.until(lambda change: change.name == trial).trial.state == state
            request.request_id = request_id()
            with refused("FAILED_PRECONDITION", "ILLEGAL_MOVE"):
                move(request)


def test_unlocking_needs_a_reason(site, manager):
    trial = active(site, "locked-once")
    manager.TrialService.LockTrial(trial_pb2.LockTrialRequest(name=trial, request_id=request_id()))
    with refused("INVALID_ARGUMENT", "REQUIRED", field="state_reason"):
        manager.TrialService.UnlockTrial(trial_pb2.UnlockTrialRequest(name=trial, request_id=request_id()))
    assert get(manager, trial).state == LOCKED


def test_terminated_trial_is_only_cleaned_locked_and_archived(site, manager):
    trial, trials = active(site, "ends-early"), site.researcher.TrialService
    archive = trial_pb2.ArchiveTrialRequest(name=trial, request_id=request_id())
    with refused("FAILED_PRECONDITION", "ILLEGAL_MOVE"):
        trials.ArchiveTrial(archive)
    trials.TerminateTrial(
        trial_pb2.TerminateTrialRequest(name=trial, state_reason="made-up: no effect", request_id=request_id())
    )
    ended = get(site.researcher, trial)
    assert (ended.state, ended.state_reason) == (TERMINATED, "made-up: no effect")
    with refused("FAILED_PRECONDITION", "ILLEGAL_MOVE"):
        trials.ResumeTrial(trial_pb2.ResumeTrialRequest(name=trial, request_id=request_id()))
    manager.TrialService.FreezeTrial(trial_pb2.FreezeTrialRequest(name=trial, request_id=request_id()))
    with refused("FAILED_PRECONDITION", "TRIAL_TERMINATED"):
        manager.TrialService.UnfreezeTrial(
            trial_pb2.UnfreezeTrialRequest(name=trial, state_reason="made-up reason", request_id=request_id())
        )
    manager.TrialService.LockTrial(trial_pb2.LockTrialRequest(name=trial, request_id=request_id()))
    archive.request_id = request_id()
    assert trials.ArchiveTrial(archive).state == ARCHIVED == get(site.researcher, trial).state


def test_researcher_changes_their_profile(site):
    profile = site.researcher.ResearcherService.GetResearcher(
        researcher_pb2.GetResearcherRequest(name=site.researcher_profile.name)
    )
    profile.institution = "Made-up other clinic"
    request = researcher_pb2.UpdateResearcherRequest(
        researcher=profile, update_mask={"paths": ["institution"]}, request_id=request_id()
    )
    site.researcher.ResearcherService.UpdateResearcher(request)
    shown = site.provider.ResearcherService.GetResearcher(researcher_pb2.GetResearcherRequest(name=profile.name))
    assert (shown.institution, shown.expertise) == ("Made-up other clinic", "Oncology")
    request.request_id = request_id()
    with refused("ABORTED", "ETAG_MISMATCH"):
        site.researcher.ResearcherService.UpdateResearcher(request)


# Subjects and their consents.


def test_subject_is_followed_to_the_planned_end(site):
    subject = site.enroll(site.add_patient("followed", site.provider, display_name="Made Up Followed"))
    request = enrollment_pb2.WatchSubjectsRequest(parent=site.trial)
    with Watch(site.provider.EnrollmentService.WatchSubjects(request)) as watch:
        watch.initial()
        for state in (enrollment_pb2.SUBJECT_STATE_FOLLOW_UP, enrollment_pb2.SUBJECT_STATE_COMPLETED):
            move = enrollment_pb2.TransitionSubjectRequest(name=subject.name, state=state, request_id=request_id())
            assert site.provider.EnrollmentService.TransitionSubject(move).state == state == subject_of(site, subject.name).state
            assert watch.until(lambda change: change.name == subject.name).subject.state == state
    move.state, move.request_id = enrollment_pb2.SUBJECT_STATE_ENROLLED, request_id()
    with refused("FAILED_PRECONDITION", "ILLEGAL_MOVE"):
        site.provider.EnrollmentService.TransitionSubject(move)
    listed = site.provider.EnrollmentService.ListSubjects(enrollment_pb2.ListSubjectsRequest(parent=site.trial)).subjects
    assert enrollment_pb2.SUBJECT_STATE_COMPLETED in [each.state for each in listed if each.name == subject.name]


def test_subject_leaves_with_a_reason_only(site):
    subject = site.enroll(site.add_patient("leaves-trial", site.provider, display_name="Made Up Leaver"))
    lost = enrollment_pb2.TransitionSubjectRequest(
        name=subject.name, state=enrollment_pb2.SUBJECT_STATE_LOST_TO_FOLLOW_UP, request_id=request_id()
    )
    with refused("INVALID_ARGUMENT", "REQUIRED", field="state_reason"):
        site.provider.EnrollmentService.TransitionSubject(lost)
    lost.state_reason, lost.request_id = "made-up: moved away", request_id()
    site.provider.EnrollmentService.TransitionSubject(lost)
    shown = subject_of(site, subject.name)
    assert (shown.state, shown.state_reason) == (lost.state, "made-up: moved away")
    assert shown.HasField("exit_time")


def test_consent_to_a_new_form_keeps_the_earlier_one(site):
    subject = site.enroll(site.add_patient("consents-again", site.provider, display_name="Made Up Consenter"))
    record = enrollment_pb2.RecordConsentRequest(
        name=subject.name,
        consent=enrollment_pb2.Consent(state=GIVEN, form_version="2.0"),
        etag=subject.etag,
        request_id=request_id(),
    )
    site.provider.EnrollmentService.RecordConsent(record)
    shown = subject_of(site, subject.name)
    assert (shown.consent.state, shown.consent.form_version) == (GIVEN, "2.0")
    assert [consent.form_version for consent in shown.past_consents] == ["1.0"]
    record.request_id = request_id()
    with refused("ABORTED", "ETAG_MISMATCH"):
        site.provider.EnrollmentService.RecordConsent(record)
    record.etag, record.consent.form_version = "", "3.0"
    record.consent.state, record.request_id = enrollment_pb2.CONSENT_STATE_OFFERED, request_id()
    with refused("FAILED_PRECONDITION", "CONSENT_IN_FORCE"):
        site.provider.EnrollmentService.RecordConsent(record)
    assert subject_of(site, subject.name) == shown


# Captures.


def test_draft_of_a_capture_waits_for_its_submission(site):
    capture = site.capture("made-up: not yet whole", submit=False)
    assert capture.state == data_capture_pb2.DATA_CAPTURE_STATE_DRAFT
    with refused("FAILED_PRECONDITION", "ILLEGAL_MOVE"):
        site.finalize_capture(capture)
    submit = data_capture_pb2.SubmitDataCaptureRequest(name=capture.name, etag=capture.etag, request_id=request_id())
    site.provider.DataCaptureService.SubmitDataCapture(submit)
    shown = site.provider.DataCaptureService.GetDataCapture(data_capture_pb2.GetDataCaptureRequest(name=capture.name))
    assert shown.state == data_capture_pb2.DATA_CAPTURE_STATE_SUBMITTED
    submit.request_id = request_id()
    with refused("ABORTED", "ETAG_MISMATCH"):
        site.provider.DataCaptureService.SubmitDataCapture(submit)
    submit.etag, submit.request_id = shown.etag, request_id()
    with refused("FAILED_PRECONDITION", "ILLEGAL_MOVE"):
        site.provider.DataCaptureService.SubmitDataCapture(submit)
