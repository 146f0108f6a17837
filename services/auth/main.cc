// trialog-auth: the auth service alone.
#include "services/auth/app/auth_app.h"
#include "services/single/definition.h"

namespace trialog::single {

const bool kIsAuth = true;

absl::StatusOr<service::Definition> DefinitionOf(const Parts& parts) {
  auth::AuthParts auth_parts;
  auth_parts.keys = parts.keys;
  auth_parts.init_token_file = parts.config.data + "/keys/init.token";
  auth_parts.key_destroyed = parts.key_destroyed;
  return auth::AuthDefinition(auth_parts);
}

}  // namespace trialog::single
