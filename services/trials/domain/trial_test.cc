#include "services/trials/domain/trial.h"

#include "services/trials/domain/clinical_world.h"

namespace trialog::trials {
namespace {

using TrialTest = ClinicalWorld;

v1::UpdateTrialRequest Update(const std::string& name, const std::string& etag, const char* path) {
  v1::UpdateTrialRequest request;
  request.mutable_trial()->set_name(name);
  request.mutable_trial()->set_etag(etag);
  request.mutable_update_mask()->add_paths(path);
  return request;
}

TEST_F(TrialTest, IsDraftedByAResearcherWhoRunsIt) {
  GivenTrial();
  const auto drafted = Now<v1::Trial>(kTrials, trial);
  EXPECT_EQ(drafted.state(), v1::TRIAL_STATE_DRAFT);
  EXPECT_EQ(drafted.creator(), User("researcher"));
  EXPECT_THAT(drafted.researchers(), testing::ElementsAre(User("researcher")));
  EXPECT_EQ(state.Count(kTrialsByState, TrialStateKey(kOrg, v1::TRIAL_STATE_DRAFT)), 1);
  EXPECT_THAT(Do(researcher, CreateTrial, NewTrial()), Refuses("TRIAL_EXISTS"));
  EXPECT_THAT(Do(provider, CreateTrial, NewTrial("u")), Refuses("NOT_IN_SCOPE"));
}

TEST_F(TrialTest, NeedsTitleTypeAndDatesInOrder) {
  auto request = NewTrial();
  request.mutable_trial()->clear_title();
  EXPECT_THAT(Do(researcher, CreateTrial, request), Refuses("REQUIRED"));
  request = NewTrial();
  request.mutable_trial()->clear_study_type();
  EXPECT_THAT(Do(researcher, CreateTrial, request), Refuses("REQUIRED"));
  request = NewTrial();
  request.mutable_trial()->mutable_start_date()->set_year(2024);
  EXPECT_THAT(Do(researcher, CreateTrial, request), Refuses("BAD_DATE"));
  request.mutable_trial()->mutable_start_date()->set_month(2);
  request.mutable_trial()->mutable_start_date()->set_day(29);
  *request.mutable_trial()->mutable_end_date() = request.trial().start_date();
  request.mutable_trial()->mutable_end_date()->set_day(28);
  EXPECT_THAT(Do(researcher, CreateTrial, request), Refuses("BEFORE_START"));
  request = NewTrial();
  request.mutable_trial()->add_researchers("somebody");
  EXPECT_THAT(Do(researcher, CreateTrial, request), Refuses("BAD_NAME"));
}

TEST_F(TrialTest, IsApprovedByASecondResearcherWithIdentityAndTime) {
  GivenTrial();
  ASSERT_TRUE(Move(researcher, SubmitTrial, trial).ok());
  EXPECT_THAT(Move(researcher, ApproveTrial, trial), Refuses("OWN_DRAFT"));
  EXPECT_THAT(Move(researcher, RejectTrial, trial, TrialReason()), Refuses("OWN_DRAFT"));
  ASSERT_TRUE(Move(second_researcher, ApproveTrial, trial).ok());
  const auto approved = Now<v1::Trial>(kTrials, trial);
  EXPECT_EQ(approved.state(), v1::TRIAL_STATE_APPROVED);
  EXPECT_EQ(approved.approved_by(), User("second-researcher"));
  EXPECT_GT(approved.approve_time().seconds(), 0);
}

TEST_F(TrialTest, IsNotApprovedByOneWhoHadAHandInTheDraft) {
  auto request = NewTrial();
  request.mutable_trial()->add_researchers(User("second-researcher"));
  ASSERT_TRUE(Do(researcher, CreateTrial, request).ok());
  auto update = Update(trial, "\"1\"", "title");
  update.mutable_trial()->set_title("Lung, second thoughts");
  ASSERT_TRUE(Do(second_researcher, UpdateTrial, update).ok());
  ASSERT_TRUE(Move(researcher, SubmitTrial, trial).ok());
  EXPECT_THAT(Move(second_researcher, ApproveTrial, trial), Refuses("OWN_DRAFT"));
}

TEST_F(TrialTest, GoesBackToItsDraftersWithAReason) {
  GivenTrial();
  ASSERT_TRUE(Move(researcher, SubmitTrial, trial).ok());
  EXPECT_THAT(Move(second_researcher, RejectTrial, trial), Refuses("REQUIRED"));
  ASSERT_TRUE(Move(second_researcher, RejectTrial, trial, TrialReason()).ok());
  EXPECT_EQ(Now<v1::Trial>(kTrials, trial).state(), v1::TRIAL_STATE_DRAFT);
  EXPECT_EQ(state.Find(kTrials, trial)->sealed.fields_size(), 1);
  ASSERT_TRUE(Move(researcher, SubmitTrial, trial).ok());
  EXPECT_EQ(state.Find(kTrials, trial)->sealed.fields_size(), 0) << "the reason belongs to the state it was given for";
}

TEST_F(TrialTest, ChangesItsPlanOnlyAsADraft) {
  GivenTrial();
  auto title = Update(trial, "\"1\"", "title");
  title.mutable_trial()->set_title("Lung II");
  EXPECT_THAT(Do(second_researcher, UpdateTrial, title), Refuses("NOT_FOUND"));
  ASSERT_TRUE(Do(researcher, UpdateTrial, title).ok());
  EXPECT_THAT(Do(researcher, UpdateTrial, title), Refuses("ETAG_MISMATCH"));
  ASSERT_TRUE(Move(researcher, SubmitTrial, trial).ok());
  title.mutable_trial()->set_etag(Etag(kTrials, trial));
  EXPECT_THAT(Do(researcher, UpdateTrial, title), Refuses("TRIAL_IN_REVIEW"));
  EXPECT_THAT(Do(second_researcher, UpdateTrial, title), Refuses("NOT_YOUR_TRIAL"));
  ASSERT_TRUE(Move(second_researcher, ApproveTrial, trial).ok());
  EXPECT_THAT(Do(researcher, UpdateTrial, title), Refuses("TRIAL_NOT_DRAFT"));
  auto researchers = Update(trial, Etag(kTrials, trial), "researchers");
  EXPECT_THAT(Do(researcher, UpdateTrial, researchers), Refuses("REQUIRED"));
  researchers.mutable_trial()->add_researchers(User("second-researcher"));
  ASSERT_TRUE(Do(researcher, UpdateTrial, researchers).ok());
  EXPECT_THAT(Do(researcher, UpdateTrial, researchers), Refuses("NOT_YOUR_TRIAL"));
}

TEST_F(TrialTest, IsMovedOnlyByThoseWhoMay) {
  GivenActiveTrial();
  for (const Principal& who : {second_researcher, data_manager, coordinator, investigator, provider, monitor}) {
    EXPECT_THAT(Move(who, SuspendTrial, trial, TrialReason()), Refuses("NOT_YOUR_TRIAL"));
    EXPECT_THAT(Move(who, TerminateTrial, trial, TrialReason()), Refuses("NOT_YOUR_TRIAL"));
  }
  for (const Principal& who : {researcher, coordinator, investigator, provider, monitor}) {
    EXPECT_THAT(Move(who, FreezeTrial, trial), Refuses("NOT_DATA_MANAGER"));
    EXPECT_THAT(Move(who, LockTrial, trial), Refuses("NOT_DATA_MANAGER"));
  }
  EXPECT_THAT(Move(provider, ApproveTrial, trial), Refuses("NOT_A_RESEARCHER"));
}

TEST_F(TrialTest, IsSuspendedFrozenLockedAndArchived) {
  GivenActiveTrial();
  EXPECT_THAT(Move(researcher, SuspendTrial, trial), Refuses("REQUIRED"));
  ASSERT_TRUE(Move(researcher, SuspendTrial, trial, TrialReason()).ok());
  EXPECT_THAT(Move(data_manager, FreezeTrial, trial), Refuses("ILLEGAL_MOVE"));
  ASSERT_TRUE(Move(researcher, ResumeTrial, trial).ok());
  ASSERT_TRUE(Move(data_manager, FreezeTrial, trial).ok());
  ASSERT_TRUE(Move(data_manager, UnfreezeTrial, trial).ok());
  ASSERT_TRUE(Move(data_manager, LockTrial, trial).ok());
  auto end_date = Update(trial, Etag(kTrials, trial), "end_date");
  EXPECT_THAT(Do(researcher, UpdateTrial, end_date), Refuses("TRIAL_LOCKED"));
  EXPECT_THAT(Move(data_manager, UnlockTrial, trial), Refuses("REQUIRED"));
  ASSERT_TRUE(Move(data_manager, UnlockTrial, trial, TrialReason()).ok());
  EXPECT_EQ(Now<v1::Trial>(kTrials, trial).state(), v1::TRIAL_STATE_FROZEN);
  ASSERT_TRUE(Move(data_manager, LockTrial, trial).ok());
  ASSERT_TRUE(Move(researcher, ArchiveTrial, trial).ok());
  EXPECT_THAT(Move(researcher, TerminateTrial, trial, TrialReason()), Refuses("ILLEGAL_MOVE"));
}

TEST_F(TrialTest, NeverBecomesActiveAgainOnceTerminated) {
  GivenActiveTrial();
  EXPECT_THAT(Move(researcher, TerminateTrial, trial), Refuses("REQUIRED"));
  ASSERT_TRUE(Move(researcher, TerminateTrial, trial, TrialReason()).ok());
  ASSERT_TRUE(Move(data_manager, FreezeTrial, trial).ok());
  EXPECT_THAT(Move(data_manager, UnfreezeTrial, trial), Refuses("TRIAL_TERMINATED"));
  EXPECT_THAT(Move(researcher, TerminateTrial, trial, TrialReason()), Refuses("TRIAL_TERMINATED"));
  EXPECT_TRUE(Move(data_manager, LockTrial, trial).ok());
}

TEST_F(TrialTest, AStaleEtagStopsAMove) {
  GivenTrial();
  v1::SubmitTrialRequest request;
  request.set_name(trial);
  request.set_etag("\"7\"");
  EXPECT_THAT(Do(researcher, SubmitTrial, request), Refuses("ETAG_MISMATCH"));
  request.set_etag("\"1\"");
  EXPECT_TRUE(Do(researcher, SubmitTrial, request).ok());
}

TEST_F(TrialTest, TellsItsParticipantsAndTheyTakeNote) {
  GivenSubject();
  v1::PublishTrialEventRequest request;
  request.set_parent(trial);
  request.set_trial_event_id("e");
  const auto text = SealedWith({v1::TrialEvent::kTitleFieldNumber, v1::TrialEvent::kBodyFieldNumber});
  EXPECT_THAT(Do(researcher, PublishTrialEvent, request), Refuses("REQUIRED"));
  EXPECT_THAT(Do(second_researcher, PublishTrialEvent, request, text), Refuses("NOT_YOUR_TRIAL"));
  ASSERT_TRUE(Do(researcher, PublishTrialEvent, request, text).ok());
  EXPECT_THAT(Do(researcher, PublishTrialEvent, request, text), Refuses("TRIAL_EVENT_EXISTS"));

  const std::string event = trial + "/trialEvents/e";
  EXPECT_THAT(Move(other_participant, AcknowledgeTrialEvent, event), Refuses("NOT_FOUND"));
  EXPECT_THAT(Move(researcher, AcknowledgeTrialEvent, event), Refuses("NOT_A_PARTICIPANT"));
  EXPECT_EQ(Move(participant, AcknowledgeTrialEvent, event)->events.size(), 1u);
  EXPECT_TRUE(Move(participant, AcknowledgeTrialEvent, event)->events.empty());
  EXPECT_EQ(state.Count(kAcknowledgmentsByTrialEvent, event), 1);
}

TEST_F(TrialTest, PublishesNoNewsBeforeItBegins) {
  GivenTrial();
  v1::PublishTrialEventRequest request;
  request.set_parent(trial);
  EXPECT_THAT(Do(researcher, PublishTrialEvent, request, SealedWith({v1::TrialEvent::kTitleFieldNumber})),
              Refuses("TRIAL_NOT_OPEN"));
}

}  // namespace
}  // namespace trialog::trials
