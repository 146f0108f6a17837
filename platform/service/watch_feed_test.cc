// What watch streams read from, and when they are woken.
#include <stdlib.h>

#include <filesystem>

#include "gmock/gmock.h"
#include "google/protobuf/wrappers.pb.h"
#include "gtest/gtest.h"
#include "platform/errors/errors.h"
#include "platform/runtime/simulated_runtime.h"
#include "platform/service/change_feed.h"
#include "platform/service/watch_hub.h"
#include "platform/text/text.h"

namespace trialog::service {
namespace {

using google::protobuf::StringValue;
using testing::ElementsAre;
using testing::IsEmpty;

const view::Table kThings{1, "things/*", &StringValue::default_instance(), nullptr};
const Domain kDomain{"test", &StringValue::default_instance(), {&kThings}, nullptr};
constexpr int kPartition = 3;

class WatchFeedTest : public testing::Test {
 protected:
  WatchFeedTest() {
    std::string path = testing::TempDir() + "feed.XXXXXX";
    path_ = ::mkdtemp(path.data());
    store_ = view::Store::Open(kDomain, {.path = path_}).value();
  }
  ~WatchFeedTest() override {
    store_.reset();
    std::filesystem::remove_all(path_);
  }

  // One record that gives each of the things the value.
  void Record(const std::vector<std::string>& things, const std::string& value) {
    view::ChangeSet changes(&store_->partition(kPartition));
    const int64_t offset = store_->next_offset(kPartition);
    changes.Begin({.record = static_cast<uint64_t>(offset)});
    for (const std::string& thing : things) {
      auto text = std::make_shared<StringValue>();
      text->set_value(value);
      changes.Put(kThings, Cat("things/", thing), std::move(text));
    }
    view::Commit commit{.partition = kPartition, .fold = store_->fold(kPartition), .changes = &changes};
    commit.fold.set_next_offset(offset + 1);
    const event::v1::Data data;
    commit.records.push_back({offset, &data});
    ASSERT_TRUE(store_->Write(commit).ok());
  }
  // A record that changes nothing.
  void EmptyRecord() { Record({}, ""); }

  static std::vector<std::string> Names(const WatchChanges& changes) {
    std::vector<std::string> names;
    for (const auto& change : changes) names.push_back(change->name);
    return names;
  }

  std::string path_;
  SimulatedRuntime runtime_{1};
  std::unique_ptr<view::Store> store_;
};

class ChangeFeedTest : public WatchFeedTest {
 protected:
  WatchChanges Read(int64_t& cursor) {
    WatchChanges changes;
    cursor = feed_.Read(kPartition, cursor, changes);
    return changes;
  }
  ChangeFeed feed_{runtime_, *store_, 12};
};

TEST_F(ChangeFeedTest, ReadersShareAChangeAndItsRows) {
  Record({"a"}, "one");
  feed_.Join(kPartition);
  int64_t one = store_->next_offset(kPartition), other = one;
  Record({"a"}, "two");
  Record({"b"}, "three");
  EXPECT_TRUE(Read(one).empty());  // Only what was there when the readers were woken.
  EXPECT_FALSE(feed_.Advance(kPartition));
  const auto first = Read(one), second = Read(other);
  EXPECT_THAT(Names(first), ElementsAre("things/a", "things/b"));
  EXPECT_EQ(first, second);
  EXPECT_EQ(one, store_->next_offset(kPartition));
  EXPECT_TRUE(Read(one).empty());
  first[0]->Load(*store_, kPartition);
  EXPECT_EQ(second[0]->before->As<StringValue>().value(), "one");
  EXPECT_EQ(second[0]->now->As<StringValue>().value(), "two");
  first[1]->Load(*store_, kPartition);
  EXPECT_EQ(second[1]->before, nullptr);
}

TEST_F(ChangeFeedTest, AReaderThatStandsFurtherBackReadsTheStoreThenTheFeed) {
  Record({"a"}, "one");
  Record({"b"}, "two");
  feed_.Join(kPartition);
  Record({"c"}, "three");
  feed_.Advance(kPartition);
  int64_t cursor = 0;
  EXPECT_THAT(Names(Read(cursor)), ElementsAre("things/a", "things/b", "things/c"));
  Record({"d"}, "four");
  feed_.Advance(kPartition);
  int64_t other = cursor;
  EXPECT_EQ(Read(cursor), Read(other));
}

TEST_F(ChangeFeedTest, ACursorMovesOnOverRecordsThatChangeNothing) {
  feed_.Join(kPartition);
  for (int i = 0; i < 10; ++i) EmptyRecord();
  int64_t cursor = 0;
  feed_.Advance(kPartition);
  EXPECT_TRUE(Read(cursor).empty());
  EXPECT_EQ(cursor, 10);
}

TEST_F(ChangeFeedTest, KeepsNoMoreThanItMayAndLosesNothing) {
  feed_.Join(kPartition);
  constexpr int kRecords = 2000;
  for (int i = 0; i < kRecords; ++i) Record({Cat(i), "x"}, "v");
  while (feed_.Advance(kPartition)) {
  }
  const auto read_all = [&] {
    std::vector<std::string> all;
    int64_t cursor = 0;
    for (int64_t last = -1; std::exchange(last, cursor) != cursor;) {
      for (const std::string& name : Names(Read(cursor))) all.push_back(name);
    }
    return all;
  };
  std::vector<std::string> expected;
  for (int i = 0; i < kRecords; ++i) {
    expected.push_back(Cat("things/", i));
    expected.push_back("things/x");
  }
  EXPECT_EQ(read_all(), expected);
  // The oldest are no longer the feed's: each reader gets changes of its own.
  int64_t one = 0, other = 0;
  EXPECT_NE(Read(one), Read(other));
  int64_t late = kRecords - 100, later = late;
  EXPECT_EQ(Read(late), Read(later));
  EXPECT_TRUE(feed_.Trim(kPartition));
  runtime_.RunFor(2 * ChangeFeed::kKeep);
  EXPECT_FALSE(feed_.Trim(kPartition));
  late = later = kRecords - 100;
  EXPECT_NE(Read(late), Read(later));
  EXPECT_EQ(read_all(), expected);
}

TEST_F(ChangeFeedTest, RecordsAreNotTornByTheBoundOfARead) {
  std::vector<std::string> many;
  for (size_t i = 0; i < 2 * ChangeFeed::kAtOnce; ++i) many.push_back(Cat(1000 + i));
  const auto expect_whole = [&](int64_t cursor) {
    EXPECT_EQ(Read(cursor).size(), many.size());
    EXPECT_THAT(Names(Read(cursor)), ElementsAre("things/last"));
  };
  Record(many, "v");
  Record({"last"}, "v");
  feed_.Join(kPartition);
  expect_whole(0);  // From the store.
  Record(many, "v");
  Record({"last"}, "v");
  while (feed_.Advance(kPartition)) {
  }
  expect_whole(2);  // From the feed.
}

TEST_F(ChangeFeedTest, PiecesAreSharedByKindAndPersonalOnesGoWithTheRound) {
  feed_.Join(kPartition);
  Record({"a"}, "one");
  feed_.Advance(kPartition);
  int64_t cursor = 0;
  const auto change = Read(cursor)[0];
  const WatchChange::PieceKind everything{nullptr, 1, std::nullopt}, something{nullptr, 1, std::vector{7}};
  const auto personal = change->Piece(everything);
  personal->personal = true;
  personal->bytes = "in the clear";
  EXPECT_EQ(change->Piece(everything), personal);
  const auto plain = change->Piece(something);
  EXPECT_NE(plain, personal);
  feed_.EndRound(kPartition);
  EXPECT_NE(change->Piece(everything), personal);
  EXPECT_TRUE(change->Piece(everything)->bytes.empty());
  EXPECT_EQ(change->Piece(something), plain);
}

// What a thing says is who sees by it.
std::vector<std::string> Named(std::string_view, const view::Row& row) {
  std::vector<std::string> named;
  for (std::string_view one : Split(row.As<StringValue>().value(), ' ')) named.emplace_back(one);
  return named;
}

TEST_F(ChangeFeedTest, ThoseWhomAChangeNamesOrNoLongerNamesAreMoved) {
  feed_.SetNamesCallers(kThings, Named);
  feed_.Join(kPartition);
  for (const char* value : {"ada ben", "ada ben", "ben cleo", "cleo ben"}) Record({"a"}, value);
  feed_.Advance(kPartition);
  int64_t cursor = 0;
  const auto changes = Read(cursor);
  ASSERT_EQ(changes.size(), 4u);
  // Nothing was about it before it was there.
  EXPECT_THAT(changes[0]->CallersMoved(*store_, kPartition), ElementsAre());
  EXPECT_THAT(changes[1]->CallersMoved(*store_, kPartition), ElementsAre());
  EXPECT_THAT(changes[2]->CallersMoved(*store_, kPartition), ElementsAre("ada", "cleo"));
  EXPECT_THAT(changes[3]->CallersMoved(*store_, kPartition), ElementsAre());
}

TEST_F(ChangeFeedTest, NobodyIsMovedByRecordsThatNameNobody) {
  feed_.Join(kPartition);
  Record({"a"}, "ada");
  Record({"a"}, "ben");
  feed_.Advance(kPartition);
  int64_t cursor = 0;
  for (const auto& change : Read(cursor)) EXPECT_THAT(change->CallersMoved(*store_, kPartition), ElementsAre());
}

class WatchHubTest : public WatchFeedTest {
 protected:
  WatchHub hub_{runtime_, *store_, 12};
};

TEST_F(WatchHubTest, ACrowdOfStreamsLeavesTheThreadToOthersInBetween) {
  constexpr int kStreams = 1000;
  int woken = 0, woken_before_other = -1;
  for (int i = 0; i < kStreams; ++i) {
    hub_.Add(kPartition, [&, i] {
      ++woken;
      if (i == 0) hub_.Post([&] { woken_before_other = woken; });
    });
  }
  Record({"a"}, "one");
  runtime_.RunFor(absl::Seconds(1));
  EXPECT_EQ(woken, kStreams);
  EXPECT_EQ(woken_before_other, static_cast<int>(WatchHub::kPumpsAtOnce));
}

TEST_F(WatchHubTest, RoundsAreFurtherApartForACrowdButNeverBeyondTheBound) {
  std::vector<absl::Duration> rounds;
  hub_.Add(kPartition, [&] { rounds.push_back(runtime_.Monotonic()); });
  for (int i = 0; i < 500; ++i) hub_.Add(kPartition, [] {});
  for (int i = 0; i < 100; ++i) {
    Record({"a"}, "v");
    runtime_.RunFor(absl::Milliseconds(1));
  }
  ASSERT_GE(rounds.size(), 4u);
  EXPECT_LE(rounds.size(), 7u);
  // The simulated executor may wait half a millisecond before each of the tasks that a round is made of.
  for (size_t i = 1; i < rounds.size(); ++i) {
    EXPECT_LE(rounds[i] - rounds[i - 1], WatchHub::kLongestGather + absl::Milliseconds(8));
  }
}

TEST_F(WatchHubTest, WhoWaitsForAPositionIsToldBeforeStreamsAreWoken) {
  std::vector<std::string> order;
  hub_.Add(kPartition, [&] { order.push_back("stream"); });
  hub_.WhenFolded(kPartition, 0, absl::InfiniteFuture(), [&](const absl::Status& status) {
    EXPECT_TRUE(status.ok()) << status;
    order.push_back("waiter");
  });
  Record({"a"}, "one");
  runtime_.RunFor(absl::Seconds(1));
  EXPECT_THAT(order, ElementsAre("waiter", "stream"));
}

TEST_F(WatchHubTest, WhoWaitsForAPositionIsSentElsewhereWhenNothingMoreIsFolded) {
  std::vector<std::string> told;
  const auto tell = [&](const absl::Status& status) { told.emplace_back(ReasonOf(status)); };
  hub_.WhenFolded(kPartition, 0, absl::InfiniteFuture(), tell);
  runtime_.RunFor(absl::Seconds(1));
  EXPECT_THAT(told, IsEmpty());
  hub_.EndWaiting();
  runtime_.RunFor(absl::Milliseconds(10));
  EXPECT_THAT(told, ElementsAre("POSITION_NOT_REACHED"));
  hub_.WhenFolded(kPartition, 0, absl::InfiniteFuture(), tell);
  runtime_.RunFor(absl::Milliseconds(10));
  EXPECT_THAT(told, ElementsAre("POSITION_NOT_REACHED", "POSITION_NOT_REACHED"));
}

TEST_F(WatchHubTest, ACommitDuringARoundIsFollowedByAnother) {
  int woken = 0;
  for (int i = 0; i < 200; ++i) {
    hub_.Add(kPartition, [&, i] {
      if (i == 0 && woken == 0) Record({"b"}, "in the round");
      woken += i == 199;
    });
  }
  Record({"a"}, "one");
  runtime_.RunFor(absl::Seconds(1));
  EXPECT_EQ(woken, 2);
}

TEST_F(WatchHubTest, AStreamThatWasRemovedIsNotWoken) {
  int woken = 0;
  const int64_t id = hub_.Add(kPartition, [&] { ++woken; });
  hub_.Add(kPartition, [] {});
  hub_.Remove(id);
  Record({"a"}, "one");
  runtime_.RunFor(absl::Seconds(1));
  EXPECT_EQ(woken, 0);
}

}  // namespace
}  // namespace trialog::service
