// Who is shown what: results, members, counts, and nothing in the clear at rest.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "services/analytics/app/test_world.h"

namespace trialog::analytics {
namespace {

using DisclosureTest = AnalyticsTest;

TEST_F(DisclosureTest, ASharedResultIsReleasedByACustodianWhoDidNotAskForIt) {
  service_.Start();
  UploadLung();
  ShareWith(kBob);
  const Analysis computed = Compute(kBob, "sex", "by-sex");
  EXPECT_EQ(computed.state(), Analysis::STATE_SUCCEEDED);
  EXPECT_TRUE(computed.result().empty());
  EXPECT_EQ(ReasonOfResult(computed.name(), kBob), "RESULT_NOT_SHOWN");
  EXPECT_EQ(ReasonOfResult(computed.name(), kAnn), "RESULT_NOT_SHOWN");  // It is her data, but not her decision.
  EXPECT_EQ(ResultOf(computed.name(), kCleo).survival().curves(0).median(), 270);

  const Analysis released = Release(computed.name(), kCleo);
  EXPECT_EQ(released.state(), Analysis::STATE_RELEASED);
  EXPECT_EQ(released.decider(), kCleo);
  EXPECT_EQ(ResultOf(computed.name(), kBob).survival().curves(1).median(), 426);
  EXPECT_FALSE(GetAnalysis(computed.name(), kBob).result().empty());
}

TEST_F(DisclosureTest, OfTwoWhoWatchOneAnalysisOnlyTheOneWhoMayIsShownTheResult) {
  service_.Start();
  UploadLung();
  ShareWith(kBob);
  AnalysisWatch asker = Watch(kBob), custodian = Watch(kCleo);
  asker.AwaitInitial();
  custodian.AwaitInitial();
  const std::string name = Ask(kBob, "sex", "by-sex");
  EXPECT_TRUE(asker.AwaitEnd(name).result().empty());
  EXPECT_FALSE(custodian.AwaitEnd(name).result().empty());
}

TEST_F(DisclosureTest, ACustodianDoesNotDecideAboutAResultOfTheirOwn) {
  service_.Start();
  UploadLung();
  ShareWith(kDana);
  const Analysis computed = Compute(kDana, "sex", "by-sex");
  v1::ReleaseAnalysisRequest release;
  release.set_name(computed.name());
  EXPECT_EQ(ReasonWhen<Analysis>("AnalysisService/ReleaseAnalysis", release, kDana), "OWN_RESULT");
  EXPECT_EQ(ReasonOfResult(computed.name(), kDana), "RESULT_NOT_SHOWN");
  EXPECT_EQ(Release(computed.name(), kCleo).state(), Analysis::STATE_RELEASED);
  EXPECT_EQ(ResultOf(computed.name(), kDana).survival().curves_size(), 2);
}

TEST_F(DisclosureTest, AWithheldResultStaysHiddenAndItsReasonIsShown) {
  service_.Start();
  UploadLung();
  ShareWith(kBob);
  const Analysis computed = Compute(kBob, "sex", "by-sex");
  v1::WithholdAnalysisRequest withhold;
  withhold.set_name(computed.name());
  withhold.set_reason("ask with fewer groups");
  EXPECT_EQ(Must<Analysis>("AnalysisService/WithholdAnalysis", withhold, kCleo).state(), Analysis::STATE_WITHHELD);
  const Analysis seen = GetAnalysis(computed.name(), kBob);
  EXPECT_EQ(seen.state_reason(), "ask with fewer groups");
  EXPECT_TRUE(seen.result().empty());
  EXPECT_EQ(ReasonOfResult(computed.name(), kBob), "RESULT_NOT_SHOWN");
}

TEST_F(DisclosureTest, MembersAreShownToThoseWhoMayReadTheRows) {
  service_.Start();
  UploadLung();
  ShareWith(kBob);
  v1::GetCohortRequest get;
  get.set_name(kCohort);
  EXPECT_EQ(Must<v1::Cohort>("CohortService/GetCohort", get, kAnn).members_size(), 228);
  EXPECT_EQ(Must<v1::Cohort>("CohortService/GetCohort", get, kCleo).members_size(), 228);
  EXPECT_EQ(Must<v1::Cohort>("CohortService/GetCohort", get, kBob).members_size(), 0);
}

TEST_F(DisclosureTest, AFewPeopleAreNeverCountedExactly) {
  service_.Start();
  UploadLung();
  MakeCohort("few", 33);  // Two rows.
  v1::EvaluateCohortRequest evaluate;
  evaluate.set_name("organizations/o/datasets/lung/cohorts/few");
  const v1::Attrition attrition =
      Must<v1::EvaluateCohortResponse>("CohortService/EvaluateCohort", evaluate, kAnn).attrition();
  EXPECT_EQ(attrition.members().below(), 5);
  ASSERT_EQ(attrition.steps_size(), 1);
  EXPECT_EQ(attrition.steps(0).remaining().below(), 5);
  // Neither the rows taken away nor those before may be exact together with it.
  const bool start = attrition.start().kind_case() == v1::ShownCount::kExact;
  const bool excluded = attrition.steps(0).excluded().kind_case() == v1::ShownCount::kExact;
  EXPECT_FALSE(start && excluded);
}

TEST_F(DisclosureTest, AFrozenCohortTellsItsAttritionAndADraftDoesNot) {
  service_.Start();
  UploadLung();
  v1::GetAttritionRequest get;
  get.set_name(kCohort);
  EXPECT_EQ(Must<v1::Attrition>("CohortService/GetAttrition", get, kCleo).members().exact(), 228);
  MakeCohort("draft", 1);
  get.set_name("organizations/o/datasets/lung/cohorts/draft");
  EXPECT_EQ(ReasonWhen<v1::Attrition>("CohortService/GetAttrition", get, kAnn), "COHORT_NOT_FROZEN");
}

TEST_F(DisclosureTest, TheNumberOfRowsIsForThoseWhoMayReadThem) {
  service_.Start();
  UploadLung();
  ShareWith(kBob);
  v1::GetVersionRequest get;
  get.set_name(kVersion);
  EXPECT_EQ(Must<v1::DatasetVersion>("DatasetService/GetVersion", get, kAnn).row_count(), 228);
  EXPECT_EQ(Must<v1::DatasetVersion>("DatasetService/GetVersion", get, kBob).row_count(), 0);
}

TEST_F(DisclosureTest, CountsAndShownResultsAreRecordedAsReadsAndHiddenOnesAreNot) {
  service_.Start();
  UploadLung();
  ShareWith(kBob);
  const std::string name = Compute(kBob, "sex", "by-sex").name();
  const view::Store& store = service_.host().backend().store();
  const int partition = service_.host().backend().PartitionOf("o");
  const auto records = [&](auto&& call) {
    const int64_t before = store.next_offset(partition);
    call();
    return store.next_offset(partition) - before;
  };
  EXPECT_EQ(records([&] { GetAnalysis(name, kBob); }), 0);
  EXPECT_EQ(records([&] { GetAnalysis(name, kCleo); }), 1);
  EXPECT_EQ(records([&] { ResultOf(name, kCleo); }), 1);
  EXPECT_EQ(records([&] {
              v1::EvaluateCohortRequest evaluate;
              evaluate.set_name(kCohort);
              Must<v1::EvaluateCohortResponse>("CohortService/EvaluateCohort", evaluate, kBob);
            }),
            1);
}

TEST_F(DisclosureTest, NoSubjectKeyOrReasonRestsInTheClear) {
  service_.Start();
  UploadLung();
  ShareWith(kBob);
  v1::WithholdAnalysisRequest withhold;
  withhold.set_name(Compute(kBob, "sex", "by-sex").name());
  withhold.set_reason("a very telling reason");
  Must<Analysis>("AnalysisService/WithholdAnalysis", withhold, kCleo);
  service_.Stop();
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(service_.path())) {
    if (!entry.is_regular_file()) continue;
    ++files;
    std::ifstream stream(entry.path(), std::ios::binary);
    const std::string content((std::istreambuf_iterator<char>(stream)), {});
    EXPECT_EQ(content.find("subject-17"), std::string::npos) << entry.path();
    EXPECT_EQ(content.find("telling reason"), std::string::npos) << entry.path();
  }
  EXPECT_GT(files, 10);
}

}  // namespace
}  // namespace trialog::analytics
