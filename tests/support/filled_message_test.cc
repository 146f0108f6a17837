#include "tests/support/filled_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "trialog/event/v1/record.pb.h"
#include "trialog/trials/v1/events.pb.h"

namespace trialog::testing {
namespace {

TEST(Fill, SetsEveryFieldInSomeVariant) {
  FieldSet set;
  for (int shift = 0; shift < 10; ++shift) {
    for (int variant = 0; variant < 200; ++variant) {
      trials::v1::TrialsEvent event;
      Fill(event, 1000 * shift + variant);
      set.merge(FieldsSet(event));
    }
  }
  EXPECT_THAT(set, ::testing::ContainerEq(AllFields(*trials::v1::TrialsEvent::descriptor())));
}

TEST(Fill, GivesTheSameBytesAgain) {
  event::v1::LogRecord first, second;
  Fill(first, 2);
  Fill(second, 2);
  EXPECT_TRUE(first.has_data());
  EXPECT_EQ(first.data().events_size(), 2);
  EXPECT_EQ(first.SerializeAsString(), second.SerializeAsString());
}

TEST(HasUnknownFields, LooksIntoMessagesWithinMessages) {
  event::v1::LogRecord record;
  Fill(record, 0);
  EXPECT_FALSE(HasUnknownFields(record));
  auto& time = *record.mutable_claim()->mutable_record_time();
  time.GetReflection()->MutableUnknownFields(&time)->AddVarint(15, 1);
  EXPECT_TRUE(HasUnknownFields(record));
}

}  // namespace
}  // namespace trialog::testing
