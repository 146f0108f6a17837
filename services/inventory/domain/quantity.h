// Exact arithmetic on amounts: units / 10^scale of a UCUM unit, no binary floating point.
//
// Sums are computed in 128 bits; one that does not fit 64 bits is refused, never rounded. Amounts of different units
// are never mixed: UCUM conversion is not attempted.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "trialog/event/v1/value.pb.h"

namespace trialog::inventory {

using event::v1::Quantity;

inline constexpr uint32_t kMaxScale = 9;
inline constexpr size_t kMaxUnitBytes = 32;

// Whether `quantity` is well formed and not negative: scale ≤ 9 and a unit of printable ASCII without spaces (UCUM,
// case sensitive). `field` is its path in the request. Reasons: BAD_QUANTITY, BAD_UNIT.
absl::Status CheckQuantity(std::string_view field, const Quantity& quantity);

// a + b and a − b, at the finer of the two scales, or at a coarser one when only that fits and loses nothing.
// Refused: UNIT_MISMATCH, QUANTITY_OVERFLOW. Both are well formed but may be negative.
absl::StatusOr<Quantity> Add(const Quantity& a, const Quantity& b);
absl::StatusOr<Quantity> Subtract(const Quantity& a, const Quantity& b);

// Negative, 0 or positive as a < b, a = b, a > b; both of the same unit.
int Compare(const Quantity& a, const Quantity& b);

// 0 of the same unit and scale.
Quantity ZeroOf(const Quantity& quantity);

}  // namespace trialog::inventory
