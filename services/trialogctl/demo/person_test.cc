#include "services/trialogctl/demo/person.h"

#include <atomic>
#include <set>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "platform/view/times.h"
#include "services/auth/app/testing.h"
#include "services/trialogctl/demo/session.h"
#include "services/trialogctl/saved_login.h"

namespace trialog::ctl::demo {
namespace {

class PersonTest : public ::testing::Test {
 protected:
  PersonTest() {
    EXPECT_TRUE(world_.TryCreateOrganization("o").ok());
    credentials_.set_organization("organizations/o");
    credentials_.set_username("root");
    credentials_.set_password(auth::kRootPassword);
    tokens_ = world_.Login("root").tokens();
  }
  Person Root() const { return Person("organizations/o/users/root", "root", credentials_, tokens_); }
  // Whether a call of the demo as this person is answered.
  absl::Status WhoAmI(const Person& person) {
    Steps steps(world_.client());
    steps.Call<auth::v1::WhoAmIResponse>(person, auth::MethodNamed("WhoAmI"), auth::v1::WhoAmIRequest());
    return steps.status();
  }

  auth::AuthWorld world_;
  auth::v1::LoginRequest credentials_;
  auth::v1::SessionTokens tokens_;
};

TEST_F(PersonTest, KeepsATokenThatHasLifeLeft) {
  const Person person = Root();
  EXPECT_EQ(person.Token(world_.client()).value(), tokens_.access_token());
  EXPECT_EQ(WhoAmI(person), absl::OkStatus());
}

TEST_F(PersonTest, RenewsATokenNearItsEndOnceForAllWhoAsk) {
  *tokens_.mutable_access_token_expire_time() = ToProto(absl::Now() + kLeastTokenLife / 2);
  const Person person = Root();
  absl::Mutex mutex;
  std::set<std::string> got;
  std::vector<std::jthread> askers;
  for (int i = 0; i < 8; ++i) {
    askers.emplace_back([&, copy = person] {
      const auto token = copy.Token(world_.client());
      absl::MutexLock lock(&mutex);
      got.insert(token.ok() ? *token : token.status().ToString());
    });
  }
  askers.clear();  // Joins.
  ASSERT_EQ(got.size(), 1u);
  EXPECT_NE(*got.begin(), tokens_.access_token());
  EXPECT_EQ(world_.WhoAmI(*got.begin()), absl::OkStatus());
}

TEST_F(PersonTest, RenewsATokenThatTheServerRefusesThoughOurClockSaysItLives) {
  tokens_.set_access_token("e30.e30.e30");
  const Person person = Root();
  EXPECT_EQ(WhoAmI(person), absl::OkStatus());
  EXPECT_EQ(WhoAmI(person), absl::OkStatus());
}

TEST_F(PersonTest, SignsInAnewWhereARefreshTokenIsSpent) {
  *tokens_.mutable_access_token_expire_time() = ToProto(absl::Now() - absl::Minutes(1));
  ASSERT_TRUE(Root().Token(world_.client()).ok());  // Its answer is lost.
  const Person person = Root();
  EXPECT_EQ(WhoAmI(person), absl::OkStatus());
}

TEST_F(PersonTest, SaysWhenNobodyCanSignInAnyMore) {
  tokens_.set_access_token("e30.e30.e30");
  tokens_.set_refresh_token("spent");
  credentials_.set_password("another password");
  EXPECT_TRUE(absl::IsUnauthenticated(WhoAmI(Root())));
}

}  // namespace
}  // namespace trialog::ctl::demo
