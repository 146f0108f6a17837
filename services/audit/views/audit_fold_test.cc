#include "services/audit/views/audit_fold.h"

#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/command/fold.h"
#include "platform/errors/errors.h"
#include "platform/log/testing/power_cut_fs.h"
#include "platform/log/wrapped_log.h"
#include "platform/view/times.h"
#include "rocksdb/env.h"
#include "services/audit/domain/leaf.h"
#include "services/audit/tree/proof.h"
#include "services/audit/views/test_logs.h"

namespace trialog::audit {
namespace {

std::string Root(const AuditStore& store) {
  TileHashReader reader = store.Hashes(store.size());
  return RootAt(store.size(), reader).value();
}

class AuditFoldTest : public ::testing::Test {
 protected:
  void Write() {
    logs.WriteUsers("north", 3);
    logs.WriteSamples("north", 20);
    logs.WriteSamples("south", 10);
    logs.WriteAccess("south", "organizations/south/patients/p");
  }
  // Sequences, folds and signs what is there.
  void FoldAndSign(Replica& replica) {
    ASSERT_TRUE(replica.fold.CatchUp().ok());
    logs.SequenceAll(replica.fold);
    ASSERT_TRUE(replica.fold.CatchUp().ok());
    logs.Sign(replica.store->size(), replica.store->PendingRoot());
    ASSERT_TRUE(replica.fold.CatchUp().ok());
  }
  TestLogs logs;
};

TEST_F(AuditFoldTest, EveryEventOfEveryServiceIsALeafThatCanBeProven) {
  Write();
  Replica replica(logs.log(), logs.folder / "tree");
  FoldAndSign(replica);
  // 3 commands of two events; a biobank each and 30 samples; an access.
  ASSERT_EQ(replica.store->size(), 6u + 32u + 1u);
  const v1::Checkpoint checkpoint = replica.store->Checkpoint(0).value();
  EXPECT_EQ(checkpoint.tree_size(), replica.store->size());
  TileHashReader hashes = replica.store->Hashes(checkpoint.tree_size());
  for (uint64_t i = 0; i < replica.store->size(); ++i) {
    const v1::AuditEntry entry = replica.store->Entry(i).value();
    EXPECT_TRUE(MaterialHolds(entry));
    const auto proof = InclusionProof(i, checkpoint.tree_size(), hashes).value();
    EXPECT_TRUE(VerifyInclusion(i, checkpoint.tree_size(), HashLeaf(entry.material().leaf()), checkpoint.root(), proof))
        << i;
    EXPECT_EQ(replica.store->Find(entry.content().event_id()).value(), i);
    const auto& place = entry.content().source_position();
    EXPECT_TRUE(replica.store->Record(entry.content().source(), place.partition(), place.offset()).ok());
  }
}

TEST_F(AuditFoldTest, EachSignedStateBeginsWithTheOneBefore) {
  Replica replica(logs.log(), logs.folder / "tree");
  std::vector<v1::Checkpoint> signed_states;
  for (int round = 0; round < 5; ++round) {
    Write();
    FoldAndSign(replica);
    signed_states.push_back(replica.store->Checkpoint(0).value());
  }
  for (const auto& from : signed_states) {
    for (const auto& to : signed_states) {
      if (from.tree_size() > to.tree_size()) continue;
      TileHashReader hashes = replica.store->Hashes(to.tree_size());
      const auto proof = ConsistencyProof(from.tree_size(), to.tree_size(), hashes).value();
      EXPECT_TRUE(VerifyConsistency(from.tree_size(), to.tree_size(), from.root(), to.root(), proof));
    }
  }
}

TEST_F(AuditFoldTest, ReadsOfTheAuditLogAreLeavesAndAuditsChoicesAreNot) {
  Replica replica(logs.log(), logs.folder / "tree");
  logs.WriteAuditRead("north");
  FoldAndSign(replica);
  ASSERT_EQ(replica.store->size(), 1u);
  EXPECT_EQ(replica.store->Entry(0)->content().source(), "audit");
  EXPECT_EQ(replica.store->Entry(0)->content().type(), "trialog.event.v1.Access");
}

TEST_F(AuditFoldTest, AStoreRebuiltFromTheLogsAloneIsEqualByteForByte) {
  Replica replica(logs.log(), logs.folder / "tree");
  for (int round = 0; round < 3; ++round) {
    Write();
    FoldAndSign(replica);
    logs.WriteAuditRead("south");
  }
  ASSERT_TRUE(replica.fold.CatchUp().ok());
  Replica rebuilt(logs.log(), logs.folder / "rebuilt", nullptr, 1);
  ASSERT_TRUE(rebuilt.fold.CatchUp().ok());
  EXPECT_EQ(AuditStore::FirstDifference(*replica.store, *rebuilt.store).value(), "");
  EXPECT_EQ(replica.store->ContentHash().value(), rebuilt.store->ContentHash().value());
}

TEST_F(AuditFoldTest, ARootThatIsNotTheTreesStopsTheFold) {
  Write();
  Replica replica(logs.log(), logs.folder / "tree");
  logs.SequenceAll(replica.fold);
  ASSERT_TRUE(replica.fold.CatchUp().ok());
  logs.Sign(replica.store->size() - 1, std::string(32, 'x'));
  EXPECT_EQ(ReasonOf(replica.fold.CatchUp()), "CHECKPOINT_CONFLICT");
  EXPECT_EQ(ReasonOf(replica.fold.CatchUp()), "CHECKPOINT_CONFLICT");
  EXPECT_TRUE(absl::IsNotFound(replica.store->Checkpoint(0).status()));
}

TEST_F(AuditFoldTest, ASaltKeyThatIsNotTheOneOfTheTreeStopsARebuild) {
  Write();
  Replica replica(logs.log(), logs.folder / "tree");
  FoldAndSign(replica);
  auto store = AuditStore::Open({.path = logs.folder / "other"}).value();
  AuditFold fold(logs.log(), *store, *sealing::SecretKey::FromBytes(std::string(32, 'o')));
  EXPECT_EQ(ReasonOf(fold.CatchUp()), "CHECKPOINT_CONFLICT");
}

TEST_F(AuditFoldTest, ListsAreLatestFirstAndKeepToTheirOrganisationValueAndTime) {
  Write();
  Replica replica(logs.log(), logs.folder / "tree");
  FoldAndSign(replica);
  const auto count = [&](ListQuery query) { return replica.store->List(query)->size(); };
  EXPECT_EQ(count({.organization = "north"}), 6u + 21u);
  EXPECT_EQ(count({.organization = "south"}), 11u + 1u);
  EXPECT_EQ(count({.organization = "nor"}), 0u);
  EXPECT_EQ(count({.by = ListBy::kType, .organization = "south", .value = "trialog.inventory.v1.SampleCreated"}), 10u);
  EXPECT_EQ(count({.by = ListBy::kAction, .organization = "north", .value = "CreateUser"}), 6u);
  EXPECT_EQ(count({.by = ListBy::kActor, .organization = "north", .value = "organizations/north/users/mia"}), 27u);
  EXPECT_EQ(count({.by = ListBy::kSubject, .organization = "south", .value = "organizations/south/patients/p"}), 1u);
  EXPECT_EQ(count({.by = ListBy::kSubject, .organization = "south", .value = "organizations/south/patients"}), 0u);
  EXPECT_EQ(count({.organization = "north", .end = absl::UnixEpoch()}), 0u);

  ListQuery page{.organization = "north", .limit = 5};
  std::vector<uint64_t> walked;
  absl::Time last = absl::InfiniteFuture();
  for (auto listed = *replica.store->List(page); !listed.empty(); listed = *replica.store->List(page)) {
    for (const ListedEntry& found : listed) {
      walked.push_back(found.tree_index);
      const absl::Time time = FromProto(replica.store->Entry(found.tree_index)->content().record_time());
      EXPECT_LE(time, last);
      last = time;
      // The same instant as both bounds leaves just what was recorded then.
      EXPECT_GE(count({.organization = "north", .start = time, .end = time + absl::Microseconds(1)}), 1u);
      page.after = found.place;
    }
  }
  EXPECT_EQ(walked.size(), 27u);
  EXPECT_EQ(std::set<uint64_t>(walked.begin(), walked.end()).size(), 27u);
}

// A log whose reads fail from some point on: what a process that is killed there sees of it, or one whose log is away.
class LogThatFails final : public log::WrappedLog {
 public:
  LogThatFails(log::Log& log, uint64_t reads) : WrappedLog(log), reads_(reads) {}
  void FailAfter(uint64_t reads) { reads_ = reads; }
  absl::StatusOr<std::vector<log::StoredRecord>> Read(const std::string& topic, int partition, int64_t from,
                                                      size_t max_bytes) override {
    if (reads_ == 0) return absl::UnavailableError("killed");
    --reads_;
    return WrappedLog::Read(topic, partition, from, std::min<size_t>(max_bytes, 50'000));
  }

 private:
  uint64_t reads_;
};

// As a broker tells of it that was paused, and does not know yet that it leads no more.
class LogOfAFormerLeader final : public log::WrappedLog {
 public:
  LogOfAFormerLeader(log::Log& log, std::string topic) : WrappedLog(log), topic_(std::move(topic)) {}
  void StandStill() {
    for (int p = 0; p < log::kPartitions; ++p) ends_.push_back(target_.EndOffset(topic_, p).value());
  }
  void Learn() { ends_.clear(); }
  absl::StatusOr<int64_t> EndOffset(const std::string& topic, int partition) override {
    return topic == topic_ && !ends_.empty() ? ends_[partition] : WrappedLog::EndOffset(topic, partition);
  }
  absl::StatusOr<std::vector<log::StoredRecord>> Read(const std::string& topic, int partition, int64_t from,
                                                      size_t max_bytes) override {
    auto records = WrappedLog::Read(topic, partition, from, max_bytes);
    if (records.ok() && topic == topic_ && !ends_.empty()) {
      std::erase_if(*records, [&](const auto& record) { return record.offset >= ends_[partition]; });
    }
    return records;
  }

 private:
  const std::string topic_;
  std::vector<int64_t> ends_;
};

TEST_F(AuditFoldTest, AnEndThatIsOutOfDateIsWaitedOut) {
  Write();
  Replica replica(logs.log(), logs.folder / "tree");
  LogOfAFormerLeader late(logs.log(), "inventory");
  Replica other(late, logs.folder / "other");
  FoldAndSign(replica);
  ASSERT_TRUE(other.fold.CatchUp().ok());
  late.StandStill();
  Write();
  FoldAndSign(replica);
  for (int tries = 0; tries < 3; ++tries) {
    const absl::Status early = other.fold.CatchUp();
    EXPECT_TRUE(IsPassing(early)) << early;
    EXPECT_EQ(ReasonOf(early), kSourceEndsEarly);
    ASSERT_TRUE(other.fold.Restart().ok());
  }
  late.Learn();
  ASSERT_TRUE(other.fold.CatchUp().ok());
  EXPECT_EQ(Root(*other.store), Root(*replica.store));
}

// Folds of 10,000 events that are disturbed, beside one that was not.
class DisturbedFold : public AuditFoldTest {
 protected:
  void SetUp() override {
    logs.WriteUsers("north", 1000);
    logs.WriteSamples("south", 5000);
    logs.WriteSamples("north", 3000);
    logs.SequenceAll(undisturbed.fold, 1000);
    ASSERT_TRUE(undisturbed.fold.CatchUp().ok());
    logs.WriteAuditRead("north");
    FoldAndSign(undisturbed);
    ASSERT_GT(undisturbed.store->size(), 10'000u);
  }
  void ExpectUndisturbed(const AuditStore& store) {
    EXPECT_EQ(Root(store), Root(*undisturbed.store));
    EXPECT_EQ(AuditStore::FirstDifference(store, *undisturbed.store).value(), "");
    EXPECT_EQ(store.ContentHash().value(), undisturbed.store->ContentHash().value());
  }
  const uint32_t seed = std::random_device()();
  const ::testing::ScopedTrace trace{__FILE__, __LINE__, Cat("seed ", seed)};
  std::mt19937 random{seed};
  const std::shared_ptr<trialog::testing::PowerCutFileSystem> files = trialog::testing::PowerCutInMemory(seed);
  const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(files);
  const std::unique_ptr<Executor> writer = RealRuntime().NewExecutor("write");
  Replica undisturbed{logs.log(), logs.folder / "tree"};
};

// Kills and power cuts in the middle: each time the fold goes on from what the store kept.
TEST_F(DisturbedFold, CutAtAnyPointGoesOnToTheSameTree) {
  std::set<uint64_t> sizes;
  for (int cut = 0; cut < 60; ++cut) {
    auto store = AuditStore::Open({.path = "/audit", .env = env.get()});
    ASSERT_TRUE(store.ok()) << store.status();
    ASSERT_LE((*store)->size(), undisturbed.store->size());
    sizes.insert((*store)->size());
    const bool power = random() % 2 == 0;
    if (power) files->CutPowerAfter(static_cast<int64_t>(random() % 60));
    LogThatFails log(logs.log(), random() % 6);
    AuditFold fold(log, **store, TestLogs::SaltKey(), 20'000 + random() % 100'000,
                   random() % 2 == 0 ? writer.get() : nullptr);
    (void)fold.CatchUp();
    if (random() % 2 == 0) (void)(*store)->Sync();
    store->reset();
    if (power) files->RestorePower();
  }
  EXPECT_GT(sizes.size(), 5u) << "the cuts hit too few places";
  auto store = AuditStore::Open({.path = "/audit", .env = env.get()}).value();
  AuditFold fold(logs.log(), *store, TestLogs::SaltKey());
  ASSERT_TRUE(fold.CatchUp().ok());
  ExpectUndisturbed(*store);
}

// The disk fills up and the log goes away in the middle: the same fold goes on with the same store, and so does what is
// opened behind it.
TEST_F(DisturbedFold, GoesOnToTheSameTreeAfterErrorsThatPass) {
  auto store = AuditStore::Open({.path = "/audit", .env = env.get()}).value();
  LogThatFails log(logs.log(), 0);
  AuditFold fold(log, *store, TestLogs::SaltKey(), 20'000, writer.get());
  std::set<absl::StatusCode> codes;
  std::set<uint64_t> sizes;
  for (int error = 0; error < 40; ++error) {
    const bool full = random() % 2 == 0;
    if (full) files->FailWritesAfter(static_cast<int64_t>(random() % 8), rocksdb::IOStatus::NoSpace("simulated"));
    log.FailAfter(full ? UINT64_MAX : random() % 4);
    const absl::Status failed = fold.CatchUp();
    if (!failed.ok()) {
      codes.insert(failed.code());
      EXPECT_EQ(fold.CatchUp(), failed);
      const absl::Status restarted = fold.Restart();
      EXPECT_TRUE(restarted.ok() || full) << restarted;
    }
    files->ClearFaults();
    const absl::Status restarted = fold.Restart();
    ASSERT_TRUE(restarted.ok()) << restarted;
    sizes.insert(store->size());
  }
  EXPECT_EQ(codes, (std::set{absl::StatusCode::kUnavailable, absl::StatusCode::kResourceExhausted}));
  EXPECT_GT(sizes.size(), 5u) << "the errors hit too few places";
  log.FailAfter(UINT64_MAX);
  const absl::Status folded = fold.CatchUp();
  ASSERT_TRUE(folded.ok()) << folded;
  ExpectUndisturbed(*store);
  ASSERT_TRUE(store->Sync().ok());
  store.reset();
  files->CutPower();
  files->RestorePower();
  ExpectUndisturbed(*AuditStore::Open({.path = "/audit", .env = env.get()}).value());
}

TEST_F(AuditFoldTest, WhatCannotBeRightIsRefusedAfterARestartToo) {
  Write();
  Replica replica(logs.log(), logs.folder / "tree");
  logs.SequenceAll(replica.fold);
  ASSERT_TRUE(replica.fold.CatchUp().ok());
  logs.Sign(replica.store->size(), std::string(32, 'x'));
  EXPECT_EQ(ReasonOf(replica.fold.CatchUp()), "CHECKPOINT_CONFLICT");
  ASSERT_TRUE(replica.fold.Restart().ok());
  EXPECT_EQ(ReasonOf(replica.fold.CatchUp()), "CHECKPOINT_CONFLICT");
}

}  // namespace
}  // namespace trialog::audit
