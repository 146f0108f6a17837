// The bytes of audit's store, as docs/formats/audit-store.md has them, and of the tree in it: proofs that others keep
// depend on the hashes.
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "platform/text/text.h"
#include "rocksdb/env.h"
#include "services/audit/domain/leaf.h"
#include "services/audit/views/audit_store.h"
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

// A command with a domain event and a reading of personal fields. Set field by field: a message that gains a field must
// not change these bytes.
std::string RecordAt(int64_t offset) {
  event::v1::LogRecord record;
  auto& data = *record.mutable_data();
  data.set_term(1);
  data.set_owner("0123456789abcdef");
  data.set_seq(static_cast<uint64_t>(offset) + 1);
  data.set_command_id(Cat("command ", offset, " 16 by"));
  data.mutable_caller()->set_kind(event::v1::Caller::KIND_USER);
  data.mutable_caller()->set_name("organizations/o/users/u");
  data.mutable_record_time()->set_seconds(1'767'225'600 + offset);
  data.set_organization("o");
  data.set_method("trialog.inventory.v1.InventoryService/MoveStock");
  inventory::v1::InventoryEvent event;
  event.mutable_stock_moved()->set_movement("organizations/o/biobanks/b/inventoryItems/i/movements/2");
  event.mutable_stock_moved()->set_location("organizations/o/biobanks/b/storageLocations/l");
  auto& moved = *data.add_events();
  moved.set_entity("organizations/o/biobanks/b/inventoryItems/i");
  moved.set_domain(event.SerializeAsString());
  auto& read = *data.add_events();
  read.set_entity("organizations/o/patients/p");
  read.mutable_access()->set_method("trialog.trials.v1.PatientService/GetPatient");
  read.mutable_access()->add_subjects("organizations/o/patients/p");
  read.mutable_access()->set_count(1);
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
  fold.set_next_offset(2);
  fold.set_term(1);
  (*store)->SetFold("inventory", kPartition, fold);
  v1::Checkpoint checkpoint;
  checkpoint.set_tree_size(4);
  checkpoint.set_root((*store)->PendingRoot());
  checkpoint.mutable_sign_time()->set_seconds(1'767'225'602);
  (*store)->AddCheckpoint(checkpoint);
  ASSERT_TRUE((*store)->Commit().ok());

  testing::GoldenLines lines;
  ASSERT_TRUE((*store)
                  ->ForEach([&](std::string_view family, std::string_view key, std::string_view value) {
                    lines[Cat(family, "/", absl::BytesToHexString(ToAbsl(key)))] =
                        absl::BytesToHexString(ToAbsl(value));
                    return true;
                  })
                  .ok());
  lines["content-hash"] = absl::BytesToHexString(*(*store)->ContentHash());
  testing::ExpectGolden("services/audit/views/testdata/store.golden", lines);
}

}  // namespace
}  // namespace trialog::audit
