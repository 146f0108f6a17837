#include "services/analytics/app/trial_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/errors/errors.h"
#include "platform/text/text.h"

namespace trialog::analytics {
namespace {

using trials::v1::ExportCodedCapturesResponse;

Columns ColumnsOf(std::initializer_list<std::pair<const char*, v1::ColumnType>> wanted) {
  Columns columns;
  for (const auto& [name, type] : wanted) {
    columns.Add()->set_name(name);
    columns[columns.size() - 1].set_type(type);
  }
  return columns;
}

// A consenting subject, enrolled on the 31st of January 2024 and now in follow-up.
ExportCodedCapturesResponse Subject(const std::string& key) {
  ExportCodedCapturesResponse subject;
  subject.set_subject_key(key);
  subject.mutable_enroll_date()->set_year(2024);
  subject.mutable_enroll_date()->set_month(1);
  subject.mutable_enroll_date()->set_day(31);
  subject.set_consent_state(trials::v1::CONSENT_STATE_GIVEN);
  subject.set_subject_state(trials::v1::SUBJECT_STATE_FOLLOW_UP);
  return subject;
}

event::v1::Value& AddItem(ExportCodedCapturesResponse& subject, int64_t seconds, const char* item) {
  auto& capture = *subject.add_captures();
  capture.mutable_track_time()->set_seconds(seconds);
  auto& value = *capture.add_data_value();
  value.set_name(item);
  return *value.mutable_value();
}

constexpr int64_t kMarch1 = 1'709'251'200;  // 2024-03-01T00:00:00Z

TEST(TrialRows, GivesOneRowASubjectWithTheSubjectsOwnColumns) {
  const Columns columns = ColumnsOf({{"enroll_date", v1::COLUMN_TYPE_DATE},
                                     {"last_contact_date", v1::COLUMN_TYPE_DATE},
                                     {"state", v1::COLUMN_TYPE_TEXT}});
  auto subject = Subject("k1");
  AddItem(subject, kMarch1 - 1, "weight").set_integer(70);
  TrialRows rows(columns);
  ASSERT_TRUE(rows.Add(subject).ok());
  const v1::DataRows taken = rows.Take();
  ASSERT_EQ(taken.rows_size(), 1);
  EXPECT_EQ(taken.rows(0).subject(), "k1");
  EXPECT_EQ(ValueText(taken.rows(0).values(0)), "2024-01-31");
  EXPECT_EQ(ValueText(taken.rows(0).values(1)), "2024-02-29");
  EXPECT_EQ(ValueText(taken.rows(0).values(2)), "FOLLOW_UP");
  EXPECT_TRUE(CheckRows(columns, taken.rows()).ok());
}

TEST(TrialRows, TakesTheStatedTimeOfAContactBeforeTheRecordedOne) {
  const Columns columns = ColumnsOf({{"last_contact_date", v1::COLUMN_TYPE_DATE}});
  auto subject = Subject("k1");
  AddItem(subject, kMarch1 + 86'400 * 10, "weight").set_integer(70);
  subject.mutable_captures(0)->mutable_occur_time()->set_seconds(kMarch1);
  TrialRows rows(columns);
  ASSERT_TRUE(rows.Add(subject).ok());
  EXPECT_EQ(ValueText(rows.Take().rows(0).values(0)), "2024-03-01");
}

TEST(TrialRows, CountsEnrolmentAsAContact) {
  const Columns columns = ColumnsOf({{"last_contact_date", v1::COLUMN_TYPE_DATE}});
  TrialRows rows(columns);
  ASSERT_TRUE(rows.Add(Subject("k1")).ok());
  EXPECT_EQ(ValueText(rows.Take().rows(0).values(0)), "2024-01-31");
}

TEST(TrialRows, TakesTheLatestValueOfAnItemAlsoWhenThatIsMissing) {
  const Columns columns = ColumnsOf({{"weight", v1::COLUMN_TYPE_INTEGER}, {"height", v1::COLUMN_TYPE_INTEGER}});
  auto subject = Subject("k1");
  AddItem(subject, kMarch1, "weight").set_integer(70);
  AddItem(subject, kMarch1, "height").set_integer(180);
  AddItem(subject, kMarch1 + 1, "weight").set_integer(71);
  AddItem(subject, kMarch1 + 2, "height").set_missing(event::v1::MISSING_CODE_NOT_ASKED);
  TrialRows rows(columns);
  ASSERT_TRUE(rows.Add(subject).ok());
  const v1::DataRows taken = rows.Take();
  EXPECT_EQ(taken.rows(0).values(0).integer(), 71);
  EXPECT_EQ(taken.rows(0).values(1).missing(), event::v1::MISSING_CODE_NOT_ASKED);
}

TEST(TrialRows, SaysNotPresentOfAnItemThatNoCaptureHas) {
  const Columns columns = ColumnsOf({{"weight", v1::COLUMN_TYPE_INTEGER}});
  TrialRows rows(columns);
  ASSERT_TRUE(rows.Add(Subject("k1")).ok());
  EXPECT_EQ(rows.Take().rows(0).values(0).missing(), event::v1::MISSING_CODE_NOT_PRESENT);
}

TEST(TrialRows, LeavesOutEverySubjectWhoseConsentIsNotInForce) {
  const Columns columns = ColumnsOf({{"state", v1::COLUMN_TYPE_TEXT}});
  TrialRows rows(columns);
  for (int state = trials::v1::ConsentState_MIN; state <= trials::v1::ConsentState_MAX; ++state) {
    auto subject = Subject(Cat("k", state));
    subject.set_consent_state(static_cast<trials::v1::ConsentState>(state));
    ASSERT_TRUE(rows.Add(subject).ok());
  }
  const v1::DataRows taken = rows.Take();
  ASSERT_EQ(taken.rows_size(), 1);
  EXPECT_EQ(taken.rows(0).subject(), Cat("k", static_cast<int>(trials::v1::CONSENT_STATE_GIVEN)));
}

TEST(TrialRows, WritesAWholeNumberIntoADecimalColumn) {
  const Columns columns = ColumnsOf({{"weight", v1::COLUMN_TYPE_DECIMAL}});
  auto subject = Subject("k1");
  AddItem(subject, kMarch1, "weight").set_integer(70);
  TrialRows rows(columns);
  ASSERT_TRUE(rows.Add(subject).ok());
  EXPECT_EQ(rows.Take().rows(0).values(0).decimal().units(), 70);
}

TEST(TrialRows, RefusesAValueOfAnotherTypeNamingTheColumnAndNotTheValue) {
  const Columns columns = ColumnsOf({{"weight", v1::COLUMN_TYPE_INTEGER}});
  auto subject = Subject("k1");
  AddItem(subject, kMarch1, "weight").set_text("heavy");
  TrialRows rows(columns);
  const absl::Status refused = rows.Add(subject);
  EXPECT_EQ(ReasonOf(refused), "ITEM_TYPE");
  const std::string words(FromAbsl(refused.message()));
  EXPECT_THAT(words, testing::HasSubstr("weight"));
  EXPECT_THAT(words, testing::Not(testing::HasSubstr("heavy")));
}

TEST(TrialRows, SaysNotPresentOfAStateThatIsNotKnown) {
  const Columns columns = ColumnsOf({{"state", v1::COLUMN_TYPE_TEXT}});
  auto subject = Subject("k1");
  subject.set_subject_state(static_cast<trials::v1::SubjectState>(999));
  TrialRows rows(columns);
  ASSERT_TRUE(rows.Add(subject).ok());
  EXPECT_EQ(rows.Take().rows(0).values(0).missing(), event::v1::MISSING_CODE_NOT_PRESENT);
}

}  // namespace
}  // namespace trialog::analytics
