#include "services/auth/app/auth_app.h"

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "platform/view/times.h"
#include "services/auth/app/handlers.h"
#include "services/auth/app/resource_types.h"
#include "services/auth/domain/evolve.h"
#include "services/auth/domain/grant.h"
#include "services/auth/domain/tables.h"
#include "trialog/auth/v1/auth.pb.h"
#include "trialog/auth/v1/key.pb.h"
#include "trialog/auth/v1/organization.pb.h"
#include "trialog/auth/v1/service_account.pb.h"
#include "trialog/auth/v1/user.pb.h"

namespace trialog::auth {

service::Definition AuthDefinition(AuthParts parts) {
  service::Definition definition;
  definition.domain = &AuthDomain();
  for (const auto* file :
       {v1::LoginRequest::descriptor()->file(), v1::User::descriptor()->file(), v1::Organization::descriptor()->file(),
        v1::ServiceAccount::descriptor()->file(), v1::DataKey::descriptor()->file()}) {
    definition.services.push_back(file->service(0));
  }
  auto handlers = std::make_shared<Handlers>(std::move(parts));
  definition.add_handlers = [handlers](service::Backend& backend) { handlers->Register(backend); };
  definition.due.push_back({&kGrantsByEnd, "auth.grant_end", EndGrant});
  return definition;
}

void Handlers::Register(service::Backend& backend) {
  backend_ = &backend;
  signers_ = std::make_unique<Signers>(backend);
  Runtime& runtime = parts_.runtime ? *parts_.runtime : backend.runtime();
  key_executor_ = runtime.NewExecutor("auth-keys");
  key_provider_ = std::make_unique<sealing::KeyStoreProvider>(parts_.keys, &runtime);
  workers_ = std::make_unique<PasswordWorkers>(runtime, parts_.password_threads, parts_.max_waiting_passwords);
  RegisterSignIn();
  RegisterSessions();
  RegisterUsers();
  RegisterOrganizations();
  RegisterServiceAccounts();
  RegisterKeys();
}

google::protobuf::Timestamp Handlers::Now() { return trialog::ToProto(backend_->runtime().Now()); }

std::string Handlers::NewId() {
  Runtime& runtime = backend_->runtime();
  return UuidText(UuidV7(absl::ToUnixMillis(runtime.Now()), runtime.RandomBytes(10)));
}

bool Handlers::OrganizationExists(std::string_view organization) {
  return StateOf(organization).Find(kOrganizations, OrganizationName(organization)) != nullptr;
}

absl::StatusOr<std::string> OrganizationIn(std::string_view field, const std::string& name) {
  if (NameMatches(kOrganizations.pattern, name)) return std::string(OrganizationOf(name));
  return BadField(field, "BAD_NAME", Cat("must have the form ", kOrganizations.pattern));
}

}  // namespace trialog::auth
