#include "services/audit/verify/verify.h"

#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors/errors.h"
#include "platform/sealing/note.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "services/audit/tree/checkpoint.h"
#include "services/audit/views/test_logs.h"
#include "trialog/event/v1/record.pb.h"

namespace trialog::audit {
namespace {

// A database opened below the code that owns it, as an intruder would.
class RawDatabase {
 public:
  RawDatabase(const std::string& path, rocksdb::Options options) {
    std::vector<std::string> names;
    EXPECT_TRUE(rocksdb::DB::ListColumnFamilies(options, path, &names).ok());
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const std::string& name : names) families.emplace_back(name, options);
    rocksdb::DB* opened = nullptr;
    const auto status = rocksdb::DB::Open(options, path, families, &families_, &opened);
    EXPECT_TRUE(status.ok()) << status.ToString();
    database_.reset(opened);
  }
  ~RawDatabase() {
    for (auto* family : families_) database_->DestroyColumnFamilyHandle(family);
  }

  struct Place {
    rocksdb::ColumnFamilyHandle* family;
    std::string key, value;
  };
  std::vector<Place> All() {
    std::vector<Place> all;
    for (auto* family : families_) {
      std::unique_ptr<rocksdb::Iterator> it(database_->NewIterator({}, family));
      for (it->SeekToFirst(); it->Valid(); it->Next()) {
        all.push_back({family, it->key().ToString(), it->value().ToString()});
      }
    }
    return all;
  }
  void Put(const Place& place, const std::string& value) {
    EXPECT_TRUE(database_->Put({}, place.family, place.key, value).ok());
  }
  void Delete(const Place& place) { EXPECT_TRUE(database_->Delete({}, place.family, place.key).ok()); }

 private:
  std::unique_ptr<rocksdb::DB> database_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
};

std::string WithFlippedBit(std::string bytes, std::mt19937& random) {
  const size_t bit = random() % (8 * bytes.size());
  bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
  return bytes;
}

class VerifyTest : public ::testing::Test {
 protected:
  VerifyTest() : memory(rocksdb::NewMemEnv(rocksdb::Env::Default())) {
    logs.WriteUsers("north", 3);
    logs.WriteSamples("south", 8);
    logs.WriteAuditRead("south");
    Replica replica(logs.log(), logs.folder / "first");
    Sign(replica);
    kept_root = replica.store->PendingRoot();
    kept_size = replica.store->size();
    logs.WriteSamples("north", 6);
    logs.WriteAccess("north", "organizations/north/patients/p");
    Sign(replica);
    logs.CloseWriters();
  }

  void Sign(Replica& replica) {
    ASSERT_TRUE(replica.fold.CatchUp().ok());
    logs.SequenceAll(replica.fold);
    ASSERT_TRUE(replica.fold.CatchUp().ok());
    logs.Sign(replica.store->size(), replica.store->PendingRoot());
  }

  VerifyOptions Options() {
    return {.log = &logs.log(),
            .check_files = [this] { return logs.log().VerifyChecksums(); },
            .tree_path = "/tree",
            .salt_key = TestLogs::SaltKey(),
            .scratch = "/scratch",
            .env = memory.get()};
  }

  // Audit's store as it should be, in memory.
  void MakeTree() {
    rocksdb::Options options;
    options.env = memory.get();
    ASSERT_TRUE(rocksdb::DestroyDB("/tree", options).ok());
    Replica replica(logs.log(), "/tree", memory.get());
    ASSERT_TRUE(replica.fold.CatchUp().ok());
    content = replica.store->ContentHash().value();
  }
  std::string TreeContent() {
    return AuditStore::Open({.path = "/tree", .env = memory.get()}).value()->ContentHash().value();
  }

  static ServiceStore StoreOf(const Domain& domain, const std::string& path, int partitions = log::kPartitions) {
    return {.domain = &domain, .path = path, .partitions = partitions};
  }

  std::unique_ptr<rocksdb::Env> memory;
  TestLogs logs;
  std::string content, kept_root;
  uint64_t kept_size = 0;
};

TEST_F(VerifyTest, FindsNothingWhereNothingWasTouched) {
  MakeTree();
  VerifyOptions options = Options();
  options.services = {StoreOf(auth::AuthDomain(), logs.folder / "auth"),
                      StoreOf(inventory::InventoryDomain(), logs.folder / "inventory"),
                      StoreOf(AuditDomain(), logs.folder / "audit-choices", 1)};
  std::vector<std::string> steps;
  options.progress = [&](std::string_view step, uint64_t) { steps.emplace_back(step); };
  const auto report = Verify(options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->leaves, 6u + 9u + 1u + 7u + 1u);
  EXPECT_EQ(report->signed_size, report->leaves);
  EXPECT_EQ(report->services, 3);
  EXPECT_THAT(steps, ::testing::Contains("the store of inventory"));
}

TEST_F(VerifyTest, FindsEveryChangeOfAuditsStore) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(Cat("seed ", seed));
  std::mt19937 random(seed);
  rocksdb::Options raw;
  raw.env = memory.get();
  int found = 0;
  constexpr int kCases = 250;
  for (int i = 0; i < kCases; ++i) {
    MakeTree();
    std::string what;
    {
      RawDatabase database("/tree", raw);
      const auto all = database.All();
      const auto& place = all[random() % all.size()];
      what = Cat(place.family->GetName(), " ", i);
      if (place.value.empty() || random() % 8 == 0) {
        database.Delete(place);
      } else {
        database.Put(place, WithFlippedBit(place.value, random));
      }
    }
    const auto report = Verify(Options());
    found += !report.ok();
    if (!report.ok()) {
      EXPECT_TRUE(absl::IsDataLoss(report.status())) << what << ": " << report.status();
    } else {
      // Lost fold positions may be made good from the log; nothing else may pass.
      EXPECT_EQ(TreeContent(), content) << what;
    }
  }
  EXPECT_GE(found, kCases * 9 / 10);
}

TEST_F(VerifyTest, FindsEveryFlippedBitOfARecord) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(Cat("seed ", seed));
  std::mt19937 random(seed);
  MakeTree();
  const std::string path = logs.folder / "log";
  const rocksdb::Options raw;
  for (int i = 0; i < 120; ++i) {
    logs.CloseLog();
    RawDatabase::Place changed;
    {
      RawDatabase database(path, raw);
      std::vector<RawDatabase::Place> records;
      for (const auto& place : database.All()) {
        event::v1::LogRecord record;
        if (record.ParseFromString(place.value) && record.has_data()) records.push_back(place);
      }
      changed = records[random() % records.size()];
      database.Put(changed, WithFlippedBit(changed.value, random));
    }
    logs.OpenLog();
    const auto report = Verify(Options());
    EXPECT_FALSE(report.ok()) << "case " << i;
    logs.CloseLog();
    {
      RawDatabase database(path, raw);
      database.Put({database.All().front().family, changed.key, ""}, changed.value);
    }
    logs.OpenLog();
  }
  EXPECT_TRUE(Verify(Options()).ok());
}

TEST_F(VerifyTest, FindsAStoreThatIsNotWhatItsLogGives) {
  MakeTree();
  {
    RawDatabase database(logs.folder / "inventory", {});
    for (const auto& place : database.All()) {
      if (place.family->GetName() != "counts") continue;
      database.Delete(place);
      break;
    }
  }
  VerifyOptions options = Options();
  options.services = {StoreOf(auth::AuthDomain(), logs.folder / "auth"),
                      StoreOf(inventory::InventoryDomain(), logs.folder / "inventory")};
  const auto report = Verify(options);
  EXPECT_EQ(ReasonOf(report.status()), "STORE_DIFFERS");
  EXPECT_THAT(std::string(report.status().message()), ::testing::HasSubstr("counts"));
}

TEST_F(VerifyTest, AKeptCheckpointBindsTheLogs) {
  MakeTree();
  const auto signer =
      sealing::NoteSigner::FromSeed("trialog.test/audit", *sealing::SecretKey::FromBytes(std::string(32, 'k'))).value();
  const auto stranger =
      sealing::NoteSigner::FromSeed("trialog.test/audit", *sealing::SecretKey::FromBytes(std::string(32, 'z'))).value();
  VerifyOptions options = Options();
  options.verifiers = {signer.verifier()};
  const auto verify = [&](const Checkpoint& checkpoint, const sealing::NoteSigner& by) {
    options.kept_checkpoints = {sealing::SignNote(CheckpointText(checkpoint), {&by}).value()};
    return ReasonOf(Verify(options).status());
  };
  EXPECT_EQ(verify({"trialog.test/audit", kept_size, kept_root, {}}, signer), "");
  EXPECT_EQ(verify({"trialog.test/audit", kept_size, std::string(32, 'x'), {}}, signer), "KEPT_CHECKPOINT_DIFFERS");
  EXPECT_EQ(verify({"trialog.test/audit", 1000, kept_root, {}}, signer), "KEPT_CHECKPOINT_DIFFERS");
  EXPECT_EQ(verify({"trialog.test/audit", kept_size, kept_root, {}}, stranger), "NOTE_UNVERIFIED");
}

}  // namespace
}  // namespace trialog::audit
