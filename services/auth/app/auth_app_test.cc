#include "services/auth/app/auth_app.h"

#include <atomic>
#include <thread>

#include "google/protobuf/empty.pb.h"
#include "platform/callers/token_authenticator.h"
#include "services/auth/app/testing.h"

namespace trialog::auth {
namespace {

using google::protobuf::Empty;

// An organisation "o" with administrator "root".
class Auth : public testing::Test {
 protected:
  void SetUp() override {
    auto organization = world.TryCreateOrganization("o");
    ASSERT_TRUE(organization.ok()) << organization.status();
    root = world.Login("root").tokens().access_token();
  }

  // Signs someone up by an invitation with these roles.
  v1::SignUpResponse Join(std::string id, std::vector<Role> roles = {}) {
    auto invited = world.TryInvite(root, std::move(roles));
    EXPECT_TRUE(invited.ok()) << invited.status();
    auto joined = world.TrySignUp(std::move(id), invited->invitation_token());
    EXPECT_TRUE(joined.ok()) << joined.status();
    return joined.ok() ? *std::move(joined) : v1::SignUpResponse();
  }

  AuthWorld world;
  std::string root;
};

TEST(Bootstrap, MakesAnOrganisationWhoseAdministratorSignsIn) {
  AuthWorld world;
  auto organization = world.TryCreateOrganization("o");
  ASSERT_TRUE(organization.ok()) << organization.status();
  EXPECT_EQ(organization->name(), "organizations/o");
  EXPECT_EQ(organization->etag(), "\"1\"");
  const v1::LoginResponse login = world.Login("root");
  EXPECT_EQ(login.identity().user().name(), "organizations/o/users/root");
  EXPECT_EQ(login.identity().user().username(), "root");
  ASSERT_EQ(login.identity().grants_size(), 1);
  EXPECT_EQ(login.identity().grants(0).role(), ROLE_SYSTEM_ADMINISTRATOR);
  EXPECT_EQ(world.WhoAmI(login.tokens().access_token()), absl::OkStatus());
}

TEST(Bootstrap, TakesItsTokenOnceInTheWholeStore) {
  AuthWorld world;
  EXPECT_THAT(world.TryCreateOrganization("o", "another token"), RefusedWith("INIT_TOKEN_INVALID"));
  ASSERT_TRUE(world.TryCreateOrganization("o").ok());
  for (const char* id : {"p", "q", "r", "s", "t"}) {  // In several partitions.
    EXPECT_THAT(world.TryCreateOrganization(id), RefusedWith("INIT_TOKEN_USED")) << id;
  }
  WriteSecretFile(world.folder() / "init.token", "another token");
  EXPECT_TRUE(world.TryCreateOrganization("p", "another token").ok());
}

TEST(Bootstrap, RefusesATokenFileThatOthersMayRead) {
  AuthWorld world;
  std::filesystem::permissions(world.folder() / "init.token", std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  EXPECT_THAT(world.TryCreateOrganization("o"), RefusedWith("INIT_TOKEN_INVALID"));
}

TEST_F(Auth, PublishesTheKeyThatSignsItsTokens) {
  v1::ListSigningKeysRequest request;
  request.set_parent("organizations/o");
  auto keys = world.Call<v1::ListSigningKeysResponse>("ListSigningKeys", request);
  ASSERT_TRUE(keys.ok()) << keys.status();
  ASSERT_EQ(keys->keys_size(), 1);
  EXPECT_EQ(keys->keys(0).alg(), "ES256");
}

}  // namespace
}  // namespace trialog::auth
