#include "platform/relay/kafka_outlet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "platform/log/kafka/topics.h"
#include "platform/log/testing/kafka_brokers.h"
#include "platform/text/text.h"

namespace trialog::relay {
namespace {

Message At(int64_t offset, int32_t index = 0) {
  event::v1::PublicEvent event;
  event.set_event_id(std::string(16, static_cast<char>(offset)));
  event.mutable_position()->set_offset(offset);
  event.mutable_position()->set_index(index);
  event.set_source("inventory");
  event.set_organization("o");
  event.set_payload(Cat("payload ", offset));
  return CloudEvent(event);
}

class KafkaOutletTest : public ::testing::Test {
 protected:
  KafkaOutletTest() {
    EXPECT_EQ(log::kafka::CreateTopics(options_, log::kafka::PublicTopics(options_, {"inventory"})), absl::OkStatus());
    auto opened = KafkaOutlet::Open(options_);
    EXPECT_TRUE(opened.ok()) << opened.status();
    outlet_ = *std::move(opened);
  }

  absl::Status Send(std::vector<Message> messages, int partition = 0) {
    std::promise<absl::Status> answered;
    outlet_->Send("inventory", partition, std::move(messages),
                  [&](absl::Status status) { answered.set_value(status); });
    return answered.get_future().get();
  }
  // Offset of the highest event; -1 for none, -2 for an error.
  int64_t Highest(int partition = 0) {
    const auto found = outlet_->Highest("inventory", partition);
    EXPECT_TRUE(found.ok()) << found.status();
    return !found.ok() ? -2 : found->has_value() ? (*found)->position.offset() : -1;
  }

  const log::kafka::Options options_ = trialog::testing::FreshKafka();
  std::unique_ptr<KafkaOutlet> outlet_;
};

TEST_F(KafkaOutletTest, FindsTheHighestEventBehindRepeatsAndWhatIsNoEvent) {
  EXPECT_EQ(Highest(), -1);
  ASSERT_EQ(Send({At(1), At(2), At(7)}), absl::OkStatus());
  EXPECT_EQ(Highest(), 7);
  ASSERT_EQ(Send({At(2), At(3)}), absl::OkStatus());
  EXPECT_EQ(Highest(), 7);
  const auto found = outlet_->Highest("inventory", 0);
  EXPECT_EQ((*found)->event_id, "07070707-0707-0707-0707-070707070707");
  ASSERT_EQ(Send(std::vector<Message>(5000, {"key", "no headers", {}})), absl::OkStatus());
  EXPECT_EQ(Highest(), 7);
  EXPECT_EQ(Highest(1), -1);
}

TEST_F(KafkaOutletTest, PlacesWithinARecordAreToldApart) {
  ASSERT_EQ(Send({At(4, 0), At(4, 10), At(4, 9)}), absl::OkStatus());
  const auto found = outlet_->Highest("inventory", 0);
  EXPECT_EQ((*found)->position.index(), 10);
}

TEST_F(KafkaOutletTest, WhoEndsWithAGroupUnderWayIsAnsweredForIt) {
  std::atomic<int> answered = 0;
  for (int p = 0; p < log::kPartitions; ++p) {
    outlet_->Send("inventory", p, {At(1), At(2)}, [&](const absl::Status&) { ++answered; });
  }
  outlet_.reset();
  EXPECT_EQ(answered, log::kPartitions);
}

}  // namespace
}  // namespace trialog::relay
