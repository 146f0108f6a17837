#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "absl/time/clock.h"
#include "platform/sealing/master_key.h"
#include "services/auth/app/testing.h"
#include "services/trialogctl/data_folder.h"
#include "services/trialogctl/saved_login.h"
#include "services/trialogctl/secret_files.h"

namespace trialog::ctl {
namespace {

TEST(MakeDataFolder, WritesSecretsForTheOwnerAloneAndKeepsThemWhenRepeated) {
  const std::string data = Cat(testing::TempDir(), "/data-", UuidText(RealRuntime().RandomBytes(16)));
  ASSERT_EQ(MakeDataFolder(data, RealRuntime()), absl::OkStatus());
  for (const char* name : {"master.key", "service.key", "audit.key", "init.token"}) {
    struct stat status;
    ASSERT_EQ(stat(Cat(data, "/keys/", name).c_str(), &status), 0) << name;
    EXPECT_EQ(status.st_mode & 0777, 0600u) << name;
  }
  const auto token = ReadSecretFile(InitTokenPath(data));
  ASSERT_TRUE(token.ok()) << token.status();
  EXPECT_EQ(token->size(), 43u);
  const auto key = sealing::MasterKey::FromFile(data + "/keys/master.key");
  ASSERT_TRUE(key.ok()) << key.status();
  ASSERT_EQ(MakeDataFolder(data, RealRuntime()), absl::OkStatus());
  EXPECT_EQ(*ReadSecretFile(InitTokenPath(data)), *token);
  EXPECT_EQ(sealing::MasterKey::FromFile(data + "/keys/master.key")->Id(), key->Id());
  std::filesystem::remove_all(data);
}

TEST(CurrentToken, IsRenewedByOneProcessAtATime) {
  auth::AuthWorld world;
  ASSERT_TRUE(world.TryCreateOrganization("o").ok());
  const std::string path = world.folder() / "token";
  EXPECT_EQ(ReasonOf(CurrentToken(path, absl::Now()).status()), "NOT_SIGNED_IN");
  const auth::v1::LoginResponse login = world.Login("root");
  ASSERT_EQ(SaveLogin(path, Cat("127.0.0.1:", world.server().port()), login.tokens()), absl::OkStatus());
  EXPECT_EQ(*CurrentToken(path, absl::Now()), login.tokens().access_token()) << "it has life left";

  // Near its end. Whoever comes second must use what the first one got: a spent refresh token would end the session.
  const absl::Time near_end = LoadLogin(path)->access_token_expires - absl::Seconds(10);
  std::vector<std::thread> askers;
  std::atomic<int> served = 0;
  for (int i = 0; i < 4; ++i) {
    askers.emplace_back([&] {
      auto token = CurrentToken(path, near_end);
      served += token.ok() && world.WhoAmI(*token).ok();
    });
  }
  for (std::thread& asker : askers) asker.join();
  EXPECT_EQ(served, 4);
  struct stat status;
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

}  // namespace
}  // namespace trialog::ctl
