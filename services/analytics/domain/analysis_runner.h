// Computes an analysis: a pure function of its inputs to the result that may be shown. The same inputs give the same
// bytes, which VerifyAnalysis relies on.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/analytics/domain/analysis_spec.h"
#include "services/analytics/domain/rows.h"
#include "services/analytics/statistics/differencing.h"
#include "services/analytics/statistics/survival_plot.h"
#include "trialog/analytics/v1/analysis.pb.h"
#include "trialog/analytics/v1/cohort.pb.h"
#include "trialog/analytics/v1/result.pb.h"

namespace trialog::analytics {

// Changes with anything that may change a result's bytes.
inline constexpr std::string_view kCodeVersion = "analytics/1";

inline constexpr size_t kMaxGroups = 40;

struct AnalysisInput {
  v1::AnalysisSpec spec;
  v1::Cohort cohort;  // name, revision, criteria
  v1::DatasetVersion version;
  v1::DataRows rows;
};

struct AnalysisOutput {
  v1::AnalysisResult result;
  std::string bytes;                      // `result` serialised: what Analysis.result holds.
  std::vector<RowNumbers> released_sets;  // Rows behind each figure shown, for the ledger.
};

// FAILED_PRECONDITION when there are more groups than kMaxGroups or columns than can be shown; INVALID_ARGUMENT as
// CheckSpec.
absl::StatusOr<AnalysisOutput> RunAnalysis(const AnalysisInput& input);

// The chart of a survival result: nothing but what the result shows.
SurvivalPlot PlotOf(const v1::SurvivalResult& result, std::string_view title);

}  // namespace trialog::analytics
