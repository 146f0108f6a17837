// Accounts of people and programs, their grants, sessions and keys.
#include "google/protobuf/empty.pb.h"
#include "platform/errors/errors.h"
#include "platform/sealing/digest.h"
#include "platform/text/text.h"
#include "services/auth/app/handlers.h"
#include "services/auth/app/resource_types.h"
#include "services/auth/domain/account.h"
#include "services/auth/domain/grant.h"
#include "services/auth/domain/service_account.h"
#include "services/auth/domain/session.h"
#include "services/auth/domain/tables.h"

namespace trialog::auth {
namespace {

using google::protobuf::Message;
using service::ListSource;
using service::Target;

absl::Status BadName(std::string_view field, std::string_view pattern) {
  return BadField(field, "BAD_NAME", Cat("must have the form ", pattern));
}

absl::Status BadParent() {
  return BadField("parent", "BAD_NAME",
                  "must have the form organizations/*/users/* or organizations/*/serviceAccounts/*");
}

// The reason of closing an account becomes its state_reason.
absl::StatusOr<Target> AimAtUserToClose(Message& message, const Principal&) {
  const auto& request = static_cast<const v1::DeactivateUserRequest&>(message);
  if (!NameMatches(kUsers.pattern, request.name())) return BadName("name", kUsers.pattern);
  Target target{std::string(OrganizationOf(request.name())), request.name(), nullptr, request.name()};
  if (request.reason().empty()) return target;
  auto user = std::make_unique<v1::User>();
  user->set_state_reason(request.reason());
  target.personal = std::move(user);
  return target;
}

absl::StatusOr<ListSource> SessionsOf(const Principal&, std::string_view parent, const Message&) {
  if (!NameMatches(kUsers.pattern, parent)) return BadName("parent", kUsers.pattern);
  return ListSource{&kSessionsByUser, view::GroupPrefix(parent)};  // Latest first.
}

absl::StatusOr<ListSource> GrantsOf(const Principal&, std::string_view parent, const Message&) {
  if (!NameMatches(kUsers.pattern, parent) && !NameMatches(kServiceAccounts.pattern, parent)) return BadParent();
  return ListSource{&kGrantsByHolder, view::GroupPrefix(parent)};
}

absl::StatusOr<Target> AimAtNewGrant(v1::GrantRoleRequest& request, const std::string& new_id) {
  const service::ResourceType* type = GrantTypeOf(request.parent());
  if (type == nullptr || !NameMatches(ParentOf(type->table->pattern), request.parent())) return BadParent();
  if (request.grant_id().empty()) request.set_grant_id(new_id);
  const std::string name = Cat(request.parent(), "/grants/", request.grant_id());
  if (!NameMatches(type->table->pattern, name)) {
    return BadField("grant_id", "ID_MALFORMED", "1 to 63 letters, digits, '.', '_', '~', '-'");
  }
  Target target{std::string(OrganizationOf(name)), name, nullptr, request.parent()};
  if (!request.grant().reason().empty()) target.personal = std::make_unique<v1::Grant>(request.grant());
  return target;
}

// The reason of taking a grant back becomes its revoke_reason.
absl::StatusOr<Target> AimAtGrant(Message& message, const Principal&) {
  const auto& request = static_cast<const v1::RevokeRoleRequest&>(message);
  const service::ResourceType* type = GrantTypeOf(request.name());
  if (type == nullptr || !NameMatches(type->table->pattern, request.name())) {
    return BadName("name", "organizations/*/users/*/grants/* or organizations/*/serviceAccounts/*/grants/*");
  }
  Target target{std::string(OrganizationOf(request.name())), request.name(), nullptr,
                std::string(ParentOf(request.name()))};
  if (request.reason().empty()) return target;
  auto grant = std::make_unique<v1::Grant>();
  grant->set_revoke_reason(request.reason());
  target.personal = std::move(grant);
  return target;
}

}  // namespace

void Handlers::RegisterUsers() {
  service::Backend& backend = *backend_;
  const auto method = [](std::string_view name) { return Cat("trialog.auth.v1.UserService/", name); };
  backend.Create(method("CreateUser"), kUserType, service::Typed<v1::CreateUserRequest>(CreateUser));
  backend.Get(method("GetUser"), kUserType);
  backend.List(method("ListUsers"), kUserType, nullptr);
  backend.Update(method("UpdateUser"), kUserType, service::Typed<v1::UpdateUserRequest>(UpdateUser));
  backend.Act(method("LinkUser"), kUserType, service::Typed<v1::LinkUserRequest>(LinkUser));
  backend.CommandMethod(method("DeactivateUser"), kUserType, AimAtUserToClose,
                        service::Typed<v1::DeactivateUserRequest>(DeactivateUser));
  const service::Answer with_grant = [this](CallPtr call, const Outcome& outcome) {
    backend_->AnswerWithRecord(call, *GrantTypeOf(outcome.names.at(0)), outcome, outcome.names.at(0));
  };
  backend.CommandMethod(
      method("GrantRole"), kUserGrantType,
      [this](Message& message, const Principal&) {
        return AimAtNewGrant(static_cast<v1::GrantRoleRequest&>(message), NewId());
      },
      service::Typed<v1::GrantRoleRequest>(GrantRole), with_grant);
  backend.CommandMethod(method("RevokeRole"), kUserGrantType, AimAtGrant,
                        service::Typed<v1::RevokeRoleRequest>(RevokeRole), with_grant);
  backend.Unary(method("ListGrants"), [of_user = backend.ListHandler(method("ListGrants"), kUserGrantType, GrantsOf),
                                       of_service = backend.ListHandler(method("ListGrants"), kServiceAccountGrantType,
                                                                        GrantsOf)](CallPtr call) {
    const std::string parent = call->Request<v1::ListGrantsRequest>().parent();
    (GrantTypeOf(parent) == &kServiceAccountGrantType ? of_service : of_user)(std::move(call));
  });
}

void Handlers::RegisterSessions() {
  service::Backend& backend = *backend_;
  backend.List("trialog.auth.v1.AuthService/ListSessions", kSessionType, SessionsOf);
  backend.Act("trialog.auth.v1.AuthService/RevokeSession", kSessionType,
              service::Typed<v1::RevokeSessionRequest>(RevokeSession));
  backend.CommandMethod(
      "trialog.auth.v1.AuthService/Logout", kSessionType,
      [](Message&, const Principal& principal) -> absl::StatusOr<Target> {
        return Target{principal.organization, principal.user(), nullptr, ""};
      },
      [](const view::State& state, const Context& context, const Message&, const event::v1::SealedPart&) {
        return Logout(state, context);
      },
      [](CallPtr call, const Outcome&) { call->Finish(google::protobuf::Empty()); });
}

void Handlers::RegisterServiceAccounts() {
  service::Backend& backend = *backend_;
  const auto method = [](std::string_view name) { return Cat("trialog.auth.v1.ServiceAccountService/", name); };
  backend.Create(method("CreateServiceAccount"), kServiceAccountType,
                 service::Typed<v1::CreateServiceAccountRequest>(CreateServiceAccount));
  backend.Get(method("GetServiceAccount"), kServiceAccountType);
  backend.List(method("ListServiceAccounts"), kServiceAccountType, nullptr);
  backend.Update(method("UpdateServiceAccount"), kServiceAccountType,
                 service::Typed<v1::UpdateServiceAccountRequest>(UpdateServiceAccount));
  backend.Act(method("DisableServiceAccount"), kServiceAccountType,
              service::Typed<v1::DisableServiceAccountRequest>(DisableServiceAccount));
  backend.Act(method("RevokeKey"), kServiceAccountKeyType, service::Typed<v1::RevokeKeyRequest>(RevokeKey));
  backend.Unary(method("CreateKey"), [this](CallPtr call) { CreateKey(std::move(call)); });
}

void Handlers::CreateKey(CallPtr call) {
  SecretToken token{"", "", NewSecret(backend_->runtime())};
  auto hash = sealing::Sha256(token.secret);
  backend_->Run(
      call, kServiceAccountKeyType,
      [this](Message& message, const Principal&) -> absl::StatusOr<Target> {
        auto& request = static_cast<v1::CreateKeyRequest&>(message);
        if (!NameMatches(kServiceAccounts.pattern, request.parent()))
          return BadName("parent", kServiceAccounts.pattern);
        if (request.key_id().empty()) request.set_key_id(NewId());
        return Target{std::string(OrganizationOf(request.parent())), Cat(request.parent(), "/keys/", request.key_id()),
                      nullptr, ""};
      },
      [hash](const view::State& state, const Context& context, const Message& request, const event::v1::SealedPart&) {
        return auth::CreateKey(state, context, static_cast<const v1::CreateKeyRequest&>(request), hash);
      },
      [this, token](CallPtr call, const Outcome& outcome) mutable {
        token.name = outcome.names.at(0);
        view::RowPtr row = StateOf(OrganizationOf(token.name)).Find(kServiceAccountKeys, token.name);
        if (!row) return call->Finish(absl::InternalError("the key left no record to show"));
        backend_->Render(call->shared_principal(), *call, true, {{&kServiceAccountKeyType, token.name, row}},
                         [call, text = EncodeToken(kServiceKeyKind, token)](auto shown) {
                           if (!shown.ok()) return call->Finish(shown.status());
                           v1::CreateKeyResponse response;
                           *response.mutable_key() = static_cast<const v1::ServiceAccountKey&>(*shown->front());
                           response.set_key_secret(text);
                           call->Finish(response);
                         });
      });
}

}  // namespace trialog::auth
