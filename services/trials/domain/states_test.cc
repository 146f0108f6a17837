// Every pair of states of each machine, against the lists of the domain's rules, written out here a second time.
#include <set>
#include <string>
#include <tuple>

#include "gtest/gtest.h"
#include "services/trials/domain/data_capture_states.h"
#include "services/trials/domain/subject_states.h"
#include "services/trials/domain/trial_states.h"

namespace trialog::trials {
namespace {

std::string Short(const std::string& name, std::string_view prefix) { return name.substr(prefix.size()); }

TEST(TrialStates, MoveExactlyAsTheStudyMachineSays) {
  const std::set<std::pair<std::string, std::string>> legal = {
      {"DRAFT", "IN_REVIEW"},   {"IN_REVIEW", "APPROVED"},   {"IN_REVIEW", "DRAFT"},     {"APPROVED", "ACTIVE"},
      {"ACTIVE", "FROZEN"},     {"FROZEN", "ACTIVE"},        {"FROZEN", "LOCKED"},       {"ACTIVE", "LOCKED"},
      {"LOCKED", "ARCHIVED"},   {"ACTIVE", "SUSPENDED"},     {"SUSPENDED", "ACTIVE"},    {"LOCKED", "FROZEN"},
      {"DRAFT", "TERMINATED"},  {"IN_REVIEW", "TERMINATED"}, {"APPROVED", "TERMINATED"}, {"ACTIVE", "TERMINATED"},
      {"FROZEN", "TERMINATED"}, {"SUSPENDED", "TERMINATED"}, {"TERMINATED", "FROZEN"}};
  std::set<std::pair<std::string, std::string>> found;
  for (int from = v1::TrialState_MIN; from <= v1::TrialState_MAX; ++from) {
    for (int action = 0; action <= static_cast<int>(TrialAction::kArchive); ++action) {
      const auto to = After(TrialMoves(), static_cast<v1::TrialState>(from), static_cast<TrialAction>(action));
      if (!to) continue;
      const auto move =
          std::pair(Short(v1::TrialState_Name(from), "TRIAL_STATE_"), Short(v1::TrialState_Name(*to), "TRIAL_STATE_"));
      EXPECT_TRUE(found.insert(move).second) << "two actions for " << move.first << " to " << move.second;
    }
  }
  EXPECT_EQ(found, legal);
}

TEST(TrialStates, AnActionLeadsToOneStateWhereverItIsLegal) {
  for (const auto& one : TrialMoves()) {
    for (const auto& two : TrialMoves()) {
      EXPECT_TRUE(one.action != two.action || one.to == two.to);
    }
  }
}

TEST(TrialStates, AllowWhatTheRulesSay) {
  using enum TrialActivity;
  struct Line {
    v1::TrialState state;
    bool enroll, treat, follow_up, acknowledge, publish;
  };
  const Line lines[] = {
      {v1::TRIAL_STATE_UNSPECIFIED, false, false, false, false, false},
      {v1::TRIAL_STATE_DRAFT, false, false, false, false, false},
      {v1::TRIAL_STATE_IN_REVIEW, false, false, false, false, false},
      {v1::TRIAL_STATE_APPROVED, false, false, false, false, false},
      {v1::TRIAL_STATE_ACTIVE, true, true, true, true, true},
      {v1::TRIAL_STATE_SUSPENDED, false, true, true, true, true},
      {v1::TRIAL_STATE_FROZEN, false, false, false, true, true},
      {v1::TRIAL_STATE_LOCKED, false, false, false, false, true},
      {v1::TRIAL_STATE_TERMINATED, false, false, true, true, true},
      {v1::TRIAL_STATE_ARCHIVED, false, false, false, false, false},
  };
  ASSERT_EQ(std::size(lines), static_cast<size_t>(v1::TrialState_ARRAYSIZE));
  for (const Line& line : lines) {
    SCOPED_TRACE(v1::TrialState_Name(line.state));
    EXPECT_EQ(TrialAllows(line.state, kEnroll), line.enroll);
    EXPECT_EQ(TrialAllows(line.state, kTreat), line.treat);
    EXPECT_EQ(TrialAllows(line.state, kFollowUp), line.follow_up);
    EXPECT_EQ(TrialAllows(line.state, kAcknowledge), line.acknowledge);
    EXPECT_EQ(TrialAllows(line.state, kPublishEvents), line.publish);
  }
}

using Steps = std::set<std::pair<std::string, std::string>>;

Steps LegalSubjectSteps(v1::StudyType type) {
  Steps steps = {{"CANDIDATE", "SCREENING"}, {"SCREENING", "ELIGIBLE"},      {"SCREENING", "SCREEN_FAILED"},
                 {"ELIGIBLE", "ENROLLED"},   {"SCREEN_FAILED", "SCREENING"}, {"FOLLOW_UP", "COMPLETED"}};
  if (type == v1::STUDY_TYPE_RANDOMIZED) {
    steps.merge(Steps{{"ENROLLED", "RANDOMIZED"}, {"RANDOMIZED", "ON_TREATMENT"}, {"ON_TREATMENT", "FOLLOW_UP"}});
  }
  if (type == v1::STUDY_TYPE_SINGLE_ARM) {
    steps.merge(Steps{{"ENROLLED", "ON_TREATMENT"}, {"ON_TREATMENT", "FOLLOW_UP"}});
  }
  if (type == v1::STUDY_TYPE_OBSERVATIONAL) steps.merge(Steps{{"ENROLLED", "FOLLOW_UP"}});
  for (const auto* from : {"SCREENING", "ELIGIBLE", "ENROLLED", "RANDOMIZED", "ON_TREATMENT", "FOLLOW_UP"}) {
    for (const auto* to : {"WITHDRAWN", "DISCONTINUED", "LOST_TO_FOLLOW_UP", "DECEASED"}) steps.insert({from, to});
  }
  return steps;
}

TEST(SubjectStates, MoveExactlyAsTheSubjectMachineSaysInEachStudyType) {
  for (int type = v1::StudyType_MIN; type <= v1::StudyType_MAX; ++type) {
    Steps found;
    for (int from = v1::SubjectState_MIN; from <= v1::SubjectState_MAX; ++from) {
      for (int to = v1::SubjectState_MIN; to <= v1::SubjectState_MAX; ++to) {
        if (!SubjectMayMove(static_cast<v1::StudyType>(type), static_cast<v1::SubjectState>(from),
                            static_cast<v1::SubjectState>(to))) {
          continue;
        }
        found.insert(
            {Short(v1::SubjectState_Name(from), "SUBJECT_STATE_"), Short(v1::SubjectState_Name(to), "SUBJECT_STATE_")});
      }
    }
    EXPECT_EQ(found, LegalSubjectSteps(static_cast<v1::StudyType>(type))) << v1::StudyType_Name(type);
  }
}

TEST(ConsentStates, MoveExactlyAsTheConsentMachineSays) {
  const Steps legal = {{"UNSPECIFIED", "OFFERED"}, {"UNSPECIFIED", "GIVEN"}, {"UNSPECIFIED", "DECLINED"},
                       {"OFFERED", "GIVEN"},       {"OFFERED", "DECLINED"},  {"GIVEN", "WITHDRAWN"},
                       {"GIVEN", "EXPIRED"},       {"GIVEN", "SUPERSEDED"}};
  Steps found;
  for (int from = v1::ConsentState_MIN; from <= v1::ConsentState_MAX; ++from) {
    for (int to = v1::ConsentState_MIN; to <= v1::ConsentState_MAX; ++to) {
      if (!ConsentMayMove(static_cast<v1::ConsentState>(from), static_cast<v1::ConsentState>(to))) continue;
      found.insert(
          {Short(v1::ConsentState_Name(from), "CONSENT_STATE_"), Short(v1::ConsentState_Name(to), "CONSENT_STATE_")});
    }
  }
  EXPECT_EQ(found, legal);
}

TEST(CaptureStates, MoveExactlyAsTheCaptureMachineSays) {
  using enum CaptureAction;
  const std::set<std::tuple<std::string, CaptureAction, std::string>> legal = {
      {"DRAFT", kSubmit, "SUBMITTED"},
      {"SUBMITTED", kFinalize, "FINALIZED"},
      {"FINALIZED", kAcknowledge, "ACKNOWLEDGED"},
      {"DRAFT", kAmend, "DRAFT"},
      {"SUBMITTED", kAmend, "SUBMITTED"},
      {"FINALIZED", kAmend, "SUBMITTED"},
      {"ACKNOWLEDGED", kAmend, "SUBMITTED"}};
  std::set<std::tuple<std::string, CaptureAction, std::string>> found;
  for (int from = v1::DataCaptureState_MIN; from <= v1::DataCaptureState_MAX; ++from) {
    for (const auto action : {kSubmit, kFinalize, kAcknowledge, kAmend}) {
      const auto to = After(CaptureMoves(), static_cast<v1::DataCaptureState>(from), action);
      if (!to) continue;
      found.insert({Short(v1::DataCaptureState_Name(from), "DATA_CAPTURE_STATE_"), action,
                    Short(v1::DataCaptureState_Name(*to), "DATA_CAPTURE_STATE_")});
    }
  }
  EXPECT_EQ(found, legal);
}

}  // namespace
}  // namespace trialog::trials
