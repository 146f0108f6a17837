// Power cuts under load, of log and store together, and full disks. TRIALOG_SEED changes the first seed.
#include <cstdlib>
#include <iostream>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/inventory/domain/tables.h"
#include "tests/fault/machine.h"

namespace trialog::testing {
namespace {

using ::testing::IsEmpty;

constexpr int kSeeds = 25, kLives = 4;
constexpr absl::Duration kPatience = absl::Minutes(10);

TEST(PowerCut, NeverTakesAnAcknowledgedCommandNorLeavesHalfOfOne) {
  const char* given = std::getenv("TRIALOG_SEED");
  const uint64_t first = given ? std::strtoull(given, nullptr, 10) : 1;
  std::cout << "TRIALOG_SEED=" << first << std::endl;
  int cuts = 0, cuts_at_start = 0;
  int64_t acknowledged = 0;
  for (uint64_t seed = first; seed < first + kSeeds; ++seed) {
    SCOPED_TRACE(Cat("TRIALOG_SEED=", seed));
    SeededRandom random(seed);
    const auto files = PowerCutInMemory(seed % 2 ? std::optional(seed) : std::nullopt);
    Machine machine(seed, files, files);
    for (int life = 0; life < kLives; ++life) {
      files->CutPowerAfter(static_cast<int64_t>(random.Below(220)));
      const absl::Status started = machine.Start();
      if (started.ok()) machine.Serve(150, kPatience);
      ASSERT_TRUE(started.ok() || files->PowerIsCut()) << started;
      cuts += files->PowerIsCut();
      cuts_at_start += !started.ok();
      machine.Stop();
      files->RestorePower();
    }
    const absl::Status started = machine.Start();
    ASSERT_TRUE(started.ok()) << started;
    machine.Serve(60, kPatience);
    ASSERT_TRUE(machine.all_answered()) << machine.last_error();
    ASSERT_THAT(machine.Check(), IsEmpty());
    acknowledged += machine.acknowledged();
  }
  std::cout << cuts << " cuts, " << cuts_at_start << " of them before the process served; " << acknowledged
            << " commands acknowledged" << std::endl;
  EXPECT_GE(cuts, 40);
  EXPECT_GE(acknowledged, 500);
}

// Log and store on disks of their own.
class DiskFull : public ::testing::Test {
 protected:
  DiskFull() : log_files_(PowerCutInMemory()), store_files_(PowerCutInMemory()), machine_(7, log_files_, store_files_) {
    SetRoom(1 << 30);
    EXPECT_TRUE(machine_.Start().ok());
    machine_.Serve(40, kPatience);
    EXPECT_TRUE(machine_.all_answered()) << machine_.last_error();
    before_ = machine_.acknowledged();
    EXPECT_GT(before_, 10);
  }
  void SetRoom(uint64_t bytes) {
    log_files_->SetFreeSpace(bytes);
    store_files_->SetFreeSpace(bytes);
  }
  bool CanRead() {
    return machine_.store()
               .partition(Workload::Partition())
               .Find(inventory::kBiobanks, "organizations/simulated/biobanks/main") != nullptr;
  }
  // Nothing was lost, and everything asked meanwhile gets its answer.
  void ExpectRecovered() {
    machine_.Serve(20, kPatience);
    EXPECT_TRUE(machine_.all_answered()) << machine_.last_error();
    EXPECT_GT(machine_.acknowledged(), before_);
    EXPECT_THAT(machine_.Check(), IsEmpty());
  }

  const std::shared_ptr<PowerCutFileSystem> log_files_, store_files_;
  Machine machine_;
  int64_t before_ = 0;
};

TEST_F(DiskFull, OfTheLogIsSaidAndPasses) {
  log_files_->FailWritesAfter(0, rocksdb::IOStatus::NoSpace("simulated"));
  machine_.Serve(20, absl::Seconds(30));
  EXPECT_FALSE(machine_.all_answered());
  EXPECT_EQ(ReasonOf(machine_.last_error()), "DISK_FULL");
  EXPECT_TRUE(absl::IsResourceExhausted(machine_.last_error()));
  EXPECT_TRUE(CanRead());
  log_files_->ClearFaults();
  ExpectRecovered();
}

TEST_F(DiskFull, AboveTheWatermarkIsRefusedWithItsReasonBeforeAnythingIsWritten) {
  SetRoom(1 << 20);
  machine_.Serve(20, absl::Seconds(30));
  EXPECT_FALSE(machine_.all_answered());
  EXPECT_EQ(ReasonOf(machine_.last_error()), "DISK_WATERMARK");
  EXPECT_TRUE(absl::IsResourceExhausted(machine_.last_error()));
  EXPECT_TRUE(CanRead());
  SetRoom(1 << 30);
  ExpectRecovered();
}

TEST_F(DiskFull, OfTheStoreIsSaidAndWhatTheLogHoldsIsFoldedLater) {
  store_files_->FailWritesAfter(0, rocksdb::IOStatus::NoSpace("simulated"));
  store_files_->SetFreeSpace(0);
  machine_.Serve(1'000, absl::Seconds(30));  // More than the store keeps in memory.
  EXPECT_FALSE(machine_.all_answered());
  EXPECT_THAT(machine_.last_error().ToString(), ::testing::HasSubstr("No space"));
  EXPECT_TRUE(CanRead());
  store_files_->ClearFaults();
  store_files_->SetFreeSpace(1 << 30);
  // RocksDB looks every 5 seconds, by the machine's clock, whether there is room again.
  const absl::Time give_up = absl::Now() + absl::Seconds(60);
  while (!machine_.all_answered() && absl::Now() < give_up) {
    machine_.Serve(0, absl::Seconds(1));
    absl::SleepFor(absl::Milliseconds(20));
  }
  ExpectRecovered();
}

}  // namespace
}  // namespace trialog::testing
