#include "services/analytics/domain/analysis_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/analytics/domain/lung_dataset.h"

namespace trialog::analytics {
namespace {

AnalysisInput Lung() {
  AnalysisInput input;
  input.version.set_name("organizations/o/datasets/d/versions/1");
  const LungDataset lung = ReadLungDataset(TRIALOG_TEST_DATA "/lung.csv");
  *input.version.mutable_columns() = lung.columns;
  *input.rows.mutable_rows() = lung.rows;
  return input;
}

AnalysisInput LogRankBy(const std::string& column) {
  AnalysisInput input = Lung();
  *input.spec.mutable_log_rank() = LungSurvivalBy(column);
  return input;
}

TEST(RunAnalysis, FindsTheReferenceFiguresBySex) {
  const auto output = RunAnalysis(LogRankBy("sex"));
  ASSERT_TRUE(output.ok());
  const v1::SurvivalResult& survival = output->result.survival();
  ASSERT_EQ(survival.curves_size(), 2);
  EXPECT_EQ(survival.curves(0).group(), "1");
  EXPECT_EQ(survival.curves(0).n().exact(), 138);
  EXPECT_EQ(survival.curves(0).events().exact(), 112);
  EXPECT_EQ(survival.curves(0).median(), 270);
  EXPECT_EQ(survival.curves(1).n().exact(), 90);
  EXPECT_EQ(survival.curves(1).median(), 426);
  EXPECT_EQ(survival.curves(1).median_lower(), 345);
  EXPECT_EQ(survival.curves(1).median_upper(), 524);
  EXPECT_NEAR(survival.log_rank().chi_square(), 10.3267, 5e-5);
  EXPECT_NEAR(survival.log_rank().p_value(), 0.001311, 5e-7);
}

TEST(RunAnalysis, HidesInstitutionsOfTwoAndFour) {
  const auto output = RunAnalysis(LogRankBy("inst"));
  ASSERT_TRUE(output.ok());
  std::vector<std::string> hidden;
  for (const v1::SurvivalCurve& curve : output->result.survival().curves()) {
    if (curve.n().kind_case() == v1::ShownCount::kExact) continue;
    hidden.push_back(curve.group());
    EXPECT_EQ(curve.steps_size(), 0);
    EXPECT_FALSE(curve.has_median());
  }
  EXPECT_THAT(hidden, testing::ElementsAre("4", "10", "33"));
  EXPECT_EQ(output->result.dropped().below(), 5);  // One has no institution.
}

TEST(RunAnalysis, ShowsNoStepWithFewerThanTheThresholdAtRisk) {
  for (const char* column : {"sex", "inst", "ph.ecog"}) {
    const auto output = RunAnalysis(LogRankBy(column));
    ASSERT_TRUE(output.ok());
    for (const v1::SurvivalCurve& curve : output->result.survival().curves()) {
      for (const v1::SurvivalStep& step : curve.steps()) EXPECT_GE(step.at_risk(), 5);
    }
  }
}

TEST(RunAnalysis, GivesTheSameBytesForTheSameInputs) {
  const auto once = RunAnalysis(LogRankBy("inst"));
  const auto again = RunAnalysis(LogRankBy("inst"));
  ASSERT_TRUE(once.ok() && again.ok());
  EXPECT_EQ(once->bytes, again->bytes);
  EXPECT_FALSE(once->bytes.empty());
}

TEST(RunAnalysis, ReleasesSetsThatAgreeWithEachOtherAcrossAnalyses) {
  const auto by_sex = RunAnalysis(LogRankBy("sex"));
  const auto by_institution = RunAnalysis(LogRankBy("inst"));
  ASSERT_TRUE(by_sex.ok() && by_institution.ok());
  EXPECT_EQ(by_sex->released_sets.size(), 3u);  // Men, women, both.
  EXPECT_TRUE(MayRelease(by_sex->released_sets, by_institution->released_sets, 5));
}

TEST(RunAnalysis, DescribesAColumnWithoutItsExtremes) {
  AnalysisInput input = Lung();
  input.spec.mutable_describe()->add_columns("wt.loss");
  const auto output = RunAnalysis(input);
  ASSERT_TRUE(output.ok());
  const v1::ColumnSummary& summary = output->result.describe().summaries(0);
  EXPECT_EQ(summary.n().exact(), 214);
  EXPECT_EQ(summary.missing().exact(), 14);
  EXPECT_NEAR(summary.mean(), 9.8317757009, 1e-9);
  EXPECT_EQ(summary.upper_quartile(), 15.75);
  EXPECT_FALSE(summary.has_minimum());
  EXPECT_FALSE(summary.has_maximum());
}

TEST(RunAnalysis, HidesTheCountsThatWouldGiveOneMissingValueAway) {
  AnalysisInput input = Lung();
  input.spec.mutable_describe()->add_columns("ph.ecog");
  const auto output = RunAnalysis(input);
  ASSERT_TRUE(output.ok());
  EXPECT_EQ(output->result.describe().summaries(0).missing().below(), 5);
  EXPECT_TRUE(output->result.describe().summaries(0).n().hidden());
}

TEST(RunAnalysis, RefusesColumnsThatAreNotThereOrNotDates) {
  AnalysisInput input = LogRankBy("nothing");
  EXPECT_EQ(RunAnalysis(input).status().code(), absl::StatusCode::kInvalidArgument);
  input = LogRankBy("sex");
  input.spec.mutable_log_rank()->set_start_column("sex");
  EXPECT_EQ(RunAnalysis(input).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(PlotOf, LeavesHiddenGroupsOut) {
  const auto output = RunAnalysis(LogRankBy("inst"));
  ASSERT_TRUE(output.ok());
  const SurvivalPlot plot = PlotOf(output->result.survival(), "By institution");
  EXPECT_EQ(plot.hidden_curves, 3u);
  EXPECT_EQ(plot.curves.size(), 15u);
}

}  // namespace
}  // namespace trialog::analytics
