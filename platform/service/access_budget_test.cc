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

TEST(AccessBudget, WhatWaitsIsWrittenWhenItsMinuteIsOver) {
  AccessBudget budget;
  std::vector<int64_t> written;
  const auto write = [&](int64_t count) { written.push_back(count); };
  EXPECT_FALSE(budget.Settle(kBegin));
  for (int i = 0; i < kShare + 5; ++i) budget.Take("mia", kBegin, write);
  EXPECT_TRUE(budget.Settle(kBegin + absl::Minutes(1)));
  EXPECT_TRUE(written.empty());
  EXPECT_FALSE(budget.Settle(kBegin + absl::Seconds(61)));
  EXPECT_EQ(written, std::vector<int64_t>{5});
  EXPECT_FALSE(budget.Settle(kBegin + absl::Hours(1))) << "once";
  for (int i = 0; i < kShare - 1; ++i) EXPECT_EQ(budget.Take("mia", kBegin + absl::Seconds(62), write), 1);
  EXPECT_EQ(budget.Take("mia", kBegin + absl::Seconds(62), write), std::nullopt) << "that record was of the share";
  EXPECT_FALSE(budget.Settle(absl::InfiniteDuration())) << "at the end nothing waits for its minute";
  EXPECT_EQ(written, (std::vector<int64_t>{5, 1}));
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
