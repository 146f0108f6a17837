// Unary echo through the frame against a bare callback echo of the same bytes: the ratio is what the frame costs.
// Prints calls per second of both, interleaved; 64 outstanding, ~200 bytes. Client and server share the process.
#include <grpcpp/channel.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_context.h>

#include <cstdio>

#include "absl/time/clock.h"
#include "platform/rpc/method.h"
#include "platform/rpc/raw_service.h"
#include "platform/rpc/test_server.h"

namespace trialog::rpc {
namespace {

using testing::EchoRequest;
using testing::EchoResponse;

constexpr int kOutstanding = 64;
constexpr int kChannels = 4;

// Keeps kOutstanding calls in flight for `time`; calls per second.
double Drive(const std::vector<std::unique_ptr<Client>>& clients, const std::string& method,
             const ClientOptions& options, absl::Duration time) {
  absl::Mutex mutex;
  int64_t done = 0;
  int open = kOutstanding;
  const EchoRequest request = testing::Saying(std::string(200, 'x'));
  const absl::Time start = absl::Now();
  std::function<void(int)> next = [&](int lane) {
    clients[static_cast<size_t>(lane % kChannels)]->CallAsync<EchoResponse>(
        method, request, options, [&, lane](const absl::StatusOr<EchoResponse>& response) {
          if (!response.ok()) std::abort();
          const bool again = absl::Now() - start < time;
          {
            absl::MutexLock lock(&mutex);
            ++done;
            if (!again) --open;
          }
          if (again) next(lane);
        });
  };
  for (int lane = 0; lane < kOutstanding; ++lane) next(lane);
  absl::MutexLock lock(&mutex);
  const auto all = [&] { return open == 0; };
  mutex.Await(absl::Condition(&all));
  return static_cast<double>(done) / absl::ToDoubleSeconds(absl::Now() - start);
}

std::vector<std::unique_ptr<Client>> Clients(int port) {
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < kChannels; ++i) clients.push_back(std::make_unique<Client>(Connect(Cat("127.0.0.1:", port))));
  return clients;
}

void Run() {
  RawService bare;
  bare.AddUnary(Cat("/", testing::Echo("Ping")),
                [](grpc::CallbackServerContext* context, const grpc::ByteBuffer* request, grpc::ByteBuffer* response) {
                  EchoRequest said;
                  EchoResponse answer;
                  auto* reactor = context->DefaultReactor();
                  ParseBytes(*request, said);
                  answer.set_text(said.text());
                  SerializeBytes(answer, *response);
                  reactor->Finish(grpc::Status::OK);
                  return reactor;
                });
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(bare.service());
  const auto server = builder.BuildAndStart();
  testing::TestServer framed;
  const auto bare_clients = Clients(port);
  const auto framed_clients = Clients(framed.server->port());
  const ClientOptions token = testing::As("user");
  for (int round = 0; round < 6; ++round) {
    const double e = Drive(bare_clients, testing::Echo("Ping"), {}, absl::Seconds(1));
    const double with_token = Drive(bare_clients, testing::Echo("Ping"), token, absl::Seconds(1));
    const double pub = Drive(framed_clients, testing::Echo("Ping"), {}, absl::Seconds(1));
    const double known = Drive(framed_clients, testing::Echo("Echo"), token, absl::Seconds(1));
    std::printf("bare %.0f  bare+token %.0f  frame public %.0f (%.2f)  frame signed in %.0f (%.2f)\n", e, with_token,
                pub, pub / e, known, known / e);
  }
}

}  // namespace
}  // namespace trialog::rpc

int main() { trialog::rpc::Run(); }
