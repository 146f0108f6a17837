// Building a service's store anew while the service runs, and copying one for a new replica.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "platform/log/kafka/options.h"

namespace trialog::ctl {

struct RebuildOptions {
  std::string service;
  std::string data;  // The service's data folder; it may be running.
  std::string from;  // Folder that Snapshot made, to go on from; empty: the whole log is folded.
  std::optional<log::kafka::Options> kafka;  // Where the log is; nothing: in the folder.
};

// Makes the stores of a service in `data` from its log, beside those that are in use; they take their place at the
// service's next start. Prints what each holds. Errors: NO_SUCH_SERVICE; REBUILD_RUNS; SNAPSHOT_MISSING;
// LOG_ENDS_BEFORE_STORE and LOG_IS_ANOTHER for a snapshot that is not of this log; those of folding.
absl::Status Rebuild(const RebuildOptions& options);

// Copies the stores of a service, which may be running, into the new folder `to` on the same file system, each as one
// position's state.
absl::Status Snapshot(const std::string& service, const std::string& data, const std::string& to);

}  // namespace trialog::ctl
