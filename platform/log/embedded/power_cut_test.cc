// Whatever moment the power goes at, each acknowledged record is there afterwards, at its offset.
#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "platform/log/embedded/embedded_log.h"
#include "platform/log/testing/log_client.h"
#include "platform/log/testing/power_cut_fs.h"
#include "platform/text/text.h"

namespace trialog::log {
namespace {

using testing::AppendNow;
using testing::PowerCutFileSystem;
using testing::PowerCutInMemory;
using testing::ReadWhole;

constexpr char kTopic[] = "trialog.trials.log";
using Acknowledged = std::map<int64_t, std::string>;

absl::StatusOr<std::unique_ptr<EmbeddedLog>> Open(const std::shared_ptr<PowerCutFileSystem>& files) {
  return EmbeddedLog::Open({.path = "/log", .file_system = files, .min_free_bytes = 0});
}

// Appends groups of one to four records until one fails or `groups` are done.
void AppendUntilFailure(EmbeddedLog& log, int partition, uint64_t seed, int groups, Acknowledged& acknowledged) {
  std::mt19937_64 random(seed);
  auto appender = log.NewAppender(kTopic, partition);
  for (int group = 0; group < groups; ++group) {
    std::vector<std::string> records;
    for (size_t i = 0; i <= random() % 4; ++i)
      records.push_back(Cat(seed, ".", group, ".", i, std::string(random() % 3000, '.')));
    const std::vector<Report> reports = AppendNow(*appender, records);
    for (size_t i = 0; i < records.size(); ++i) {
      if (!reports[i].status.ok()) return;
      acknowledged[reports[i].offset] = records[i];
    }
  }
}

::testing::AssertionResult HoldsAll(EmbeddedLog& log, int partition, const Acknowledged& acknowledged) {
  auto records = ReadWhole(log, kTopic, partition);
  if (!records.ok()) return ::testing::AssertionFailure() << records.status();
  for (const auto& [offset, bytes] : acknowledged) {
    if (offset >= static_cast<int64_t>(records->size()))
      return ::testing::AssertionFailure() << "lost offset " << offset;
    if ((*records)[offset].bytes != bytes) return ::testing::AssertionFailure() << "other bytes at offset " << offset;
  }
  return ::testing::AssertionSuccess();
}

// Cuts at operation `cut` of a first life, restarts with whole power, and checks.
void CutOnce(int64_t cut, std::optional<uint64_t> torn_seed) {
  SCOPED_TRACE(Cat("cut after ", cut, " operations, torn seed ", torn_seed.value_or(0)));
  const auto files = PowerCutInMemory(torn_seed);
  Acknowledged acknowledged;
  files->CutPowerAfter(cut);
  if (auto log = Open(files); log.ok()) AppendUntilFailure(**log, 0, 1, 20, acknowledged);
  files->RestorePower();
  auto log = Open(files);
  ASSERT_TRUE(log.ok()) << log.status();
  ASSERT_TRUE(HoldsAll(**log, 0, acknowledged));
  AppendUntilFailure(**log, 0, 2, 3, acknowledged);
  ASSERT_GE(acknowledged.size(), 3u);
  ASSERT_TRUE(HoldsAll(**log, 0, acknowledged));
}

TEST(EmbeddedLogPowerCut, KeepsAcknowledgedRecordsAtEveryCutPoint) {
  const auto files = PowerCutInMemory();
  Acknowledged acknowledged;
  {
    auto log = Open(files);
    ASSERT_TRUE(log.ok()) << log.status();
    AppendUntilFailure(**log, 0, 1, 20, acknowledged);
  }
  const int64_t operations = files->Operations();
  ASSERT_GT(operations, 40);
  for (int64_t cut = 0; cut <= operations; ++cut) {
    ASSERT_NO_FATAL_FAILURE(CutOnce(cut, std::nullopt));
    ASSERT_NO_FATAL_FAILURE(CutOnce(cut, static_cast<uint64_t>(cut) + 1));
  }
}

TEST(EmbeddedLogPowerCut, KeepsAcknowledgedRecordsOfConcurrentAppendersOverManyCuts) {
  constexpr int kPartitionsUsed = 3;
  int cuts = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(Cat("seed ", seed));
    std::mt19937_64 random(seed);
    const auto files = PowerCutInMemory(seed % 2 ? std::optional(seed) : std::nullopt);
    std::vector<Acknowledged> acknowledged(kPartitionsUsed);
    for (int life = 0; life < 5; ++life) {
      files->CutPowerAfter(static_cast<int64_t>(random() % 150));
      auto log = Open(files);
      if (log.ok()) {
        for (int p = 0; p < kPartitionsUsed; ++p) ASSERT_TRUE(HoldsAll(**log, p, acknowledged[p]));
        std::vector<std::thread> threads;
        for (int p = 0; p < kPartitionsUsed; ++p) {
          threads.emplace_back(AppendUntilFailure, std::ref(**log), p, random(), 60, std::ref(acknowledged[p]));
        }
        for (std::thread& thread : threads) thread.join();
        *log = nullptr;
      } else {
        ASSERT_TRUE(files->PowerIsCut()) << log.status();
      }
      cuts += files->PowerIsCut();
      files->RestorePower();
    }
    auto log = Open(files);
    ASSERT_TRUE(log.ok()) << log.status();
    for (int p = 0; p < kPartitionsUsed; ++p) ASSERT_TRUE(HoldsAll(**log, p, acknowledged[p]));
  }
  EXPECT_GT(cuts, 120);
}

}  // namespace
}  // namespace trialog::log
