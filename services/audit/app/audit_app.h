// Audit as a service: the tree kept folded and signed, and the handlers that read and prove it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "platform/service/host.h"
#include "services/audit/app/audit_keys.h"
#include "services/audit/app/sequencer.h"

namespace trialog::audit {

// What audit needs beside the environment of every service.
struct AuditParts {
  log::Log* log;           // The one of the environment; outlives the service.
  std::string store_path;  // Of the tree and its indexes; not that of the environment, which keeps audit's choices.
  AuditKeys keys;
  bool compress = true;
  rocksdb::Env* env = nullptr;  // Of the tree; null: the operating system's.
  // As in service::Environment, for the positions of the tree's store.
  std::function<absl::Status(const std::string& topic, int partition, int64_t next_offset)> check_log;
  // Empty sources: all services.
  SequencerOptions sequencing = {};
};

// For one host.
service::Definition AuditDefinition(AuditParts parts);

}  // namespace trialog::audit
