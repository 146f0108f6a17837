#include "services/trialogctl/demo/trial_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/text/text.h"

namespace trialog::ctl::demo {
namespace {

using ::testing::HasSubstr;

constexpr char kHeader[] = "inst,time,status,age,sex,ph.ecog,ph.karno,pat.karno,meal.cal,wt.loss\n";

std::string MessageOf(std::string_view rows) {
  return std::string(ParseTrialFile(Cat(kHeader, rows)).status().message());
}

TEST(TrialFile, ReadsNumbersAndEmptyCells) {
  const auto rows = ParseTrialFile(Cat(kHeader, "3.0,306,1,74,1,1.0,90.0,100.0,1175.0,\n,210,0,57,2,,,,,-4.0\r\n"));
  ASSERT_TRUE(rows.ok()) << rows.status();
  ASSERT_EQ(rows->size(), 2);
  EXPECT_EQ((*rows)[0].institution, 3);
  EXPECT_EQ((*rows)[0].days, 306);
  EXPECT_TRUE((*rows)[0].died && (*rows)[0].male);
  EXPECT_EQ((*rows)[0].calories, 1175);
  EXPECT_EQ((*rows)[0].weight_loss, std::nullopt);
  EXPECT_EQ((*rows)[1].institution, std::nullopt);
  EXPECT_FALSE((*rows)[1].died || (*rows)[1].male);
  EXPECT_EQ((*rows)[1].weight_loss, -4);
  EXPECT_EQ((*rows)[1].number, 2);
}

TEST(TrialFile, TakesColumnsInAnyOrderAndIgnoresOthers) {
  const auto rows = ParseTrialFile(
      "note,sex,age,status,time,inst,ph.ecog,ph.karno,pat.karno,meal.cal,wt.loss\n"
      "x,2,60,1,5,1,,,,,\ny,1,61,0,6,2,,,,,\n");
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_EQ((*rows)[0].age, 60);
  EXPECT_EQ((*rows)[1].institution, 2);
}

TEST(TrialFile, NamesLineAndColumnOfABadCell) {
  const std::string good = "3,306,1,74,1,1,90,100,1175,\n";
  EXPECT_THAT(MessageOf(good + "3,x,1,74,1,1,90,100,1175,\n"), HasSubstr("line 3, column time"));
  EXPECT_THAT(MessageOf("3,306,2,74,1,1,90,100,1175,\n" + good), HasSubstr("line 2, column status"));
  EXPECT_THAT(MessageOf("3,306,1,,1,1,90,100,1175,\n" + good), HasSubstr("line 2, column age: may not be empty"));
  EXPECT_THAT(MessageOf("3,306,1,74,1,1.5,90,100,1175,\n" + good), HasSubstr("line 2, column ph.ecog"));
}

TEST(TrialFile, NamesAMissingColumn) {
  EXPECT_THAT(std::string(ParseTrialFile("inst,time\n1,2\n").status().message()), HasSubstr("line 1, column status"));
}

TEST(TrialFile, RefusesALineOfAnotherLength) {
  EXPECT_THAT(MessageOf("3,306,1,74\n3,306,1,74,1,1,90,100,1175,\n"), HasSubstr("line 2"));
  EXPECT_THAT(MessageOf("3,306,1,74,1,1,90,100,1175,,\n3,306,1,74,1,1,90,100,1175,\n"), HasSubstr("line 2"));
}

TEST(TrialFile, TakesQuotedCellsMissingValuesAsNAAndAByteOrderMark) {
  const auto plain = ParseTrialFile(Cat(kHeader, "3,306,1,74,1,1,90,100,1175,\n,210,0,57,2,,,,,-4\n"));
  const auto quoted = ParseTrialFile(
      "\xef\xbb\xbf\"\",\"inst\",\"time\",\"status\",\"age\",\"sex\",\"ph.ecog\",\"ph.karno\",\"pat.karno\",\"meal."
      "cal\","
      "\"wt.loss\"\r\n"
      "\"a, \"\"b\"\"\",3,306,1,74,1,1,90,100,1175,NA\r\n\"c\",NA,210,0,57,2,NA,NA,NA,NA,-4\r\n");
  ASSERT_TRUE(plain.ok() && quoted.ok()) << quoted.status();
  EXPECT_EQ(*plain, *quoted);
  EXPECT_THAT(MessageOf("3,306,1,NA,1,1,90,100,1175,\n"), HasSubstr("line 2, column age: may not be empty"));
}

TEST(TrialFile, SaysWhenThereIsNoneOrTooLittle) {
  EXPECT_TRUE(absl::IsNotFound(ReadTrialFile("/nonexistent/lung.csv").status()));
  EXPECT_THAT(std::string(ParseTrialFile("").status().message()), HasSubstr("line 1, column inst: the file is empty"));
  EXPECT_THAT(MessageOf(""), HasSubstr("line 2, column inst: the row is missing"));
  EXPECT_THAT(MessageOf("3,306,1,74,1,1,90,100,1175,\n"), HasSubstr("line 3, column inst: the row is missing"));
}

}  // namespace
}  // namespace trialog::ctl::demo
