// Backups of a data folder whose server is stopped, and the way back.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "platform/log/kafka/options.h"

namespace trialog::ctl {

// Copies log (where it is embedded), blobs and stores of `data` into the new folder `to`, and keys into the new folder
// `keys_to`, or not at all when that is empty: who has both can read everything. Beside the files it is noted where
// each partition of the log ends, and what each store holds. FAILED_PRECONDITION, reason LOG_IN_USE or FOLDER_IN_USE,
// while a server runs on the folder.
absl::Status Backup(const std::string& data, const std::string& to, const std::string& keys_to);

struct RestoreOptions {
  std::string backup;
  std::string keys_backup;  // Empty: the keys of the folder stay.
  std::string data;         // Made, or replaced: then what was there goes to `<data>.before-restore`.
  std::string checkpoint;   // File with a signed checkpoint that was kept elsewhere: the log must continue it.
  std::optional<log::kafka::Options> kafka;  // The log is there, and only the rest is restored.
};

// Restores a backup when it is what was made, byte for byte, and loses nothing that is known: nothing is changed
// otherwise. DATA_LOSS: BACKUP_DAMAGED; LOG_IS_SHORTER or LOG_IS_ANOTHER when the folder's own log goes further or
// tells something else; KEYS_ARE_OLDER or KEYS_ARE_OTHERS than the backup's or the folder's own; LOG_ENDS_BEFORE_STORE
// or LOG_IS_ANOTHER of a log on Kafka; what `verify` says of the checkpoint. One that died half way is undone first.
absl::Status Restore(const RestoreOptions& options);

}  // namespace trialog::ctl
