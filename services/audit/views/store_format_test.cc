// The bytes of audit's store, as docs/formats/audit-store.md has them, and of the tree in it: proofs that others keep
// depend on the hashes.
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "platform/text/text.h"
#include "rocksdb/env.h"
#include "services/audit/domain/leaf.h"
#include "services/audit/views/audit_store.h"
#include "tests/support/filled_message.h"
#include "tests/support/golden.h"
#include "trialog/event/v1/record.pb.h"
#include "trialog/inventory/v1/events.pb.h"

namespace trialog::audit {
namespace {

constexpr int kPartition = 3;

const sealing::SecretKey& SaltKey() {
  static const sealing::SecretKey key = *sealing::SecretKey::FromBytes("0123456789abcdef0123456789abcdef");
  return key;
}

// A command with a domain event and a reading of personal fields.
std::string RecordAt(int64_t offset) {
  event::v1::LogRecord record;
  auto& data = *record.mutable_data();
  testing::Fill(data, 0);
  data.set_organization("o");
  data.set_command_id(Cat("command ", offset, " 16 by"));
  data.clear_events();
  inventory::v1::InventoryEvent moved;
  testing::Fill(*moved.mutable_stock_moved());
  auto& event = *data.add_events();
  event.set_entity("organizations/o/biobanks/b/inventoryItems/i");
  event.set_domain(moved.SerializeAsString());
  auto& read = *data.add_events();
  read.set_entity("organizations/o/patients/p");
  testing::Fill(*read.mutable_access());
  read.mutable_access()->set_outcome(event::v1::Access::OUTCOME_SHOWN);
  return record.SerializeAsString();
}

TEST(AuditStoreFormat, KeysTilesAndLeavesNeverChange) {
  const std::unique_ptr<rocksdb::Env> env(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  auto store = AuditStore::Open({.path = "/audit", .env = env.get()});
  ASSERT_TRUE(store.ok()) << store.status();
  for (const int64_t offset : {0, 1}) {
    const std::string bytes = RecordAt(offset);
    auto entries = EntriesOf({"inventory", kPartition, offset, bytes}, SaltKey());
    ASSERT_TRUE(entries.ok());
    (*store)->Append({"inventory", kPartition, offset, bytes, *std::move(entries)});
  }
  event::v1::FoldState fold;
  testing::Fill(fold);
  (*store)->SetFold("inventory", kPartition, fold);
  v1::Checkpoint checkpoint;
  testing::Fill(checkpoint);
  checkpoint.clear_origin();
  checkpoint.clear_note();
  checkpoint.set_tree_size(4);
  checkpoint.set_root((*store)->PendingRoot());
  (*store)->AddCheckpoint(checkpoint);
  ASSERT_TRUE((*store)->Commit().ok());

  testing::GoldenLines lines;
  ASSERT_TRUE((*store)
                  ->ForEach([&](std::string_view family, std::string_view key, std::string_view value) {
                    lines[Cat(family, "/", absl::BytesToHexString(ToAbsl(key)))] = absl::BytesToHexString(ToAbsl(value));
                    return true;
                  })
                  .ok());
  lines["content-hash"] = absl::BytesToHexString(*(*store)->ContentHash());
  testing::ExpectGolden("services/audit/views/testdata/store.golden", lines);
}

}  // namespace
}  // namespace trialog::audit
