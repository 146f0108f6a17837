// Kaplan–Meier and log-rank against references. lung.csv: lifelines 0.30.3 (KaplanMeierFitter, whose interval is
// log-log, median_survival_times, multivariate_logrank_test); the small samples are calculated by hand in the tests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/analytics/statistics/kaplan_meier.h"
#include "services/analytics/statistics/log_rank.h"
#include "services/analytics/statistics/lung_data.h"

namespace trialog::analytics {
namespace {

class Lung : public testing::Test {
 protected:
  const LungData data_ = LungData::Read(TRIALOG_TEST_DATA "/lung.csv");
};

const KaplanMeierStep& StepAt(const KaplanMeierCurve& curve, double time) {
  auto after = std::find_if(curve.steps.begin(), curve.steps.end(), [&](const auto& step) { return step.time > time; });
  return *std::prev(after);
}

TEST_F(Lung, MenHaveTheReferenceMedianAndInterval) {
  const KaplanMeierCurve men = KaplanMeier(data_.By("sex").at(1));
  EXPECT_EQ(men.n, 138);
  EXPECT_EQ(men.events, 112);
  EXPECT_EQ(men.median, 270);
  EXPECT_EQ(men.median_lower, 210);
  EXPECT_EQ(men.median_upper, 306);
}

TEST_F(Lung, WomenHaveTheReferenceMedianAndInterval) {
  const KaplanMeierCurve women = KaplanMeier(data_.By("sex").at(2));
  EXPECT_EQ(women.n, 90);
  EXPECT_EQ(women.events, 53);
  EXPECT_EQ(women.median, 426);
  EXPECT_EQ(women.median_lower, 345);
  EXPECT_EQ(women.median_upper, 524);
}

TEST_F(Lung, CurvesHaveTheReferenceBand) {
  const KaplanMeierCurve men = KaplanMeier(data_.By("sex").at(1));
  EXPECT_NEAR(StepAt(men, 180).survival, 0.6444650015, 1e-9);
  EXPECT_NEAR(StepAt(men, 180).lower, 0.5584124730, 1e-9);
  EXPECT_NEAR(StepAt(men, 180).upper, 0.7180135982, 1e-9);
  const KaplanMeierCurve women = KaplanMeier(data_.By("sex").at(2));
  EXPECT_NEAR(StepAt(women, 365).survival, 0.5264630302, 1e-9);
  EXPECT_NEAR(StepAt(women, 365).lower, 0.4035798233, 1e-9);
  EXPECT_NEAR(StepAt(women, 365).upper, 0.6353162328, 1e-9);
}

TEST_F(Lung, LogRankBySexIsTheReference) {
  const auto groups = data_.By("sex");
  const auto test = LogRankTest({groups.at(1), groups.at(2)});
  ASSERT_TRUE(test);
  EXPECT_NEAR(test->chi_square, 10.3267419549, 1e-8);
  EXPECT_NEAR(test->p_value, 0.00131116452, 1e-10);
  EXPECT_EQ(test->degrees_of_freedom, 1);
  EXPECT_NEAR(test->groups[0].expected + test->groups[1].expected, 165, 1e-9);
}

TEST_F(Lung, LogRankOfThreeGroupsIsTheReference) {
  const auto groups = data_.By("ph.ecog");
  const auto test = LogRankTest({groups.at(0), groups.at(1), groups.at(2)});
  ASSERT_TRUE(test);
  EXPECT_NEAR(test->chi_square, 18.0120966947, 1e-8);
  EXPECT_NEAR(test->p_value, 0.0001226656315, 1e-12);
  EXPECT_EQ(test->degrees_of_freedom, 2);
}

TEST_F(Lung, LogRankDoesNotDependOnTheOrderOfGroups) {
  const auto groups = data_.By("ph.ecog");
  EXPECT_NEAR(LogRankTest({groups.at(2), groups.at(0), groups.at(1)})->chi_square, 18.0120966947, 1e-8);
}

// n = 4: event at 1, event and censoring at 2, event at 3.
// S(1) = 3/4; S(2) = 3/4 · 2/3 = 1/2; S(3) = 0. Greenwood at 2: 1/(4·3) + 1/(3·2) = 1/4, variance 1/4 · 1/4 = 1/16.
TEST(KaplanMeier, CountsEventsBeforeCensoringsAtEqualTimes) {
  const KaplanMeierCurve curve = KaplanMeier({{2, false}, {1, true}, {3, true}, {2, true}});
  ASSERT_EQ(curve.steps.size(), 3u);
  EXPECT_EQ(curve.steps[1].at_risk, 3);
  EXPECT_EQ(curve.steps[1].censored, 1);
  EXPECT_DOUBLE_EQ(curve.steps[0].survival, 0.75);
  EXPECT_DOUBLE_EQ(curve.steps[1].survival, 0.5);
  EXPECT_DOUBLE_EQ(curve.steps[1].variance, 0.0625);
  EXPECT_EQ(curve.steps[2].at_risk, 1);
  EXPECT_EQ(curve.steps[2].survival, 0);
  EXPECT_EQ(curve.median, 2);
}

TEST(KaplanMeier, WithoutEventsStaysAtOneAndHasNoMedian) {
  const KaplanMeierCurve curve = KaplanMeier({{5, false}, {7, false}});
  EXPECT_EQ(curve.steps.back().survival, 1);
  EXPECT_EQ(curve.steps.back().lower, 1);
  EXPECT_EQ(curve.median, std::nullopt);
}

TEST(KaplanMeier, OfNobodyIsEmpty) {
  EXPECT_EQ(KaplanMeier({}).n, 0);
  EXPECT_TRUE(KaplanMeier({}).steps.empty());
}

// Group A: events at 1 and 3; B: events at 2 and 4. Expected in A: 1/2 + 1/3 + 1/2 = 4/3.
// Variance: 1/4 + 2/9 + 1/4 = 13/18. Chi-square (2 − 4/3)² / (13/18) = 8/13.
TEST(LogRank, IsAsCalculatedByHand) {
  const auto test = LogRankTest({{{1, true}, {3, true}}, {{2, true}, {4, true}}});
  ASSERT_TRUE(test);
  EXPECT_EQ(test->groups[0].observed, 2);
  EXPECT_NEAR(test->groups[0].expected, 4.0 / 3, 1e-12);
  EXPECT_NEAR(test->chi_square, 8.0 / 13, 1e-12);
}

TEST(LogRank, NeedsTwoGroupsWithPeopleAndEvents) {
  EXPECT_FALSE(LogRankTest({{{1, true}}}));
  EXPECT_FALSE(LogRankTest({{{1, true}}, {}}));
  EXPECT_FALSE(LogRankTest({{{1, false}}, {{2, false}}}));
}

}  // namespace
}  // namespace trialog::analytics
