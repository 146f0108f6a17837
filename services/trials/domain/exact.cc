#include "services/trials/domain/exact.h"

#include <algorithm>

namespace trialog::trials {
namespace {

__extension__ using Int128 = __int128;

constexpr uint32_t kMaxScale = 9;
constexpr int64_t kMaxDays = 100'000;

constexpr int64_t PowerOfTen(uint32_t exponent) {
  int64_t power = 1;
  for (uint32_t i = 0; i < exponent; ++i) power *= 10;
  return power;
}

// In billionths: at most 2^63 × 10^9 < 2^93.
template <typename Number>
Int128 Billionths(const Number& number) {
  if (number.scale() > kMaxScale) return 0;
  return Int128{number.units()} * PowerOfTen(kMaxScale - number.scale());
}

}  // namespace

bool IsAmount(const event::v1::Quantity& quantity) { return quantity.units() >= 0 && quantity.scale() <= kMaxScale; }

bool IsPositive(const event::v1::Decimal& decimal) { return decimal.units() > 0 && decimal.scale() <= kMaxScale; }

bool IsMore(const event::v1::Quantity& a, const event::v1::Quantity& b) { return Billionths(a) > Billionths(b); }

int64_t DaysOfSupply(const event::v1::Quantity& handed_out, const event::v1::Quantity& returned,
                     const event::v1::Decimal& units_per_dose, int32_t doses_per_day) {
  const Int128 left = Billionths(handed_out) - Billionths(returned);
  if (left <= 0 || doses_per_day <= 0 || !IsPositive(units_per_dose)) return 0;
  return static_cast<int64_t>(std::min<Int128>(left / (Billionths(units_per_dose) * doses_per_day), kMaxDays));
}

event::v1::Decimal Ratio(int64_t part, int64_t whole) {
  constexpr uint32_t kPlaces = 4;
  const Int128 doubled = Int128{part} * PowerOfTen(kPlaces) * 2;
  event::v1::Decimal ratio;
  ratio.set_units(static_cast<int64_t>((doubled + whole) / (Int128{whole} * 2)));
  ratio.set_scale(kPlaces);
  return ratio;
}

}  // namespace trialog::trials
