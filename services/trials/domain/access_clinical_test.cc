#include "services/trials/domain/access_clinical.h"

#include <map>

#include "services/trials/domain/care_relation.h"
#include "services/trials/domain/clinical_world.h"

namespace trialog::trials {
namespace {

class AccessTest : public ClinicalWorld {
 protected:
  bool Sees(const Principal& who, const view::Table& table, const std::string& name) {
    const auto row = state.Find(table, name);
    return row && MaySeeClinical(who, state, table, name, *row);
  }
};

// Patient, trial (whole), trial event, subject, capture: one letter each, '-' where the caller sees nothing.
TEST_F(AccessTest, EachRoleSeesWhatItsRelationGives) {
  GivenCapture();
  v1::PublishTrialEventRequest news;
  news.set_parent(trial);
  news.set_trial_event_id("e");
  ASSERT_TRUE(Do(researcher, PublishTrialEvent, news, SealedWith({v1::TrialEvent::kTitleFieldNumber})).ok());

  const Principal analyst = Person("analyst", {{ROLE_ANALYST, kOrg}});
  const Principal auditor = Person("auditor", {{ROLE_AUDITOR, kOrg}});
  const Principal pharmacist = Person("pharmacist", {{ROLE_PHARMACIST, kOrg}});
  const Principal notifier = Person("notifier", {{ROLE_NOTIFIER, kOrg}});
  const Principal technician = Person("technician", {{ROLE_LAB_TECHNICIAN, kOrg}});
  const Principal biobank_manager = Person("biobank-manager", {{ROLE_BIOBANK_MANAGER, kOrg}});
  const Principal nobody = Person("nobody", {});
  Principal provider_without_grant = provider;
  provider_without_grant.grants.clear();
  Principal stranger = coordinator;
  stranger.organization = "elsewhere";
  const Principal trial_coordinator = Person("trial-coordinator", {{ROLE_COORDINATOR, trial}});
  const Principal trial_stranger = Person("trial-stranger", {{ROLE_COORDINATOR, Cat(kOrg, "/trials/other")}});
  const Principal trial_manager = Person("trial-manager", {{ROLE_DATA_MANAGER, trial}});

  struct Line {
    const char* who;
    const Principal& principal;
    const char* sees;
  };
  const Line lines[] = {
      {"provider", provider, "PT-SC"},
      {"provider of others", other_provider, "-T---"},
      {"provider whose grant ended", provider_without_grant, "-----"},
      {"coordinator of the site", coordinator, "PT-SC"},
      {"coordinator of another site", other_coordinator, "-T---"},
      {"coordinator of the trial", trial_coordinator, "PT-SC"},
      {"coordinator of another trial", trial_stranger, "-----"},
      {"coordinator elsewhere", stranger, "-----"},
      {"investigator of the site", investigator, "PT-SC"},
      {"researcher of the trial", researcher, "-TESC"},
      {"researcher of other trials", second_researcher, "-T---"},
      {"data manager", data_manager, "-T-SC"},
      {"data manager of the trial", trial_manager, "-T-SC"},
      {"monitor of the site", monitor, "-T-SC"},
      {"custodian", custodian, "-T---"},
      {"participant", participant, "P-ESC"},
      {"another participant", other_participant, "-----"},
      {"administrator", administrator, "-----"},
      {"analyst", analyst, "-----"},
      {"auditor", auditor, "-----"},
      {"pharmacist", pharmacist, "-----"},
      {"notifier", notifier, "-----"},
      {"technician", technician, "-----"},
      {"biobank manager", biobank_manager, "-----"},
      {"without any role", nobody, "-----"},
  };
  for (const Line& line : lines) {
    std::string sees;
    sees += Sees(line.principal, kPatients, patient) ? 'P' : '-';
    sees += MaySeeWholeTrial(line.principal, state, trial, *state.Find(kTrials, trial)) ? 'T' : '-';
    sees += Sees(line.principal, kTrialEvents, trial + "/trialEvents/e") ? 'E' : '-';
    sees += Sees(line.principal, kSubjects, subject) ? 'S' : '-';
    sees += Sees(line.principal, kDataCaptures, capture) ? 'C' : '-';
    EXPECT_EQ(sees, line.sees) << line.who;
  }
}

TEST_F(AccessTest, ParticipantsSeeActiveTrialsOnlyAndNotWhole) {
  GivenTrial();
  EXPECT_FALSE(Sees(participant, kTrials, trial));
  const auto draft = state.Find(kTrials, trial);
  ASSERT_TRUE(Move(researcher, SubmitTrial, trial).ok());
  ASSERT_TRUE(Move(second_researcher, ApproveTrial, trial).ok());
  EXPECT_FALSE(Sees(participant, kTrials, trial));
  ASSERT_TRUE(Move(researcher, ActivateTrial, trial).ok());
  EXPECT_TRUE(Sees(participant, kTrials, trial));
  EXPECT_FALSE(MaySeeClinical(participant, state, kTrials, trial, *draft)) << "an earlier version was not active";
  const auto active = state.Find(kTrials, trial);
  ASSERT_TRUE(Move(researcher, SuspendTrial, trial, TrialReason()).ok());
  EXPECT_FALSE(Sees(participant, kTrials, trial));
  EXPECT_FALSE(MaySeeClinical(participant, state, kTrials, trial, *active)) << "today's rules decide about the past";
}

TEST_F(AccessTest, AParticipantsViewTellsNothingAboutPeople) {
  GivenActiveTrial();
  const auto whole = Now<v1::Trial>(kTrials, trial);
  const auto view = ParticipantView(whole);
  EXPECT_EQ(view.title(), "Lung");
  EXPECT_EQ(view.description(), "A study of the lung");
  EXPECT_EQ(view.state(), v1::TRIAL_STATE_ACTIVE);
  EXPECT_EQ(view.SerializeAsString().find("users/"), std::string::npos);
}

TEST_F(AccessTest, DraftsAreSeenByTheirResearchersAndReviewsByAll) {
  GivenTrial();
  EXPECT_TRUE(Sees(researcher, kTrials, trial));
  EXPECT_FALSE(Sees(second_researcher, kTrials, trial));
  EXPECT_FALSE(Sees(provider, kTrials, trial));
  ASSERT_TRUE(Move(researcher, SubmitTrial, trial).ok());
  EXPECT_TRUE(Sees(second_researcher, kTrials, trial));
  EXPECT_FALSE(Sees(provider, kTrials, trial));
}

// The patient's other trial, which they are enrolled in too.
class TwoTrialsTest : public AccessTest {
 protected:
  void GivenBoth() {
    GivenCapture();
    ASSERT_TRUE(Do(second_researcher, CreateTrial, NewTrial("other")).ok());
    ASSERT_TRUE(Move(second_researcher, SubmitTrial, other).ok());
    ASSERT_TRUE(Move(researcher, ApproveTrial, other).ok());
    ASSERT_TRUE(Move(second_researcher, ActivateTrial, other).ok());
    auto enrollment = Enrollment();
    enrollment.set_parent(other);
    ASSERT_TRUE(Do(provider, EnrollSubject, enrollment).ok());
  }
  const std::string other = Cat(kOrg, "/trials/other");
  const std::string other_subject = other + "/subjects/s";
};

TEST_F(TwoTrialsTest, AResearcherOfOneDoesNotSeeThePatientsDataInTheOther) {
  GivenBoth();
  EXPECT_FALSE(Sees(second_researcher, kPatients, patient)) << "researchers know subjects, not who they are";
  EXPECT_TRUE(Sees(second_researcher, kSubjects, other_subject));
  EXPECT_FALSE(Sees(second_researcher, kSubjects, subject));
  EXPECT_FALSE(Sees(second_researcher, kDataCaptures, capture));
}

TEST_F(TwoTrialsTest, StaffOfOneNeitherSeeNorChangeThePatientsDataInTheOther) {
  GivenBoth();
  Principal assigned = provider;
  assigned.grants = {{ROLE_PROVIDER, other}};
  for (const Principal& staff : {Person("coordinator-of-other", {{ROLE_COORDINATOR, other}}),
                                 Person("investigator-of-other", {{ROLE_INVESTIGATOR, other}}), assigned}) {
    SCOPED_TRACE(staff.user());
    EXPECT_TRUE(Sees(staff, kPatients, patient));
    EXPECT_TRUE(Sees(staff, kSubjects, other_subject));
    EXPECT_FALSE(Sees(staff, kSubjects, subject));
    EXPECT_FALSE(Sees(staff, kDataCaptures, capture));
    v1::AmendDataCaptureRequest amend;
    amend.mutable_data_capture()->set_name(capture);
    EXPECT_THAT(Do(staff, AmendDataCapture, amend), Refuses("NOT_FOUND"));
    v1::WithdrawConsentRequest withdraw;
    withdraw.set_name(subject);
    EXPECT_THAT(Do(staff, WithdrawConsent, withdraw), Refuses("NOT_FOUND"));
    v1::CreateDataCaptureRequest create;
    create.set_parent(trial);
    create.mutable_data_capture()->set_subject(subject);
    EXPECT_THAT(Do(staff, CreateDataCapture, create), Refuses("NOT_FOUND"));
  }
}

TEST_F(TwoTrialsTest, StaffOfOneDoNotEnrolItsPatientsInAnother) {
  GivenBoth();
  ASSERT_TRUE(Do(second_researcher, CreateTrial, NewTrial("third")).ok());
  const std::string third = Cat(kOrg, "/trials/third");
  ASSERT_TRUE(Move(second_researcher, SubmitTrial, third).ok());
  ASSERT_TRUE(Move(researcher, ApproveTrial, third).ok());
  ASSERT_TRUE(Move(second_researcher, ActivateTrial, third).ok());
  auto enrollment = Enrollment();
  enrollment.set_parent(third);
  const Principal of_other = Person("coordinator-of-other", {{ROLE_COORDINATOR, other}});
  EXPECT_FALSE(Do(of_other, EnrollSubject, enrollment).ok());
  Principal of_both = of_other;
  of_both.grants.push_back({ROLE_COORDINATOR, third});
  EXPECT_THAT(Do(of_both, EnrollSubject, enrollment), Refuses("NOT_STAFF"));
  EXPECT_TRUE(Do(provider, EnrollSubject, enrollment).ok()) << "at the site where the patient is cared for";
}

TEST_F(AccessTest, ACandidateIsNotToldTheNewsOfTheTrial) {
  GivenPatient();
  GivenActiveTrial();
  auto enrollment = Enrollment();
  enrollment.mutable_subject()->set_state(v1::SUBJECT_STATE_CANDIDATE);
  ASSERT_TRUE(Do(provider, EnrollSubject, enrollment).ok());
  v1::PublishTrialEventRequest news;
  news.set_parent(trial);
  news.set_trial_event_id("e");
  ASSERT_TRUE(Do(researcher, PublishTrialEvent, news, SealedWith({v1::TrialEvent::kTitleFieldNumber})).ok());
  EXPECT_FALSE(Sees(participant, kTrialEvents, trial + "/trialEvents/e"));
}

TEST_F(AccessTest, TheAccountNamedByThePatientDecidesWhoThePatientIs) {
  GivenPatient();
  ASSERT_TRUE(Do(provider, CreatePatient, NewPatient("q"), PatientPart("mac q")).ok());
  EXPECT_EQ(OwnPatient(participant, state), patient);
  Principal linked = other_participant;
  linked.patient = other_patient;
  EXPECT_EQ(OwnPatient(linked, state), other_patient) << "the patient names no account: the account's link counts";
  linked.patient = patient;
  EXPECT_EQ(OwnPatient(linked, state), "") << "the patient names another account";
  Principal former = participant;
  former.grants.clear();
  EXPECT_EQ(OwnPatient(former, state), "");
}

TEST_F(AccessTest, CodedDataLeavesOnlyToCustodiansAndOurOwnServices) {
  GivenActiveTrial();
  Principal analytics;
  analytics.caller.set_kind(event::v1::Caller::KIND_SERVICE);
  analytics.organization = "o";
  analytics.internal = true;
  EXPECT_TRUE(MayExportCoded(analytics, state, trial));
  EXPECT_TRUE(MayExportCoded(custodian, state, trial));
  EXPECT_FALSE(MayExportCoded(custodian, state, Cat(kOrg, "/trials/none")));
  for (const Principal& who :
       {provider, coordinator, investigator, researcher, data_manager, monitor, participant, administrator}) {
    EXPECT_FALSE(MayExportCoded(who, state, trial));
  }
  analytics.organization = "elsewhere";
  EXPECT_FALSE(MayExportCoded(analytics, state, trial));
}

TEST_F(AccessTest, AParticipantSeesTheResearchersOfOwnTrialsOnly) {
  GivenSubject();
  v1::CreateResearcherRequest profile;
  profile.set_parent(kOrg);
  profile.set_researcher_id("r");
  profile.mutable_researcher()->set_user(User("researcher"));
  ASSERT_TRUE(Do(researcher, CreateResearcher, profile).ok());
  profile.set_researcher_id("r2");
  profile.mutable_researcher()->set_user(User("second-researcher"));
  ASSERT_TRUE(Do(second_researcher, CreateResearcher, profile).ok());
  EXPECT_TRUE(Sees(participant, kResearchers, Cat(kOrg, "/researchers/r")));
  EXPECT_FALSE(Sees(participant, kResearchers, Cat(kOrg, "/researchers/r2")));
  EXPECT_TRUE(Sees(provider, kResearchers, Cat(kOrg, "/researchers/r2")));
  EXPECT_EQ(OwnResearcher(researcher, state), Cat(kOrg, "/researchers/r"));
}

}  // namespace
}  // namespace trialog::trials
