#include "services/analytics/statistics/differencing.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace trialog::analytics {
namespace {

RowNumbers Range(size_t from, size_t to) {
  RowNumbers set;
  for (size_t row = from; row < to; ++row) set.Add(row);
  return set;
}

TEST(RowNumbers, CountsAndFindsItsRows) {
  const RowNumbers set = Range(3, 20);
  EXPECT_EQ(set.Count(), 17);
  EXPECT_TRUE(set.Contains(3));
  EXPECT_FALSE(set.Contains(2));
  EXPECT_FALSE(set.Contains(20000));
}

TEST(RowNumbers, KeepsItsSetThroughItsBytes) {
  EXPECT_EQ(RowNumbers(Range(3, 20).bits()), Range(3, 20));
  EXPECT_EQ(RowNumbers(std::string("\x01\x00\x00", 3)), Range(0, 1));
}

TEST(RowNumbers, MeasuresTheSymmetricDifference) {
  EXPECT_EQ(Range(0, 10).Distance(Range(5, 30)), 5 + 20);
  EXPECT_EQ(Range(0, 10).Distance(Range(0, 10)), 0);
}

TEST(MayRelease, RefusesASetThatDiffersByAFewPeople) {
  EXPECT_FALSE(MayRelease({Range(0, 100)}, {Range(0, 98)}, 5));
  EXPECT_FALSE(MayRelease({Range(0, 100)}, {Range(1, 101)}, 5));  // Same size, two others.
}

TEST(MayRelease, AllowsTheSameSetAgainAndSetsFarApart) {
  EXPECT_TRUE(MayRelease({Range(0, 100)}, {Range(0, 100)}, 5));
  EXPECT_TRUE(MayRelease({Range(0, 100)}, {Range(0, 95)}, 5));
  EXPECT_TRUE(MayRelease({}, {Range(0, 1)}, 5));
}

TEST(MayRelease, AsksEachCandidateAgainstEachReleasedSet) {
  EXPECT_FALSE(MayRelease({Range(0, 50), Range(0, 100)}, {Range(0, 60), Range(0, 99)}, 5));
}

}  // namespace
}  // namespace trialog::analytics
