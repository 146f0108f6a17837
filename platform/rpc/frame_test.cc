#include "platform/rpc/frame.h"

#include <unistd.h>

#include <numeric>
#include <thread>

#include "gmock/gmock.h"
#include "platform/rpc/test_server.h"
#include "trialog/test/v1/unruly.pb.h"

namespace trialog::rpc {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Frame, DoesNotStartWhileAMethodLacksRuleOrHandlerAndNamesThemAll) {
  Handlers handlers;
  for (const char* method : {"Ruleless", "Closed", "Muddled"})
    handlers.Unary(Cat("trialog.test.v1.UnrulyService/", method), SayBack);
  handlers.Unary("trialog.test.v1.UnrulyService/Nowhere", SayBack);
  const auto* service = test::v1::Nothing::descriptor()->file()->FindServiceByName("UnrulyService");
  const auto frame = Frame::Create({service}, std::move(handlers), std::make_shared<TokenAuthenticator>());
  EXPECT_EQ(ReasonOf(frame.status()), "UNSERVABLE_METHODS");
  for (const char* fault :
       {"UnrulyService/Ruleless: has no access rule", "UnrulyService/Closed: its rule lets nobody in",
        "UnrulyService/Muddled: its rule is public and more", "UnrulyService/Upload: takes a stream",
        "UnrulyService/Forgotten: has no handler of its kind",
        "UnrulyService/Nowhere: a unary handler without such a method"})
    EXPECT_THAT(std::string(frame.status().message()), HasSubstr(fault));
}

TEST(Frame, GivesPublicMethodsAnAnonymousCaller) {
  TestServer test;
  Client client(test.Dial());
  for (const char* token : {"", "nonsense"}) {
    const auto response = client.Call<EchoResponse>(Echo("Ping"), Saying("hi"), As(token));
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->text(), "hi");
    EXPECT_EQ(response->caller(), "");
  }
}

TEST(Frame, RefusesWhoIsNotSignedIn) {
  TestServer test;
  Client client(test.Dial());
  for (const char* method : {"Echo", "Inspect", "Relay", "CreateItem"}) {
    const absl::Status status = client.Call<EchoResponse>(Echo(method), Saying("x")).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated) << method;
    EXPECT_EQ(ReasonOf(status), "TOKEN_MISSING");
  }
}

TEST(Frame, LetsInWhomTheRuleNamesAndReportsWhomItRefuses) {
  std::vector<std::string> refused;
  FrameOptions options;
  options.hooks.refused = [&](const CallInfo& info, const Principal& caller, const absl::Status& status) {
    refused.push_back(Cat(info.method_name(), " ", caller.user(), " ", ReasonOf(status)));
  };
  TestServer test(EchoHandlers(), options);
  Client client(test.Dial());
  const auto code = [&](const char* method, const char* token) {
    return client.Call<EchoResponse>(Echo(method), Saying("x"), As(token)).status().code();
  };
  EXPECT_EQ(code("Echo", "user"), absl::StatusCode::kOk);
  EXPECT_EQ(code("Inspect", "auditor"), absl::StatusCode::kOk);
  EXPECT_EQ(code("Relay", "service"), absl::StatusCode::kOk);
  EXPECT_TRUE(refused.empty());
  EXPECT_EQ(code("Inspect", "user"), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(code("Inspect", "service"), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(code("Relay", "auditor"), absl::StatusCode::kPermissionDenied);
  test.server->Shutdown(absl::InfiniteFuture());  // The hook's thread is done with `refused`.
  EXPECT_THAT(refused, ::testing::ElementsAre(Echo("Inspect") + " users/user ROLE_MISSING",
                                              Echo("Inspect") + " users/service ROLE_MISSING",
                                              Echo("Relay") + " users/auditor ROLE_MISSING"));
}

TEST(Frame, ReportsAHiddenRecordAsARefusalAndAnswersAsIfThereWereNone) {
  std::vector<std::string> refused;
  FrameOptions options;
  options.hooks.refused = [&](const CallInfo& info, const Principal& caller, const absl::Status&) {
    refused.push_back(Cat(info.method_name(), " ", caller.user()));
  };
  Handlers handlers = EchoHandlers();
  handlers.Unary(Echo("Echo"), [](std::shared_ptr<Call> call) {
    call->Finish(NotVisible(call->Request<EchoRequest>().text() == "there", "record"));
  });
  handlers.Stream(Echo("Repeat"), [](std::shared_ptr<Stream> stream) {
    stream->Finish(NotVisible(stream->Request<EchoRequest>().text() == "there", "record"));
  });
  TestServer test(std::move(handlers), options);
  Client client(test.Dial());
  const auto call = [&](std::string_view text) {
    return client.Call<EchoResponse>(Echo("Echo"), Saying(text), As("user")).status();
  };
  const auto watch = [&](std::string_view text) {
    auto stream = client.Open(Echo("Repeat"), Saying(text), As("user"));
    EchoResponse response;
    EXPECT_FALSE(stream->Read(response));
    return stream->Finish();
  };
  EXPECT_EQ(call("there"), call("absent"));
  EXPECT_EQ(watch("there"), watch("absent"));
  EXPECT_EQ(call("absent"), NotFound("record"));
  test.server->Shutdown(absl::InfiniteFuture());  // The hook's thread is done with `refused`.
  EXPECT_THAT(refused, ::testing::ElementsAre(Echo("Echo") + " users/user", Echo("Repeat") + " users/user"));
}

TEST(Frame, RefusesBytesThatAreNoRequest) {
  TestServer test;
  Client client(test.Dial());
  for (const std::string& bytes :
       {std::string("\x0a\x05hi"), std::string("\x0a\x02\xff\xfe"), std::string("\xff"), std::string("\x0a")}) {
    const absl::Status status = client.CallRaw(Echo("Echo"), bytes, As("user"));
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(ReasonOf(status), "MALFORMED_REQUEST");
  }
  EXPECT_TRUE(client.CallRaw(Echo("Echo"), "\x0a\x02hi", As("user")).ok());
}

TEST(Frame, ChecksCallerThenFormThenContent) {
  TestServer test;
  Client client(test.Dial());
  const std::string bad = "\xff";
  EXPECT_EQ(ReasonOf(client.CallRaw(Echo("Inspect"), bad, {})), "TOKEN_MISSING");
  EXPECT_EQ(ReasonOf(client.CallRaw(Echo("Inspect"), bad, As("user"))), "ROLE_MISSING");
  EXPECT_EQ(ReasonOf(client.CallRaw(Echo("Inspect"), bad, As("auditor"))), "MALFORMED_REQUEST");
  EXPECT_EQ(ReasonOf(client.CallRaw(Echo("CreateItem"), "", As("user"))), "INVALID_REQUEST");
}

TEST(Frame, RefusesARequestThatIsTooLarge) {
  FrameOptions options;
  options.max_request_bytes = 100;
  TestServer test(EchoHandlers(), options);
  const auto status =
      Client(test.Dial()).Call<EchoResponse>(Echo("Echo"), Saying(std::string(100, 'x')), As("user")).status();
  EXPECT_EQ(ReasonOf(status), "REQUEST_TOO_LARGE");
}

TEST(Frame, HidesFaultsFromCallersAndReportsThem) {
  Handlers handlers = EchoHandlers();
  handlers.Unary(Echo("Echo"),
                 [](std::shared_ptr<Call> call) { call->Finish(absl::InternalError("disk 7 is on fire")); });
  absl::Status cause;
  FrameOptions options;
  options.hooks.fault = [&](const CallInfo&, const absl::Status& status) { cause = status; };
  TestServer test(std::move(handlers), options);
  const auto status = Client(test.Dial()).Call<EchoResponse>(Echo("Echo"), Saying("x"), As("user")).status();
  test.server->Shutdown(absl::InfiniteFuture());
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("disk")));
  EXPECT_EQ(cause.message(), "disk 7 is on fire");
}

TEST(Frame, AnswersInternalWhenAHandlerForgetsItsCallOrGivesTheWrongAnswer) {
  Handlers handlers = EchoHandlers();
  handlers.Unary(Echo("Ping"), [](std::shared_ptr<Call>) {});
  handlers.Unary(Echo("Echo"), [](std::shared_ptr<Call> call) { call->Finish(call->request()); });
  handlers.Unary(Echo("Inspect"), [](std::shared_ptr<Call> call) { call->Finish(absl::OkStatus()); });
  handlers.Stream(Echo("Repeat"), [](std::shared_ptr<Stream>) {});
  TestServer test(std::move(handlers));
  Client client(test.Dial());
  for (const char* method : {"Ping", "Echo", "Inspect", "Repeat"})
    EXPECT_EQ(client.Call<EchoResponse>(Echo(method), Saying("x"), As("auditor")).status().code(),
              absl::StatusCode::kInternal)
        << method;
}

TEST(Frame, AnswersInternalWhenTheAuthenticatorForgetsACall) {
  TestServer test;
  test.authenticator->Hold();
  absl::Notification answered;
  absl::Status status;
  Client client(test.Dial());
  client.CallAsync<EchoResponse>(Echo("Echo"), Saying("x"), As("user"), [&](absl::StatusOr<EchoResponse> response) {
    status = response.status();
    answered.Notify();
  });
  test.authenticator->AwaitWaiting(1);
  test.authenticator->Drop();
  answered.WaitForNotification();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
}

TEST(Frame, DoesNotServeACallWhoseDeadlinePassedWhileItsCallerWasSought) {
  std::atomic<int> served{0};
  Handlers handlers = EchoHandlers();
  handlers.Unary(Echo("Echo"), [&](std::shared_ptr<Call> call) {
    ++served;
    SayBack(std::move(call));
  });
  TestServer test(std::move(handlers));
  test.authenticator->Hold();
  Client client(test.Dial());
  ClientOptions options = As("user");
  options.timeout = absl::Milliseconds(300);
  const auto status = client.Call<EchoResponse>(Echo("Echo"), Saying("x"), options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  while (absl::Now() <= test.authenticator->deadline()) std::this_thread::yield();
  test.authenticator->Release();
  test.server->Shutdown(absl::InfiniteFuture());
  EXPECT_EQ(served, 0);
}

TEST(Frame, RefusesMoreCallsThanItHasRoomFor) {
  FrameOptions options;
  options.max_outstanding = 2;
  TestServer test(EchoHandlers(), options);
  test.authenticator->Hold();
  Client client(test.Dial());
  absl::Mutex mutex;
  int answered = 0;
  for (int i = 0; i < 2; ++i)
    client.CallAsync<EchoResponse>(Echo("Echo"), Saying("x"), As("user"), [&](absl::StatusOr<EchoResponse> response) {
      absl::MutexLock lock(&mutex);
      answered += response.ok() ? 1 : 100;
    });
  test.authenticator->AwaitWaiting(2);
  const auto status = client.Call<EchoResponse>(Echo("Ping"), Saying("x")).status();
  EXPECT_EQ(ReasonOf(status), "TOO_MANY_CALLS");
  EXPECT_TRUE(status.GetPayload("type.googleapis.com/google.rpc.RetryInfo"));
  test.authenticator->Release();
  {
    absl::MutexLock lock(&mutex);
    const auto both = [&] { return answered == 2; };
    mutex.Await(absl::Condition(&both));
  }
  EXPECT_TRUE(client.Call<EchoResponse>(Echo("Ping"), Saying("x")).ok());
}

TEST(Frame, LetsNobodyInUntilItIsOpened) {
  FrameOptions options;
  options.open = false;
  TestServer test(EchoHandlers(), options);
  Client client(test.Dial());
  for (const char* method : {"Ping", "Echo"}) {  // A public one too.
    const auto early = client.Call<EchoResponse>(Echo(method), Saying("x"), As("user"));
    EXPECT_EQ(early.status().code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(ReasonOf(early.status()), "STARTING");
  }
  test.server->frames()[0]->Open();
  EXPECT_TRUE(client.Call<EchoResponse>(Echo("Echo"), Saying("x"), As("user")).ok());
}

TEST(Frame, TellsItsHookOfEachEnd) {
  absl::Mutex mutex;
  std::vector<std::string> ends;
  FrameOptions options;
  options.hooks.ended = [&](const CallInfo& call, const absl::Status& answer, absl::Duration after) {
    absl::MutexLock lock(&mutex);
    EXPECT_GE(after, absl::ZeroDuration());
    ends.push_back(
        Cat(call.method_name(), " ", FromAbsl(absl::StatusCodeToString(answer.code())), " ", ReasonOf(answer)));
  };
  TestServer test(EchoHandlers(), options);
  Client client(test.Dial());
  EXPECT_TRUE(client.Call<EchoResponse>(Echo("Echo"), Saying("x"), As("user")).ok());
  EXPECT_FALSE(client.Call<EchoResponse>(Echo("Echo"), Saying("x"), As("nobody")).ok());
  absl::MutexLock lock(&mutex);
  EXPECT_THAT(ends, ElementsAre(Echo("Echo") + " OK ", Echo("Echo") + " UNAUTHENTICATED TOKEN_MISSING"));
}

// Keeps what was told, as text.
class Told final : public telemetry::Metrics {
 public:
  void Counter(std::string_view name, std::string_view, telemetry::Labels labels, double value) override {
    Add(name, labels, value);
  }
  void Gauge(std::string_view name, std::string_view, telemetry::Labels labels, double value) override {
    Add(name, labels, value);
  }
  void Histogram(std::string_view name, std::string_view, telemetry::Labels labels, const std::vector<double>& bounds,
                 const std::vector<uint64_t>& counts, double sum) override {
    EXPECT_EQ(counts.size(), bounds.size() + 1);
    EXPECT_GT(sum, 0);
    Add(name, labels, static_cast<double>(std::accumulate(counts.begin(), counts.end(), uint64_t{0})));
  }
  std::map<std::string, double> values;

 private:
  void Add(std::string_view name, telemetry::Labels labels, double value) {
    std::string key(name);
    for (const auto& [label, text] : labels) Append(key, " ", text);
    values[key] = value;
  }
};

TEST(Frame, TellsItsNumbersByMethodAndCode) {
  TestServer test;
  Client client(test.Dial());
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(client.Call<EchoResponse>(Echo("Echo"), Saying("x"), As("user")).ok());
  EXPECT_FALSE(client.Call<EchoResponse>(Echo("Echo"), Saying("x"), As("nobody")).ok());
  Told told;
  test.server->frames()[0]->Collect(told);
  EXPECT_EQ(told.values["trialog_rpc_started_total test EchoService/Echo"], 4);
  EXPECT_EQ(told.values["trialog_rpc_duration_seconds test EchoService/Echo OK"], 3);
  EXPECT_EQ(told.values["trialog_rpc_duration_seconds test EchoService/Echo UNAUTHENTICATED"], 1);
  EXPECT_EQ(told.values["trialog_calls_open test"], 0);
  EXPECT_EQ(told.values.count("trialog_rpc_started_total test EchoService/Ping"), 0u) << "it was never called";
}

TEST(Frame, ServesManyCallsThatAreFinishedElsewhere) {
  absl::Mutex mutex;
  std::vector<std::shared_ptr<Call>> held;
  Handlers handlers = EchoHandlers();
  handlers.Unary(Echo("Echo"), [&](std::shared_ptr<Call> call) {
    absl::MutexLock lock(&mutex);
    held.push_back(std::move(call));
  });
  TestServer test(std::move(handlers));
  Client client(test.Dial());
  constexpr int kCalls = 64;
  int good = 0;
  for (int i = 0; i < kCalls; ++i)
    client.CallAsync<EchoResponse>(Echo("Echo"), Saying(Cat("call ", i)), As("user"),
                                   [&, i](absl::StatusOr<EchoResponse> response) {
                                     absl::MutexLock lock(&mutex);
                                     good += response.ok() && response->text() == Cat("call ", i) ? 1 : 1000;
                                   });
  std::thread finisher([&] {
    std::vector<std::shared_ptr<Call>> all;
    {
      absl::MutexLock lock(&mutex);
      const auto here = [&] { return held.size() == kCalls; };
      mutex.Await(absl::Condition(&here));
      all.swap(held);
    }
    for (auto& call : all) SayBack(call);
    for (auto& call : all) call->Finish(absl::InternalError("a second end counts for nothing"));
  });
  finisher.join();
  {
    absl::MutexLock lock(&mutex);
    const auto all_good = [&] { return good >= kCalls; };
    mutex.Await(absl::Condition(&all_good));
  }
  EXPECT_EQ(good, kCalls);
  EXPECT_EQ(test.CountersOf("Echo").started, kCalls);
  EXPECT_EQ(test.Finished("Echo", absl::StatusCode::kOk), kCalls);
  EXPECT_EQ(test.Finished("Echo", absl::StatusCode::kInternal), 0);
}

TEST(Call, TellsWhatCameWithItAndAnswersItsPosition) {
  std::string seen;
  bool in_process = false, finite = false;
  Handlers handlers = EchoHandlers();
  handlers.Unary(Echo("Echo"), [&](std::shared_ptr<Call> call) {
    seen = Cat(call->method_name(), "|", call->traceparent(), "|", call->metadata("x-key"), "|",
               call->metadata("x-none"), "|", call->bearer_token());
    in_process = call->in_process();
    finite = call->deadline() < absl::InfiniteFuture();
    EXPECT_FALSE(call->cancelled());
    EXPECT_TRUE(call->peer_identity().empty());
    call->SetPosition("3:17");
    SayBack(std::move(call));
  });
  TestServer test(std::move(handlers));
  ClientOptions options = As("user");
  const std::string trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  options.metadata = {{"traceparent", trace}, {"x-key", "v"}};
  ReplyMetadata metadata;
  ASSERT_TRUE(Client(test.Dial()).Call<EchoResponse>(Echo("Echo"), Saying("x"), options, &metadata).ok());
  EXPECT_EQ(metadata.position, "3:17");
  EXPECT_EQ(seen, Cat(Echo("Echo"), "|", trace, "|v||user"));
  EXPECT_FALSE(in_process);
  EXPECT_TRUE(finite);
  options.timeout = absl::InfiniteDuration();
  ASSERT_TRUE(Client(test.server->InProcessChannel()).Call<EchoResponse>(Echo("Echo"), Saying("x"), options).ok());
  EXPECT_TRUE(in_process);
  EXPECT_FALSE(finite);
}

TEST(Call, OverASocketIsNeverInProcess) {
  std::vector<bool> in_process;
  Handlers handlers = EchoHandlers();
  handlers.Unary(Echo("Echo"), [&](std::shared_ptr<Call> call) {
    in_process.push_back(call->in_process());
    SayBack(std::move(call));
  });
  ServerOptions options;
  options.address = Cat("unix:", ::testing::TempDir(), "/frame_test.", getpid());
  TestServer test(std::move(handlers), {}, options);
  ASSERT_TRUE(Client(Connect(options.address)).Call<EchoResponse>(Echo("Echo"), Saying("x"), As("user")).ok());
  ASSERT_TRUE(Client(test.server->InProcessChannel()).Call<EchoResponse>(Echo("Echo"), Saying("x"), As("user")).ok());
  EXPECT_THAT(in_process, ::testing::ElementsAre(false, true));
}

}  // namespace
}  // namespace trialog::rpc
