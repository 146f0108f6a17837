#include "services/analytics/domain/criteria.h"

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/analytics/statistics/disclosure.h"

namespace trialog::analytics {
namespace {

using v1::Condition;
using Comparison = Condition::Comparison;

bool IsNumeric(v1::ColumnType type) { return type == v1::COLUMN_TYPE_INTEGER || type == v1::COLUMN_TYPE_DECIMAL; }

bool Comparable(v1::ColumnType type, const event::v1::Value& value) {
  switch (value.kind_case()) {
    case event::v1::Value::kText:
      return type == v1::COLUMN_TYPE_TEXT;
    case event::v1::Value::kInteger:
      return IsNumeric(type);
    case event::v1::Value::kDecimal:
      return IsNumeric(type) && value.decimal().scale() <= 9;
    case event::v1::Value::kBoolean:
      return type == v1::COLUMN_TYPE_BOOLEAN;
    case event::v1::Value::kDate:
      return type == v1::COLUMN_TYPE_DATE && AsDay(value).has_value();
    case event::v1::Value::kMissing:
    case event::v1::Value::KIND_NOT_SET:
      return false;
  }
  return false;
}

class Checker {
 public:
  explicit Checker(const Columns& columns) : columns_(columns) {}

  absl::Status Check(const Condition& condition, const std::string& at, int depth) {
    if (depth > kMaxConditionDepth) return BadField(at, "CONDITION_TOO_DEEP", "nest less deeply");
    if (++count_ > kMaxConditions) return BadField(at, "TOO_MANY_CONDITIONS", "use fewer conditions");
    switch (condition.kind_case()) {
      case Condition::kComparison:
        return CheckComparison(condition.comparison(), Cat(at, ".comparison"));
      case Condition::kAll:
        return CheckEach(condition.all(), Cat(at, ".all"), depth);
      case Condition::kAny:
        return CheckEach(condition.any(), Cat(at, ".any"), depth);
      case Condition::kNot:
        return Check(condition.not_(), Cat(at, ".not"), depth + 1);
      case Condition::kMissing:
        return CheckColumn(condition.missing(), Cat(at, ".missing"));
      case Condition::KIND_NOT_SET:
        return BadField(at, "CONDITION_MISSING", "give a condition");
    }
    return BadField(at, "CONDITION_MISSING", "give a condition");
  }

 private:
  absl::Status CheckColumn(const std::string& column, const std::string& at) {
    if (!ColumnIndex(columns_, column)) return BadField(at, "NO_SUCH_COLUMN", "name a column of the dataset version");
    return absl::OkStatus();
  }

  absl::Status CheckEach(const Condition::Conditions& list, const std::string& at, int depth) {
    if (list.conditions().empty()) return BadField(at, "CONDITION_MISSING", "give at least one condition");
    for (int i = 0; i < list.conditions_size(); ++i) {
      if (absl::Status bad = Check(list.conditions(i), Cat(at, "[", i, "]"), depth + 1); !bad.ok()) return bad;
    }
    return absl::OkStatus();
  }

  absl::Status CheckComparison(const Comparison& comparison, const std::string& at) {
    if (absl::Status bad = CheckColumn(comparison.column(), Cat(at, ".column")); !bad.ok()) return bad;
    const v1::ColumnType type = columns_[*ColumnIndex(columns_, comparison.column())].type();
    if (!Comparable(type, comparison.value())) {
      return BadField(Cat(at, ".value"), "WRONG_VALUE_TYPE", "a value of the column's type");
    }
    switch (comparison.operator_()) {
      case Comparison::OPERATOR_EQ:
      case Comparison::OPERATOR_NE:
        return absl::OkStatus();
      case Comparison::OPERATOR_LT:
      case Comparison::OPERATOR_LE:
      case Comparison::OPERATOR_GT:
      case Comparison::OPERATOR_GE:
        if (IsNumeric(type) || type == v1::COLUMN_TYPE_DATE) return absl::OkStatus();
        return BadField(Cat(at, ".operator"), "NOT_ORDERED", "only numbers and dates have an order");
      default:
        return BadField(Cat(at, ".operator"), "BAD_OPERATOR", "give an operator");
    }
  }

  const Columns& columns_;
  int count_ = 0;
};

Truth Of(bool value) { return value ? Truth::kTrue : Truth::kFalse; }

Truth Not(Truth value) {
  if (value == Truth::kUnknown) return value;
  return Of(value == Truth::kFalse);
}

Truth EvaluateComparison(const Comparison& comparison, const Columns& columns, const v1::DataRow& row) {
  const auto column = ColumnIndex(columns, comparison.column());
  if (!column || *column >= row.values_size()) return Truth::kUnknown;
  const auto order = Compare(row.values(*column), comparison.value());  // None for a missing value.
  if (!order) return Truth::kUnknown;
  switch (comparison.operator_()) {
    case Comparison::OPERATOR_EQ:
      return Of(*order == 0);
    case Comparison::OPERATOR_NE:
      return Of(*order != 0);
    case Comparison::OPERATOR_LT:
      return Of(*order < 0);
    case Comparison::OPERATOR_LE:
      return Of(*order <= 0);
    case Comparison::OPERATOR_GT:
      return Of(*order > 0);
    case Comparison::OPERATOR_GE:
      return Of(*order >= 0);
    default:
      return Truth::kUnknown;
  }
}

}  // namespace

v1::ShownCount ToShownCount(const Shown& shown) {
  v1::ShownCount count;
  switch (shown.kind) {
    case Shown::kExact:
      count.set_exact(shown.count);
      break;
    case Shown::kBelow:
      count.set_below(shown.count);
      break;
    case Shown::kHidden:
      count.set_hidden(true);
      break;
  }
  return count;
}

absl::Status CheckCriteria(const Columns& columns, const Criteria& criteria) {
  if (criteria.size() > kMaxCriteria) return BadField("cohort.criteria", "TOO_MANY_CRITERIA", "use fewer criteria");
  Checker checker(columns);
  for (int i = 0; i < criteria.size(); ++i) {
    absl::Status bad = checker.Check(criteria[i].condition(), Cat("cohort.criteria[", i, "].condition"), 1);
    if (!bad.ok()) return bad;
  }
  return absl::OkStatus();
}

Truth Evaluate(const Condition& condition, const Columns& columns, const v1::DataRow& row) {
  switch (condition.kind_case()) {
    case Condition::kComparison:
      return EvaluateComparison(condition.comparison(), columns, row);
    case Condition::kAll: {
      Truth least = Truth::kTrue;
      for (const Condition& part : condition.all().conditions()) least = std::min(least, Evaluate(part, columns, row));
      return least;
    }
    case Condition::kAny: {
      Truth greatest = Truth::kFalse;
      for (const Condition& part : condition.any().conditions()) {
        greatest = std::max(greatest, Evaluate(part, columns, row));
      }
      return greatest;
    }
    case Condition::kNot:
      return Not(Evaluate(condition.not_(), columns, row));
    case Condition::kMissing: {
      const auto column = ColumnIndex(columns, condition.missing());
      return Of(!column || *column >= row.values_size() || IsMissing(row.values(*column)));
    }
    case Condition::KIND_NOT_SET:
      return Truth::kUnknown;
  }
  return Truth::kUnknown;
}

CohortRows SelectCohort(const Columns& columns, const Criteria& criteria, const Rows& rows) {
  CohortRows cohort;
  for (int i = 0; i < rows.size(); ++i) cohort.rows.push_back(i);
  cohort.remaining.push_back(rows.size());
  for (const v1::Criterion& criterion : criteria) {
    std::erase_if(cohort.rows,
                  [&](int i) { return Evaluate(criterion.condition(), columns, rows[i]) != Truth::kTrue; });
    cohort.remaining.push_back(static_cast<int64_t>(cohort.rows.size()));
  }
  return cohort;
}

v1::Attrition ShowAttritionOf(const Criteria& criteria, const CohortRows& cohort, int64_t threshold) {
  const ShownAttrition shown = ShowAttrition(cohort.remaining, threshold);
  v1::Attrition attrition;
  *attrition.mutable_start() = ToShownCount(shown.remaining.front());
  for (int i = 0; i < criteria.size(); ++i) {
    v1::Attrition::Step& step = *attrition.add_steps();
    step.set_criterion(criteria[i].display_name());
    *step.mutable_excluded() = ToShownCount(shown.excluded[static_cast<size_t>(i)]);
    *step.mutable_remaining() = ToShownCount(shown.remaining[static_cast<size_t>(i) + 1]);
  }
  *attrition.mutable_members() = ToShownCount(shown.remaining.back());
  return attrition;
}

}  // namespace trialog::analytics
