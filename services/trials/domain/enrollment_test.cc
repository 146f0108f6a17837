#include "services/trials/domain/enrollment.h"

#include "services/trials/domain/clinical_world.h"
#include "trialog/trials/v1/events.pb.h"

namespace trialog::trials {
namespace {

class EnrollmentTest : public ClinicalWorld {
 protected:
  auto Transition(const Principal& who, v1::SubjectState to, const event::v1::SealedPart& sealed = {}) {
    v1::TransitionSubjectRequest request;
    request.set_name(subject);
    request.set_state(to);
    return Do(who, TransitionSubject, request, sealed);
  }
  auto Consent(const Principal& who, v1::ConsentState to, const char* form) {
    v1::RecordConsentRequest request;
    request.set_name(subject);
    request.mutable_consent()->set_state(to);
    request.mutable_consent()->set_form_version(form);
    return Do(who, RecordConsent, request);
  }
  v1::Subject Subject() const { return Now<v1::Subject>(kSubjects, subject); }
};

TEST_F(EnrollmentTest, TakesAConsentingPatientIntoAnActiveTrialUnderARandomKey) {
  GivenSubject();
  const auto enrolled = Subject();
  EXPECT_EQ(enrolled.state(), v1::SUBJECT_STATE_ENROLLED);
  EXPECT_THAT(enrolled.subject_key(), testing::MatchesRegex("S-[2-9B-Z]{8}"));
  EXPECT_EQ(enrolled.consent().state(), v1::CONSENT_STATE_GIVEN);
  EXPECT_GT(enrolled.consent().record_time().seconds(), 0);
  EXPECT_EQ(enrolled.enroll_date().year(), 2023);
  EXPECT_EQ(state.Lookup(kSubjectByKey, InTrial(trial, enrolled.subject_key())), subject);
  EXPECT_EQ(state.Count(kSubjectsByPatient, patient), 1);
}

TEST_F(EnrollmentTest, TakesAPatientOnce) {
  GivenSubject();
  EXPECT_THAT(Do(provider, EnrollSubject, Enrollment("again")), Refuses("ALREADY_ENROLLED"));
}

TEST_F(EnrollmentTest, NeedsConsentUnlessTheSubjectIsACandidate) {
  GivenPatient();
  GivenActiveTrial();
  auto request = Enrollment();
  request.mutable_subject()->clear_consent();
  EXPECT_THAT(Do(provider, EnrollSubject, request), Refuses("CONSENT_MISSING"));
  request = Enrollment();
  request.mutable_subject()->mutable_consent()->set_state(v1::CONSENT_STATE_DECLINED);
  EXPECT_THAT(Do(provider, EnrollSubject, request), Refuses("CONSENT_MISSING"));
  request.mutable_subject()->set_state(v1::SUBJECT_STATE_CANDIDATE);
  EXPECT_TRUE(Do(provider, EnrollSubject, request).ok());
}

TEST_F(EnrollmentTest, NeedsAnActiveTrialAndAnActivePatient) {
  GivenPatient();
  GivenActiveTrial();
  ASSERT_TRUE(Move(researcher, SuspendTrial, trial, TrialReason()).ok());
  EXPECT_THAT(Do(provider, EnrollSubject, Enrollment()), Refuses("TRIAL_NOT_ACTIVE"));
  ASSERT_TRUE(Move(researcher, ResumeTrial, trial).ok());
  v1::UpdatePatientRequest update;
  update.mutable_patient()->set_name(patient);
  update.mutable_patient()->set_etag("\"1\"");
  update.mutable_update_mask()->add_paths("active");
  ASSERT_TRUE(Do(provider, UpdatePatient, update).ok());
  EXPECT_THAT(Do(provider, EnrollSubject, Enrollment()), Refuses("PATIENT_INACTIVE"));
}

TEST_F(EnrollmentTest, ChecksWhatIsStated) {
  GivenPatient();
  GivenActiveTrial();
  auto request = Enrollment();
  request.mutable_subject()->set_state(v1::SUBJECT_STATE_COMPLETED);
  EXPECT_THAT(Do(provider, EnrollSubject, request), Refuses("BAD_STATE"));
  request = Enrollment();
  request.mutable_subject()->mutable_consent()->clear_form_version();
  EXPECT_THAT(Do(provider, EnrollSubject, request), Refuses("REQUIRED"));
  request = Enrollment();
  request.mutable_subject()->mutable_consent()->add_tiers()->set_tier("genetics");
  EXPECT_THAT(Do(provider, EnrollSubject, request), Refuses("NAMED_TWICE"));
  request = Enrollment();
  request.mutable_subject()->mutable_enroll_date()->set_year(2093);
  request.mutable_subject()->mutable_enroll_date()->set_month(1);
  request.mutable_subject()->mutable_enroll_date()->set_day(1);
  EXPECT_THAT(Do(provider, EnrollSubject, request), Refuses("IN_FUTURE"));
}

TEST_F(EnrollmentTest, IsForThoseWhoCareForThePatient) {
  GivenPatient();
  GivenActiveTrial();
  for (const Principal& who : {other_provider, other_coordinator}) {
    EXPECT_THAT(Do(who, EnrollSubject, Enrollment()), Refuses("NOT_FOUND"));
  }
  EXPECT_THAT(Do(participant, EnrollSubject, Enrollment()), Refuses("NOT_STAFF"));
  EXPECT_THAT(Do(other_participant, EnrollSubject, Enrollment()), Refuses("NOT_FOUND"));
  EXPECT_TRUE(Do(coordinator, EnrollSubject, Enrollment()).ok());
}

TEST_F(EnrollmentTest, ADeathNeedsAReasonAndIsTheEnd) {
  GivenSubject();
  EXPECT_THAT(Transition(provider, v1::SUBJECT_STATE_DECEASED), Refuses("REQUIRED"));
  ASSERT_TRUE(Transition(provider, v1::SUBJECT_STATE_DECEASED, SubjectReason()).ok());
  EXPECT_EQ(Subject().state(), v1::SUBJECT_STATE_DECEASED);
  EXPECT_TRUE(Subject().has_exit_time());
  EXPECT_THAT(Transition(provider, v1::SUBJECT_STATE_FOLLOW_UP), Refuses("ILLEGAL_MOVE"));
}

TEST_F(EnrollmentTest, AnObservationalStudyGoesStraightToFollowUp) {
  GivenSubject();
  EXPECT_THAT(Transition(provider, v1::SUBJECT_STATE_RANDOMIZED), Refuses("ILLEGAL_MOVE"));
  EXPECT_TRUE(Transition(provider, v1::SUBJECT_STATE_FOLLOW_UP).ok());
  EXPECT_TRUE(Transition(provider, v1::SUBJECT_STATE_COMPLETED).ok());
}

TEST_F(EnrollmentTest, AFailedScreeningIsRepeatedOnlyWithANewConsent) {
  GivenPatient();
  GivenActiveTrial();
  auto request = Enrollment();
  request.mutable_subject()->set_state(v1::SUBJECT_STATE_SCREENING);
  ASSERT_TRUE(Do(provider, EnrollSubject, request).ok());
  ASSERT_TRUE(Transition(provider, v1::SUBJECT_STATE_SCREEN_FAILED).ok());
  EXPECT_EQ(Subject().consent().state(), v1::CONSENT_STATE_EXPIRED);
  EXPECT_THAT(Transition(provider, v1::SUBJECT_STATE_SCREENING), Refuses("CONSENT_MISSING"));
  ASSERT_TRUE(Consent(provider, v1::CONSENT_STATE_GIVEN, "1.0").ok());
  EXPECT_TRUE(Transition(provider, v1::SUBJECT_STATE_SCREENING).ok());
  EXPECT_EQ(Subject().past_consents_size(), 1);
}

TEST_F(EnrollmentTest, NobodyMovesOnInATrialThatIsClosedToIt) {
  GivenSubject();
  ASSERT_TRUE(Move(data_manager, FreezeTrial, trial).ok());
  EXPECT_THAT(Transition(provider, v1::SUBJECT_STATE_FOLLOW_UP), Refuses("TRIAL_NOT_OPEN"));
  EXPECT_THAT(Consent(provider, v1::CONSENT_STATE_GIVEN, "2.0"), Refuses("TRIAL_NOT_OPEN"));
}

TEST_F(EnrollmentTest, IsMovedByStaffAlone) {
  GivenSubject();
  for (const Principal& who : {participant, researcher, data_manager, monitor}) {
    EXPECT_THAT(Transition(who, v1::SUBJECT_STATE_FOLLOW_UP), Refuses("NOT_STAFF"));
    EXPECT_THAT(Consent(who, v1::CONSENT_STATE_GIVEN, "2.0"), Refuses("NOT_STAFF"));
  }
  for (const Principal& who : {other_provider, other_coordinator, other_participant, second_researcher}) {
    EXPECT_THAT(Transition(who, v1::SUBJECT_STATE_FOLLOW_UP), Refuses("NOT_FOUND"));
    EXPECT_THAT(Consent(who, v1::CONSENT_STATE_GIVEN, "2.0"), Refuses("NOT_FOUND"));
  }
}

TEST_F(EnrollmentTest, AConsentToANewFormReplacesTheOneInForce) {
  GivenSubject();
  EXPECT_THAT(Consent(provider, v1::CONSENT_STATE_DECLINED, "2.0"), Refuses("CONSENT_IN_FORCE"));
  EXPECT_THAT(Consent(provider, v1::CONSENT_STATE_WITHDRAWN, "1.0"), Refuses("BAD_STATE"));
  EXPECT_THAT(Consent(provider, v1::CONSENT_STATE_EXPIRED, "2.0"), Refuses("ILLEGAL_MOVE"));
  ASSERT_TRUE(Consent(provider, v1::CONSENT_STATE_GIVEN, "2.0").ok());
  EXPECT_EQ(Subject().consent().form_version(), "2.0");
  ASSERT_EQ(Subject().past_consents_size(), 1);
  EXPECT_EQ(Subject().past_consents(0).state(), v1::CONSENT_STATE_SUPERSEDED);
  ASSERT_TRUE(Consent(provider, v1::CONSENT_STATE_EXPIRED, "2.0").ok());
  EXPECT_EQ(Subject().past_consents_size(), 1);
}

TEST_F(EnrollmentTest, TakingConsentBackEndsTakingPart) {
  GivenSubject();
  const auto decision = Move(participant, WithdrawConsent, subject);
  ASSERT_TRUE(decision.ok()) << decision.status();
  EXPECT_EQ(decision->events.size(), 2u);
  EXPECT_EQ(Subject().consent().state(), v1::CONSENT_STATE_WITHDRAWN);
  EXPECT_EQ(Subject().state(), v1::SUBJECT_STATE_WITHDRAWN);
  EXPECT_THAT(Move(participant, WithdrawConsent, subject), Refuses("CONSENT_MISSING"));
}

TEST_F(EnrollmentTest, OneUseCanBeTakenBackAlone) {
  GivenSubject();
  v1::WithdrawConsentRequest request;
  request.set_name(subject);
  request.add_tiers("commerce");
  EXPECT_THAT(Do(participant, WithdrawConsent, request), Refuses("UNKNOWN_TIER"));
  request.set_tiers(0, "genetics");
  ASSERT_TRUE(Do(participant, WithdrawConsent, request).ok());
  EXPECT_FALSE(Subject().consent().tiers(0).granted());
  EXPECT_EQ(Subject().consent().state(), v1::CONSENT_STATE_GIVEN);
  EXPECT_EQ(Subject().state(), v1::SUBJECT_STATE_ENROLLED);
}

TEST_F(EnrollmentTest, ConsentCanBeTakenBackEvenWhenTheTrialIsLocked) {
  GivenSubject();
  ASSERT_TRUE(Move(data_manager, LockTrial, trial).ok());
  EXPECT_THAT(Move(other_participant, WithdrawConsent, subject), Refuses("NOT_FOUND"));
  EXPECT_THAT(Move(researcher, WithdrawConsent, subject), Refuses("NOT_STAFF"));
  ASSERT_TRUE(Move(participant, WithdrawConsent, subject).ok());
  EXPECT_EQ(Subject().consent().state(), v1::CONSENT_STATE_WITHDRAWN);
  EXPECT_EQ(Subject().state(), v1::SUBJECT_STATE_ENROLLED) << "locked data does not change";
}

}  // namespace
}  // namespace trialog::trials
