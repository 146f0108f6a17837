// A real server with the test service, for the tests of this folder.
#pragma once

#include <memory>
#include <string>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"
#include "platform/errors/errors.h"
#include "platform/rpc/client.h"
#include "platform/rpc/server.h"
#include "platform/text/text.h"
#include "trialog/test/v1/echo.pb.h"

namespace trialog::rpc::testing {

using test::v1::EchoRequest;
using test::v1::EchoResponse;

inline const google::protobuf::ServiceDescriptor* EchoService() {
  return EchoRequest::descriptor()->file()->FindServiceByName("EchoService");
}

inline std::string Echo(std::string_view method) { return Cat("trialog.test.v1.EchoService/", method); }

// Knows the tokens "user", "auditor" and "service". While held, it answers nobody until released.
class TokenAuthenticator : public Authenticator {
 public:
  void Authenticate(const CallInfo& call, Done done) override {
    absl::StatusOr<std::shared_ptr<const Principal>> caller = CallerOf(call.bearer_token());
    {
      absl::MutexLock lock(&mutex_);
      deadline_ = call.deadline();
      if (held_) return waiting_.push_back([caller = std::move(caller), done = std::move(done)] { done(caller); });
    }
    done(std::move(caller));
  }

  void Hold() {
    absl::MutexLock lock(&mutex_);
    held_ = true;
  }
  // Waits until `count` calls wait for an answer.
  void AwaitWaiting(size_t count) {
    absl::MutexLock lock(&mutex_);
    const auto enough = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return waiting_.size() >= count; };
    mutex_.Await(absl::Condition(&enough));
  }
  // Of the last call, as the server knows it: a little later than the caller's own.
  absl::Time deadline() {
    absl::MutexLock lock(&mutex_);
    return deadline_;
  }
  void Release() {
    for (auto& answer : TakeWaiting()) answer();
  }
  void Drop() { TakeWaiting(); }

 private:
  static absl::StatusOr<std::shared_ptr<const Principal>> CallerOf(std::string_view token) {
    auto principal = std::make_shared<Principal>();
    principal->caller.set_name(Cat("users/", token));
    principal->organization = "o";
    if (token == "auditor")
      principal->grants.push_back({ROLE_AUDITOR, "organizations/o"});
    else if (token == "service")
      principal->internal = true;
    else if (token != "user")
      return Refuse(absl::StatusCode::kUnauthenticated, "TOKEN_MISSING", "sign in");
    return principal;
  }
  std::vector<std::function<void()>> TakeWaiting() {
    absl::MutexLock lock(&mutex_);
    held_ = false;
    return std::exchange(waiting_, {});
  }

  absl::Mutex mutex_;
  absl::Time deadline_ ABSL_GUARDED_BY(mutex_);
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::function<void()>> waiting_ ABSL_GUARDED_BY(mutex_);
};

inline void SayBack(std::shared_ptr<Call> call) {
  EchoResponse response;
  response.set_text(call->Request<EchoRequest>().text());
  response.set_caller(call->principal().user());
  call->Finish(response);
}

// Handlers that echo; tests replace what they look at.
inline Handlers EchoHandlers() {
  Handlers handlers;
  for (std::string_view method : {"Ping", "Echo", "Inspect", "Relay"}) handlers.Unary(Echo(method), SayBack);
  handlers.Unary(Echo("CreateItem"),
                 [](std::shared_ptr<Call> call) { call->Finish(call->Request<test::v1::CreateItemRequest>().item()); });
  handlers.Stream(Echo("Repeat"), [](std::shared_ptr<Stream> stream) {
    EchoResponse response;
    response.set_text(stream->Request<EchoRequest>().text());
    for (int i = 0; i < stream->Request<EchoRequest>().count(); ++i) {
      response.set_index(i);
      stream->Write(response);
    }
    stream->Finish(absl::OkStatus());
  });
  return handlers;
}

struct TestServer {
  explicit TestServer(Handlers handlers = EchoHandlers(), FrameOptions options = {},
                      ServerOptions server_options = {}) {
    auto frame = Frame::Create({EchoService()}, std::move(handlers), authenticator, std::move(options));
    EXPECT_TRUE(frame.ok()) << frame.status();
    std::vector<std::unique_ptr<Frame>> frames;
    frames.push_back(*std::move(frame));
    auto started = Server::Start(std::move(frames), std::move(server_options));
    EXPECT_TRUE(started.ok()) << started.status();
    server = *std::move(started);
  }

  std::shared_ptr<grpc::Channel> Dial() { return Connect(Cat("127.0.0.1:", server->port())); }
  const MethodCounters& CountersOf(std::string_view method) {
    for (const auto& [name, counters] : server->frames()[0]->counters())
      if (name == Echo(method)) return *counters;
    std::abort();
  }
  int64_t Finished(std::string_view method, absl::StatusCode code) {
    return CountersOf(method).ended[static_cast<size_t>(code)].count();
  }

  std::shared_ptr<TokenAuthenticator> authenticator = std::make_shared<TokenAuthenticator>();
  std::unique_ptr<Server> server;
};

inline ClientOptions As(std::string token) { return {.token = std::move(token)}; }

inline EchoRequest Saying(std::string_view text, int count = 0) {
  EchoRequest request;
  request.set_text(std::string(text));
  request.set_count(count);
  return request;
}

}  // namespace trialog::rpc::testing
