// bench_echo: the yardsticks, a bare gRPC callback server that does no work (Echo), a synced append (DurableEcho) or a
// record to Kafka (KafkaEcho).
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_context.h>

#include <csignal>
#include <cstdio>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "platform/log/kafka/producer.h"
#include "platform/rpc/method.h"
#include "platform/rpc/raw_service.h"
#include "tests/bench/group_commit.h"
#include "trialog/bench/v1/echo.pb.h"

ABSL_FLAG(std::string, file, "", "Where DurableEcho appends");
ABSL_FLAG(std::string, brokers, "", "Where KafkaEcho produces; it is not served when empty");
ABSL_FLAG(std::string, topic, "", "The topic that KafkaEcho produces to");

namespace trialog::bench {
namespace {

constexpr size_t kRecordBytes = 600;

bool Answer(const grpc::ByteBuffer& request, grpc::ByteBuffer& response) {
  v1::Saying said, answer;
  if (!rpc::ParseBytes(request, said)) return false;
  answer.set_text(said.text());
  return rpc::SerializeBytes(answer, response);
}

// Null without brokers.
std::unique_ptr<log::kafka::Producer> MakeProducer() {
  if (absl::GetFlag(FLAGS_brokers).empty()) return nullptr;
  auto made = log::kafka::Producer::Make({.brokers = absl::GetFlag(FLAGS_brokers)});
  if (made.ok()) return *std::move(made);
  std::fprintf(stderr, "%s\n", made.status().ToString().c_str());
  std::exit(1);
}

void ServeKafkaEcho(rpc::RawService& service, log::kafka::Producer& producer) {
  service.AddUnary(
      "/trialog.bench.v1.EchoService/KafkaEcho",
      [&producer](grpc::CallbackServerContext* context, const grpc::ByteBuffer* request, grpc::ByteBuffer* response) {
        auto* reactor = context->DefaultReactor();
        const bool answered = Answer(*request, *response);
        producer.Send(absl::GetFlag(FLAGS_topic), 0, {std::string(kRecordBytes, 'x')},
                      [reactor, answered](const std::vector<log::Report>& reports) {
                        const bool good = answered && reports.size() == 1 && reports[0].status.ok();
                        reactor->Finish(good ? grpc::Status::OK : grpc::Status(grpc::StatusCode::UNAVAILABLE, ""));
                      });
        return reactor;
      });
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
  const auto producer = MakeProducer();
  if (producer) ServeKafkaEcho(service, *producer);
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
