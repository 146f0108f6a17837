#include "platform/service/access_budget.h"

#include "gtest/gtest.h"
#include "platform/text/text.h"

namespace trialog::service {
namespace {

constexpr absl::Duration kBegin = absl::Hours(1);
constexpr int kShare = AccessBudget::kRecordedPerMinute;

TEST(AccessBudget, RecordsSoManyAMinuteAndCountsTheRestWithTheNext) {
  AccessBudget budget;
  for (int i = 0; i < kShare; ++i) EXPECT_EQ(budget.Take("mia", kBegin + absl::Seconds(i)), 1);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(budget.Take("mia", kBegin + absl::Minutes(1)), std::nullopt);
  EXPECT_EQ(budget.Take("mia", kBegin + absl::Seconds(61)), 6);
  EXPECT_EQ(budget.Take("mia", kBegin + absl::Seconds(62)), 1);
}

TEST(AccessBudget, EachCallerHasAShareOfTheirOwn) {
  AccessBudget budget;
  for (int i = 0; i <= kShare; ++i) budget.Take("mia", kBegin);
  EXPECT_EQ(budget.Take("mia", kBegin), std::nullopt);
  EXPECT_EQ(budget.Take("ben", kBegin), 1);
}

TEST(AccessBudget, TooManyCallersShareOne) {
  AccessBudget budget;
  for (size_t i = 0; i < AccessBudget::kMaxCallers; ++i) EXPECT_EQ(budget.Take(Cat("caller ", i), kBegin), 1);
  for (int i = 0; i < kShare; ++i) EXPECT_EQ(budget.Take(Cat("late ", i), kBegin), 1);
  EXPECT_EQ(budget.Take("one more", kBegin), std::nullopt);
  EXPECT_EQ(budget.Take("caller 0", kBegin), 1) << "who is known keeps their own";
  // Room is made of those whose minute is over and of whom nothing waits to be told.
  EXPECT_EQ(budget.Take("after a while", kBegin + absl::Minutes(2)), 1);
  EXPECT_EQ(budget.Take("after a while", kBegin + absl::Minutes(2)), 1);
}

}  // namespace
}  // namespace trialog::service
