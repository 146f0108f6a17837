"""Flow D, trial data capture: own captures, active trials, a finalized capture and its alert, trial events; drafts and
approvals, versions; and who sees what."""
import pytest

from client import not_found, refused, request_id
from clinic import TrialSite, at, date, text_value
from trialog.trials.v1 import (
    data_capture_pb2,
    enrollment_pb2,
    notification_pb2,
    patient_pb2,
    researcher_pb2,
    trial_pb2,
)
from watching import Watch


@pytest.fixture(scope="module")
def site(organization):
    return TrialSite(organization)


def captures_of(person, parent, **more):
    return list(
        person.DataCaptureService.ListDataCaptures(
            data_capture_pb2.ListDataCapturesRequest(parent=parent, **more)
        ).data_captures
    )


def trials_of(person, site):
    return list(person.TrialService.ListTrials(trial_pb2.ListTrialsRequest(parent=site.name)).trials)


def latest(person, site, **more):
    return person.DataCaptureService.GetLatestDataCapture(
        data_capture_pb2.GetLatestDataCaptureRequest(parent=site.trial, **more)
    )


# The arrows.


def test_participant_and_researcher_read_their_own_profiles(site):
    assert site.profile(site.patient).name == site.patient.identity.patient
    profile = site.researcher.PatientService.GetMyProfile(patient_pb2.GetMyProfileRequest(parent=site.name))
    assert profile.researcher == site.researcher_profile
    assert not profile.HasField("patient")


def test_researcher_makes_their_profile(site):
    made = site.reviewer.ResearcherService.CreateResearcher(
        researcher_pb2.CreateResearcherRequest(
            parent=site.name,
            researcher=researcher_pb2.Researcher(
                user=site.reviewer.name, expertise="Pneumology", institution="Made-up hospital", contact="room 14"
            ),
            request_id=request_id(),
        )
    )
    assert (made.user, made.expertise, made.institution, made.contact) == (
        site.reviewer.name, "Pneumology", "Made-up hospital", "room 14",
    )  # fmt: skip
    own = site.reviewer.PatientService.GetMyProfile(patient_pb2.GetMyProfileRequest(parent=site.name))
    assert own.researcher == made


def test_researcher_drafts_a_trial_with_all_its_fields(site):
    given = trial_pb2.Trial(
        title="Made-up trial",
        description="made-up description",
        study_type=trial_pb2.STUDY_TYPE_RANDOMIZED,
        start_date=date(2026, 1, 5),
        end_date=date(2027, 1, 5),
    )
    made = site.researcher.TrialService.CreateTrial(
        trial_pb2.CreateTrialRequest(parent=site.name, trial_id="all-fields", trial=given, request_id=request_id())
    )
    assert (made.name, made.state) == (f"{site.name}/trials/all-fields", trial_pb2.TRIAL_STATE_DRAFT)
    assert (made.creator, list(made.researchers)) == (site.researcher.name, [site.researcher.name])
    for descriptor, value in given.ListFields():
        assert getattr(made, descriptor.name) == value, descriptor.name
    assert site.researcher.TrialService.GetTrial(trial_pb2.GetTrialRequest(name=made.name)) == made


def test_patient_is_enrolled_with_consent(site):
    person = site.add_patient("newcomer", site.provider, display_name="Made Up Newcomer")
    subject = site.provider.EnrollmentService.EnrollSubject(
        enrollment_pb2.EnrollSubjectRequest(
            parent=site.trial,
            subject_id="s-newcomer",
            subject=enrollment_pb2.Subject(
                patient=person.identity.patient,
                consent=enrollment_pb2.Consent(state=enrollment_pb2.CONSENT_STATE_GIVEN, form_version="1.0"),
            ),
            request_id=request_id(),
        )
    )
    assert subject.name == f"{site.trial}/subjects/s-newcomer"
    assert (subject.patient, subject.consent.state) == (person.identity.patient, enrollment_pb2.CONSENT_STATE_GIVEN)
    assert [trial.name for trial in trials_of(person, site)] == [site.trial]
    assert person.EnrollmentService.GetSubject(enrollment_pb2.GetSubjectRequest(name=subject.name)).state == subject.state


def test_participant_lists_own_captures_latest_first(site):
    made = [site.capture(f"capture {time}", track_time=1_700_000_000 + time) for time in (100, 300, 200)]
    expected = [made[1].name, made[2].name, made[0].name]
    for parent in (site.trial, f"{site.name}/trials/-"):
        names = [capture.name for capture in captures_of(site.patient, parent)]
        assert [name for name in names if name in expected] == expected
    shown = captures_of(site.patient, site.trial)
    assert next(c for c in shown if c.name == made[1].name).data_value[0] == text_value("note", "capture 300")


def test_participant_lists_active_trials_without_what_is_internal(site):
    draft = site.draft("not-yet")
    shown = trials_of(site.patient, site)
    assert [trial.name for trial in shown] == [site.trial]
    assert (shown[0].title, shown[0].state) == ("Lung", trial_pb2.TRIAL_STATE_ACTIVE)
    assert not shown[0].researchers and not shown[0].approved_by and not shown[0].creator
    with not_found():
        site.patient.TrialService.GetTrial(trial_pb2.GetTrialRequest(name=draft.name))


def test_message_to_the_researcher_arrives_live(site):
    with site.watch_messages(site.researcher) as watch:
        watch.initial()
        sent = site.send(site.patient, site.researcher, "made-up: when is the next visit?", context=site.trial)
        live = watch.until(lambda change: change.name == sent.name).message
        assert (live.body, live.context) == ("made-up: when is the next visit?", site.trial)


def test_capture_shows_live_to_who_may_see_it(site):
    request = data_capture_pb2.WatchDataCapturesRequest(parent=site.trial)
    with Watch(site.patient.DataCaptureService.WatchDataCaptures(request)) as watch:
        watch.initial()
        capture = site.capture("live")
        change = watch.until(lambda change: change.name == capture.name)
        assert change.data_capture.data_value[0] == text_value("note", "live")


def test_finalized_capture_alerts_the_participant_who_acknowledges_it(site):
    with site.watch_notices(site.patient) as notices:
        capture = site.capture("final")
        finalized = site.finalize_capture(capture)
        assert (finalized.state, finalized.finalized_by) == (
            data_capture_pb2.DATA_CAPTURE_STATE_FINALIZED,
            site.provider.name,
        )
        notice = notices.until(lambda change: change.notification.resource == capture.name).notification
        assert notice.kind == notification_pb2.NOTIFICATION_KIND_DATA_CAPTURE_RECORDED
    acknowledged = site.patient.DataCaptureService.AcknowledgeDataCapture(
        data_capture_pb2.AcknowledgeDataCaptureRequest(name=capture.name, request_id=request_id())
    )
    assert acknowledged.state == data_capture_pb2.DATA_CAPTURE_STATE_ACKNOWLEDGED
    assert site.acknowledge_notice(site.patient, notice.name).HasField("acknowledge_time")


def test_researcher_publishes_a_trial_event_and_participants_acknowledge_it(site):
    with site.watch_notices(site.patient) as notices:
        event = site.researcher.TrialService.PublishTrialEvent(
            trial_pb2.PublishTrialEventRequest(
                parent=site.trial,
                trial_event=trial_pb2.TrialEvent(
                    title="Second phase begins", body="made-up: in May", occur_time=at(1_900_000_000)
                ),
                request_id=request_id(),
            )
        )
        notice = notices.until(lambda change: change.notification.resource == event.name).notification
        assert notice.kind == notification_pb2.NOTIFICATION_KIND_TRIAL_EVENT_PUBLISHED
    events = site.patient.TrialService.ListTrialEvents(trial_pb2.ListTrialEventsRequest(parent=site.trial)).trial_events
    assert (events[0].title, events[0].body, events[0].acknowledged) == (
        "Second phase begins",
        "made-up: in May",
        False,
    )
    acknowledged = site.patient.TrialService.AcknowledgeTrialEvent(
        trial_pb2.AcknowledgeTrialEventRequest(name=event.name, request_id=request_id())
    )
    assert acknowledged.acknowledged


def test_latest_capture_comes_with_the_trials_researcher_in_one_query(site):
    capture = site.capture("the latest")
    answer = latest(site.researcher, site)
    assert answer.data_capture.name == capture.name
    assert [(r.user, r.contact) for r in answer.researchers] == [(site.researcher.name, "room 12")]
    assert latest(site.patient, site, patient=site.patient.identity.patient).data_capture.name == capture.name


def test_trial_comes_with_its_context_in_one_query(site):
    trial = site.researcher.TrialService.GetTrial(trial_pb2.GetTrialRequest(name=site.trial))
    assert (trial.creator, trial.approved_by) == (site.researcher.name, site.reviewer.name)
    assert list(trial.researchers) == [site.researcher.name]
    assert trial.HasField("approve_time")


def test_capture_stated_by_the_participant_is_kept_as_theirs(site):
    capture = site.capture("made-up: felt well", by=site.patient)
    assert capture.captured_by == site.patient.name
    assert capture.state == data_capture_pb2.DATA_CAPTURE_STATE_SUBMITTED


# Drafts, approvals, versions.


def test_trial_is_approved_by_another_researcher_only(site):
    draft = site.draft("own-draft")
    site.submit(draft.name)
    approve = trial_pb2.ApproveTrialRequest(name=draft.name, request_id=request_id())
    with refused("PERMISSION_DENIED", "OWN_DRAFT"):
        site.researcher.TrialService.ApproveTrial(approve)
    approved = site.reviewer.TrialService.ApproveTrial(approve)
    assert (approved.state, approved.approved_by) == (trial_pb2.TRIAL_STATE_APPROVED, site.reviewer.name)


def test_trial_is_read_as_it_was_before_and_after_its_approval(site):
    draft = site.draft("history")
    submitted = site.submit(draft.name)
    approved = site.reviewer.TrialService.ApproveTrial(
        trial_pb2.ApproveTrialRequest(name=draft.name, request_id=request_id())
    )

    def then(time):
        """State and approval as they stood."""
        trial = site.researcher.TrialService.GetTrial(trial_pb2.GetTrialRequest(name=draft.name, as_of=time))
        return trial.state, trial.approved_by, trial.HasField("approve_time")

    assert then(draft.update_time) == (trial_pb2.TRIAL_STATE_DRAFT, "", False)
    assert then(submitted.update_time) == (trial_pb2.TRIAL_STATE_IN_REVIEW, "", False)
    assert then(approved.update_time) == then(None) == (trial_pb2.TRIAL_STATE_APPROVED, site.reviewer.name, True)


def test_rejected_draft_goes_back_with_its_comment(site):
    draft = site.draft("rejected")
    site.submit(draft.name)
    site.reviewer.TrialService.RejectTrial(
        trial_pb2.RejectTrialRequest(name=draft.name, state_reason="made-up: too short", request_id=request_id())
    )
    rejected = site.researcher.TrialService.GetTrial(trial_pb2.GetTrialRequest(name=draft.name))
    assert (rejected.state, rejected.state_reason) == (trial_pb2.TRIAL_STATE_DRAFT, "made-up: too short")


def test_draft_takes_no_subjects(site):
    draft = site.draft("no-subjects")
    request = enrollment_pb2.EnrollSubjectRequest(
        parent=draft.name,
        subject=enrollment_pb2.Subject(
            patient=site.patient.identity.patient,
            consent=enrollment_pb2.Consent(state=enrollment_pb2.CONSENT_STATE_GIVEN, form_version="1.0"),
        ),
        request_id=request_id(),
    )
    # A draft is its researchers' alone: for the provider it is not there.
    with not_found():
        site.provider.EnrollmentService.EnrollSubject(request)


def test_amendment_needs_a_reason_and_every_version_is_kept(site):
    capture = site.capture("typed wrong")
    capture.data_value[0].value.text = "typed right"
    amend = data_capture_pb2.AmendDataCaptureRequest(
        data_capture=capture, update_mask={"paths": ["data_value"]}, request_id=request_id()
    )
    with refused("INVALID_ARGUMENT", "REQUIRED"):
        site.provider.DataCaptureService.AmendDataCapture(amend)
    amend.data_capture.amend_reason = "made-up: typing error"
    amended = site.provider.DataCaptureService.AmendDataCapture(amend)
    assert (capture.version, amended.version) == (1, 2)
    history = site.provider.DataCaptureService.GetDataCaptureHistory(
        data_capture_pb2.GetDataCaptureHistoryRequest(name=capture.name)
    ).data_captures
    assert [(each.version, each.data_value[0].value.text) for each in history] == [(2, "typed right"), (1, "typed wrong")]
    then = site.provider.DataCaptureService.GetDataCapture(
        data_capture_pb2.GetDataCaptureRequest(name=capture.name, as_of=capture.update_time)
    )
    assert then.data_value[0].value.text == "typed wrong"


def test_amended_final_capture_is_submitted_again_and_no_longer_acknowledged(site):
    capture = site.finalize_capture(site.capture("final, then amended"))
    site.patient.DataCaptureService.AcknowledgeDataCapture(
        data_capture_pb2.AcknowledgeDataCaptureRequest(name=capture.name, request_id=request_id())
    )
    current = site.provider.DataCaptureService.GetDataCapture(
        data_capture_pb2.GetDataCaptureRequest(name=capture.name)
    )
    current.amend_reason = "made-up reason"
    current.data_value[0].value.text = "amended"
    amended = site.provider.DataCaptureService.AmendDataCapture(
        data_capture_pb2.AmendDataCaptureRequest(
            data_capture=current, update_mask={"paths": ["data_value"]}, request_id=request_id()
        )
    )
    assert amended.state == data_capture_pb2.DATA_CAPTURE_STATE_SUBMITTED
    assert not amended.HasField("acknowledge_time") and not amended.finalized_by


def test_withdrawn_consent_ends_taking_part(organization, site):
    person = site.add_patient("withdraws", site.provider, display_name="Made Up Leaver")
    subject = site.enroll(person)
    left = person.EnrollmentService.WithdrawConsent(
        enrollment_pb2.WithdrawConsentRequest(name=subject.name, request_id=request_id())
    )
    assert left.state == enrollment_pb2.SUBJECT_STATE_WITHDRAWN
    assert left.consent.state == enrollment_pb2.CONSENT_STATE_WITHDRAWN


# Who sees what.


def test_another_patients_capture_is_not_there_in_get_list_and_watch(site):
    capture = site.capture("hidden from others")
    for stranger in (site.other_patient, site.other_provider, site.reviewer):
        with not_found():
            stranger.DataCaptureService.GetDataCapture(data_capture_pb2.GetDataCaptureRequest(name=capture.name))
        with not_found():
            stranger.DataCaptureService.GetDataCaptureHistory(
                data_capture_pb2.GetDataCaptureHistoryRequest(name=capture.name)
            )
        assert captures_of(stranger, site.trial) == []
        request = data_capture_pb2.WatchDataCapturesRequest(parent=site.trial)
        with Watch(stranger.DataCaptureService.WatchDataCaptures(request)) as watch:
            assert watch.initial() == []


def test_researcher_of_another_trial_changes_nothing_here(site):
    with refused("PERMISSION_DENIED", "NOT_YOUR_TRIAL"):
        site.reviewer.TrialService.PublishTrialEvent(
            trial_pb2.PublishTrialEventRequest(
                parent=site.trial, trial_event=trial_pb2.TrialEvent(title="made-up"), request_id=request_id()
            )
        )


def test_participant_does_not_finalize(site):
    capture = site.capture("not final")
    with refused("PERMISSION_DENIED", "ROLE_MISSING"):
        site.patient.DataCaptureService.FinalizeDataCapture(
            data_capture_pb2.FinalizeDataCaptureRequest(name=capture.name, request_id=request_id())
        )


def test_participant_sees_profiles_of_own_researchers_only(site):
    listed = site.patient.ResearcherService.ListResearchers(
        researcher_pb2.ListResearchersRequest(parent=site.name)
    ).researchers
    assert [researcher.user for researcher in listed] == [site.researcher.name]
    none = site.other_patient.ResearcherService.ListResearchers(
        researcher_pb2.ListResearchersRequest(parent=site.name)
    ).researchers
    assert not none
