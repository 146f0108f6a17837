// What may be asked of a dataset version.
#pragma once

#include "absl/status/status.h"
#include "services/analytics/domain/rows.h"
#include "trialog/analytics/v1/analysis.pb.h"

namespace trialog::analytics {

// Whether the spec is well formed and fits the columns. INVALID_ARGUMENT naming the field.
absl::Status CheckSpec(const Columns& columns, const v1::AnalysisSpec& spec);

}  // namespace trialog::analytics
