// The log in this process: one RocksDB and one write-ahead log for all topics and partitions, so that a group of
// records of any of them costs one fdatasync, and groups that arrive together share one.
//
// Offsets are dense from 0. An OK report always has its offset: the record was synced. Records have no append time.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "platform/log/log.h"
#include "platform/log/wakers.h"
#include "rocksdb/db.h"
#include "rocksdb/file_system.h"

namespace trialog::log {

struct EmbeddedOptions {
  // Folder of its own; made when it is missing.
  std::string path;
  // Null: the machine's. Tests give one that loses power.
  std::shared_ptr<rocksdb::FileSystem> file_system;
  // Below this, Append is refused and reads go on. Leaves room for RocksDB's own files and for a restart.
  uint64_t min_free_bytes = uint64_t{256} << 20;
  // Beside the process that has the log: reads what stood there when it was opened, and appends nothing.
  bool read_only = false;
  // LZ4. Off where tests look for plain text in the files.
  bool compress = true;
};

class EmbeddedLog final : public Log {
 public:
  // Opens or makes the log, and holds it against every other process and object until destroyed; read-only it is
  // neither made nor held.
  // FAILED_PRECONDITION LOG_IN_USE: someone else has it. DATA_LOSS LOG_DAMAGED: a write-ahead log is damaged before its
  // end (the message names file and byte), records are missing behind one, or RocksDB's own files are damaged. A record
  // that a power cut left half written was never acknowledged and is dropped.
  static absl::StatusOr<std::unique_ptr<EmbeddedLog>> Open(EmbeddedOptions options);
  // Appenders and tails may not be used any more.
  ~EmbeddedLog() override;

  // Reads all files against their checksums, for `trialogctl verify`. DATA_LOSS LOG_DAMAGED names the file.
  absl::Status VerifyChecksums();

  // `topic` holds no NUL. Errors of a report, beyond those of the contract:
  // RESOURCE_EXHAUSTED DISK_WATERMARK or DISK_FULL, FAILED_PRECONDITION LOG_READ_ONLY, and INVALID_ARGUMENT
  // RECORD_TOO_LONG (the whole group): nothing was written.
  // UNAVAILABLE LOG_WRITE_FAILED: not known; this appender fails from now on. The next append of any appender tries to
  // recover: the database is opened again, as after a crash, once the disk takes writes.
  std::unique_ptr<Appender> NewAppender(const std::string& topic, int partition) override;
  // DATA_LOSS: LOG_DAMAGED or LOG_RECORD_MISSING, naming topic, partition, offset and, where known, the file.
  absl::StatusOr<std::vector<StoredRecord>> Read(const std::string& topic, int partition, int64_t from,
                                                 size_t max_bytes) override;
  absl::StatusOr<int64_t> EndOffset(const std::string& topic, int partition) override;
  // Woken in the appending thread, after the report.
  std::unique_ptr<Tail> Follow(const std::string& topic, int partition, std::function<void()> wake) override;

 private:
  class GroupAppender;
  class DamageListener;
  // Where a partition ends. Kept apart from the database so that EndOffset never waits for an fdatasync.
  struct Partition {
    static constexpr int64_t kUnknown = -1;
    std::string topic;
    int number = 0;
    std::string prefix;
    absl::Mutex appending;               // One append at a time gives out offsets.
    std::atomic<int64_t> end{kUnknown};  // Unknown until asked for, and again after a failed write or a reopening.
  };

  explicit EmbeddedLog(EmbeddedOptions options);
  absl::Status LockFolder();
  rocksdb::Status OpenRocks(rocksdb::DB** opened);
  absl::Status OpenDatabase() ABSL_EXCLUSIVE_LOCKS_REQUIRED(database_mutex_);
  absl::Status CheckPredecessors(const std::string& file, std::string_view key)
      ABSL_SHARED_LOCKS_REQUIRED(database_mutex_);
  void ForgetEnds();
  absl::Status Recover();
  absl::Status CheckDiskTakesWrites();
  absl::Status CheckWatermark();
  absl::Status ReadyToAppend(const std::vector<std::string>& records);
  Partition& PartitionFor(const std::string& topic, int number);
  absl::StatusOr<int64_t> EndOf(Partition& partition) ABSL_SHARED_LOCKS_REQUIRED(database_mutex_);
  std::vector<Report> AppendGroup(Partition& partition, const std::vector<std::string>& records, bool& failed);
  absl::Status Unavailable() const;

  const EmbeddedOptions options_;
  const std::shared_ptr<rocksdb::FileSystem> files_;
  const std::unique_ptr<rocksdb::Env> env_;
  rocksdb::FileLock* folder_lock_ = nullptr;

  // Shared by every use of the database, exclusive while it is opened again.
  absl::Mutex database_mutex_;
  std::unique_ptr<rocksdb::DB> database_ ABSL_GUARDED_BY(database_mutex_);
  std::atomic<bool> broken_{false};  // A write, flush or compaction failed: open again before the next append.

  absl::Mutex partitions_mutex_;
  std::map<std::pair<std::string, int>, std::unique_ptr<Partition>> partitions_ ABSL_GUARDED_BY(partitions_mutex_);
  Wakers wakers_;
};

}  // namespace trialog::log
