#include "platform/rpc/server.h"

#include <thread>

#include "gmock/gmock.h"
#include "google/protobuf/empty.pb.h"
#include "grpc/health/v1/health.pb.h"
#include "platform/rpc/test_server.h"

namespace trialog::rpc {
namespace {

using namespace testing;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using ::testing::HasSubstr;

absl::Status StartAt(std::string address) {
  ServerOptions options;
  options.address = std::move(address);
  return Server::Start({}, options).status();
}

TEST(Server, ListensInTheClearOnlyWhereThisMachineAloneReachesIt) {
  for (const char* address :
       {"0.0.0.0:0", "[::]:0", "10.0.0.1:0", "example.org:0", "127.example.org:0", "127.0.0.1.example.org:0", ":0"})
    EXPECT_EQ(ReasonOf(StartAt(address)), "INSECURE_ADDRESS") << address;
  for (const char* address : {"127.0.0.1:0", "localhost:0"}) EXPECT_TRUE(StartAt(address).ok()) << address;
}

TEST(Server, SaysWhenItsPortIsTaken) {
  TestServer test;
  EXPECT_EQ(ReasonOf(StartAt(Cat("127.0.0.1:", test.server->port()))), "ADDRESS_IN_USE");
}

TEST(Server, NeedsNoPortForCallsInProcess) {
  ServerOptions options;
  options.address = "";
  TestServer test(EchoHandlers(), {}, options);
  EXPECT_EQ(test.server->port(), 0);
  EXPECT_TRUE(Client(test.server->InProcessChannel()).Call<EchoResponse>(Echo("Ping"), Saying("x")).ok());
}

TEST(Server, RefusesMessagesAboveItsTransportLimit) {
  TestServer test;
  const auto status =
      Client(test.Dial()).Call<EchoResponse>(Echo("Ping"), Saying(std::string(5 * 1024 * 1024, 'x'))).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(Client(test.Dial()).Call<EchoResponse>(Echo("Ping"), Saying("x")).ok());
}

TEST(Server, KnowsNoOtherMethods) {
  TestServer test;
  EXPECT_EQ(Client(test.Dial()).Call<EchoResponse>(Echo("Nowhere"), Saying("x")).status().code(),
            absl::StatusCode::kUnimplemented);
}

// Asks gRPC's reflection service (grpc.reflection.v1alpha), whose messages are not packaged: by field numbers.
std::string Reflect(const Client& client, int field, const std::string& value) {
  google::protobuf::Empty request, response;
  request.GetReflection()->MutableUnknownFields(&request)->AddLengthDelimited(field, value);
  auto reader = client.Open("grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", request);
  return reader->Read(response) ? response.SerializeAsString() : "";
}

TEST(Reflection, ListsAndDescribesWhatFramesServe) {
  TestServer test;
  Client client(test.Dial());
  const std::string services = Reflect(client, 7, "*");  // list_services
  EXPECT_THAT(services, HasSubstr("trialog.test.v1.EchoService"));
  EXPECT_THAT(services, HasSubstr("grpc.health.v1.Health"));
  EXPECT_THAT(Reflect(client, 4, "trialog.test.v1.EchoService"),
              HasSubstr("CreateItemRequest"));  // file_containing_symbol
}

TEST(Reflection, CanBeLeftOut) {
  ServerOptions options;
  options.reflection = false;
  TestServer test(EchoHandlers(), {}, options);
  EXPECT_EQ(Reflect(Client(test.Dial()), 7, "*"), "");
}

absl::StatusOr<HealthCheckResponse::ServingStatus> HealthOf(const Client& client, const std::string& service) {
  HealthCheckRequest request;
  request.set_service(service);
  const auto response = client.Call<HealthCheckResponse>("grpc.health.v1.Health/Check", request);
  if (!response.ok()) return response.status();
  return response->status();
}

TEST(Health, IsNotServingUntilSet) {
  TestServer test;
  const std::string echo = EchoService()->full_name();
  Client client(test.Dial());
  EXPECT_EQ(HealthOf(client, echo).value(), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(HealthOf(client, "").value(), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(HealthOf(client, "nowhere").status().code(), absl::StatusCode::kNotFound);
  test.server->SetServing(echo, true);
  EXPECT_EQ(HealthOf(client, echo).value(), HealthCheckResponse::SERVING);
  EXPECT_EQ(HealthOf(client, "").value(), HealthCheckResponse::SERVING);
  test.server->SetServing(false);
  EXPECT_EQ(HealthOf(client, echo).value(), HealthCheckResponse::NOT_SERVING);
}

TEST(Health, TellsWatchersOfEachChangeAndOfTheEnd) {
  TestServer test;
  const std::string echo = EchoService()->full_name();
  HealthCheckRequest request;
  request.set_service(echo);
  auto reader = Client(test.Dial()).Open("grpc.health.v1.Health/Watch", request);
  HealthCheckResponse response;
  ASSERT_TRUE(reader->Read(response));
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  test.server->SetServing(echo, true);
  ASSERT_TRUE(reader->Read(response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  test.server->Shutdown(absl::InfiniteFuture());
  ASSERT_TRUE(reader->Read(response));
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  EXPECT_FALSE(reader->Read(response));
  EXPECT_EQ(ReasonOf(reader->Finish()), "SERVER_DRAINING");
}

TEST(Shutdown, WaitsForCallsAndEndsStreams) {
  absl::Notification arrived, finish;
  std::thread worker;
  Handlers handlers = EchoHandlers();
  handlers.Unary(Echo("Echo"), [&](std::shared_ptr<Call> call) {
    worker = std::thread([&finish, call = std::move(call)]() mutable {
      finish.WaitForNotification();
      SayBack(std::move(call));
    });
    arrived.Notify();
  });
  handlers.Stream(Echo("Repeat"), [&](std::shared_ptr<Stream> stream) {
    stream->OnCancel([stream, &finish] {
      stream->Finish(absl::OkStatus());
      finish.Notify();  // The drain has come this far while the unary call is still open.
    });
    stream->Write(EchoResponse());
  });
  TestServer test(std::move(handlers));
  Client client(test.Dial());
  absl::Notification answered;
  absl::Status status = absl::UnknownError("not answered");
  client.CallAsync<EchoResponse>(Echo("Echo"), Saying("x"), As("user"), [&](absl::StatusOr<EchoResponse> response) {
    status = response.status();
    answered.Notify();
  });
  arrived.WaitForNotification();
  auto reader = client.Open(Echo("Repeat"), Saying("x"), As("user"));
  EchoResponse response;
  ASSERT_TRUE(reader->Read(response));
  test.server->Shutdown(absl::InfiniteFuture());
  answered.WaitForNotification();
  worker.join();
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_FALSE(reader->Read(response));
}

TEST(Shutdown, CancelsWhatOutlivesItsDeadline) {
  absl::Notification arrived;
  std::thread worker;
  Handlers handlers = EchoHandlers();
  handlers.Unary(Echo("Echo"), [&](std::shared_ptr<Call> call) {
    worker = std::thread([call = std::move(call)]() mutable {
      while (!call->cancelled()) std::this_thread::yield();
      SayBack(std::move(call));
    });
    arrived.Notify();
  });
  TestServer test(std::move(handlers));
  absl::Notification answered;
  absl::Status status;
  Client client(test.Dial());
  client.CallAsync<EchoResponse>(Echo("Echo"), Saying("x"), As("user"), [&](absl::StatusOr<EchoResponse> response) {
    status = response.status();
    answered.Notify();
  });
  arrived.WaitForNotification();
  test.server->Shutdown(absl::InfinitePast());
  answered.WaitForNotification();
  worker.join();
  EXPECT_FALSE(status.ok());
}

}  // namespace
}  // namespace trialog::rpc
