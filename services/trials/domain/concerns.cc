#include "services/trials/domain/concerns.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "google/protobuf/util/time_util.h"
#include "platform/text/text.h"
#include "services/trials/domain/checks.h"
#include "services/trials/domain/tables_care.h"
#include "trialog/analytics/v1/events.pb.h"
#include "trialog/auth/v1/events.pb.h"
#include "trialog/inventory/v1/events.pb.h"
#include "trialog/trials/v1/events.pb.h"

namespace trialog::trials {
namespace {

constexpr std::string_view kGrantPattern = "organizations/*/users/*/grants/*";
// More grants than auth lets one account hold.
constexpr size_t kMaxGrantsOfUser = 256;

std::string DrawnName(std::string_view collection, std::string_view from) {
  const std::string_view organization = OrganizationOf(from);
  return Cat("organizations/", organization, "/", collection, "/",
             UuidText(EventId(Cat("trials.", collection), organization, from, 0)));
}
std::string RoleName(std::string_view grant) { return DrawnName("concernRoles", grant); }

// Roles that access to records of inventory and analytics follows from, as far as notices are about them.
bool IsKept(Role role) {
  return role == ROLE_BIOBANK_MANAGER || role == ROLE_LAB_TECHNICIAN || role == ROLE_PROVIDER || role == ROLE_ANALYST ||
         role == ROLE_DATA_CUSTODIAN;
}

bool InForce(const v1::ConcernRole& role, const google::protobuf::Timestamp& time) {
  return role.start_time() <= time && (!role.has_end_time() || time < role.end_time());
}

// What a cause adds, as events of this service that change something.
struct Kept {
  const view::State& state;
  const std::string& organization;
  Decision& decision;

  void Change(const std::string& record, const std::vector<std::string>& added,
              const std::vector<std::string>& removed) {
    if (OrganizationOf(record) != organization) return;
    const auto before = ConcernedWith(state, record);
    const auto is_there = [&](const std::string& user) {
      return std::binary_search(before.begin(), before.end(), user);
    };
    v1::TrialsEvent event;
    v1::ConcernChanged& changed = *event.mutable_concern_changed();
    changed.set_record(record);
    for (const std::string& user : added) {
      if (!user.empty() && !is_there(user)) changed.add_added(user);
    }
    for (const std::string& user : removed) {
      if (is_there(user)) changed.add_removed(user);
    }
    if (changed.added().empty() && changed.removed().empty()) return;
    decision.Add(ConcernName(record), std::move(event));
  }

  void Add(const auth::v1::Grant& grant) {
    const std::string name = RoleName(grant.name());
    if (!IsKept(grant.role()) || !NameMatches(kGrantPattern, grant.name()) || grant.scope().empty() ||
        OrganizationOf(grant.name()) != organization || state.Find(kConcernRoles, name)) {
      return;
    }
    v1::TrialsEvent event;
    v1::ConcernRole& role = *event.mutable_concern_role_added()->mutable_concern_role();
    role.set_name(name);
    role.set_user(std::string(ParentOf(grant.name())));
    role.set_role(grant.role());
    role.set_scope(grant.scope());
    *role.mutable_start_time() = grant.start_time();
    if (grant.has_end_time()) *role.mutable_end_time() = grant.end_time();
    decision.Add(name, std::move(event));
  }

  void Remove(const std::string& role_name) {
    if (!state.Find(kConcernRoles, role_name)) return;
    v1::TrialsEvent event;
    event.mutable_concern_role_removed()->set_name(role_name);
    decision.Add(role_name, std::move(event));
  }
};

void Keep(const inventory::v1::BiobankProviderAssigned& event, Kept& kept) {
  kept.Change(event.biobank(), {event.provider()}, {});
}

void Keep(const inventory::v1::BiobankProviderUnassigned& event, Kept& kept) {
  kept.Change(event.biobank(), {}, {event.provider()});
}

void Keep(const inventory::v1::SampleCreated& event, Kept& kept) {
  kept.Change(event.sample().name(), {event.sample().creator()}, {});
}

void Keep(const inventory::v1::StockReceived& event, Kept& kept) {
  kept.Change(event.inventory_item().name(), {event.inventory_item().creator()}, {});
}

void Keep(const analytics::v1::AnalysisRequested& event, Kept& kept) {
  kept.Change(event.analysis().name(), {event.analysis().requester()}, {});
}

void Keep(const auth::v1::RoleGranted& event, Kept& kept) { kept.Add(event.grant()); }

void Keep(const auth::v1::RoleRevoked& event, Kept& kept) { kept.Remove(RoleName(event.name())); }

void Keep(const auth::v1::RoleEnded& event, Kept& kept) { kept.Remove(RoleName(event.name())); }

// None of the grants of a closed account is in force.
void Keep(const auth::v1::UserDeactivated& event, Kept& kept) {
  for (const auto& found : kept.state.Scan(kConcernRolesByUser, view::GroupPrefix(event.name()), kMaxGrantsOfUser)) {
    kept.Remove(found.name);
  }
}

using Keeper = void (*)(const std::string& payload, Kept& kept);

template <typename Kind>
std::pair<const std::string_view, Keeper> Entry() {
  return {Kind::descriptor()->full_name(), [](const std::string& payload, Kept& kept) {
            Kind event;
            if (event.ParseFromString(payload)) Keep(event, kept);
          }};
}

const std::map<std::string_view, Keeper>& Keepers() {
  static const auto* const keepers = new std::map<std::string_view, Keeper>{
      Entry<inventory::v1::BiobankProviderAssigned>(),
      Entry<inventory::v1::BiobankProviderUnassigned>(),
      Entry<inventory::v1::SampleCreated>(),
      Entry<inventory::v1::StockReceived>(),
      Entry<analytics::v1::AnalysisRequested>(),
      Entry<auth::v1::RoleGranted>(),
      Entry<auth::v1::RoleRevoked>(),
      Entry<auth::v1::RoleEnded>(),
      Entry<auth::v1::UserDeactivated>(),
  };
  return *keepers;
}

}  // namespace

std::string ConcernName(std::string_view record) { return DrawnName("concerns", record); }

std::vector<std::string_view> ConcernCauses() {
  std::vector<std::string_view> types;
  for (const auto& [type, keeper] : Keepers()) types.push_back(type);
  return types;
}

void KeepConcerns(const event::v1::PublicEvent& cause, const view::State& state, Decision& decision) {
  Kept kept{state, cause.organization(), decision};
  if (const auto keeper = Keepers().find(cause.type()); keeper != Keepers().end()) {
    keeper->second(cause.payload(), kept);
  }
}

std::vector<std::string> ConcernedWith(const view::State& state, std::string_view record) {
  const auto concern = state.Get<v1::Concern>(kConcerns, ConcernName(record));
  if (!concern) return {};
  return {concern->users().begin(), concern->users().end()};
}

std::vector<std::string> HoldersOf(const view::State& state, Role role, std::string_view record,
                                   const google::protobuf::Timestamp& time, size_t limit) {
  std::set<std::string> holders;
  for (std::string_view scope = record; !scope.empty(); scope = ParentOf(scope)) {
    for (const auto& found : state.Scan(kConcernRolesByScope, view::GroupPrefix(ScopeKey(role, scope)), limit)) {
      const auto held = state.Get<v1::ConcernRole>(kConcernRoles, found.name);
      if (held && InForce(*held, time)) holders.insert(held->user());
    }
  }
  return {holders.begin(), holders.end()};
}

Principal GrantsKeptOf(const view::State& state, std::string_view user, const google::protobuf::Timestamp& time) {
  Principal principal;
  principal.caller.set_name(std::string(user));
  principal.organization = std::string(OrganizationOf(user));
  for (const auto& found : state.Scan(kConcernRolesByUser, view::GroupPrefix(user), kMaxGrantsOfUser)) {
    const auto held = state.Get<v1::ConcernRole>(kConcernRoles, found.name);
    if (held && InForce(*held, time)) principal.grants.push_back({held->role(), held->scope()});
  }
  return principal;
}

}  // namespace trialog::trials
