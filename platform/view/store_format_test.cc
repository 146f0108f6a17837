// The bytes of a store, as docs/formats/store.md has them: another build finds its rows where this one put them.
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "google/protobuf/wrappers.pb.h"
#include "platform/text/text.h"
#include "platform/view/store.h"
#include "platform/view/times.h"
#include "rocksdb/env.h"
#include "tests/support/golden.h"

namespace trialog::view {
namespace {

using google::protobuf::StringValue;

constexpr int kPartition = 11;
constexpr Index kByValue{1, "by_value"};
constexpr Index kUnique{0x0102, "unique"};
const Table kTable{0x0304, "things/*", &StringValue::default_instance(),
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

// Set field by field: a message that gains a field must not change these bytes.
event::v1::SealedPart Sealed() {
  event::v1::SealedPart sealed;
  auto& field = *sealed.add_fields();
  field.set_number(8);
  field.mutable_value()->set_key_id("11111111-2222-4333-8444-555555555555");
  field.mutable_value()->set_nonce("nonce of 12 ");
  field.mutable_value()->set_ciphertext("ciphertext and tag");
  auto& key = *sealed.add_keys();
  key.set_index("mrn");
  key.set_mac("keyed hash");
  return sealed;
}

// One record at `offset`, an hour after the one before; `change` says what it does.
void Record(Store& store, int64_t offset, const std::function<void(ChangeSet&)>& change) {
  const auto time = ToProto(absl::FromUnixSeconds(1'767'225'600 + offset * 3600));
  ChangeSet changes(&store.partition(kPartition));
  event::v1::Caller actor;
  actor.set_kind(event::v1::Caller::KIND_USER);
  actor.set_name("organizations/o/users/u");
  actor.set_session("s");
  changes.Begin({"0123456789abcdef", "o", actor, time, static_cast<uint64_t>(offset)});
  change(changes);
  Commit commit{.partition = kPartition, .fold = store.fold(kPartition), .changes = &changes};
  commit.fold.set_next_offset(offset + 1);
  *commit.fold.mutable_record_time() = time;
  event::v1::Data data;
  *data.mutable_record_time() = time;
  data.set_request_key(std::string(32, static_cast<char>('0' + offset)));
  data.set_request_mac("mac");
  data.mutable_result()->add_names("things/a");
  commit.records.push_back({offset, &data});
  ASSERT_TRUE(store.Write(commit).ok());
}

TEST(StoreFormat, KeysAndRowsNeverChange) {
  const std::unique_ptr<rocksdb::Env> env(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  auto store = Store::Open(kDomain, {.path = "/store", .env = env.get()});
  ASSERT_TRUE(store.ok()) << store.status();
  Record(**store, 0, [](ChangeSet& changes) {
    changes.Put(kTable, "things/a", Text("first"), Sealed());
    changes.Put(kTable, "things/b", Text("other"));
  });
  Record(**store, 1, [](ChangeSet& changes) { changes.PutKeepingSealed(kTable, "things/a", Text("second")); });
  Record(**store, 2, [](ChangeSet& changes) { changes.Delete(kTable, "things/b"); });
  event::v1::FoldState facts;
  facts.set_next_offset(7);
  ASSERT_TRUE((*store)->WriteFacts("auth", kPartition, facts, {{"auth/account/organizations/o/users/u", "1"}}).ok());

  testing::GoldenLines lines;
  (*store)->ForEach([&](std::string_view family, std::string_view key, std::string_view value) {
    lines[Cat(family, "/", absl::BytesToHexString(ToAbsl(key)))] = absl::BytesToHexString(ToAbsl(value));
  });
  lines["content-hash"] = absl::BytesToHexString((*store)->ContentHash());
  testing::ExpectGolden("platform/view/testdata/store.golden", lines);
}

}  // namespace
}  // namespace trialog::view
