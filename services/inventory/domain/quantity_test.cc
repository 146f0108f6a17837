#include "services/inventory/domain/quantity.h"

#include <limits>

#include "gtest/gtest.h"
#include "platform/errors/errors.h"

namespace trialog::inventory {
namespace {

constexpr int64_t kLargest = std::numeric_limits<int64_t>::max();

Quantity Of(int64_t units, uint32_t scale = 0, std::string_view unit = "mL") {
  Quantity quantity;
  quantity.set_units(units);
  quantity.set_scale(scale);
  quantity.set_unit(std::string(unit));
  return quantity;
}

TEST(Quantity, AddsAtTheFinerScale) {
  const auto sum = Add(Of(15, 1), Of(250, 3));  // 1.5 + 0.250
  ASSERT_TRUE(sum.ok());
  EXPECT_EQ(sum->units(), 1750);
  EXPECT_EQ(sum->scale(), 3u);
  EXPECT_EQ(sum->unit(), "mL");
}

TEST(Quantity, SubtractsBelowZeroWhenAsked) { EXPECT_EQ(Subtract(Of(1), Of(3))->units(), -2); }

TEST(Quantity, RefusesToMixUnits) {
  EXPECT_EQ(ReasonOf(Add(Of(1), Of(1, 0, "uL")).status()), "UNIT_MISMATCH");
  EXPECT_EQ(ReasonOf(Add(Of(1), Of(1, 0, "ML")).status()), "UNIT_MISMATCH");
}

TEST(Quantity, RefusesWhatDoesNotFit64Bits) {
  EXPECT_EQ(ReasonOf(Add(Of(kLargest), Of(1)).status()), "QUANTITY_OVERFLOW");
  EXPECT_EQ(ReasonOf(Subtract(Of(-kLargest), Of(2)).status()), "QUANTITY_OVERFLOW");
  EXPECT_EQ(ReasonOf(Add(Of(kLargest), Of(1, 9)).status()), "QUANTITY_OVERFLOW");
}

TEST(Quantity, KeepsACoarserScaleWhenOnlyThatFits) {
  const auto sum = Add(Of(kLargest - 1), Of(10, 1));  // The finer scale would overflow; the value does not.
  ASSERT_TRUE(sum.ok());
  EXPECT_EQ(sum->units(), kLargest);
  EXPECT_EQ(sum->scale(), 0u);
}

TEST(Quantity, ComparesValuesNotDigits) {
  EXPECT_EQ(Compare(Of(15, 1), Of(1500, 3)), 0);
  EXPECT_LT(Compare(Of(14, 1), Of(1500, 3)), 0);
  EXPECT_GT(Compare(Of(kLargest), Of(kLargest, 9)), 0);
}

TEST(Quantity, IsCheckedForScaleSignAndUnit) {
  EXPECT_TRUE(CheckQuantity("quantity", Of(0, 9, "{tube}")).ok());
  EXPECT_EQ(ReasonOf(CheckQuantity("quantity", Of(1, 10))), "BAD_QUANTITY");
  EXPECT_EQ(ReasonOf(CheckQuantity("quantity", Of(-1))), "BAD_QUANTITY");
  EXPECT_EQ(ReasonOf(CheckQuantity("quantity", Of(1, 0, ""))), "BAD_UNIT");
  EXPECT_EQ(ReasonOf(CheckQuantity("quantity", Of(1, 0, "m L"))), "BAD_UNIT");
  EXPECT_EQ(ReasonOf(CheckQuantity("quantity", Of(1, 0, "µL"))), "BAD_UNIT");
}

}  // namespace
}  // namespace trialog::inventory
