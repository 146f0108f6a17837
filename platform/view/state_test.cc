#include "platform/view/state.h"

#include "gmock/gmock.h"
#include "google/protobuf/wrappers.pb.h"
#include "gtest/gtest.h"

namespace trialog::view {
namespace {

using google::protobuf::StringValue;
using testing::ElementsAre;

constexpr Index kByValue{1, "by_value"};
constexpr Index kUnique{2, "unique"};

const Table kTable{1, "things/*", &StringValue::default_instance(),
                   [](const Row& row, std::string_view, IndexSink& sink) {
                     sink.Add(kByValue, row.As<StringValue>().value());
                     sink.AddUnique(kUnique, "u" + row.As<StringValue>().value());
                   }};

std::shared_ptr<const StringValue> Text(std::string value) {
  auto text = std::make_shared<StringValue>();
  text->set_value(std::move(value));
  return text;
}

std::vector<std::string> Names(const State& state, std::string_view key, size_t limit = 10) {
  std::vector<std::string> names;
  for (const Found& found : state.Scan(kByValue, GroupPrefix(key), limit)) names.push_back(found.name);
  return names;
}

TEST(ChangeSet, APutRowIsFoundWithItsKeys) {
  ChangeSet changes(EmptyState());
  changes.Put(kTable, "things/1", Text("a"));
  changes.Put(kTable, "things/2", Text("a"));
  EXPECT_EQ(changes.Get<StringValue>(kTable, "things/1")->value(), "a");
  EXPECT_THAT(Names(changes, "a"), ElementsAre("things/1", "things/2"));
  EXPECT_EQ(changes.Count(kByValue, "a"), 2);
  EXPECT_TRUE(changes.Lookup(kUnique, "ua").has_value());
}

TEST(ChangeSet, AChangedRowLeavesItsOldKeysAndCountsVersions) {
  ChangeSet changes(EmptyState());
  changes.Put(kTable, "things/1", Text("a"));
  changes.Put(kTable, "things/1", Text("b"));
  EXPECT_THAT(Names(changes, "a"), ElementsAre());
  EXPECT_THAT(Names(changes, "b"), ElementsAre("things/1"));
  EXPECT_EQ(changes.Count(kByValue, "a"), 0);
  EXPECT_FALSE(changes.Lookup(kUnique, "ua").has_value());
  EXPECT_EQ(changes.Find(kTable, "things/1")->meta.version(), 2u);
}

TEST(ChangeSet, ALayerHidesWhatItDeletesBelow) {
  ChangeSet below(EmptyState());
  below.Put(kTable, "things/1", Text("a"));
  below.Put(kTable, "things/2", Text("a"));
  below.Put(kTable, "things/3", Text("a"));
  ChangeSet above(&below);
  above.Delete(kTable, "things/1");
  EXPECT_EQ(above.Find(kTable, "things/1"), nullptr);
  EXPECT_THAT(Names(above, "a", 1), ElementsAre("things/2"));
  EXPECT_EQ(above.Count(kByValue, "a"), 2);
  EXPECT_EQ(below.Count(kByValue, "a"), 3);
}

TEST(ChangeSet, OneRecordWritesARowOnceEachFurtherRecordAgain) {
  ChangeSet changes(EmptyState());
  changes.Begin({.record = 7});
  changes.Put(kTable, "things/1", Text("a"));
  changes.Put(kTable, "things/1", Text("b"));
  changes.Begin({.record = 8});
  changes.Put(kTable, "things/1", Text("c"));
  ASSERT_EQ(changes.writes().size(), 2u);
  EXPECT_EQ(changes.writes()[0].record, 7u);
  EXPECT_EQ(changes.writes()[0].row->As<StringValue>().value(), "b");
  EXPECT_EQ(changes.writes()[1].record, 8u);
}

TEST(ChangeSet, ScanContinuesAfterAKey) {
  ChangeSet changes(EmptyState());
  for (const char* name : {"things/1", "things/2", "things/3"}) changes.Put(kTable, name, Text("a"));
  auto first = changes.Scan(kByValue, GroupPrefix("a"), 2);
  ASSERT_EQ(first.size(), 2u);
  auto rest = changes.Scan(kByValue, GroupPrefix("a"), 2, first[1].key);
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].name, "things/3");
}

TEST(Ordered, BytesSortLikeWhatTheyStandFor) {
  EXPECT_LT(OrderedBytes(1), OrderedBytes(256));
  EXPECT_GT(OrderedBytesDescending(1), OrderedBytesDescending(256));
  google::protobuf::Timestamp before, after;
  before.set_seconds(-5);
  after.set_seconds(5);
  EXPECT_LT(OrderedTime(before), OrderedTime(after));
  EXPECT_GT(OrderedTimeDescending(before), OrderedTimeDescending(after));
}

}  // namespace
}  // namespace trialog::view
