#include "platform/view/store.h"

#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "google/protobuf/wrappers.pb.h"
#include "gtest/gtest.h"
#include "platform/text/text.h"
#include "platform/view/times.h"

namespace trialog::view {
namespace {

using google::protobuf::StringValue;
using testing::ElementsAre;

constexpr Index kByValue{1, "by_value"};
constexpr Index kUnique{2, "unique"};
const Table kTable{1, "things/*", &StringValue::default_instance(),
                   [](const Row& row, std::string_view, IndexSink& sink) {
                     sink.Add(kByValue, row.As<StringValue>().value());
                     sink.AddUnique(kUnique, row.As<StringValue>().value());
                   }};
const Domain kDomain{"test", &StringValue::default_instance(), {&kTable}, nullptr};

std::shared_ptr<const StringValue> Text(std::string_view value) {
  auto text = std::make_shared<StringValue>();
  text->set_value(std::string(value));
  return text;
}

class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    path_ = testing::TempDir() +
            Cat("store_test_", ::getpid(), "_", testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(path_);
    Reopen();
  }
  ~StoreTest() override {
    store_.reset();
    std::filesystem::remove_all(path_);
  }
  void Reopen() {
    store_.reset();
    auto opened = Store::Open(kDomain, {.path = path_});
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }

  // Writes one record at `offset` that puts (or deletes, without a value) things/`id`.
  void Record(int64_t offset, std::string_view id, std::optional<std::string_view> value, std::string request = "") {
    ChangeSet changes(&store_->partition(3));
    changes.Begin({.record_time = ToProto(TimeOf(offset)), .record = static_cast<uint64_t>(offset)});
    if (value) {
      changes.Put(kTable, Cat("things/", id), Text(*value));
    } else {
      changes.Delete(kTable, Cat("things/", id));
    }
    Commit commit{.partition = 3, .fold = store_->fold(3), .changes = &changes};
    commit.fold.set_next_offset(offset + 1);
    *commit.fold.mutable_record_time() = ToProto(TimeOf(offset));
    const event::v1::Data data = DataAt(offset, request);
    commit.records.push_back({offset, &data});
    ASSERT_TRUE(store_->Write(commit).ok());
  }
  static event::v1::Data DataAt(int64_t offset, const std::string& request) {
    event::v1::Data data;
    *data.mutable_record_time() = ToProto(TimeOf(offset));
    data.set_request_key(request);
    data.set_request_mac(request + "'s content");
    data.mutable_result()->add_names("things/a");
    return data;
  }
  // One record an hour.
  static absl::Time TimeOf(int64_t offset) { return absl::FromUnixSeconds(1'700'000'000 + offset * 3600); }
  std::string ValueAt(std::string_view id, int64_t offset) {
    RowPtr row = store_->FindAt(3, kTable, Cat("things/", id), offset);
    return row ? row->As<StringValue>().value() : "none";
  }
  std::vector<std::string> NamesUnder(std::string_view value) {
    std::vector<std::string> names;
    for (auto& found : store_->partition(3).Scan(kByValue, GroupPrefix(value), 10)) names.push_back(found.name);
    return names;
  }

  std::string path_;
  std::unique_ptr<Store> store_;
};

TEST_F(StoreTest, ADamagedListOfFilesIsAStoreToBeFoldedAgain) {
  Record(1, "a", "one");
  store_.reset();
  int damaged = 0;
  for (const auto& file : std::filesystem::directory_iterator(path_)) {
    if (file.path().filename().string().rfind("MANIFEST-", 0) != 0) continue;
    std::filesystem::resize_file(file.path(), std::filesystem::file_size(file.path()) - 3);
    std::ofstream(file.path(), std::ios::app | std::ios::binary) << "torn and more";
    ++damaged;
  }
  ASSERT_GT(damaged, 0);
  Reopen();
  EXPECT_EQ(store_->next_offset(3), 0);
  Record(1, "a", "one");
  EXPECT_EQ(store_->next_offset(3), 2);
}

TEST_F(StoreTest, EveryVersionOfARowCanBeRead) {
  Record(10, "a", "one");
  Record(20, "a", "two");
  Record(30, "a", std::nullopt);
  Record(40, "a", "four");
  EXPECT_EQ(ValueAt("a", 9), "none");
  EXPECT_EQ(ValueAt("a", 10), "one");
  EXPECT_EQ(ValueAt("a", 19), "one");
  EXPECT_EQ(ValueAt("a", 25), "two");
  EXPECT_EQ(ValueAt("a", 35), "none");
  EXPECT_EQ(ValueAt("a", 99), "four");
  EXPECT_EQ(store_->History(3, kTable, "things/a", 99, 10).size(), 4u);
}

TEST_F(StoreTest, ARowIsNotFoundUnderANameThatIsItsPrefix) {
  Record(1, "ab", "x");
  EXPECT_EQ(ValueAt("a", 9), "none");
  EXPECT_EQ(ValueAt("abc", 9), "none");
}

TEST_F(StoreTest, KeysAndCountsFollowTheLatestVersion) {
  Record(1, "a", "red");
  Record(2, "b", "red");
  Record(3, "a", "blue");
  EXPECT_THAT(NamesUnder("red"), ElementsAre("things/b"));
  EXPECT_EQ(store_->partition(3).Count(kByValue, "red"), 1);
  EXPECT_EQ(store_->partition(3).Lookup(kUnique, "blue"), "things/a");
  EXPECT_EQ(store_->partition(4).Lookup(kUnique, "blue"), std::nullopt);
}

TEST_F(StoreTest, EverythingIsThereAfterReopening) {
  Record(1, "a", "red");
  Record(2, "b", "red", std::string(32, 'r'));
  const std::string hash = store_->ContentHash();
  Reopen();
  EXPECT_EQ(store_->ContentHash(), hash);
  EXPECT_EQ(store_->fold(3).next_offset(), 3);
  EXPECT_EQ(store_->next_offset(3), 3);
  EXPECT_EQ(store_->FindRequest(3, std::string(32, 'r'))->offset, 2);
  EXPECT_THAT(NamesUnder("red"), ElementsAre("things/a", "things/b"));
}

TEST_F(StoreTest, AStoreOfAnotherViewIsBuiltAgain) {
  Record(1, "a", "red");
  Domain newer = kDomain;
  newer.view = 2;
  for (const auto& [domain, next_offset] : {std::pair(&kDomain, 2), {&newer, 0}, {&newer, 0}, {&kDomain, 0}}) {
    store_.reset();
    auto opened = Store::Open(*domain, {.path = path_});
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
    EXPECT_EQ(store_->next_offset(3), next_offset);
  }
}

TEST_F(StoreTest, ARequestIsForgottenByLogTime) {
  Record(1, "a", "x", "early");
  Record(20, "a", "y", "later");
  EXPECT_TRUE(store_->FindRequest(3, "early").has_value());
  Record(26, "a", "z");
  EXPECT_FALSE(store_->FindRequest(3, "early").has_value());
  EXPECT_TRUE(store_->FindRequest(3, "later").has_value());
  EXPECT_EQ(store_->fold(3).requests(), 1u);
}

TEST_F(StoreTest, WhatIsForgottenDoesNotDependOnWhichRecordsAreWrittenTogether) {
  const auto write = [&](std::vector<std::pair<int64_t, std::string>> requests) {
    Commit commit{.partition = 3, .fold = store_->fold(3)};
    std::vector<event::v1::Data> data;
    for (const auto& [offset, key] : requests) data.push_back(DataAt(offset, key));
    for (size_t i = 0; i < requests.size(); ++i) {
      const int64_t offset = requests[i].first;
      commit.records.push_back({offset, &data[i]});
      commit.fold.set_next_offset(offset + 1);
      *commit.fold.mutable_record_time() = ToProto(TimeOf(offset));
    }
    ASSERT_TRUE(store_->Write(commit).ok());
  };
  for (int64_t offset : {1, 2, 40}) write({{offset, offset == 2 ? "other" : "used again"}});
  const std::string one_by_one = store_->ContentHash();
  store_.reset();
  std::filesystem::remove_all(path_);
  Reopen();
  write({{1, "used again"}});
  write({{2, "other"}, {40, "used again"}});
  EXPECT_EQ(store_->ContentHash(), one_by_one);
  EXPECT_EQ(store_->FindRequest(3, "used again")->offset, 40);
  EXPECT_EQ(store_->fold(3).requests(), 1u);
}

TEST_F(StoreTest, ChangesComeInOrderAndWholeRecords) {
  Record(5, "a", "x");
  Record(6, "b", "y");
  Record(9, "a", "z");
  auto changes = store_->Changes(3, 6, 10);
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0].offset, 6);
  EXPECT_EQ(changes[0].name, "things/b");
  EXPECT_EQ(changes[1].offset, 9);
  EXPECT_EQ(store_->Changes(3, 0, 1).size(), 1u);
}

TEST_F(StoreTest, ATimeFindsTheLastRecordNotAfterIt) {
  Record(5, "a", "x");
  Record(6, "b", "y");
  EXPECT_EQ(store_->OffsetAt(3, TimeOf(5) - absl::Seconds(1)), -1);
  EXPECT_EQ(store_->OffsetAt(3, TimeOf(5)), 5);
  EXPECT_EQ(store_->OffsetAt(3, TimeOf(6) + absl::Hours(100)), 6);
}

TEST_F(StoreTest, NamesListEachRowOnceInOrder) {
  for (int i = 0; i < 5; ++i) Record(i + 1, Cat(i % 3), "v");
  EXPECT_THAT(store_->Names(3, kTable, "things/", "", 10), ElementsAre("things/0", "things/1", "things/2"));
  EXPECT_THAT(store_->Names(3, kTable, "things/", "things/0", 1), ElementsAre("things/1"));
}

TEST_F(StoreTest, ListenersAreWokenAfterACommit) {
  int woken = 0;
  const int64_t id = store_->Listen(3, [&] { ++woken; });
  Record(1, "a", "x");
  EXPECT_EQ(woken, 1);
  store_->Unlisten(3, id);
  Record(2, "a", "x");
  EXPECT_EQ(woken, 1);
}

TEST_F(StoreTest, FactsAreWrittenWithTheirPosition) {
  event::v1::FoldState fold;
  fold.set_next_offset(7);
  ASSERT_TRUE(store_->WriteFacts("auth", 3, fold, {{"user/1", "x"}, {"user/2", "y"}}).ok());
  ASSERT_TRUE(store_->WriteFacts("auth", 3, fold, {{"user/1", std::nullopt}}).ok());
  EXPECT_EQ(store_->fact_fold("auth", 3).next_offset(), 7);
  EXPECT_EQ(store_->Fact("user/1"), std::nullopt);
  EXPECT_EQ(store_->Facts("user/").size(), 1u);
}

TEST(RowCache, AnOldVersionNeverHidesANewerOne) {
  RowCache cache(100);
  auto miss = cache.Get("k");
  auto newer = std::make_shared<Row>();
  cache.Set("k", newer, 7);
  cache.Offer("k", nullptr, -1, miss.ticket);
  EXPECT_EQ(cache.Get("k").row, newer);
}

TEST(RowCache, IsBounded) {
  RowCache cache(16);
  for (int i = 0; i < 1000; ++i) cache.Set(Cat("k", i), nullptr, i);
  int hits = 0;
  for (int i = 0; i < 1000; ++i) hits += cache.Get(Cat("k", i)).hit;
  EXPECT_LE(hits, 32);
}

}  // namespace
}  // namespace trialog::view
