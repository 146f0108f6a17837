// The legal moves of each resource, in one table each.
#pragma once

#include <utility>

#include "absl/types/span.h"
#include "trialog/analytics/v1/analysis.pb.h"
#include "trialog/analytics/v1/cohort.pb.h"
#include "trialog/analytics/v1/dataset.pb.h"

namespace trialog::analytics {

template <typename State>
using Moves = absl::Span<const std::pair<State, State>>;

Moves<v1::DatasetVersion::State> VersionMoves();
Moves<v1::Cohort::State> CohortMoves();
Moves<v1::Analysis::State> AnalysisMoves();

bool MayMove(v1::DatasetVersion::State from, v1::DatasetVersion::State to);
bool MayMove(v1::Cohort::State from, v1::Cohort::State to);
bool MayMove(v1::Analysis::State from, v1::Analysis::State to);

}  // namespace trialog::analytics
