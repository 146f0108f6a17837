#include "services/trialogctl/demo/made_up.h"

#include <array>
#include <chrono>
#include <string_view>

#include "platform/text/text.h"

namespace trialog::ctl::demo {
namespace {

constexpr std::array<std::string_view, 24> kMen = {"Alaric", "Bertin",   "Casimir", "Dorian",   "Emeric", "Fabrice",
                                                   "Gideon", "Horatio",  "Ignaz",   "Jarvis",   "Konrad", "Leander",
                                                   "Matteo", "Niels",    "Orlando", "Piers",    "Quinn",  "Rufus",
                                                   "Silas",  "Tiberius", "Ulrich",  "Valentin", "Wendel", "Xaver"};
constexpr std::array<std::string_view, 24> kWomen = {
    "Adelina", "Beatrix",  "Cosima",  "Delphine", "Elspeth", "Fiora",    "Greta",   "Henrike",
    "Isolde",  "Jorinde",  "Katinka", "Lavinia",  "Mirabel", "Nerina",   "Ottilie", "Philippa",
    "Quirina", "Rosalind", "Sidonie", "Theodora", "Undine",  "Violetta", "Wilma",   "Xenia"};
constexpr std::array<std::string_view, 12> kFirstHalves = {"Bramble", "Candle",  "Dapple",  "Fennel",
                                                           "Hazel",   "Juniper", "Kettle",  "Marble",
                                                           "Nettle",  "Pebble",  "Thistle", "Willow"};
constexpr std::array<std::string_view, 8> kSecondHalves = {"brook", "croft", "field", "gate",
                                                           "ham",   "mere",  "stone", "worth"};

std::chrono::sys_days DayOf(const google::type::Date& date) {
  return std::chrono::year(date.year()) / date.month() / date.day();
}

google::type::Date DateOf(std::chrono::sys_days day) {
  const std::chrono::year_month_day parts(day);
  google::type::Date date;
  date.set_year(static_cast<int>(parts.year()));
  date.set_month(static_cast<int>(static_cast<unsigned>(parts.month())));
  date.set_day(static_cast<int>(static_cast<unsigned>(parts.day())));
  return date;
}

}  // namespace

std::string MadeUpName(int number, bool male) {
  const size_t n = static_cast<size_t>(number);
  const auto& given = male ? kMen : kWomen;
  const size_t family = n / given.size();
  return Cat(given[n % given.size()], " ", kFirstHalves[family % kFirstHalves.size()],
             kSecondHalves[family / kFirstHalves.size() % kSecondHalves.size()]);
}

std::string MadeUpRecordNumber(int number) {
  std::string digits = std::to_string(number);
  return Cat("MRN-", std::string(digits.size() < 6 ? 6 - digits.size() : 0, '0'), digits);
}

google::type::Date DaysAfter(const google::type::Date& date, int days) {
  return DateOf(DayOf(date) + std::chrono::days(days));
}

int64_t NoonOf(const google::type::Date& date) {
  return std::chrono::sys_seconds(DayOf(date)).time_since_epoch().count() + 12 * 3600;
}

google::type::Date EnrollDateOf(const PatientRow& row) {
  // 7 and 365 have no common divisor: neighbours in the file do not enter on neighbouring days.
  return DateOf(DayOf([] {
                  google::type::Date first;
                  first.set_year(2012), first.set_month(1), first.set_day(1);
                  return first;
                }()) +
                std::chrono::days(row.number * 7 % 365));
}

google::type::Date BirthDateOf(const PatientRow& row) {
  // 11 and 300 days before the birthday year's turn: between birthdays, so the age holds on the day of enrolment.
  const google::type::Date enrolled = EnrollDateOf(row);
  google::type::Date birthday = enrolled;
  birthday.set_year(enrolled.year() - row.age);
  if (birthday.month() == 2 && birthday.day() == 29) birthday.set_day(28);
  return DaysAfter(birthday, -(11 + row.number * 13 % 300));
}

}  // namespace trialog::ctl::demo
