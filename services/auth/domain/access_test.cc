#include "services/auth/domain/access.h"

#include <map>

#include "services/auth/domain/testing.h"

namespace trialog::auth {
namespace {

// Anna's records, and who may see each: the owner, a colleague with every other role, an administrator, and an
// administrator of another organisation.
struct Relation {
  const view::Table* table;
  std::string_view name;
  bool owner, colleague, administrator, stranger;
};

Principal Colleague() {
  Principal principal;
  principal.organization = "o";
  principal.caller.set_name(World::User("bert"));
  for (int role = ROLE_SYSTEM_ADMINISTRATOR + 1; Role_IsValid(role); ++role) {
    principal.grants.push_back({static_cast<Role>(role), "organizations/o"});
  }
  return principal;
}

Principal Stranger() {
  Principal principal;
  principal.organization = "p";
  principal.caller.set_name("organizations/p/users/root");
  for (const char* id : {"o", "p"}) principal.grants.push_back({ROLE_SYSTEM_ADMINISTRATOR, OrganizationName(id)});
  return principal;
}

TEST(MaySee, FollowsTheRelationForEveryTable) {
  World world;
  const std::string session = world.Join("anna", {ROLE_PROVIDER});
  const std::string anna = World::User("anna");
  const std::string grant = Cat(anna, "/grants/g");
  const std::string user_credential = CredentialName(anna), session_credential = CredentialName(session);
  const Relation relations[] = {
      {&kOrganizations, "organizations/o", false, false, true, false},
      {&kUsers, anna, true, false, true, false},
      {&kSessions, session, true, false, true, false},
      {&kUserGrants, grant, true, false, true, false},
      {&kServiceAccountGrants, "organizations/o/serviceAccounts/s/grants/g", false, false, true, false},
      {&kInvitations, "organizations/o/invitations/i", false, false, true, false},
      {&kServiceAccounts, "organizations/o/serviceAccounts/s", false, false, true, false},
      {&kServiceAccountKeys, "organizations/o/serviceAccounts/s/keys/k", false, false, true, false},
      {&kSigningKeys, "organizations/o/signingKeys/k", true, true, true, true},
      {&kUserCredentials, user_credential, false, false, false, false},
      {&kSessionCredentials, session_credential, false, false, false, false},
      {&kInvitationCredentials, "organizations/o/invitations/i/credential", false, false, false, false},
      {&kServiceAccountKeyCredentials, "organizations/o/serviceAccounts/s/keys/k/credential", false, false, false,
       false},
      {&kSigningKeyCredentials, "organizations/o/signingKeys/k/credential", false, false, false, false},
      {&kInitTokens, "organizations/o/initTokens/t", false, false, false, false},
  };
  ASSERT_EQ(std::size(relations), AuthDomain().tables.size()) << "a table is missing here";
  const view::Row row;
  for (const Relation& r : relations) {
    const auto sees = [&](const Principal& principal) { return MaySee(principal, world.state, *r.table, r.name, row); };
    EXPECT_EQ(sees(world.Call("anna").principal), r.owner) << r.name;
    EXPECT_EQ(sees(Colleague()), r.colleague) << r.name;
    EXPECT_EQ(sees(world.Call("root").principal), r.administrator) << r.name;
    EXPECT_EQ(sees(Stranger()), r.stranger) << r.name;
    EXPECT_EQ(sees(Principal()), r.table == &kSigningKeys) << r.name;
  }
}

TEST(RequireAdministrator, NeedsTheRoleInTheWholeOrganisation) {
  World world;
  EXPECT_TRUE(RequireAdministrator(world.Call("root")).ok());
  Context context = world.Call("");
  context.principal = Colleague();
  EXPECT_FALSE(RequireAdministrator(context).ok());
  context.principal.grants.clear();
  context.principal.grants.push_back({ROLE_SYSTEM_ADMINISTRATOR, Cat(OrganizationName("o"), "/trials/t")});
  EXPECT_FALSE(RequireAdministrator(context).ok());
  context.principal = Stranger();
  EXPECT_FALSE(RequireAdministrator(context).ok());
}

}  // namespace
}  // namespace trialog::auth
