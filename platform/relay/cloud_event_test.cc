#include "platform/relay/cloud_event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace trialog::relay {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

event::v1::PublicEvent SampleEvent() {
  event::v1::PublicEvent event;
  event.set_event_id(std::string("\x01\x9b\x76\xda\x8c\x00\x80\x00\x80\x00\x00\x00\x00\x00\x00\x2a", 16));
  event.mutable_position()->set_partition(7);
  event.mutable_position()->set_offset(1234);
  event.mutable_position()->set_index(5);
  event.set_source("inventory");
  event.set_type("trialog.inventory.v1.SampleMoved");
  event.set_subject("organizations/o/biobanks/b/samples/s");
  event.set_organization("o");
  event.mutable_record_time()->set_seconds(1'767'225'600);
  event.mutable_record_time()->set_nanos(120'000'000);
  event.set_payload("bytes");
  event.set_correlation_id(std::string(16, '\x11'));
  return event;
}

TEST(CloudEventTest, HasTheHeadersOfTheBinaryModeAndLeavesOutWhatIsNotKnown) {
  const Message message = CloudEvent(SampleEvent());
  EXPECT_EQ(message.key, "o");
  EXPECT_EQ(message.value, "bytes");
  EXPECT_THAT(message.headers,
              ElementsAre(Pair("content-type", "application/protobuf"), Pair("ce_specversion", "1.0"),
                          Pair("ce_id", "019b76da-8c00-8000-8000-00000000002a"),
                          Pair("ce_source", "/trialog/inventory"), Pair("ce_type", "trialog.inventory.v1.SampleMoved"),
                          Pair("ce_subject", "organizations/o/biobanks/b/samples/s"),
                          Pair("ce_time", "2026-01-01T00:00:00.12Z"),
                          Pair("ce_dataschema", "urn:trialog:events:v1:trialog.inventory.v1.SampleMoved"),
                          Pair("ce_partitionkey", "o"), Pair("ce_sequence", "00000000000000001234.000005"),
                          Pair("ce_correlationid", "11111111-1111-1111-1111-111111111111")));
}

TEST(CloudEventTest, SaysWhatCausedItAndWhichTraceItIsOf) {
  event::v1::PublicEvent event = SampleEvent();
  event.set_causation_id(std::string(16, '\x22'));
  event.set_trace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  const auto headers = CloudEvent(event).headers;
  EXPECT_THAT(headers[headers.size() - 2], Pair("ce_causationid", "22222222-2222-2222-2222-222222222222"));
  EXPECT_EQ(headers.back().second, event.trace());
}

TEST(CloudEventTest, SequencesComeBackAndSortAsPlacesDo) {
  std::string before;
  for (const auto& [offset, index] :
       {std::pair<int64_t, int32_t>{0, 0}, {0, 9}, {0, 10}, {9, 0}, {10, 0}, {INT64_MAX, 26'000}}) {
    event::v1::Position position;
    position.set_offset(offset);
    position.set_index(index);
    const std::string text = Sequence(position);
    EXPECT_LT(before, text);
    before = text;
    const auto back = ParseSequence(text);
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(back->offset(), offset);
    EXPECT_EQ(back->index(), index);
  }
}

TEST(CloudEventTest, TakesNothingElseForASequence) {
  for (const char* text : {"", "1.2", "00000000000000001234.00000", "00000000000000001234,000005",
                           "-0000000000000001234.000005", "0000000000000000123x.000005", "00000000000000001234.00000x",
                           "99999999999999999999.000000", "00000000000000001234.0000050"}) {
    EXPECT_FALSE(ParseSequence(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace trialog::relay
