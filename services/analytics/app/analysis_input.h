// What an analysis is computed from, gathered from the state.
#pragma once

#include <optional>
#include <string_view>

#include "services/analytics/domain/analysis_runner.h"
#include "services/analytics/domain/names.h"
#include "services/analytics/domain/tables.h"

namespace trialog::analytics {

// All but the rows; none when the analysis, its cohort or its version is not there.
inline std::optional<AnalysisInput> InputOf(const view::State& state, std::string_view name) {
  const auto analysis = state.Get<v1::Analysis>(kAnalyses, name);
  const auto cohort = state.Get<v1::Cohort>(kCohorts, ParentOf(name));
  if (!analysis || !cohort) return std::nullopt;
  const auto version = state.Get<v1::DatasetVersion>(kVersions, analysis->dataset_version());
  if (!version) return std::nullopt;
  return AnalysisInput{.spec = analysis->spec(), .cohort = *cohort, .version = *version};
}

}  // namespace trialog::analytics
