// Cohorts from rows: criteria in three-valued logic (Kleene's), applied in order.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "services/analytics/domain/rows.h"
#include "services/analytics/statistics/disclosure.h"
#include "trialog/analytics/v1/cohort.pb.h"

namespace trialog::analytics {

using Criteria = google::protobuf::RepeatedPtrField<v1::Criterion>;

inline constexpr int kMaxCriteria = 100;
inline constexpr int kMaxConditionDepth = 16;
inline constexpr int kMaxConditions = 1000;  // In all criteria together.

enum class Truth { kFalse, kUnknown, kTrue };

// Whether each condition is well formed and fits the columns.
absl::Status CheckCriteria(const Columns& columns, const Criteria& criteria);

// `condition` has passed CheckCriteria for `columns`; anything else is unknown.
Truth Evaluate(const v1::Condition& condition, const Columns& columns, const v1::DataRow& row);

struct CohortRows {
  std::vector<int> rows;  // Row numbers of the members, ascending.
  // remaining[0]: all rows; then what each criterion left.
  std::vector<int64_t> remaining;
};
CohortRows SelectCohort(const Columns& columns, const Criteria& criteria, const Rows& rows);

v1::ShownCount ToShownCount(const Shown& shown);

// Counts as they may be shown.
v1::Attrition ShowAttritionOf(const Criteria& criteria, const CohortRows& cohort, int64_t threshold);

}  // namespace trialog::analytics
