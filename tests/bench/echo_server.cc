// bench_echo: the yardsticks, a bare gRPC callback server that does no work (Echo) or a synced append (DurableEcho).
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_context.h>

#include <csignal>
#include <cstdio>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "platform/rpc/method.h"
#include "platform/rpc/raw_service.h"
#include "tests/bench/group_commit.h"
#include "trialog/bench/v1/echo.pb.h"

ABSL_FLAG(std::string, file, "", "Where DurableEcho appends");

namespace trialog::bench {
namespace {

constexpr size_t kRecordBytes = 600;

bool Answer(const grpc::ByteBuffer& request, grpc::ByteBuffer& response) {
  v1::Saying said, answer;
  if (!rpc::ParseBytes(request, said)) return false;
  answer.set_text(said.text());
  return rpc::SerializeBytes(answer, response);
}

int Serve() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  GroupCommit commits(absl::GetFlag(FLAGS_file));
  rpc::RawService service;
  service.AddUnary(
      "/trialog.bench.v1.EchoService/Echo",
      [](grpc::CallbackServerContext* context, const grpc::ByteBuffer* request, grpc::ByteBuffer* response) {
        auto* reactor = context->DefaultReactor();
        const bool answered = Answer(*request, *response);
        reactor->Finish(answered ? grpc::Status::OK : grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, ""));
        return reactor;
      });
  service.AddUnary(
      "/trialog.bench.v1.EchoService/DurableEcho",
      [&commits](grpc::CallbackServerContext* context, const grpc::ByteBuffer* request, grpc::ByteBuffer* response) {
        auto* reactor = context->DefaultReactor();
        commits.Append(std::string(kRecordBytes, 'x'), [reactor, answered = Answer(*request, *response)] {
          reactor->Finish(answered ? grpc::Status::OK : grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, ""));
        });
        return reactor;
      });
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(service.service());
  const auto server = builder.BuildAndStart();
  std::printf("serving on port %d\n", port);
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  server->Shutdown();
  return 0;
}

}  // namespace
}  // namespace trialog::bench

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return trialog::bench::Serve();
}
