#include "platform/log/testing/power_cut_fs.h"

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "rocksdb/env.h"

namespace trialog::testing {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

constexpr uint64_t kSectorBytes = 512;

std::string FolderOf(const std::string& name) { return name.substr(0, name.find_last_of('/')); }

std::string ReadAll(rocksdb::FileSystem& files, const std::string& name) {
  std::string bytes;
  rocksdb::ReadFileToString(&files, name, &bytes).PermitUncheckedError();
  return bytes;
}

// A new file of that name: whoever has the old one open writes, or cuts off when closing it, what nobody reads any
// more.
void WriteAll(rocksdb::FileSystem& files, const std::string& name, const std::string& bytes) {
  files.DeleteFile(name, IOOptions(), nullptr).PermitUncheckedError();
  rocksdb::WriteStringToFile(&files, bytes, name, true).PermitUncheckedError();
}

}  // namespace

class PowerCutFileSystem::WritableFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  WritableFile(PowerCutFileSystem& files, std::string name, uint64_t bytes, std::unique_ptr<FSWritableFile> target)
      : FSWritableFileOwnerWrapper(std::move(target)), files_(files), name_(std::move(name)), bytes_(bytes) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    absl::ReaderMutexLock changing(&files_.changing_);
    if (IOStatus begun = files_.Begin(Operation::kAppend, name_); !begun.ok()) return begun;
    IOStatus appended = FSWritableFileOwnerWrapper::Append(data, options, debug);
    if (appended.ok()) bytes_ += data.size();
    return appended;
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Truncate(uint64_t bytes, const IOOptions& options, IODebugContext* debug) override {
    absl::ReaderMutexLock changing(&files_.changing_);
    if (files_.PowerIsCut()) return IOStatus::IOError("no power");
    IOStatus truncated = FSWritableFileOwnerWrapper::Truncate(bytes, options, debug);
    if (truncated.ok()) bytes_ = bytes;
    return truncated;
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    absl::ReaderMutexLock changing(&files_.changing_);
    if (IOStatus begun = files_.Begin(Operation::kSync, name_); !begun.ok()) return begun;
    const uint64_t bytes = bytes_;  // What comes meanwhile may be synced or not.
    IOStatus synced = FSWritableFileOwnerWrapper::Sync(options, debug);
    if (synced.ok()) files_.FileSynced(name_, bytes);
    return synced;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override { return Sync(options, debug); }
  IOStatus RangeSync(uint64_t, uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();
  }                                                        // A hint.
  bool IsSyncThreadSafe() const override { return true; }  // Else RocksDB refuses SyncWAL, which audit's tree needs.

 private:
  PowerCutFileSystem& files_;
  const std::string name_;
  std::atomic<uint64_t> bytes_;
};

class PowerCutFileSystem::Directory final : public rocksdb::FSDirectoryWrapper {
 public:
  Directory(PowerCutFileSystem& files, std::string name, std::unique_ptr<FSDirectory> target)
      : FSDirectoryWrapper(std::move(target)), files_(files), name_(std::move(name)) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    absl::ReaderMutexLock changing(&files_.changing_);
    if (IOStatus begun = files_.Begin(Operation::kSync, name_); !begun.ok()) return begun;
    IOStatus synced = FSDirectoryWrapper::Fsync(options, debug);
    if (synced.ok()) files_.DirectorySynced(name_);
    return synced;
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions&) override {
    return Fsync(options, debug);
  }

 private:
  PowerCutFileSystem& files_;
  const std::string name_;
};

PowerCutFileSystem::PowerCutFileSystem(std::shared_ptr<rocksdb::FileSystem> target, std::optional<uint64_t> torn_seed)
    : FileSystemWrapper(std::move(target)) {
  if (torn_seed) torn_.emplace(*torn_seed);
}

void PowerCutFileSystem::CutPower() {
  absl::MutexLock lock(&mutex_);
  cut_ = true;
}

void PowerCutFileSystem::CutPowerAfter(int64_t operations) {
  absl::MutexLock lock(&mutex_);
  cut_at_ = operations_ + operations;
}

void PowerCutFileSystem::AwaitCut() {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&cut_));
}

bool PowerCutFileSystem::PowerIsCut() {
  absl::MutexLock lock(&mutex_);
  return cut_;
}

void PowerCutFileSystem::LoseUnsynced() {
  absl::WriterMutexLock changing(&changing_);
  absl::MutexLock lock(&mutex_);
  for (const auto& [name, unsynced] : std::exchange(files_, {})) Forget(name, unsynced);
}

void PowerCutFileSystem::RestorePower() {
  LoseUnsynced();
  absl::MutexLock lock(&mutex_);
  cut_ = false;
  cut_at_.reset();
}

void PowerCutFileSystem::FailWritesAfter(int64_t operations, IOStatus error, std::string part) {
  absl::MutexLock lock(&mutex_);
  fail_part_ = std::move(part);
  fail_at_ = operations_ + operations;
  fail_syncs_only_ = false;
  failure_ = std::move(error);
}

void PowerCutFileSystem::FailSyncsAfter(int64_t operations, IOStatus error) {
  absl::MutexLock lock(&mutex_);
  fail_part_.clear();
  fail_at_ = operations_ + operations;
  fail_syncs_only_ = true;
  failure_ = std::move(error);
}

void PowerCutFileSystem::ClearFaults() {
  absl::MutexLock lock(&mutex_);
  fail_at_.reset();
}

void PowerCutFileSystem::SetFreeSpace(std::optional<uint64_t> bytes) {
  absl::MutexLock lock(&mutex_);
  free_space_ = bytes;
}

int64_t PowerCutFileSystem::Operations() {
  absl::MutexLock lock(&mutex_);
  return operations_;
}

IOStatus PowerCutFileSystem::Begin(Operation operation, const std::string& name) {
  absl::MutexLock lock(&mutex_);
  if (cut_at_ && operations_ >= *cut_at_) cut_ = true;
  if (cut_) return IOStatus::IOError("no power");
  ++operations_;
  const bool failing = fail_at_ && operations_ > *fail_at_;
  const bool may_fail = fail_syncs_only_ ? operation == Operation::kSync : operation != Operation::kEntry;
  if (failing && may_fail && name.find(fail_part_) != std::string::npos) return failure_;
  return IOStatus::OK();
}

IOStatus PowerCutFileSystem::Wrap(const std::string& name, uint64_t synced_bytes, bool entry_synced,
                                  std::unique_ptr<rocksdb::FSWritableFile>* file) {
  absl::MutexLock lock(&mutex_);
  files_[name] = Unsynced{synced_bytes, entry_synced, std::nullopt, std::nullopt};
  *file = std::make_unique<WritableFile>(*this, name, synced_bytes, std::move(*file));
  return IOStatus::OK();
}

IOStatus PowerCutFileSystem::NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                             std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  absl::ReaderMutexLock changing(&changing_);
  if (IOStatus begun = Begin(Operation::kEntry, name); !begun.ok()) return begun;
  IOStatus made = FileSystemWrapper::NewWritableFile(name, options, file, debug);
  return made.ok() ? Wrap(name, 0, false, file) : made;
}

IOStatus PowerCutFileSystem::ReopenWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                                std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  absl::ReaderMutexLock changing(&changing_);
  if (IOStatus begun = Begin(Operation::kEntry, name); !begun.ok()) return begun;
  uint64_t bytes = 0;
  const bool existed = FileSystemWrapper::GetFileSize(name, options.io_options, &bytes, debug).ok();
  IOStatus opened = FileSystemWrapper::ReopenWritableFile(name, options, file, debug);
  return opened.ok() ? Wrap(name, bytes, existed, file) : opened;
}

IOStatus PowerCutFileSystem::NewDirectory(const std::string& name, const IOOptions& options,
                                          std::unique_ptr<rocksdb::FSDirectory>* folder, IODebugContext* debug) {
  IOStatus opened = FileSystemWrapper::NewDirectory(name, options, folder, debug);
  if (opened.ok()) *folder = std::make_unique<Directory>(*this, name, std::move(*folder));
  return opened;
}

IOStatus PowerCutFileSystem::DeleteFile(const std::string& name, const IOOptions& options, IODebugContext* debug) {
  absl::ReaderMutexLock changing(&changing_);
  if (IOStatus begun = Begin(Operation::kEntry, name); !begun.ok()) return begun;
  IOStatus deleted = FileSystemWrapper::DeleteFile(name, options, debug);
  absl::MutexLock lock(&mutex_);
  if (deleted.ok()) files_.erase(name);
  return deleted;
}

IOStatus PowerCutFileSystem::RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                                        IODebugContext* debug) {
  absl::ReaderMutexLock changing(&changing_);
  if (IOStatus begun = Begin(Operation::kEntry, from); !begun.ok()) return begun;
  std::optional<std::string> replaced;
  if (FileSystemWrapper::FileExists(to, options, debug).ok()) replaced = ReadAll(*target(), to);
  uint64_t bytes = 0;
  FileSystemWrapper::GetFileSize(from, options, &bytes, debug).PermitUncheckedError();
  IOStatus renamed = FileSystemWrapper::RenameFile(from, to, options, debug);
  if (!renamed.ok()) return renamed;
  absl::MutexLock lock(&mutex_);
  const auto known = files_.find(from);
  Unsynced unsynced = known != files_.end() ? known->second : Unsynced{bytes, true, std::nullopt, std::nullopt};
  if (known != files_.end()) files_.erase(known);
  // Where the source's own name was not yet on disk, what a cut leaves is the target as it was.
  if (unsynced.entry_synced) unsynced.renamed_from = from;
  unsynced.entry_synced = false;
  unsynced.replaced_bytes = std::move(replaced);
  files_[to] = std::move(unsynced);
  return renamed;
}

IOStatus PowerCutFileSystem::GetFreeSpace(const std::string& path, const IOOptions& options, uint64_t* bytes,
                                          IODebugContext* debug) {
  {
    absl::MutexLock lock(&mutex_);
    if (free_space_) {
      *bytes = *free_space_;
      return IOStatus::OK();
    }
  }
  return FileSystemWrapper::GetFreeSpace(path, options, bytes, debug);
}

void PowerCutFileSystem::FileSynced(const std::string& name, uint64_t bytes) {
  absl::MutexLock lock(&mutex_);
  const auto found = files_.find(name);
  if (found != files_.end()) found->second.synced_bytes = bytes;
}

void PowerCutFileSystem::DirectorySynced(const std::string& folder) {
  absl::MutexLock lock(&mutex_);
  for (auto& [name, unsynced] : files_) {
    if (FolderOf(name) != folder) continue;
    unsynced.entry_synced = true;
    unsynced.renamed_from.reset();
    unsynced.replaced_bytes.reset();
  }
}

void PowerCutFileSystem::Forget(const std::string& name, const Unsynced& unsynced) {
  rocksdb::FileSystem& disk = *target();
  const std::string kept = AfterCut(ReadAll(disk, name), unsynced.synced_bytes);
  if (unsynced.entry_synced) return WriteAll(disk, name, kept);
  if (unsynced.renamed_from) WriteAll(disk, *unsynced.renamed_from, kept);
  if (unsynced.replaced_bytes) return WriteAll(disk, name, *unsynced.replaced_bytes);
  disk.DeleteFile(name, IOOptions(), nullptr).PermitUncheckedError();
}

std::string PowerCutFileSystem::AfterCut(std::string bytes, uint64_t synced_bytes) {
  if (bytes.size() <= synced_bytes) return bytes;
  if (!torn_) return bytes.substr(0, synced_bytes);
  bytes.resize(synced_bytes + (*torn_)() % (bytes.size() - synced_bytes + 1));
  for (uint64_t at = (synced_bytes / kSectorBytes + 1) * kSectorBytes; at < bytes.size(); at += kSectorBytes) {
    if ((*torn_)() % 4 != 0) continue;  // This sector was not written: it holds nothing.
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), std::min(kSectorBytes, bytes.size() - at), '\0');
  }
  return bytes;
}

std::shared_ptr<PowerCutFileSystem> PowerCutInMemory(std::optional<uint64_t> torn_seed) {
  struct Memory {  // The file system belongs to its Env.
    std::unique_ptr<rocksdb::Env> env{rocksdb::NewMemEnv(rocksdb::Env::Default())};
    std::shared_ptr<PowerCutFileSystem> files;
  };
  auto memory = std::make_shared<Memory>();
  memory->files = std::make_shared<PowerCutFileSystem>(memory->env->GetFileSystem(), torn_seed);
  PowerCutFileSystem* files = memory->files.get();
  return {std::move(memory), files};
}

}  // namespace trialog::testing
