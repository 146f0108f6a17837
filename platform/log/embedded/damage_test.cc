// Bytes that changed on the disk: the start or the read is refused, by name; nothing acknowledged vanishes in silence.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/errors/errors.h"
#include "platform/log/continuity.h"
#include "platform/log/embedded/embedded_log.h"
#include "platform/log/testing/log_client.h"
#include "platform/log/testing/power_cut_fs.h"
#include "platform/text/text.h"

namespace trialog::log {
namespace {

using rocksdb::IOOptions;
using testing::AppendNow;
using ::testing::HasSubstr;
using testing::PowerCutFileSystem;
using testing::PowerCutInMemory;
using testing::ReadWhole;

constexpr char kTopic[] = "trialog.audit.log";
using Disk = std::map<std::string, std::string>;  // Bytes by file name.

absl::StatusOr<std::unique_ptr<EmbeddedLog>> Open(const std::shared_ptr<PowerCutFileSystem>& files) {
  return EmbeddedLog::Open({.path = "/log", .file_system = files, .min_free_bytes = 0, .compress = false});
}

Disk Snapshot(PowerCutFileSystem& files) {
  Disk disk;
  std::vector<std::string> names;
  EXPECT_TRUE(files.GetChildren("/log", IOOptions(), &names, nullptr).ok());
  for (const std::string& name : names) {
    if (name == "LOCK" || name == "IN_USE") continue;  // Hold nothing; in memory they cannot be read.
    EXPECT_TRUE(rocksdb::ReadFileToString(&files, Cat("/log/", name), &disk[name]).ok()) << name;
  }
  return disk;
}

std::shared_ptr<PowerCutFileSystem> Restore(const Disk& disk) {
  auto files = PowerCutInMemory();
  EXPECT_TRUE(files->CreateDirIfMissing("/log", IOOptions(), nullptr).ok());
  for (const auto& [name, bytes] : disk) {
    EXPECT_TRUE(rocksdb::WriteStringToFile(files.get(), bytes, Cat("/log/", name), true).ok());
  }
  return files;
}

// The newest file with this suffix that holds anything.
std::string NewestFile(const Disk& disk, std::string_view suffix) {
  std::string found;
  for (const auto& [name, bytes] : disk) {
    if (name.size() == 6 + suffix.size() && name.substr(6) == suffix && !bytes.empty()) found = name;
  }
  EXPECT_NE(found, "");
  return found;
}

std::string Record(int i) { return Cat("record ", i, std::string(40, '.')); }

// A disk with one WAL of `count` records, each synced by itself, from offset `from` on.
Disk WalOf(int count, Disk disk = {}) {
  const auto files = Restore(disk);
  auto log = Open(files);
  EXPECT_TRUE(log.ok()) << log.status();
  auto appender = (*log)->NewAppender(kTopic, 0);
  const int64_t end = *(*log)->EndOffset(kTopic, 0);
  for (int i = 0; i < count; ++i) {
    EXPECT_TRUE(AppendNow(*appender, {Record(static_cast<int>(end) + i)}).front().status.ok());
  }
  *log = nullptr;
  return Snapshot(*files);
}

// Number of records, which are the first ones.
int CountIntact(EmbeddedLog& log) {
  auto records = ReadWhole(log, kTopic, 0);
  EXPECT_TRUE(records.ok()) << records.status();
  int count = 0;
  for (const StoredRecord& record : *records) EXPECT_EQ(record.bytes, Record(count++));
  return count;
}

TEST(EmbeddedLogDamage, FlippedByteBeforeTheEndOfAWalStopsTheStartNamingFileAndByte) {
  constexpr int kRecords = 40;
  const Disk disk = WalOf(kRecords);
  const std::string wal = NewestFile(disk, ".log");
  const size_t last = disk.at(wal).rfind("record ");  // A wrong length there reads like a torn tail.
  int refused = 0;
  for (size_t at = 0; at < disk.at(wal).size(); at += 5) {
    Disk damaged = disk;
    damaged[wal][at] ^= static_cast<char>(1 << at % 8);
    auto log = Open(Restore(damaged));
    if (log.ok()) {
      ASSERT_GE(CountIntact(**log), kRecords - 1) << "byte " << at;
      ASSERT_GT(at, last - 100) << "byte " << at;
      ASSERT_EQ(ReasonOf(CheckNotBehind(**log, kTopic, 0, kRecords)), "LOG_ENDS_BEFORE_STORE") << "byte " << at;
    } else {
      ASSERT_EQ(log.status().code(), absl::StatusCode::kDataLoss) << log.status();
      ASSERT_EQ(ReasonOf(log.status()), "LOG_DAMAGED");
      ASSERT_THAT(std::string(log.status().message()), HasSubstr(Cat("/log/", wal, " is damaged at byte ")));
      ++refused;
    }
  }
  EXPECT_GT(refused, 700);
}

TEST(EmbeddedLogDamage, DamagedLengthInTheLastBlockIsNotTakenForATornTail) {
  Disk disk = WalOf(40);
  std::string& wal = disk[NewestFile(disk, ".log")];
  wal[5] = '\x7f';  // High byte of the first length: the record seems to reach beyond the end of the file.
  EXPECT_EQ(ReasonOf(Open(Restore(disk)).status()), "LOG_DAMAGED");
}

TEST(EmbeddedLogDamage, SectorThatWasNeverWrittenInTheLastRecordIsATornTail) {
  Disk disk;
  {
    const auto files = PowerCutInMemory();
    auto log = Open(files);
    ASSERT_TRUE(log.ok());
    auto appender = (*log)->NewAppender(kTopic, 0);
    ASSERT_TRUE(AppendNow(*appender, {Record(0)}).front().status.ok());
    ASSERT_TRUE(AppendNow(*appender, {std::string(5000, 'x')}).front().status.ok());
    *log = nullptr;
    disk = Snapshot(*files);
  }
  disk[NewestFile(disk, ".log")].replace(1024, 512, 512, '\0');
  auto log = Open(Restore(disk));
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_EQ(CountIntact(**log), 1);
}

TEST(EmbeddedLogDamage, RecordsThatSpanBlocksAreCheckedToo) {
  Disk disk;
  {
    const auto files = PowerCutInMemory();
    auto log = Open(files);
    ASSERT_TRUE(log.ok());
    auto appender = (*log)->NewAppender(kTopic, 0);
    for (int i = 0; i < 5; ++i) {
      ASSERT_TRUE(AppendNow(*appender, {std::string(100'000, static_cast<char>('a' + i))}).front().status.ok());
    }
    *log = nullptr;
    disk = Snapshot(*files);
  }
  EXPECT_TRUE(Open(Restore(disk)).ok());
  const std::string wal = NewestFile(disk, ".log");
  for (const size_t at : {10, 32768, 32775, 99'000, 150'000, 300'000, 390'000}) {
    Disk damaged = disk;
    damaged[wal][at] ^= 0x10;
    EXPECT_EQ(ReasonOf(Open(Restore(damaged)).status()), "LOG_DAMAGED") << "byte " << at;
  }
  for (const size_t size :
       {490'000, 480'000, 450'000, 401'000}) {  // Torn within the last record: it was not acknowledged.
    Disk torn = disk;
    torn[wal].resize(size);
    auto log = Open(Restore(torn));
    ASSERT_TRUE(log.ok()) << log.status();
    EXPECT_EQ(*(*log)->EndOffset(kTopic, 0), 4) << size;
  }
}

TEST(EmbeddedLogDamage, RecordCutShortAtTheEndIsDroppedOnlyIfNoStoreHasFoldedIt) {
  const Disk disk = WalOf(10);
  const std::string wal = NewestFile(disk, ".log");
  for (size_t size = 0; size < disk.at(wal).size(); ++size) {
    Disk torn = disk;
    torn[wal].resize(size);
    auto log = Open(Restore(torn));
    ASSERT_TRUE(log.ok()) << size << ": " << log.status();
    const int kept = CountIntact(**log);
    ASSERT_LT(kept, 10) << size;
    ASSERT_TRUE(CheckNotBehind(**log, kTopic, 0, kept).ok());
    ASSERT_EQ(ReasonOf(CheckNotBehind(**log, kTopic, 0, kept + 1)), "LOG_ENDS_BEFORE_STORE");
  }
}

TEST(EmbeddedLogDamage, OlderWalThatLostItsEndStopsTheStart) {
  Disk disk = WalOf(20);
  const std::string older = NewestFile(disk, ".log");
  const Disk later = WalOf(20, disk);
  const std::string newer = NewestFile(later, ".log");
  ASSERT_LT(older, newer);
  disk[newer] = later.at(newer);  // Both WALs alive, as when the power goes before a flush has ended.
  {
    auto log = Open(Restore(disk));
    ASSERT_TRUE(log.ok()) << log.status();
    EXPECT_EQ(CountIntact(**log), 40);
  }
  disk[older].resize(disk[older].size() - 5);
  const absl::Status refused = Open(Restore(disk)).status();
  EXPECT_EQ(ReasonOf(refused), "LOG_DAMAGED");
  EXPECT_THAT(std::string(refused.message()), HasSubstr(Cat(kTopic, " partition 0 offset 19 is missing")));
  disk.erase(older);
  EXPECT_EQ(ReasonOf(Open(Restore(disk)).status()), "LOG_DAMAGED");
}

TEST(EmbeddedLogDamage, DamagedTableStopsItsPartitionAtTheReadAndNoOther) {
  Disk disk;
  {
    const auto files = PowerCutInMemory();
    auto log = Open(files);
    ASSERT_TRUE(log.ok());
    for (int partition = 0; partition < 2; ++partition) {
      auto appender = (*log)->NewAppender(kTopic, partition);
      for (int i = 0; i < 200; ++i) {
        ASSERT_TRUE(AppendNow(*appender, {Cat("partition ", partition, std::string(1000, '.'))}).front().status.ok());
      }
    }
    *log = nullptr;
    ASSERT_TRUE(Open(files).ok());  // A restart moves what the WAL held into a table.
    disk = Snapshot(*files);
  }
  const std::string table = NewestFile(disk, ".sst");
  disk[table][disk[table].find("partition 0") + 100'000] ^= 1;

  auto log = Open(Restore(disk));
  ASSERT_TRUE(log.ok()) << log.status();
  const absl::Status damaged = ReadWhole(**log, kTopic, 0).status();
  EXPECT_EQ(damaged.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ReasonOf(damaged), "LOG_DAMAGED");
  EXPECT_THAT(std::string(damaged.message()), HasSubstr(Cat(kTopic, " partition 0 offset ")));
  EXPECT_THAT(std::string(damaged.message()), HasSubstr(table));
  EXPECT_EQ(ReadWhole(**log, kTopic, 1)->size(), 200u);
  EXPECT_EQ(AppendNow(*(*log)->NewAppender(kTopic, 1), {"goes on"}).front().offset, 200);

  const absl::Status verified = (*log)->VerifyChecksums();
  EXPECT_EQ(ReasonOf(verified), "LOG_DAMAGED");
  EXPECT_THAT(std::string(verified.message()), HasSubstr(table));
}

}  // namespace
}  // namespace trialog::log
