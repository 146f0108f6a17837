// Audit as a service: the tree kept folded and signed, and the handlers that read and prove it.
#pragma once

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
  std::string public_address;  // Where anybody reads the tree (PublicLog) by HTTP; empty: nowhere.
  bool compress = true;
  rocksdb::Env* env = nullptr;  // Of the tree; null: the operating system's.
  // Empty sources: all services.
  SequencerOptions sequencing = {};
};

// For one host.
service::Definition AuditDefinition(AuditParts parts);

}  // namespace trialog::audit
