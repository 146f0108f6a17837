#include "services/inventory/domain/quantity.h"

#include <algorithm>
#include <limits>

#include "absl/numeric/int128.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"

namespace trialog::inventory {
namespace {

// Units at `scale` ≥ quantity.scale(). |2^63 · 10^9| < 2^93: no overflow for well-formed quantities; a larger scale
// read from elsewhere counts as the largest legal one.
absl::int128 UnitsAt(const Quantity& quantity, uint32_t scale) {
  absl::int128 units = quantity.units();
  for (uint32_t at = std::min(quantity.scale(), kMaxScale); at < scale; ++at) units *= 10;
  return units;
}

uint32_t FinerScale(const Quantity& a, const Quantity& b) {
  return std::min(std::max(a.scale(), b.scale()), kMaxScale);
}

absl::StatusOr<Quantity> Combine(const Quantity& a, const Quantity& b, int sign) {
  if (a.unit() != b.unit()) {
    return Refuse(absl::StatusCode::kInvalidArgument, "UNIT_MISMATCH", Cat("state the amount in ", a.unit()));
  }
  uint32_t scale = FinerScale(a, b);
  absl::int128 sum = UnitsAt(a, scale) + sign * UnitsAt(b, scale);
  const auto fits = [&] {
    return sum >= std::numeric_limits<int64_t>::min() && sum <= std::numeric_limits<int64_t>::max();
  };
  for (; !fits() && scale > 0 && sum % 10 == 0; --scale) sum /= 10;
  if (!fits()) return Refuse(absl::StatusCode::kFailedPrecondition, "QUANTITY_OVERFLOW", "the amount is too large");
  Quantity result;
  result.set_units(static_cast<int64_t>(sum));
  result.set_scale(scale);
  result.set_unit(a.unit());
  return result;
}

}  // namespace

absl::Status CheckQuantity(std::string_view field, const Quantity& quantity) {
  if (quantity.scale() > kMaxScale) return BadField(field, "BAD_QUANTITY", "at most 9 decimal places");
  if (quantity.units() < 0) return BadField(field, "BAD_QUANTITY", "an amount is not negative");
  const std::string& unit = quantity.unit();
  const bool printable = std::all_of(unit.begin(), unit.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (unit.empty() || unit.size() > kMaxUnitBytes || !printable) {
    return BadField(field, "BAD_UNIT", "a UCUM unit of 1 to 32 characters, for example mL or {tube}");
  }
  return absl::OkStatus();
}

absl::StatusOr<Quantity> Add(const Quantity& a, const Quantity& b) { return Combine(a, b, +1); }
absl::StatusOr<Quantity> Subtract(const Quantity& a, const Quantity& b) { return Combine(a, b, -1); }

int Compare(const Quantity& a, const Quantity& b) {
  const uint32_t scale = FinerScale(a, b);
  const absl::int128 left = UnitsAt(a, scale), right = UnitsAt(b, scale);
  return left < right ? -1 : left > right ? 1 : 0;
}

Quantity ZeroOf(const Quantity& quantity) {
  Quantity zero = quantity;
  zero.set_units(0);
  return zero;
}

}  // namespace trialog::inventory
