// Exact arithmetic on amounts: 128-bit integers, no binary floating point.
#pragma once

#include <cstdint>

#include "trialog/event/v1/value.pb.h"

namespace trialog::trials {

// Units 0 or more, scale 0 to 9.
bool IsAmount(const event::v1::Quantity& quantity);

// More than 0, scale 0 to 9.
bool IsPositive(const event::v1::Decimal& decimal);

// Whether a > b; both are amounts of one unit.
bool IsMore(const event::v1::Quantity& a, const event::v1::Quantity& b);

// Whole days that `handed_out` − `returned` lasts: quantity / (units per dose × doses per day), rounded down, at most
// 100,000; 0 when nothing is left or no plan is known.
int64_t DaysOfSupply(const event::v1::Quantity& handed_out, const event::v1::Quantity& returned,
                     const event::v1::Decimal& units_per_dose, int32_t doses_per_day);

// part / whole with 4 decimal places, rounded half up; whole is more than 0 and both are at most 10^14.
event::v1::Decimal Ratio(int64_t part, int64_t whole);

}  // namespace trialog::trials
