#include "services/auth/domain/grant.h"

#include <utility>

#include "google/protobuf/util/time_util.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/auth/domain/access.h"
#include "services/auth/domain/tables.h"
#include "trialog/auth/v1/events.pb.h"
#include "trialog/auth/v1/service_account.pb.h"

namespace trialog::auth {
namespace {

using google::protobuf::Timestamp;

bool HasEnded(const v1::Grant& grant, const Timestamp& time) {
  return grant.has_end_time() && grant.end_time() <= time;
}

bool InForce(const v1::Grant& grant, const Timestamp& time) {
  return !grant.has_revoke_time() && grant.start_time() <= time && !HasEnded(grant, time);
}

bool Overlap(const v1::Grant& a, const v1::Grant& b) {
  return (!a.has_end_time() || b.start_time() < a.end_time()) && (!b.has_end_time() || a.start_time() < b.end_time());
}

// Whether the account exists and is not closed.
bool IsOpen(const view::State& state, std::string_view holder) {
  if (auto user = state.Get<v1::User>(kUsers, holder)) return user->state() != v1::User::STATE_DISABLED;
  auto account = state.Get<v1::ServiceAccount>(kServiceAccounts, holder);
  return account && account->state() == v1::ServiceAccount::STATE_ACTIVE;
}

bool Exists(const view::State& state, std::string_view holder) {
  return state.Find(kUsers, holder) || state.Find(kServiceAccounts, holder);
}

std::vector<view::RowPtr> StandingGrants(const view::State& state, std::string_view holder) {
  std::vector<view::RowPtr> rows;
  const view::Table* table = GrantTableOf(holder);
  if (!table) return rows;
  for (const auto& found : state.Scan(kStandingGrants, view::GroupPrefix(holder), kMaxStandingGrants)) {
    if (view::RowPtr row = state.Find(*table, found.name)) rows.push_back(std::move(row));
  }
  return rows;
}

// A resource name is pairs of collection and id.
bool IsResourceName(std::string_view name) {
  const auto segments = Split(name, '/');
  if (segments.size() % 2 != 0 || segments.size() > 12) return false;
  for (const std::string_view segment : segments) {
    if (!NameMatches("*", segment)) return false;
  }
  return true;
}

// Which grant it is that ends, whatever ends it.
template <typename Ending>
void SetGrant(const v1::Grant& grant, Ending& ending) {
  ending.set_name(grant.name());
  ending.set_role(grant.role());
  ending.set_scope(grant.scope());
}

absl::StatusOr<v1::Grant> ReadTimes(const Context& context, const v1::Grant& asked) {
  v1::Grant grant;
  *grant.mutable_start_time() = asked.has_start_time() ? asked.start_time() : context.record_time;
  // A start in the past would say that the role was held before anyone granted it.
  if (grant.start_time() < context.record_time) {
    return BadField("grant.start_time", "TIMES_INVALID", "must not lie in the past");
  }
  if (!asked.has_end_time()) return grant;
  *grant.mutable_end_time() = asked.end_time();
  if (grant.end_time() <= grant.start_time()) {
    return BadField("grant.end_time", "TIMES_INVALID", "must lie after the start");
  }
  return grant;
}

}  // namespace

std::vector<view::RowPtr> GrantRowsInForce(const view::State& state, std::string_view holder, const Timestamp& time) {
  if (!IsOpen(state, holder)) return {};
  std::vector<view::RowPtr> rows = StandingGrants(state, holder);
  std::erase_if(rows, [&](const view::RowPtr& row) { return !InForce(row->As<v1::Grant>(), time); });
  return rows;
}

std::vector<Grant> GrantsInForce(const view::State& state, std::string_view holder, const Timestamp& time) {
  std::vector<Grant> grants;
  for (const view::RowPtr& row : GrantRowsInForce(state, holder, time)) {
    grants.push_back({row->As<v1::Grant>().role(), row->As<v1::Grant>().scope()});
  }
  return grants;
}

absl::Status CheckRole(std::string_view organization_id, bool service_account, Role role, std::string_view scope,
                       std::string_view field) {
  if (role == ROLE_UNSPECIFIED || !Role_IsValid(role)) {
    return BadField(Cat(field, ".role"), "ROLE_UNKNOWN", "must be one of the roles");
  }
  if (OrganizationOf(scope) != organization_id || !IsResourceName(scope)) {
    return BadField(Cat(field, ".scope"), "SCOPE_MALFORMED", "must name the organisation or a record in it");
  }
  // Accounts and a person's own records belong to the organisation as a whole.
  if ((role == ROLE_SYSTEM_ADMINISTRATOR || role == ROLE_PARTICIPANT) && scope != OrganizationName(organization_id)) {
    return BadField(Cat(field, ".scope"), "SCOPE_TOO_NARROW", "this role is held in the whole organisation");
  }
  const bool persons_only = role == ROLE_SYSTEM_ADMINISTRATOR || role == ROLE_INVESTIGATOR || role == ROLE_PARTICIPANT;
  if (service_account ? persons_only : role == ROLE_NOTIFIER) {
    return BadField(Cat(field, ".role"), "ROLE_NOT_FOR_HOLDER",
                    service_account ? "this role is a person's" : "this role is a service account's");
  }
  return absl::OkStatus();
}

absl::Status CheckRoom(const view::State& state, std::string_view holder, Role role, int more) {
  if (state.Count(kStandingGrants, holder) + more > kMaxStandingGrants) {
    return Refuse(absl::StatusCode::kResourceExhausted, "TOO_MANY_GRANTS", "revoke grants that are not needed first");
  }
  if (role == ROLE_SYSTEM_ADMINISTRATOR && state.Count(kAdministratorGrants, ParentOf(holder)) >= kMaxAdministrators) {
    return Refuse(absl::StatusCode::kResourceExhausted, "TOO_MANY_ADMINISTRATORS",
                  "revoke an administrator's grant first");
  }
  return absl::OkStatus();
}

void AddGrant(Decision& decision, v1::Grant grant, const event::v1::SealedPart& sealed) {
  v1::AuthEvent event;
  const std::string name = grant.name();
  *event.mutable_role_granted()->mutable_grant() = std::move(grant);
  *event.mutable_role_granted()->mutable_sealed() = sealed;
  decision.Add(name, std::move(event));
}

bool AdministratorRemains(const view::State& state, std::string_view organization, std::string_view without,
                          const Timestamp& time) {
  for (const auto& found : state.Scan(kAdministratorGrants, view::GroupPrefix(organization), kMaxAdministrators)) {
    const std::string_view holder = ParentOf(found.name);
    if (found.name == without || holder == without) continue;
    auto grant = state.Get<v1::Grant>(kUserGrants, found.name);
    auto user = state.Get<v1::User>(kUsers, holder);
    if (!grant || !user || grant->has_end_time() || !InForce(*grant, time)) continue;
    if (user->state() == v1::User::STATE_ACTIVE || user->state() == v1::User::STATE_LOCKED) return true;
  }
  return false;
}

absl::StatusOr<Decision> GrantRole(const view::State& state, const Context& context,
                                   const v1::GrantRoleRequest& request, const event::v1::SealedPart& sealed) {
  if (absl::Status allowed = RequireAdministrator(context); !allowed.ok()) return allowed;
  const std::string& holder = request.parent();
  if (holder == context.principal.user()) {
    return Denied("SELF_GRANT", "another administrator must grant this role to you");
  }
  const view::Table* table = GrantTableOf(Cat(holder, "/grants/", request.grant_id()));
  if (!table || OrganizationOf(holder) != context.organization || !Exists(state, holder)) return NotFound("account");
  if (!IsOpen(state, holder)) return BrokenRule("ACCOUNT_DISABLED", holder, "a closed account holds no roles");

  const std::string name = Cat(holder, "/grants/", request.grant_id());
  if (!NameMatches(table->pattern, name)) {
    return BadField("grant_id", "ID_MALFORMED", "1 to 63 letters, digits, '.', '_', '~', '-'");
  }
  if (state.Find(*table, name)) {
    return Refuse(absl::StatusCode::kAlreadyExists, "GRANT_EXISTS", "choose another grant_id");
  }
  const v1::Grant& asked = request.grant();
  absl::Status fits =
      CheckRole(context.organization, table == &kServiceAccountGrants, asked.role(), asked.scope(), "grant");
  if (!fits.ok()) return fits;
  auto grant = ReadTimes(context, asked);
  if (!grant.ok()) return grant.status();
  grant->set_name(name);
  grant->set_uid(context.NewId());
  grant->set_role(asked.role());
  grant->set_scope(asked.scope());
  grant->set_grantor(context.principal.user());
  for (const view::RowPtr& row : StandingGrants(state, holder)) {
    const auto& other = row->As<v1::Grant>();
    if (other.role() == grant->role() && other.scope() == grant->scope() && Overlap(other, *grant)) {
      return Refuse(absl::StatusCode::kAlreadyExists, "GRANT_EXISTS", "the account holds this role there at that time");
    }
  }
  if (absl::Status room = CheckRoom(state, holder, grant->role()); !room.ok()) return room;

  Decision decision;
  AddGrant(decision, *std::move(grant), sealed);
  decision.names = {name};
  return decision;
}

absl::StatusOr<Decision> RevokeRole(const view::State& state, const Context& context,
                                    const v1::RevokeRoleRequest& request, const event::v1::SealedPart& sealed) {
  if (absl::Status allowed = RequireAdministrator(context); !allowed.ok()) return allowed;
  const view::Table* table = GrantTableOf(request.name());
  auto grant = table && OrganizationOf(request.name()) == context.organization
                   ? state.Get<v1::Grant>(*table, request.name())
                   : nullptr;
  if (!grant) return NotFound("grant");

  Decision decision;
  decision.names = {grant->name()};
  if (grant->has_revoke_time()) return decision;
  if (grant->role() == ROLE_SYSTEM_ADMINISTRATOR && !grant->has_end_time() &&
      !AdministratorRemains(state, OrganizationName(context.organization), grant->name(), context.record_time)) {
    return BrokenRule("LAST_ADMINISTRATOR", grant->name(), "make someone else administrator, without an end, first");
  }
  v1::AuthEvent event;
  SetGrant(*grant, *event.mutable_role_revoked());
  *event.mutable_role_revoked()->mutable_sealed() = sealed;
  decision.Add(grant->name(), std::move(event));
  return decision;
}

absl::StatusOr<Decision> EndGrant(const view::State& state, const Context& context, std::string_view name) {
  const view::Table* table = GrantTableOf(name);
  auto grant = table ? state.Get<v1::Grant>(*table, name) : nullptr;
  Decision decision;
  decision.names = {std::string(name)};
  if (!grant || grant->has_revoke_time() || grant->has_end_record_time() || !HasEnded(*grant, context.record_time)) {
    return decision;
  }
  v1::AuthEvent event;
  SetGrant(*grant, *event.mutable_role_ended());
  decision.Add(grant->name(), std::move(event));
  return decision;
}

}  // namespace trialog::auth
