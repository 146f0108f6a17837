// The auth service: accounts, grants, sessions, tokens and keys, as a definition that a Host runs.
//
// What lies where. Accounts and sessions are folded from auth's log; data keys lie in the KeyStore and nowhere else;
// the one-time token that makes the first organisation comes from the operator, in a file of mode 0600. Passwords are
// hashed on threads of their own. No secret is logged, stored in the clear or repeated in an error.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "platform/sealing/key_store.h"
#include "platform/service/host.h"

namespace trialog::auth {

struct AuthParts {
  // Data and look-up keys; outlives the host. The Environment's KeyProvider must give the keys of the same store.
  sealing::KeyStore* keys = nullptr;
  // File of mode 0600 with the operator's one-time token, or its SHA-256 in hexadecimal digits. Read at each
  // CreateOrganization, so that a new token needs no restart. Empty, or no such file: no organisation can be made.
  std::string init_token_file;
  // Clock and threads of the workers; null: the host's.
  Runtime* runtime = nullptr;
  // Called after the key of `subject` was destroyed, for caches in this process to drop it. Null: there are none.
  std::function<void(std::string_view subject)> key_destroyed;
  // Argon2id: 19 MiB and tens of milliseconds each.
  int password_threads = 2;
  int max_waiting_passwords = 128;
  // Refused sign-ins are answered no sooner than this after they came, so that time tells nothing of what was wrong.
  absl::Duration refusal_time = absl::Milliseconds(250);
};

// AuthService, UserService, OrganizationService, ServiceAccountService and KeyService, for one host. `parts.keys`
// outlives that host.
service::Definition AuthDefinition(AuthParts parts);

}  // namespace trialog::auth
