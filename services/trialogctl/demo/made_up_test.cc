#include "services/trialogctl/demo/made_up.h"

#include <gtest/gtest.h>

#include <set>

namespace trialog::ctl::demo {
namespace {

TEST(MadeUp, NamesRepeatForTheSameRowAndDifferBetweenRows) {
  std::set<std::string> names;
  for (int row = 1; row <= 2000; ++row) {
    EXPECT_EQ(MadeUpName(row, true), MadeUpName(row, true));
    EXPECT_TRUE(names.insert(MadeUpName(row, row % 2 == 0)).second) << row;
  }
}

TEST(MadeUp, RecordNumbersHaveOneLength) {
  EXPECT_EQ(MadeUpRecordNumber(17), "MRN-000017");
  EXPECT_EQ(MadeUpRecordNumber(1234567), "MRN-1234567");
}

TEST(MadeUp, BirthDateGivesTheAgeOnTheDayOfEnrolment) {
  for (int row = 1; row <= 2000; ++row) {
    const PatientRow patient{.number = row, .age = row % 100};
    const auto born = BirthDateOf(patient), enrolled = EnrollDateOf(patient);
    const bool birthday_is_past = std::pair(born.month(), born.day()) <= std::pair(enrolled.month(), enrolled.day());
    EXPECT_EQ(enrolled.year() - born.year() - (birthday_is_past ? 0 : 1), patient.age) << row;
  }
}

TEST(MadeUp, DaysAreCountedOverLeapYears) {
  google::type::Date date;
  date.set_year(2012), date.set_month(2), date.set_day(28);
  EXPECT_EQ(DaysAfter(date, 1).day(), 29);
  EXPECT_EQ(DaysAfter(date, 366).month(), 2);
  EXPECT_EQ(NoonOf(DaysAfter(date, 1)) - NoonOf(date), 86'400);
}

}  // namespace
}  // namespace trialog::ctl::demo
