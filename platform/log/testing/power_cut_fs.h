// A file system that loses power, and one whose disk fails or fills: for every test that asks what RocksDB kept.
//
// Kept after a cut: of each file what was synced, and of each folder the names that were there when it was last synced.
// So a file created or renamed since is gone or back under its old name. Deleting a file is kept at once (the other
// outcome, that it is there again, is left out). With a seed, part of what a file was given since its last sync is kept
// too, in 512-byte sectors: some old, some torn away, as a disk may do.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "absl/synchronization/mutex.h"
#include "rocksdb/file_system.h"

namespace trialog::testing {

// Thread safe. Stands on another file system, in memory or on disk, that no one else writes to.
class PowerCutFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  // Without a seed nothing unsynced survives.
  explicit PowerCutFileSystem(std::shared_ptr<rocksdb::FileSystem> target,
                              std::optional<uint64_t> torn_seed = std::nullopt);

  // From now on everything that would change the disk fails.
  void CutPower();
  // The same, when so many more operations (appends, syncs, creations, renames) were done.
  void CutPowerAfter(int64_t operations);
  bool PowerIsCut();
  // Blocks until it is.
  void AwaitCut();
  // After a cut: takes what was not synced from the disk, which stays without power. Waits for what is under way; files
  // may be open still.
  void LoseUnsynced();
  // The machine starts again: forgets what was not synced and works. Everything opened before must be closed.
  void RestorePower();

  // After `operations` more of them, each append and sync fails with `error` until ClearFaults; of files alone whose
  // name contains `part`.
  void FailWritesAfter(int64_t operations, rocksdb::IOStatus error, std::string part = "");
  // After `operations` more, only syncs fail: what was appended may be there or not.
  void FailSyncsAfter(int64_t operations, rocksdb::IOStatus error);
  void ClearFaults();
  // What GetFreeSpace answers; without it the target's answer.
  void SetFreeSpace(std::optional<uint64_t> bytes);
  // Operations done so far, to choose cut points from.
  int64_t Operations();

  const char* Name() const override { return "PowerCutFileSystem"; }
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& name, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* folder,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus GetFreeSpace(const std::string& path, const rocksdb::IOOptions& options, uint64_t* bytes,
                                 rocksdb::IODebugContext* debug) override;

 private:
  class WritableFile;
  class Directory;
  friend class WritableFile;
  friend class Directory;

  // What would be lost of a file. Kept by its present name.
  struct Unsynced {
    uint64_t synced_bytes = 0;
    bool entry_synced = false;                  // Its folder was synced since the name came to be.
    std::optional<std::string> renamed_from;    // Name that it goes back to.
    std::optional<std::string> replaced_bytes;  // What stood under the present name before.
  };
  enum class Operation { kAppend, kSync, kEntry };

  rocksdb::IOStatus Begin(Operation operation, const std::string& name);
  rocksdb::IOStatus Wrap(const std::string& name, uint64_t synced_bytes, bool entry_synced,
                         std::unique_ptr<rocksdb::FSWritableFile>* file);
  void FileSynced(const std::string& name, uint64_t bytes);
  void DirectorySynced(const std::string& folder);
  void Forget(const std::string& name, const Unsynced& unsynced) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string AfterCut(std::string bytes, uint64_t synced_bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Held by each change of the disk while it is under way. Before mutex_.
  absl::Mutex changing_;
  absl::Mutex mutex_;
  std::map<std::string, Unsynced> files_ ABSL_GUARDED_BY(mutex_);
  bool cut_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t operations_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<int64_t> cut_at_ ABSL_GUARDED_BY(mutex_);
  std::optional<int64_t> fail_at_ ABSL_GUARDED_BY(mutex_);
  bool fail_syncs_only_ ABSL_GUARDED_BY(mutex_) = false;
  std::string fail_part_ ABSL_GUARDED_BY(mutex_);
  rocksdb::IOStatus failure_ ABSL_GUARDED_BY(mutex_);
  std::optional<uint64_t> free_space_ ABSL_GUARDED_BY(mutex_);
  std::optional<std::mt19937_64> torn_ ABSL_GUARDED_BY(mutex_);
};

// A PowerCutFileSystem over one in memory: fast, and gone with the last pointer to it.
std::shared_ptr<PowerCutFileSystem> PowerCutInMemory(std::optional<uint64_t> torn_seed = std::nullopt);

}  // namespace trialog::testing
