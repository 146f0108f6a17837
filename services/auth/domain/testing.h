// For auth's domain tests: an organisation whose state is folded from decisions, as the owner loop does it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/auth/domain/account.h"
#include "services/auth/domain/evolve.h"
#include "services/auth/domain/grant.h"
#include "services/auth/domain/invitation.h"
#include "services/auth/domain/organization.h"
#include "services/auth/domain/session.h"
#include "services/auth/domain/sign_in.h"
#include "services/auth/domain/sign_up.h"
#include "services/auth/domain/tables.h"
#include "services/auth/domain/times.h"
#include "trialog/auth/v1/events.pb.h"

namespace trialog::auth {

MATCHER_P(Refuses, reason, "") {
  if (arg.ok()) {
    *result_listener << "which is accepted";
    return false;
  }
  *result_listener << "which is " << arg.status();
  return ReasonOf(arg.status()) == reason;
}

// Types of a decision's events without the package, for example "UserCreated".
inline std::vector<std::string> KindsOf(const Decision& decision) {
  std::vector<std::string> kinds;
  for (const NewEvent& event : decision.events) {
    const std::string_view type = TypeOf(*event.body);
    kinds.emplace_back(type.substr(type.rfind('.') + 1));
  }
  return kinds;
}

inline event::v1::Sealed Hash(std::string_view password) {
  event::v1::Sealed sealed;
  sealed.set_key_id("k");
  sealed.set_ciphertext(Cat("sealed hash of ", password));
  return sealed;
}

// The personal part of an account: field numbers of User, keyed hashes as the platform makes them.
inline event::v1::SealedPart Person(std::string_view username, std::string_view email = "") {
  event::v1::SealedPart part;
  const auto add = [&](int number, std::string_view index, std::string_view text) {
    if (text.empty()) return;
    auto* field = part.add_fields();
    field->set_number(number);
    field->mutable_value()->set_ciphertext(std::string(text));
    auto* key = part.add_keys();
    key->set_index(std::string(index));
    key->set_mac(Cat("mac of ", text));
  };
  add(v1::User::kUsernameFieldNumber, kUsernameLookup, username);
  add(v1::User::kEmailFieldNumber, kEmailLookup, email);
  return part;
}

inline RefreshSecrets Secrets(std::string_view family, std::string_view token = "1") {
  return {Cat("family ", family), Cat("token ", token)};
}

// Organisation "o" with administrator "root", made through its own decision. Time moves only by `Pass`.
class World {
 public:
  World() {
    v1::CreateOrganizationRequest request;
    request.set_organization_id("o");
    request.mutable_organization()->set_display_name("Clinic");
    request.set_administrator_id("root");
    Must(CreateOrganization(state, Call(""), request, Person("root"), {std::string(32, 'i'), Hash("root")}));
  }

  // A call by `user` (id or full name; empty: nobody) with their grants in force, in session `session`.
  Context Call(std::string_view user, std::string_view session = "") {
    Context context;
    context.organization = "o";
    context.record_time = now;
    context.command_id = Cat("command ", ++commands_);
    context.command_id.resize(16, '.');
    context.principal.caller.set_kind(event::v1::Caller::KIND_ANONYMOUS);
    if (user.empty()) return context;
    const std::string name = HasPrefix(user, "organizations/") ? std::string(user) : User(user);
    context.principal.caller.set_kind(event::v1::Caller::KIND_USER);
    context.principal.caller.set_name(name);
    context.principal.caller.set_session(std::string(session));
    context.principal.organization = std::string(OrganizationOf(name));
    context.principal.grants = GrantsInForce(state, name, now);
    if (auto row = state.Get<v1::User>(kUsers, name)) context.principal.patient = row->patient();
    return context;
  }
  Context Internal() {
    Context context = Call("");
    context.principal.internal = true;
    return context;
  }

  static std::string User(std::string_view id) { return Cat("organizations/o/users/", id); }

  // Folds an accepted decision; its context must be the last call's time.
  Decision Must(absl::StatusOr<Decision> decision) {
    EXPECT_TRUE(decision.ok()) << decision.status();
    if (!decision.ok()) return {};
    Apply(AuthDomain(), Call(""), *decision, state);
    return *std::move(decision);
  }

  void Pass(absl::Duration time) { now = Later(now, time); }

  // Makes an invitation with token hash "t"; gives its name.
  std::string Invite(std::vector<Role> roles, std::string_view id = "i", event::v1::SealedPart sealed = {}) {
    v1::CreateInvitationRequest request;
    request.set_invitation_id(std::string(id));
    for (const Role role : roles) request.mutable_invitation()->add_roles()->set_role(role);
    return Must(CreateInvitation(state, Call("root"), request, sealed, "t")).names.at(0);
  }

  // What a person of this id sends to sign up by `invitation` (empty: openly).
  absl::StatusOr<Decision> TrySignUp(std::string_view id, std::string_view invitation, std::string_view token = "t") {
    v1::SignUpRequest request;
    request.set_user_id(std::string(id));
    return SignUp(state, Call(""), request, Person(id, Cat(id, "@x")),
                  {std::string(invitation), std::string(token), Hash(id), Secrets(id)});
  }

  // A signed-up user with these roles; gives the name of the first session.
  std::string Join(std::string_view id, std::vector<Role> roles = {}) {
    return Must(TrySignUp(id, Invite(std::move(roles), Cat("for-", id)))).names.at(0);
  }

  absl::StatusOr<Decision> TryLogin(std::string_view id, bool right = true, std::string_view family = "login") {
    const auto candidate = FindByName(state, User(id));
    return Login(state, Call(""), {User(id), {right, candidate ? candidate->generation : 0}, Secrets(Cat(id, family))});
  }

  absl::StatusOr<Decision> TryGrant(std::string_view by, std::string_view holder, Role role,
                                    std::string_view scope = "organizations/o", std::string_view id = "g") {
    v1::GrantRoleRequest request;
    request.set_parent(std::string(holder));
    request.set_grant_id(std::string(id));
    request.mutable_grant()->set_role(role);
    request.mutable_grant()->set_scope(std::string(scope));
    return GrantRole(state, Call(by), request, {});
  }

  // The only standing grant of `user`.
  std::string GrantOf(std::string_view user) {
    const auto found = state.Scan(kStandingGrants, view::GroupPrefix(User(user)), 2);
    EXPECT_EQ(found.size(), 1u);
    return found.at(0).name;
  }

  v1::User::State StateOf(std::string_view user) { return state.Get<v1::User>(kUsers, User(user))->state(); }

  std::string Etag(const view::Table& table, std::string_view name) {
    return Cat('"', state.Find(table, name)->meta.version(), '"');
  }

  view::ChangeSet state{view::EmptyState()};
  google::protobuf::Timestamp now = google::protobuf::util::TimeUtil::SecondsToTimestamp(1'800'000'000);

 private:
  int commands_ = 0;
};

}  // namespace trialog::auth
