#include "platform/view/prepared_store.h"

#include <memory>
#include <vector>

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
  // DestroyDB leaves the folder where a file is not RocksDB's.
  return env.FileExists(path).ok() ? env.DeleteDir(path) : rocksdb::Status::OK();
}

rocksdb::Status TrySnapshot(const std::string& path, const std::string& to) {
  rocksdb::Options options;
  std::vector<std::string> names;
  if (auto listed = rocksdb::DB::ListColumnFamilies(options, path, &names); !listed.ok()) return listed;
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const std::string& name : names) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  if (auto status = rocksdb::DB::OpenForReadOnly(options, path, families, &handles, &opened); !status.ok()) {
    return status;
  }
  const std::unique_ptr<rocksdb::DB> db(opened);
  rocksdb::Checkpoint* made = nullptr;
  auto status = rocksdb::Checkpoint::Create(db.get(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  if (status.ok()) status = checkpoint->CreateCheckpoint(to);
  for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle);
  return status;
}

}  // namespace

std::string PreparedPath(const std::string& path) { return path + ".next"; }

absl::Status TakePrepared(const std::string& path, rocksdb::Env* env) {
  if (env == nullptr) env = rocksdb::Env::Default();
  const std::string prepared = PreparedPath(path), former = path + ".former";
  rocksdb::Status status;
  if (env->FileExists(prepared).ok()) {
    // The former store is moved away first, so that at no moment a half deleted one has its name.
    status = DestroyIfThere(former, *env);
    if (status.ok() && env->FileExists(path).ok()) status = env->RenameFile(path, former);
    if (status.ok()) status = env->RenameFile(prepared, path);
  }
  if (status.ok()) status = DestroyIfThere(former, *env);
  return FromRocks(status, "taking the prepared store");
}

absl::Status SnapshotStore(const std::string& path, const std::string& to) {
  rocksdb::Status status;
  for (int i = 0; i < kSnapshotTries; ++i) {
    status = TrySnapshot(path, to);
    if (!status.IsPathNotFound() && !status.IsIOError() && !status.IsNotFound()) break;
  }
  return FromRocks(status, "making a snapshot of a store");
}

}  // namespace trialog::view
