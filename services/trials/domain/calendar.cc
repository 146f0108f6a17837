#include "services/trials/domain/calendar.h"

#include "absl/time/civil_time.h"

namespace trialog::trials {
namespace {

constexpr int64_t kFirstSecond = -62'135'596'800;  // 0001-01-01T00:00:00Z.
constexpr int64_t kLastSecond = 253'402'300'799;   // 9999-12-31T23:59:59Z.

}  // namespace

bool IsFullDate(const google::type::Date& date) {
  if (date.year() < 1900 || date.year() > 9999) return false;
  const absl::CivilDay day(date.year(), date.month(), date.day());
  return day.year() == date.year() && day.month() == date.month() && day.day() == date.day();
}

google::type::Date DateOf(int64_t day_number) {
  const absl::CivilDay day = absl::CivilDay(1970, 1, 1) + day_number;
  google::type::Date date;
  date.set_year(static_cast<int32_t>(day.year()));
  date.set_month(day.month());
  date.set_day(day.day());
  return date;
}

int64_t DayNumber(const google::protobuf::Timestamp& time, int32_t utc_offset_minutes) {
  const int64_t local = time.seconds() + int64_t{60} * utc_offset_minutes;
  return local >= 0 ? local / kSecondsPerDay : (local + 1) / kSecondsPerDay - 1;
}

int64_t Micros(const google::protobuf::Timestamp& time) { return time.seconds() * 1'000'000 + time.nanos() / 1'000; }

bool IsWholeMicroseconds(const google::protobuf::Timestamp& time) {
  return time.seconds() >= kFirstSecond && time.seconds() <= kLastSecond && time.nanos() >= 0 &&
         time.nanos() < 1'000'000'000 && time.nanos() % 1'000 == 0;
}

}  // namespace trialog::trials
