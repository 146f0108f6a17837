#include "services/analytics/statistics/describe.h"

#include <gtest/gtest.h>

#include "services/analytics/statistics/lung_data.h"

namespace trialog::analytics {
namespace {

// Reference values: NumPy 2 (percentile, linear interpolation = type 7) and pandas (mean, std) on the same file.
TEST(Describe, AgreesWithNumpyOnWeightLoss) {
  const Description d = Describe(LungData::Read(TRIALOG_TEST_DATA "/lung.csv").Values("wt.loss"));
  EXPECT_EQ(d.n, 214u);
  EXPECT_NEAR(*d.mean, 9.8317757009, 1e-9);
  EXPECT_NEAR(*d.sd, 13.1399015877, 1e-9);
  EXPECT_EQ(d.minimum, -24);
  EXPECT_EQ(d.lower_quartile, 0);
  EXPECT_EQ(d.median, 7);
  EXPECT_EQ(d.upper_quartile, 15.75);
  EXPECT_EQ(d.maximum, 68);
}

TEST(Describe, AgreesWithNumpyOnCalories) {
  const Description d = Describe(LungData::Read(TRIALOG_TEST_DATA "/lung.csv").Values("meal.cal"));
  EXPECT_EQ(d.n, 181u);
  EXPECT_NEAR(*d.mean, 928.7790055249, 1e-9);
  EXPECT_NEAR(*d.sd, 402.1747074774, 1e-9);
  EXPECT_EQ(d.lower_quartile, 635);
  EXPECT_EQ(d.upper_quartile, 1150);
}

TEST(Describe, InterpolatesBetweenTwoValues) {
  const Description d = Describe({4, 1, 2, 3});
  EXPECT_EQ(d.lower_quartile, 1.75);
  EXPECT_EQ(d.median, 2.5);
  EXPECT_EQ(d.upper_quartile, 3.25);
}

TEST(Describe, SaysNothingOfNoValuesAndHasNoDeviationOfOne) {
  EXPECT_EQ(Describe({}).mean, std::nullopt);
  EXPECT_EQ(Describe({}).median, std::nullopt);
  EXPECT_EQ(Describe({3}).mean, 3);
  EXPECT_EQ(Describe({3}).sd, std::nullopt);
}

TEST(Describe, KeepsItsDigitsFarFromZero) {
  EXPECT_NEAR(*Describe({1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16}).sd, std::sqrt(30.0), 1e-9);
}

TEST(Describe, DoesNotDependOnTheOrderOfRows) {
  EXPECT_EQ(*Describe({0.1, 0.2, 0.3, 1e8}).mean, *Describe({1e8, 0.3, 0.1, 0.2}).mean);
}

}  // namespace
}  // namespace trialog::analytics
