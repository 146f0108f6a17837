#include "services/auth/domain/evolve.h"

#include <random>
#include <set>

#include "services/auth/domain/testing.h"

namespace trialog::auth {
namespace {

// An event with `kind` set and nothing in it.
v1::AuthEvent Empty(const google::protobuf::FieldDescriptor& kind) {
  v1::AuthEvent event;
  event.GetReflection()->MutableMessage(&event, &kind);
  return event;
}

TEST(Evolve, IsTotalForEveryKindOnNothing) {
  const auto& oneof = *v1::AuthEvent::descriptor()->oneof_decl(0);
  for (int i = 0; i < oneof.field_count(); ++i) {
    view::ChangeSet state(view::EmptyState());
    state.Begin({std::string(16, 'e'), "o", {}, {}});
    Evolve(state, Empty(*oneof.field(i)));
    Evolve(state, v1::AuthEvent());
  }
}

TEST(Evolve, MakesNoRowOfAnEventAboutAMissingOne) {
  view::ChangeSet state(view::EmptyState());
  v1::AuthEvent event;
  event.mutable_user_linked()->set_name(World::User("nobody"));
  Evolve(state, event);
  event.mutable_session_revoked()->set_name(World::User("nobody") + "/sessions/s");
  Evolve(state, event);
  event.mutable_role_revoked()->set_name(World::User("nobody") + "/grants/g");
  Evolve(state, event);
  EXPECT_TRUE(state.empty());
}

TEST(AuthDomain, HasTablesWithIdsOfTheirOwn) {
  std::set<uint16_t> ids;
  std::set<std::string_view> patterns;
  for (const view::Table* table : AuthDomain().tables) {
    EXPECT_TRUE(ids.insert(table->id).second) << table->pattern;
    EXPECT_TRUE(patterns.insert(table->pattern).second) << table->pattern;
  }
}

// Kinds that other services must know, and no others.
TEST(AuthEvent, IsPublicOnlyWhereItHoldsNothingPersonalOrSecret) {
  const std::set<std::string> expected = {
      "OrganizationCreated",   "OrganizationUpdated",    "UserCreated",        "UserActivated", "UserLinked",
      "UserDeactivated",       "SessionRevoked",         "RoleGranted",        "RoleRevoked",   "RoleEnded",
      "ServiceAccountCreated", "ServiceAccountDisabled", "SigningKeyPublished"};
  std::set<std::string> found;
  const auto& oneof = *v1::AuthEvent::descriptor()->oneof_decl(0);
  for (int i = 0; i < oneof.field_count(); ++i) {
    const auto* kind = oneof.field(i)->message_type();
    if (!kind->options().GetExtension(public_event)) continue;
    found.insert(kind->name());
    for (int f = 0; f < kind->field_count(); ++f) {
      const auto* field = kind->field(f);
      EXPECT_NE(field->type(), google::protobuf::FieldDescriptor::TYPE_BYTES) << field->full_name();
      EXPECT_FALSE(field->options().GetExtension(secret)) << field->full_name();
    }
  }
  EXPECT_EQ(found, expected);
}

// Random histories of sign-ins, failures, refreshes, grants and closings keep what must always hold.
TEST(AuthDomain, KeepsItsInvariantsInRandomHistories) {
  const unsigned seed = 20260101;
  SCOPED_TRACE(Cat("seed ", seed));
  std::mt19937 random(seed);
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  World world;
  const std::vector<std::string> people = {"a", "b", "c", "d"};
  for (const auto& id : people) world.Join(id, {pick(2) ? ROLE_SYSTEM_ADMINISTRATOR : ROLE_PROVIDER});
  std::vector<std::string> everyone = people;
  everyone.push_back("root");
  int accepted = 0, refused = 0;
  for (int step = 0; step < 2000; ++step) {
    const std::string& by = everyone[static_cast<size_t>(pick(5))];
    const std::string& on = everyone[static_cast<size_t>(pick(5))];
    absl::StatusOr<Decision> decision = Decision();
    switch (pick(6)) {
      case 0:
        decision = world.TryLogin(on, pick(4) == 0);
        break;
      case 1:
        decision = world.TryGrant(by, World::User(on), pick(2) ? ROLE_SYSTEM_ADMINISTRATOR : ROLE_ANALYST,
                                  "organizations/o", Cat("g", step));
        break;
      case 2: {
        const auto grants = world.state.Scan(kStandingGrants, view::GroupPrefix(World::User(on)), 1);
        if (grants.empty()) continue;
        v1::RevokeRoleRequest request;
        request.set_name(grants[0].name);
        decision = RevokeRole(world.state, world.Call(by), request, {});
        break;
      }
      case 3: {
        if (pick(100) != 0) continue;
        v1::DeactivateUserRequest request;
        request.set_name(World::User(on));
        decision = DeactivateUser(world.state, world.Call(by), request, {});
        break;
      }
      case 4: {
        const auto sessions = world.state.Scan(kActiveSessions, view::GroupPrefix(World::User(on)), 1);
        if (sessions.empty()) continue;
        decision = RefreshToken(world.state, world.Call(""),
                                {sessions[0].name, Secrets(on + "login", Cat(pick(3))), Secrets("", "1").token_sha256});
        break;
      }
      default:
        world.Pass(absl::Minutes(pick(60)));
        continue;
    }
    decision.ok() ? ++accepted : ++refused;
    if (decision.ok()) world.Must(decision);
    ASSERT_TRUE(AdministratorRemains(world.state, "organizations/o", "", world.now)) << "step " << step;
    for (const auto& id : everyone) {
      const bool closed = world.StateOf(id) == v1::User::STATE_DISABLED;
      const auto active = world.state.Count(kActiveSessions, World::User(id));
      ASSERT_LE(active, closed ? 0 : kMaxSessions) << id << " step " << step;
      if (closed) {
        ASSERT_THAT(GrantsInForce(world.state, World::User(id), world.now), testing::IsEmpty());
      }
    }
  }
  EXPECT_GT(accepted, 100);
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace trialog::auth
