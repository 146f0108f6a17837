#include "platform/log/embedded/embedded_log.h"

#include <limits>

#include "platform/disk/probe.h"
#include "platform/disk/watermark.h"
#include "platform/errors/errors.h"
#include "platform/log/embedded/keys.h"
#include "platform/log/embedded/rocks_options.h"
#include "platform/log/embedded/wal_check.h"
#include "platform/text/text.h"
#include "rocksdb/env.h"
#include "rocksdb/listener.h"

namespace trialog::log {
namespace {

using embedded::ParseKey;
using embedded::PartitionPrefix;
using embedded::RecordKey;

constexpr absl::Duration kRetry = absl::Seconds(1);

std::shared_ptr<rocksdb::FileSystem> OrDefault(std::shared_ptr<rocksdb::FileSystem> files) {
  return files ? std::move(files) : rocksdb::FileSystem::Default();
}

// "topic partition 3 offset 17".
std::string Place(std::string_view topic, int partition, int64_t offset) {
  return Cat(topic, " partition ", partition, " offset ", offset);
}

// RocksDB's message names the file and the byte.
absl::Status Damaged(std::string_view place, const rocksdb::Status& status) {
  return Refuse(absl::StatusCode::kDataLoss, kDamaged,
                Cat(place, ": the log is damaged; restore it from a backup: ", status.ToString()));
}

absl::Status FromRead(const rocksdb::Status& status, std::string_view place) {
  if (status.ok()) return absl::OkStatus();
  if (status.IsCorruption() || status.IsNotFound() || status.IsPathNotFound()) return Damaged(place, status);
  return RetryLater(absl::StatusCode::kUnavailable, "LOG_READ_FAILED", Cat(place, ": ", status.ToString()), kRetry);
}

absl::Status WriteFailed(std::string_view detail) {
  return RetryLater(absl::StatusCode::kUnavailable, "LOG_WRITE_FAILED",
                    Cat("the log could not be written; look at its disk: ", detail), kRetry);
}

absl::Status DiskFull() {
  return RetryLater(absl::StatusCode::kResourceExhausted, "DISK_FULL", "the log's disk is full; make room, reads go on",
                    absl::Seconds(10));
}

}  // namespace

// Hears of failures in the background. Damage that compaction meets in an old file is not a reason to refuse writes:
// the partition that needs the file stops when it reads it, and the others go on.
class EmbeddedLog::DamageListener final : public rocksdb::EventListener {
 public:
  explicit DamageListener(std::atomic<bool>& broken) : broken_(broken) {}
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* error) override {
    if (reason == rocksdb::BackgroundErrorReason::kCompaction && error->IsCorruption()) {
      *error = rocksdb::Status::OK();
    } else if (!error->IsShutdownInProgress()) {
      broken_ = true;
    }
  }

 private:
  std::atomic<bool>& broken_;
};

class EmbeddedLog::GroupAppender final : public Appender {
 public:
  GroupAppender(EmbeddedLog& log, Partition& partition) : log_(log), partition_(partition) {}

  void Append(std::vector<std::string> records, std::function<void(std::vector<Report>)> done) override {
    std::vector<Report> reports = log_.AppendGroup(partition_, records, failed_);
    const bool written = !reports.empty() && reports.front().status.ok();
    EmbeddedLog& log = log_;
    const Partition& partition = partition_;
    done(std::move(reports));  // May destroy this appender.
    if (written) log.wakers_.Wake(partition.topic, partition.number);
  }

 private:
  EmbeddedLog& log_;
  Partition& partition_;
  bool failed_ = false;
};

EmbeddedLog::EmbeddedLog(EmbeddedOptions options)
    : options_(std::move(options)), files_(OrDefault(options_.file_system)), env_(rocksdb::NewCompositeEnv(files_)) {}

EmbeddedLog::~EmbeddedLog() {
  {
    absl::MutexLock lock(&database_mutex_);
    if (database_) database_->Close().PermitUncheckedError();  // All that was reported is synced.
    database_ = nullptr;
  }
  if (folder_lock_ != nullptr) files_->UnlockFile(folder_lock_, rocksdb::IOOptions(), nullptr).PermitUncheckedError();
}

absl::StatusOr<std::unique_ptr<EmbeddedLog>> EmbeddedLog::Open(EmbeddedOptions options) {
  std::unique_ptr<EmbeddedLog> log(new EmbeddedLog(std::move(options)));
  if (absl::Status locked = log->options_.read_only ? absl::OkStatus() : log->LockFolder(); !locked.ok()) return locked;
  absl::MutexLock lock(&log->database_mutex_);
  if (absl::Status opened = log->OpenDatabase(); !opened.ok()) return opened;
  return log;
}

// Our own lock, taken before RocksDB's: the WALs are read before RocksDB opens them, and the lock outlives a reopening.
absl::Status EmbeddedLog::LockFolder() {
  const rocksdb::Status made = env_->CreateDirIfMissing(options_.path);
  if (!made.ok())
    return absl::UnavailableError(Cat("cannot make the log's folder ", options_.path, ": ", made.ToString()));
  const rocksdb::Status locked =
      files_->LockFile(Cat(options_.path, "/IN_USE"), rocksdb::IOOptions(), &folder_lock_, nullptr);
  if (locked.ok()) return absl::OkStatus();
  return Refuse(absl::StatusCode::kFailedPrecondition, "LOG_IN_USE",
                Cat("the log in ", options_.path, " is in use by another process; stop it first: ", locked.ToString()));
}

rocksdb::Status EmbeddedLog::OpenRocks(rocksdb::DB** opened) {
  rocksdb::Options options =
      embedded::RocksOptions(env_.get(), options_.compress, std::make_shared<DamageListener>(broken_));
  if (!options_.read_only) return rocksdb::DB::Open(options, options_.path, opened);
  options.create_if_missing = false;
  return rocksdb::DB::OpenForReadOnly(options, options_.path, opened);
}

absl::Status EmbeddedLog::OpenDatabase() {
  // Not of a log that is written to: what looks torn there is being written.
  absl::StatusOr<std::vector<embedded::FirstInWal>> firsts{std::vector<embedded::FirstInWal>()};
  if (!options_.read_only) firsts = embedded::CheckWals(*files_, options_.path);
  if (!firsts.ok()) return firsts.status();

  broken_ = false;
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status = OpenRocks(&opened);
  if (status.IsCorruption()) return Damaged(options_.path, status);
  if (!status.ok()) {
    return RetryLater(absl::StatusCode::kUnavailable, "LOG_OPEN_FAILED", Cat(options_.path, ": ", status.ToString()),
                      kRetry);
  }
  database_.reset(opened);
  ForgetEnds();
  for (const auto& [file, key] : *firsts) {
    if (absl::Status found = CheckPredecessors(file, key); !found.ok()) return found;
  }
  return absl::OkStatus();
}

// What a failed write left in the WAL has come back now.
void EmbeddedLog::ForgetEnds() {
  absl::MutexLock lock(&partitions_mutex_);
  for (auto& [name, partition] : partitions_) partition->end = Partition::kUnknown;
}

// The record before the first one of a WAL must be there; else an earlier WAL lost its end, or is gone.
absl::Status EmbeddedLog::CheckPredecessors(const std::string& file, std::string_view key) {
  const auto place = ParseKey(key);
  if (!place || place->offset == 0) return absl::OkStatus();
  std::string value;
  if (!database_->Get(rocksdb::ReadOptions(), RecordKey(place->prefix, place->offset - 1), &value).IsNotFound()) {
    return absl::OkStatus();
  }
  return Refuse(absl::StatusCode::kDataLoss, kDamaged,
                Cat(Place(place->topic, place->partition, place->offset - 1), " is missing, though ", file,
                    " goes on behind it; restore the log from a backup"));
}

// The one way back after any failure: as after a crash. RocksDB's Resume covers only some failures, and leaves a WAL
// that could not be synced in use. Until the disk takes writes again the old database stays open, so that reads go on.
absl::Status EmbeddedLog::Recover() {
  absl::MutexLock lock(&database_mutex_);
  if (!broken_) return absl::OkStatus();
  if (database_) {
    if (absl::Status writable = CheckDiskTakesWrites(); !writable.ok()) return writable;
    database_->Close().PermitUncheckedError();
    database_ = nullptr;
  }
  absl::Status opened = OpenDatabase();
  if (!opened.ok()) broken_ = true;
  return opened;
}

absl::Status EmbeddedLog::CheckDiskTakesWrites() {
  const rocksdb::Status written = disk::TryWriting(*env_, options_.path);
  if (written.ok()) return absl::OkStatus();
  return written.IsNoSpace() ? DiskFull() : WriteFailed(written.ToString());
}

absl::Status EmbeddedLog::CheckWatermark() {
  uint64_t free = 0;
  if (!files_->GetFreeSpace(options_.path, rocksdb::IOOptions(), &free, nullptr).ok()) return absl::OkStatus();
  return disk::CheckFree(free, options_.min_free_bytes);
}

absl::Status EmbeddedLog::ReadyToAppend(const std::vector<std::string>& records) {
  if (options_.read_only) {
    return Refuse(absl::StatusCode::kFailedPrecondition, "LOG_READ_ONLY", "this log was opened to be read only");
  }
  for (const std::string& record : records) {
    if (record.size() <= kMaxRecordBytes) continue;
    return Refuse(absl::StatusCode::kInvalidArgument, "RECORD_TOO_LONG",
                  Cat("a record of ", record.size(), " bytes; at most ", kMaxRecordBytes));
  }
  if (absl::Status room = CheckWatermark(); !room.ok()) return room;
  return broken_ ? Recover() : absl::OkStatus();
}

EmbeddedLog::Partition& EmbeddedLog::PartitionFor(const std::string& topic, int number) {
  absl::MutexLock lock(&partitions_mutex_);
  std::unique_ptr<Partition>& partition = partitions_[{topic, number}];
  if (!partition) {
    partition = std::make_unique<Partition>();
    partition->topic = topic;
    partition->number = number;
    partition->prefix = PartitionPrefix(topic, number);
  }
  return *partition;
}

absl::StatusOr<int64_t> EmbeddedLog::EndOf(Partition& partition) {
  if (const int64_t known = partition.end; known != Partition::kUnknown) return known;
  if (!database_) return Unavailable();
  const std::unique_ptr<rocksdb::Iterator> last(database_->NewIterator(rocksdb::ReadOptions()));
  last->SeekForPrev(RecordKey(partition.prefix, std::numeric_limits<int64_t>::max()));
  if (!last->status().ok())
    return FromRead(last->status(), Cat(partition.topic, " partition ", partition.number, " end"));
  int64_t end = 0;
  if (last->Valid()) {
    const auto key = ParseKey({last->key().data(), last->key().size()});
    if (key && key->prefix == partition.prefix) end = key->offset + 1;
  }
  // An append may have ended meanwhile; then its word counts. One that failed is undone by ForgetEnds.
  int64_t known = Partition::kUnknown;
  return partition.end.compare_exchange_strong(known, end) ? end : known;
}

absl::Status EmbeddedLog::Unavailable() const {
  return RetryLater(absl::StatusCode::kUnavailable, "LOG_OPEN_FAILED",
                    Cat("the log in ", options_.path, " is not open"), kRetry);
}

std::vector<Report> EmbeddedLog::AppendGroup(Partition& partition, const std::vector<std::string>& records,
                                             bool& failed) {
  const auto all = [&](const absl::Status& status) { return std::vector<Report>(records.size(), Report{status, -1}); };
  if (failed) return all(WriteFailed("an earlier write of this appender failed"));
  if (records.empty()) return {};
  if (absl::Status ready = ReadyToAppend(records); !ready.ok()) return all(ready);

  absl::ReaderMutexLock database_lock(&database_mutex_);
  if (!database_) return all(Unavailable());
  absl::MutexLock partition_lock(&partition.appending);
  if (broken_) return all(WriteFailed("another write has just failed"));  // Its offsets may be these.
  const absl::StatusOr<int64_t> end = EndOf(partition);
  if (!end.ok()) return all(end.status());

  rocksdb::WriteBatch batch;
  std::vector<Report> reports;
  reports.reserve(records.size());
  for (const std::string& record : records) {
    const int64_t offset = *end + static_cast<int64_t>(reports.size());
    batch.Put(RecordKey(partition.prefix, offset), record)
        .PermitUncheckedError();  // Only a batch with a size limit refuses.
    reports.push_back({absl::OkStatus(), offset});
  }
  rocksdb::WriteOptions synced;
  synced.sync = true;
  const rocksdb::Status status = database_->Write(synced, &batch);
  if (!status.ok()) {
    // The records may stand in the WAL all the same and come back when it is replayed: nobody gives out their offsets
    // before that was done.
    failed = true;
    broken_ = true;
    partition.end = Partition::kUnknown;
    return all(WriteFailed(status.ToString()));
  }
  partition.end = *end + static_cast<int64_t>(records.size());
  return reports;
}

std::unique_ptr<Appender> EmbeddedLog::NewAppender(const std::string& topic, int partition) {
  return std::make_unique<GroupAppender>(*this, PartitionFor(topic, partition));
}

absl::StatusOr<std::vector<StoredRecord>> EmbeddedLog::Read(const std::string& topic, int partition, int64_t from,
                                                            size_t max_bytes) {
  const std::string prefix = PartitionPrefix(topic, partition);
  const std::string bound = RecordKey(prefix, std::numeric_limits<int64_t>::max());
  const rocksdb::Slice upper = bound;
  rocksdb::ReadOptions options;  // Checksums are verified by default.
  options.iterate_upper_bound = &upper;
  options.fill_cache = false;

  absl::ReaderMutexLock lock(&database_mutex_);
  if (!database_) return Unavailable();
  const std::unique_ptr<rocksdb::Iterator> it(database_->NewIterator(options));
  std::vector<StoredRecord> records;
  size_t bytes = 0;
  int64_t next = from;
  for (it->Seek(RecordKey(prefix, from)); it->Valid() && (records.empty() || bytes < max_bytes); it->Next(), ++next) {
    const auto key = ParseKey({it->key().data(), it->key().size()});
    if (!key || key->offset != next) {  // Offsets are dense. What precedes the hole is still good.
      if (!records.empty()) return records;
      return Refuse(absl::StatusCode::kDataLoss, "LOG_RECORD_MISSING",
                    Cat(Place(topic, partition, next), " is missing; restore the log from a backup"));
    }
    bytes += it->value().size();
    records.push_back({next, absl::InfinitePast(), it->value().ToString()});
  }
  if (!it->status().ok() && records.empty()) return FromRead(it->status(), Place(topic, partition, next));
  return records;
}

absl::StatusOr<int64_t> EmbeddedLog::EndOffset(const std::string& topic, int partition) {
  Partition& found = PartitionFor(topic, partition);
  absl::ReaderMutexLock lock(&database_mutex_);
  return EndOf(found);
}

std::unique_ptr<Tail> EmbeddedLog::Follow(const std::string& topic, int partition, std::function<void()> wake) {
  return wakers_.Add(topic, partition, std::move(wake));
}

absl::Status EmbeddedLog::VerifyChecksums() {
  absl::ReaderMutexLock lock(&database_mutex_);
  if (!database_) return Unavailable();
  return FromRead(database_->VerifyChecksum(), options_.path);
}

}  // namespace trialog::log
