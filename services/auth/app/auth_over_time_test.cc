// What a restart and the passing of time make of tokens, signing keys and grants.
#include "absl/synchronization/notification.h"
#include "platform/callers/token_authenticator.h"
#include "platform/sealing/access_token.h"
#include "platform/view/times.h"
#include "services/auth/app/auth_app.h"
#include "services/auth/app/testing.h"
#include "services/auth/domain/signing_key.h"
#include "services/auth/domain/tables.h"

namespace trialog::auth {
namespace {

TEST_F(Auth, TokensOutliveARestart) {
  world.Stop();
  world.Start();
  EXPECT_EQ(world.WhoAmI(root), absl::OkStatus());
  EXPECT_TRUE(world.TryLogin("root", kRootPassword).ok());
}

TEST_F(Auth, SigningKeyIsFollowedByTheNextBeforeItsEnd) {
  const auto published = [&] {
    v1::ListSigningKeysRequest request;
    request.set_parent("organizations/o");
    auto keys = world.Call<v1::ListSigningKeysResponse>("ListSigningKeys", request);
    EXPECT_TRUE(keys.ok()) << keys.status();
    return keys->keys_size();
  };
  world.Stop();
  world.clock.SetAhead(absl::Hours(24 * 28));
  world.Start();
  EXPECT_EQ(world.WhoAmI(world.Login("root").tokens().access_token()), absl::OkStatus());
  EXPECT_EQ(published(), 2);
  world.Login("root");
  EXPECT_EQ(published(), 2) << "one successor is enough";
  world.Stop();
  world.clock.SetAhead(absl::Hours(24 * 31));
  world.Start();
  EXPECT_EQ(published(), 1) << "the first has expired";
  EXPECT_EQ(world.WhoAmI(world.Login("root").tokens().access_token()), absl::OkStatus());
  EXPECT_EQ(published(), 1);
}

TEST_F(Auth, ASigningKeyCountsUntilItsEndWithoutARestart) {
  const sealing::SigningKey pair = sealing::SigningKey::Generate();
  const absl::Time start = absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now())), end = start + absl::Hours(1);
  SigningKeyInput input;
  input.kid = pair.jwk().kid;
  input.x = pair.jwk().x;
  input.y = pair.jwk().y;
  input.start_time = trialog::ToProto(start);
  input.end_time = trialog::ToProto(end);
  absl::Notification known;
  world.host().backend().SubmitInternal(
      "o", "publish", std::nullopt,
      [&](const view::State& state, const Context& context) { return PublishSigningKey(state, context, input); },
      [&](absl::StatusOr<Outcome> outcome) {
        ASSERT_TRUE(outcome.ok()) << outcome.status();
        world.host().backend().options().callers_known("o", outcome->offset, [&](const absl::Status& status) {
          EXPECT_TRUE(status.ok()) << status;
          known.Notify();
        });
      });
  known.WaitForNotification();
  const auto reason = [&](absl::Time issued, absl::Time now) {
    sealing::AccessClaims claims;
    claims.issuer = callers::kIssuer;
    claims.audience = callers::kAudience;
    claims.subject = "organizations/o/users/root";
    claims.organization = "o";
    claims.session = "s";
    claims.issued = issued;
    claims.expires = issued + sealing::kAccessTokenLifetime;
    world.clock.SetAhead(now - absl::Now());
    v1::GetOrganizationRequest request;
    request.set_name("organizations/o");
    const auto token = sealing::MintAccessToken(claims, pair).value();
    return ReasonOf(world.Call<v1::Organization>("GetOrganization", request, token).status());
  };
  const absl::Duration minute = absl::Minutes(1);
  EXPECT_EQ(reason(start, start + minute), "");
  EXPECT_EQ(reason(end - minute, end - minute), "");
  EXPECT_EQ(reason(end - 2 * minute, end + minute), "");
  EXPECT_EQ(reason(end + minute, end + minute), "TOKEN_KEY_UNKNOWN");
  EXPECT_EQ(reason(end - absl::Seconds(1), end + sealing::kAccessTokenLifetime), "TOKEN_KEY_UNKNOWN");
}

class EndOfGrants : public Auth {
 protected:
  // One hour of the monitor's role, for anna; the grant's name.
  std::string GrantForAnHour(const std::string& id) {
    v1::GrantRoleRequest request;
    request.set_parent("organizations/o/users/anna");
    request.set_grant_id(id);
    request.mutable_grant()->set_role(ROLE_MONITOR);
    request.mutable_grant()->set_scope("organizations/o");
    *request.mutable_grant()->mutable_end_time() = trialog::ToProto(world.clock.Now() + absl::Hours(1));
    const auto granted = world.Call<v1::Grant>("GrantRole", request, root);
    EXPECT_TRUE(granted.ok()) << granted.status();
    return granted.ok() ? granted->name() : "";
  }

  // Over a restart: an owner whose clock jumps writes nothing more.
  void PassTo(absl::Duration ahead) {
    world.Stop();
    world.clock.SetAhead(ahead);
    world.Start();
  }

  view::Store& store() { return world.host().backend().store(); }
  std::vector<view::Version> Versions(const std::string& grant) {
    return store().History(partition, kUserGrants, grant, store().next_offset(partition), 10);
  }

  // Waits for commits until the end is recorded and the directory has read it; fails the test after half a minute.
  void AwaitEnd(const std::string& grant) {
    absl::Mutex mutex;
    absl::CondVar changed;
    const int64_t listener = store().Listen(partition, [&] { changed.Signal(); });
    const auto has_ended = [&] {
      return store().partition(partition).Get<v1::Grant>(kUserGrants, grant)->has_end_record_time() &&
             world.host().directory().Find("organizations/o/users/anna")->grants.empty();
    };
    bool ended = false;
    {
      absl::MutexLock lock(&mutex);
      const absl::Time until = absl::Now() + absl::Seconds(30);
      while (!(ended = has_ended()) && absl::Now() < until) changed.WaitWithTimeout(&mutex, absl::Milliseconds(20));
    }
    store().Unlisten(partition, listener);
    ASSERT_TRUE(ended);
  }

  const int partition = log::PartitionOf("o");
};

TEST_F(EndOfGrants, IsRecordedOnceByTheTimerAndComesOutOfTheLogAgain) {
  Join("anna");
  const std::string first = GrantForAnHour("first");
  EXPECT_EQ(Versions(first).size(), 1u);
  PassTo(absl::Hours(2));
  AwaitEnd(first);
  const auto versions = Versions(first);
  ASSERT_EQ(versions.size(), 2u);
  const view::Row& ended = *versions[0].row;
  EXPECT_EQ(ended.meta.actor().kind(), event::v1::Caller::KIND_TIMER);
  EXPECT_EQ(ended.meta.actor().name(), "auth");
  EXPECT_FALSE(ended.As<v1::Grant>().has_revoke_time());
  const std::string bytes = ended.resource->SerializeAsString() + ended.meta.SerializeAsString();

  world.Stop();
  std::filesystem::remove_all(world.folder() / "store");
  world.Start();
  const auto again = Versions(first);
  ASSERT_EQ(again.size(), 2u);
  EXPECT_EQ(again[0].row->resource->SerializeAsString() + again[0].row->meta.SerializeAsString(), bytes);

  root = world.Login("root").tokens().access_token();
  const std::string second = GrantForAnHour("second");
  PassTo(absl::Hours(4));
  AwaitEnd(second);
  EXPECT_EQ(Versions(first).size(), 2u) << "it is over";
}

}  // namespace
}  // namespace trialog::auth
