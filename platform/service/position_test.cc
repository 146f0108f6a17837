#include "platform/service/position.h"

#include <gtest/gtest.h>

#include "platform/rpc/page_token.h"
#include "tests/support/filled_message.h"
#include "tests/support/golden.h"

namespace trialog::service {
namespace {

TEST(Position, IsWrittenAsItIsRead) {
  EXPECT_EQ(PositionText({11, 42}), "11/42");  // For ever: docs/formats/positions.md.
  EXPECT_EQ(ParsePosition("11/42"), (PartitionOffset{11, 42}));
  EXPECT_EQ(ParsePosition("0/9223372036854775807"), (PartitionOffset{0, INT64_MAX}));
}

TEST(Position, InAnyOtherSpellingIsNone) {
  for (std::string_view text : {"", "/", "1", "1/", "/1", "-1/0", "0/-1", "+1/0", "01/0", "0/00", "0/1x", "0x/1",
                                " 0/1", "0/1 ", "0/1/2", "0/9223372036854775808", "2147483648/0"}) {
    EXPECT_EQ(ParsePosition(text), std::nullopt) << text;
  }
}

event::v1::FoldState Filled() {
  event::v1::FoldState fold;
  testing::Fill(fold);
  return fold;
}

TEST(WatchPlace, IsReadAsItIsWritten) {
  for (const int64_t offset : {int64_t{0}, int64_t{42}, INT64_MAX}) {
    for (const WatchPlace& place : {WatchPlace{offset, ""}, WatchPlace{offset, std::string(16, 'a')}})
      EXPECT_EQ(ParseWatchPlace(WatchPlaceBytes(place)), place);
  }
  for (const std::string& bytes : {std::string(), std::string(7, '\0'), std::string(9, '\0'), std::string(23, '\0'),
                                   std::string(25, '\0'), std::string(8, '\xff'), std::string(24, '\xff')}) {
    EXPECT_EQ(ParseWatchPlace(bytes), std::nullopt);
  }
}

TEST(SubscriptionPlace, HoldsAllThatAdmissionNeeds) {
  const auto place = ParseSubscriptionPlace(SubscriptionPlace(Filled()));
  ASSERT_TRUE(place);
  EXPECT_EQ(place->next_offset(), Filled().next_offset());
  EXPECT_EQ(place->term(), Filled().term());
  EXPECT_EQ(place->owner(), Filled().owner());
  EXPECT_EQ(place->next_seq(), Filled().next_seq());
  EXPECT_EQ(place->last_hash(), Filled().last_hash());
  EXPECT_FALSE(ParseSubscriptionPlace("\xff"));
}

// Callers hold these: what was handed out once opens in every later build.
TEST(TokenFormat, TokensNeverChange) {
  const rpc::TokenSigner signer({std::string(32, 'k')});
  const auto scope = [](rpc::TokenKind kind, std::string_view method) {
    return rpc::TokenScope{kind, method, "organizations/o/biobanks/b", "state = AVAILABLE", "create_time desc"};
  };
  const auto list = scope(rpc::TokenKind::kPage, "trialog.inventory.v1.SampleService/ListSamples");
  const auto watch = scope(rpc::TokenKind::kResume, "trialog.inventory.v1.SampleService/WatchSamples");
  const auto subscribe = scope(rpc::TokenKind::kResume, "trialog.inventory.v1.EventService/Subscribe");
  testing::GoldenLines lines = {{"position", PositionText({11, 42})},
                                {"page", signer.Sign(list, "organizations/o/biobanks/b/samples/7")},
                                {"watch", signer.Sign(watch, WatchPlaceBytes({42, ""}))},
                                {"watch_by_access", signer.Sign(watch, WatchPlaceBytes({42, std::string(16, 'a')}))},
                                {"subscription", signer.Sign(subscribe, SubscriptionPlace(Filled()))}};
  testing::ExpectGolden("platform/service/testdata/tokens.golden", lines);

  const auto golden = testing::ReadGolden("platform/service/testdata/tokens.golden");
  EXPECT_EQ(*signer.Open(list, golden.at("page")), "organizations/o/biobanks/b/samples/7");
  EXPECT_EQ(ParseWatchPlace(*signer.Open(watch, golden.at("watch"))), (WatchPlace{42, ""}));
  EXPECT_EQ(ParseWatchPlace(*signer.Open(watch, golden.at("watch_by_access"))), (WatchPlace{42, std::string(16, 'a')}));
  EXPECT_EQ(ParseSubscriptionPlace(*signer.Open(subscribe, golden.at("subscription")))->next_offset(),
            Filled().next_offset());
  EXPECT_EQ(ParsePosition(golden.at("position")), (PartitionOffset{11, 42}));
}

}  // namespace
}  // namespace trialog::service
