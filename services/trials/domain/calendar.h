// Calendar days and instants as whole numbers, beside DayNumber(Date) of checks.h. Days are counted from 1970-01-01 in
// the proleptic Gregorian calendar.
#pragma once

#include <cstdint>
#include <optional>

#include "google/protobuf/timestamp.pb.h"
#include "google/type/date.pb.h"

namespace trialog::trials {

inline constexpr int64_t kSecondsPerDay = 86'400;

// Whether year, month and day are set and name a day between 1900 and 9999.
bool IsFullDate(const google::type::Date& date);

// Date of a day number.
google::type::Date DateOf(int64_t day_number);

// Calendar day of an instant on a clock that is `utc_offset_minutes` ahead of UTC.
int64_t DayNumber(const google::protobuf::Timestamp& time, int32_t utc_offset_minutes);

// Microseconds since 1970, the precision of stored order (OrderedTime); finer parts are cut.
int64_t Micros(const google::protobuf::Timestamp& time);

// Whether the instant is within protobuf's range (years 1 to 9999) and a whole number of microseconds.
bool IsWholeMicroseconds(const google::protobuf::Timestamp& time);

}  // namespace trialog::trials
