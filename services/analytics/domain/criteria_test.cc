#include "services/analytics/domain/criteria.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/errors/errors.h"

namespace trialog::analytics {
namespace {

using v1::Condition;
using Operator = Condition::Comparison;

Columns AgeColumn() {
  Columns columns;
  v1::Column& column = *columns.Add();
  column.set_name("age");
  column.set_type(v1::COLUMN_TYPE_INTEGER);
  return columns;
}

v1::DataRow Aged(int age) {
  v1::DataRow row;
  row.add_values()->set_integer(age);
  return row;
}

v1::DataRow Ageless() {
  v1::DataRow row;
  row.add_values()->set_missing(event::v1::MISSING_CODE_UNKNOWN);
  return row;
}

Condition Age(Operator::Operator op, int than) {
  Condition condition;
  condition.mutable_comparison()->set_column("age");
  condition.mutable_comparison()->set_operator_(op);
  condition.mutable_comparison()->mutable_value()->set_integer(than);
  return condition;
}

// Conditions that are true, false and unknown of Aged(50) and, for the unknown one, by a column that is missing there.
Condition Is(Truth truth) {
  if (truth == Truth::kUnknown) {
    Condition unknown = Age(Operator::OPERATOR_EQ, 1);
    unknown.mutable_comparison()->set_column("absent");
    return unknown;
  }
  return Age(truth == Truth::kTrue ? Operator::OPERATOR_EQ : Operator::OPERATOR_NE, 50);
}

constexpr Truth kTruths[] = {Truth::kFalse, Truth::kUnknown, Truth::kTrue};

TEST(Criteria, AllAndAnyFollowKleenesTables) {
  for (Truth a : kTruths) {
    for (Truth b : kTruths) {
      Condition all, any;
      for (Truth part : {a, b}) {
        *all.mutable_all()->add_conditions() = Is(part);
        *any.mutable_any()->add_conditions() = Is(part);
      }
      EXPECT_EQ(Evaluate(all, AgeColumn(), Aged(50)), std::min(a, b));
      EXPECT_EQ(Evaluate(any, AgeColumn(), Aged(50)), std::max(a, b));
    }
  }
}

TEST(Criteria, NotOfUnknownIsUnknown) {
  Condition condition;
  *condition.mutable_not_() = Age(Operator::OPERATOR_GT, 40);
  EXPECT_EQ(Evaluate(condition, AgeColumn(), Aged(50)), Truth::kFalse);
  EXPECT_EQ(Evaluate(condition, AgeColumn(), Aged(30)), Truth::kTrue);
  EXPECT_EQ(Evaluate(condition, AgeColumn(), Ageless()), Truth::kUnknown);
}

TEST(Criteria, ComparisonsOfAMissingValueAreUnknownAndMissingItselfIsNot) {
  EXPECT_EQ(Evaluate(Age(Operator::OPERATOR_NE, 50), AgeColumn(), Ageless()), Truth::kUnknown);
  Condition missing;
  missing.set_missing("age");
  EXPECT_EQ(Evaluate(missing, AgeColumn(), Ageless()), Truth::kTrue);
  EXPECT_EQ(Evaluate(missing, AgeColumn(), Aged(1)), Truth::kFalse);
}

TEST(Criteria, EachComparatorHoldsWhereItShould) {
  const std::pair<Operator::Operator, std::vector<bool>> expected[] = {
      {Operator::OPERATOR_EQ, {false, true, false}}, {Operator::OPERATOR_NE, {true, false, true}},
      {Operator::OPERATOR_LT, {true, false, false}}, {Operator::OPERATOR_LE, {true, true, false}},
      {Operator::OPERATOR_GT, {false, false, true}}, {Operator::OPERATOR_GE, {false, true, true}}};
  for (const auto& [op, holds] : expected) {
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(Evaluate(Age(op, 50), AgeColumn(), Aged(49 + i)) == Truth::kTrue, holds[static_cast<size_t>(i)]);
    }
  }
}

TEST(SelectCohort, LeavesUnknownRowsOutAndCountsStepByStep) {
  Rows rows;
  for (int age = 20; age < 40; ++age) *rows.Add() = Aged(age);
  for (int i = 0; i < 6; ++i) *rows.Add() = Ageless();
  Criteria criteria;
  *criteria.Add()->mutable_condition() = Age(Operator::OPERATOR_GE, 30);
  *criteria.Add()->mutable_condition() = Age(Operator::OPERATOR_NE, 35);
  const CohortRows cohort = SelectCohort(AgeColumn(), criteria, rows);
  EXPECT_THAT(cohort.remaining, testing::ElementsAre(26, 10, 9));
  const v1::Attrition attrition = ShowAttritionOf(criteria, cohort, 5);
  EXPECT_EQ(attrition.members().exact(), 9);
  EXPECT_EQ(attrition.steps(1).excluded().below(), 5);
  EXPECT_TRUE(attrition.steps(0).remaining().hidden());
}

TEST(CheckCriteria, RefusesWhatDoesNotFitTheColumns) {
  const auto reason = [](const Condition& condition) {
    Criteria criteria;
    *criteria.Add()->mutable_condition() = condition;
    return ReasonOf(CheckCriteria(AgeColumn(), criteria));
  };
  EXPECT_EQ(reason(Age(Operator::OPERATOR_GE, 30)), "");
  EXPECT_EQ(reason(Is(Truth::kUnknown)), "NO_SUCH_COLUMN");
  EXPECT_EQ(reason({}), "CONDITION_MISSING");
  EXPECT_EQ(reason(Age(Operator::OPERATOR_UNSPECIFIED, 1)), "BAD_OPERATOR");
  Condition text = Age(Operator::OPERATOR_EQ, 1);
  text.mutable_comparison()->mutable_value()->set_text("x");
  EXPECT_EQ(reason(text), "WRONG_VALUE_TYPE");
  Condition deep = Age(Operator::OPERATOR_EQ, 1);
  for (int i = 0; i < kMaxConditionDepth; ++i) {
    Condition outer;
    *outer.mutable_not_() = deep;
    deep = outer;
  }
  EXPECT_EQ(reason(deep), "CONDITION_TOO_DEEP");
}

TEST(Compare, IsExactForDecimalsOfDifferentScale) {
  event::v1::Value a, b;
  a.mutable_decimal()->set_units(25);
  a.mutable_decimal()->set_scale(1);
  b.mutable_decimal()->set_units(2500);
  b.mutable_decimal()->set_scale(3);
  EXPECT_EQ(Compare(a, b), 0);
  EXPECT_EQ(ValueText(a), ValueText(b));
}

}  // namespace
}  // namespace trialog::analytics
