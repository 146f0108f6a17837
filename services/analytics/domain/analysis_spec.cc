#include "services/analytics/domain/analysis_spec.h"

#include <algorithm>

#include "platform/errors/errors.h"

namespace trialog::analytics {
namespace {

using v1::AnalysisSpec;

absl::Status CheckColumn(const Columns& columns, const std::string& name, std::string_view field,
                         std::initializer_list<v1::ColumnType> types) {
  const auto column = ColumnIndex(columns, name);
  if (!column) return BadField(field, "NO_SUCH_COLUMN", "name a column of the dataset version");
  if (types.size() > 0 && std::find(types.begin(), types.end(), columns[*column].type()) == types.end()) {
    return BadField(field, "WRONG_COLUMN_TYPE", "name a column of another type");
  }
  return absl::OkStatus();
}

absl::Status CheckDescribe(const Columns& columns, const v1::DescribeSpec& spec) {
  if (spec.columns().empty() || spec.columns_size() > 40) {
    return BadField("spec.describe.columns", "BAD_COLUMN_COUNT", "1 to 40 columns");
  }
  for (const std::string& name : spec.columns()) {
    absl::Status bad =
        CheckColumn(columns, name, "spec.describe.columns", {v1::COLUMN_TYPE_INTEGER, v1::COLUMN_TYPE_DECIMAL});
    if (!bad.ok()) return bad;
  }
  if (spec.group_column().empty()) return absl::OkStatus();
  return CheckColumn(columns, spec.group_column(), "spec.describe.group_column", {});
}

absl::Status CheckSurvival(const Columns& columns, const v1::SurvivalSpec& spec, bool needs_groups) {
  for (const auto& [name, field] :
       {std::pair(&spec.start_column(), "spec.start_column"), std::pair(&spec.end_column(), "spec.end_column")}) {
    if (absl::Status bad = CheckColumn(columns, *name, field, {v1::COLUMN_TYPE_DATE}); !bad.ok()) return bad;
  }
  if (absl::Status bad = CheckColumn(columns, spec.event_column(), "spec.event_column", {}); !bad.ok()) return bad;
  if (IsMissing(spec.event_value()))
    return BadField("spec.event_value", "VALUE_MISSING", "say which value is the event");
  if (spec.group_column().empty()) {
    return needs_groups ? BadField("spec.group_column", "COLUMN_MISSING", "a test compares groups") : absl::OkStatus();
  }
  return CheckColumn(columns, spec.group_column(), "spec.group_column", {});
}

}  // namespace

absl::Status CheckSpec(const Columns& columns, const AnalysisSpec& spec) {
  switch (spec.kind_case()) {
    case AnalysisSpec::kDescribe:
      return CheckDescribe(columns, spec.describe());
    case AnalysisSpec::kKaplanMeier:
      return CheckSurvival(columns, spec.kaplan_meier(), /*needs_groups=*/false);
    case AnalysisSpec::kLogRank:
      return CheckSurvival(columns, spec.log_rank(), /*needs_groups=*/true);
    case AnalysisSpec::kCrossTabulation: {
      absl::Status bad = CheckColumn(columns, spec.cross_tabulation().row_column(), "spec.row_column", {});
      if (!bad.ok()) return bad;
      return CheckColumn(columns, spec.cross_tabulation().column_column(), "spec.column_column", {});
    }
    case AnalysisSpec::KIND_NOT_SET:
      break;
  }
  return BadField("spec", "KIND_MISSING", "say what to compute");
}

}  // namespace trialog::analytics
