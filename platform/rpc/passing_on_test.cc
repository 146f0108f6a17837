// Calls that only another process of the same service can serve.
#include "gmock/gmock.h"
#include "platform/rpc/peers.h"
#include "platform/rpc/test_server.h"

namespace trialog::rpc {
namespace {

using namespace testing;

// A server that serves nothing itself: the owner is `peer`.
struct Standby {
  explicit Standby(std::shared_ptr<const Client> peer) : server(Handlers(), Passing(std::move(peer))) {}

  static rpc::Handlers Handlers() {
    rpc::Handlers handlers = EchoHandlers();
    handlers.Unary(Echo("Echo"), [](std::shared_ptr<Call> call) { call->Finish(OwnedElsewhere("owner:1")); });
    return handlers;
  }
  FrameOptions Passing(std::shared_ptr<const Client> peer) {
    FrameOptions options;
    options.peer = [this, peer = std::move(peer)](const std::string& address) {
      asked = address;
      return peer;
    };
    return options;
  }

  std::string asked;
  TestServer server;
};

absl::StatusOr<EchoResponse> Ask(TestServer& server, ReplyMetadata* metadata = nullptr) {
  ClientOptions options = As("user");
  options.timeout = absl::Seconds(20);
  options.metadata = {{"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}};
  return Client(server.Dial()).Call<EchoResponse>(Echo("Echo"), Saying("hello"), options, metadata);
}

TEST(PassingOn, TheOwnersAnswerIsTheCallers) {
  std::string trace, token;
  absl::Time deadline;
  Handlers handlers = EchoHandlers();
  handlers.Unary(Echo("Echo"), [&](std::shared_ptr<Call> call) {
    trace = call->traceparent(), token = std::string(call->bearer_token()), deadline = call->deadline();
    call->SetPosition("3/17");
    SayBack(std::move(call));
  });
  TestServer owner(std::move(handlers));
  Standby standby(std::make_shared<const Client>(owner.Dial()));
  ReplyMetadata metadata;
  const auto answer = Ask(standby.server, &metadata);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->text(), "hello");
  EXPECT_EQ(answer->caller(), "users/user");
  EXPECT_EQ(metadata.position, "3/17");
  EXPECT_EQ(standby.asked, "owner:1");
  EXPECT_EQ(trace, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  EXPECT_EQ(token, "user");
  EXPECT_LT(deadline, absl::Now() + absl::Seconds(21));
  EXPECT_EQ(standby.server.Finished("Echo", absl::StatusCode::kOk), 1);
}

TEST(PassingOn, TheOwnersRefusalIsTheCallersWithItsDetails) {
  Handlers handlers = EchoHandlers();
  handlers.Unary(Echo("Echo"),
                 [](std::shared_ptr<Call> call) { call->Finish(BrokenRule("FULL", "counters/main", "take less")); });
  TestServer owner(std::move(handlers));
  Standby standby(std::make_shared<const Client>(owner.Dial()));
  const auto answer = Ask(standby.server);
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(answer.status()), "FULL");
}

TEST(PassingOn, IsOneHop) {
  TestServer nobody;
  Standby further(std::make_shared<const Client>(nobody.Dial()));
  Standby standby(std::make_shared<const Client>(further.server.Dial()));
  const auto answer = Ask(standby.server);
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(answer.status()), "OWNER_CHANGED");
  EXPECT_EQ(further.asked, "") << "it was asked by a peer";
  EXPECT_TRUE(OwnerAddressOf(answer.status()).empty()) << "addresses of ours are not for callers";
}

TEST(PassingOn, AnOwnerThatDoesNotAnswerIsSaidToBeUnreachable) {
  Standby standby(std::make_shared<const Client>(Connect("unix:/nowhere/at/all")));
  const auto answer = Ask(standby.server);
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(answer.status()), "OWNER_UNREACHABLE");
}

TEST(PassingOn, WithoutPeersTheCallerIsToldToComeAgain) {
  TestServer alone(Standby::Handlers());
  const auto answer = Ask(alone);
  EXPECT_EQ(ReasonOf(answer.status()), "OWNER_CHANGED");
}

TEST(Peers, AServiceIsNamedByItsUriAlone) {
  EXPECT_EQ(ServiceOfPeerUri(PeerUri("inventory")), "inventory");
  EXPECT_EQ(ServiceOfPeerUri("spiffe://elsewhere/inventory"), "");
  EXPECT_EQ(ServiceOfPeerUri("inventory"), "");
}

}  // namespace
}  // namespace trialog::rpc
