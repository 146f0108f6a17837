// A store that was made beside the live one, from the log or from a snapshot of another replica's store, and takes its
// place at the next start. ADR 27.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"

namespace rocksdb {
class Env;
}

namespace trialog::view {

// Where a store lies that is to take the place of the one at `path`: whole, and of the same log.
std::string PreparedPath(const std::string& path);

// Puts the prepared store, if there is one and `check` finds it good where it lies, in the place of the one at `path`,
// which is deleted; one that is not good stays, a warning is logged (`prepared_store_refused`) and nothing changes.
// Ended at any step it goes on at the next call. `env`: null: the operating system's. UNAVAILABLE, reason STORE_BUSY,
// while another process has the store at `path` open.
absl::Status TakePrepared(const std::string& path, rocksdb::Env* env,
                          const std::function<absl::Status(const std::string& prepared)>& check);

// Makes `to`, a new folder on the same file system, a copy of the store at `path`: one position's state, the last that
// is on disk. The store may be in use meanwhile, by another process too. Files are shared by hard links.
absl::Status SnapshotStore(const std::string& path, const std::string& to);

// Reads all files of the store at `path` against their checksums. DATA_LOSS, reason STORE_DAMAGED, names the first bad.
absl::Status CheckStoreFiles(const std::string& path);

}  // namespace trialog::view
