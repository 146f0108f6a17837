// trialog-audit: the audit service alone.
#include "services/audit/app/audit_app.h"
#include "services/process/origin.h"
#include "services/single/definition.h"

namespace trialog::single {

const bool kIsAuth = false;

absl::StatusOr<service::Definition> DefinitionOf(const Parts& parts) {
  auto keys = audit::LoadAuditKeys(parts.config.data + "/keys/audit.key", process::kLogOrigin);
  if (!keys.ok()) return process::NotInitialised(parts.config.data, keys.status());
  return audit::AuditDefinition({.log = parts.log,
                                 .store_path = parts.config.data + "/stores/audit-tree",
                                 .keys = *std::move(keys),
                                 .public_address = parts.config.public_log_address});
}

}  // namespace trialog::single
