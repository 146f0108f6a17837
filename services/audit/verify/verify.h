// Offline verification: everything that is stored beside the log is derived again from the log and compared, byte for
// byte. For `trialogctl verify --data DIR`, with no service running on the folder.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "platform/log/log.h"
#include "platform/sealing/note.h"
#include "platform/sealing/secret_key.h"
#include "services/audit/verify/derive.h"

namespace rocksdb {
class Env;
}

namespace trialog::audit {

// Called at the beginning of each step and then each few MiB; `bytes` of the log were read in this step so far.
using Progress = std::function<void(std::string_view step, uint64_t bytes)>;

struct VerifyOptions {
  log::Log* log = nullptr;
  std::function<absl::Status()> check_files = nullptr;  // The log's own checksums; null where it has none to check.
  std::string tree_path;                                // Audit's store of the tree.
  sealing::SecretKey salt_key;
  std::vector<ServiceStore> services;
  // Signed notes of checkpoints that were kept elsewhere, and who signed them: they bind what an intruder who holds the
  // machine cannot change.
  std::vector<std::string> kept_checkpoints;
  std::vector<sealing::NoteVerifier> verifiers;
  std::string scratch;          // Folder for what is derived again; made, and removed at the end.
  rocksdb::Env* env = nullptr;  // Of tree and scratch; null: the operating system's.
  Progress progress = nullptr;
};

struct VerifyReport {
  uint64_t leaves = 0;
  std::string root;          // 32 bytes.
  uint64_t signed_size = 0;  // Of the latest checkpoint; 0: none.
  int services = 0;          // Stores that were compared.
};

// Checks, in this order: the log's files against their checksums; that the logs give a tree with every root that was
// signed, and that none lost a record; that audit's store is that tree; the kept checkpoints; each service's store. The
// stores are first folded to the end of the log, as at a start. The first fault is the error, and names what is bad:
// DATA_LOSS with reasons LOG_DAMAGED, LOG_ENDS_BEFORE_STORE, CHECKPOINT_CONFLICT, RECORDS_LOST, TREE_DIFFERS,
// KEPT_CHECKPOINT_DIFFERS, STORE_DIFFERS; UNAUTHENTICATED NOTE_UNVERIFIED for a kept note that nobody known signed.
absl::StatusOr<VerifyReport> Verify(const VerifyOptions& options);

}  // namespace trialog::audit
