#include "platform/view/prepared_store.h"

#include <memory>
#include <vector>

#include "platform/errors/errors.h"
#include "platform/telemetry/event_log.h"
#include "platform/text/text.h"
#include "platform/view/rocks.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "rocksdb/utilities/checkpoint.h"

namespace trialog::view {
namespace {

// A live store deletes files that it has merged: a snapshot that missed one is begun again.
constexpr int kSnapshotTries = 10;

rocksdb::Status DestroyIfThere(const std::string& path, rocksdb::Env& env) {
  if (!env.FileExists(path).ok()) return rocksdb::Status::OK();
  rocksdb::Options options;
  options.env = &env;
  if (auto destroyed = rocksdb::DestroyDB(path, options); !destroyed.ok()) return destroyed;
  // DestroyDB leaves what is not RocksDB's, and the folder then.
  std::vector<std::string> left;
  env.GetChildren(path, &left).PermitUncheckedError();
  for (const std::string& name : left) env.DeleteFile(Cat(path, "/", name)).PermitUncheckedError();
  return env.FileExists(path).ok() ? env.DeleteDir(path) : rocksdb::Status::OK();
}

// Moves a store that nobody has open.
rocksdb::Status MoveUnused(const std::string& path, const std::string& to, rocksdb::Env& env) {
  if (!env.FileExists(path).ok()) return rocksdb::Status::OK();
  rocksdb::FileLock* lock = nullptr;  // RocksDB's own: whoever has the store open holds it.
  if (!env.LockFile(path + "/LOCK", &lock).ok()) return rocksdb::Status::Busy(path, "is in use by another process");
  auto moved = env.RenameFile(path, to);
  env.UnlockFile(lock).PermitUncheckedError();
  return moved;
}

// A store's database, to be read only, beside whoever has it open.
struct ReadOnly {
  ~ReadOnly() {
    for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle);
  }
  rocksdb::Status Open(const std::string& path) {
    rocksdb::Options options;
    std::vector<std::string> names;
    if (auto listed = rocksdb::DB::ListColumnFamilies(options, path, &names); !listed.ok()) return listed;
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    families.reserve(names.size());
    for (const std::string& name : names) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
    rocksdb::DB* opened = nullptr;
    auto status = rocksdb::DB::OpenForReadOnly(options, path, families, &handles, &opened);
    db.reset(opened);
    return status;
  }
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
};

rocksdb::Status TrySnapshot(const std::string& path, const std::string& to) {
  ReadOnly store;
  if (auto opened = store.Open(path); !opened.ok()) return opened;
  rocksdb::Checkpoint* made = nullptr;
  auto status = rocksdb::Checkpoint::Create(store.db.get(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  return status.ok() ? checkpoint->CreateCheckpoint(to) : status;
}

}  // namespace

std::string PreparedPath(const std::string& path) { return path + ".next"; }

absl::Status TakePrepared(const std::string& path, rocksdb::Env* env,
                          const std::function<absl::Status(const std::string& prepared)>& check) {
  if (env == nullptr) env = rocksdb::Env::Default();
  const std::string prepared = PreparedPath(path), former = path + ".former";
  if (env->FileExists(prepared).ok()) {
    // Read only first, where that is possible: opened to be written to, a damaged store would be begun anew.
    absl::Status good = env == rocksdb::Env::Default()
                            ? FromRocks(ReadOnly().Open(prepared), "opening the prepared store")
                            : absl::OkStatus();
    if (good.ok()) good = check(prepared);
    if (!good.ok()) {
      telemetry::Warning("prepared_store_refused",
                         {{"reason", ReasonOf(good)}, {"cause", std::string(FromAbsl(good.message()))}});
      return absl::OkStatus();
    }
    // The former store is moved away first, so that at no moment a half deleted one has its name.
    rocksdb::Status status = DestroyIfThere(former, *env);
    if (status.ok()) status = MoveUnused(path, former, *env);
    if (status.ok()) status = env->RenameFile(prepared, path);
    if (!status.ok()) return FromRocks(status, "taking the prepared store");
  }
  // What cannot be deleted is in nobody's way until the next one is taken.
  DestroyIfThere(former, *env).PermitUncheckedError();
  return absl::OkStatus();
}

absl::Status SnapshotStore(const std::string& path, const std::string& to) {
  rocksdb::Status status;
  for (int i = 0; i < kSnapshotTries; ++i) {
    status = TrySnapshot(path, to);
    if (!status.IsPathNotFound() && !status.IsIOError() && !status.IsNotFound()) break;
  }
  return FromRocks(status, "making a snapshot of a store");
}

absl::Status CheckStoreFiles(const std::string& path) {
  ReadOnly store;
  auto status = store.Open(path);
  if (status.ok()) status = store.db->VerifyChecksum();
  return FromRocks(status, Cat("reading ", path));
}

}  // namespace trialog::view
