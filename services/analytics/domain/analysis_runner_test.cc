#include "services/analytics/domain/analysis_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "services/analytics/statistics/lung_data.h"

namespace trialog::analytics {
namespace {

void SetDate(event::v1::Value& value, int days) {
  const std::chrono::year_month_day day{std::chrono::sys_days(std::chrono::days(days))};
  value.mutable_date()->set_year(static_cast<int>(day.year()));
  value.mutable_date()->set_month(static_cast<int>(static_cast<unsigned>(day.month())));
  value.mutable_date()->set_day(static_cast<int>(static_cast<unsigned>(day.day())));
}

// The lung data as a trial gives it: dates and a state, no survival time.
AnalysisInput Lung() {
  AnalysisInput input;
  input.version.set_name("organizations/o/datasets/d/versions/1");
  const std::pair<const char*, v1::ColumnType> columns[] = {
      {"enroll_date", v1::COLUMN_TYPE_DATE}, {"last_contact_date", v1::COLUMN_TYPE_DATE},
      {"state", v1::COLUMN_TYPE_TEXT},       {"sex", v1::COLUMN_TYPE_INTEGER},
      {"inst", v1::COLUMN_TYPE_INTEGER},     {"wt.loss", v1::COLUMN_TYPE_DECIMAL},
      {"ph.ecog", v1::COLUMN_TYPE_INTEGER}};
  for (const auto& [name, type] : columns) {
    v1::Column& column = *input.version.add_columns();
    column.set_name(name);
    column.set_type(type);
  }
  const LungData data = LungData::Read(TRIALOG_TEST_DATA "/lung.csv");
  int number = 0;
  for (auto source : data.rows) {
    v1::DataRow& row = *input.rows.add_rows();
    row.set_subject("subject-" + std::to_string(++number));
    SetDate(*row.add_values(), 10'000 + number);
    SetDate(*row.add_values(), 10'000 + number + static_cast<int>(*source["time"]));
    row.add_values()->set_text(*source["status"] == 1 ? "DECEASED" : "FOLLOW_UP");
    for (const char* name : {"sex", "inst", "wt.loss", "ph.ecog"}) {
      event::v1::Value& value = *row.add_values();
      if (!source[name])
        value.set_missing(event::v1::MISSING_CODE_NOT_AVAILABLE);
      else if (std::string_view(name) == "wt.loss")
        value.mutable_decimal()->set_units(static_cast<int64_t>(*source[name]));
      else
        value.set_integer(static_cast<int64_t>(*source[name]));
    }
  }
  return input;
}

AnalysisInput LogRankBy(const std::string& column) {
  AnalysisInput input = Lung();
  v1::SurvivalSpec& spec = *input.spec.mutable_log_rank();
  spec.set_start_column("enroll_date");
  spec.set_end_column("last_contact_date");
  spec.set_event_column("state");
  spec.mutable_event_value()->set_text("DECEASED");
  spec.set_group_column(column);
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
