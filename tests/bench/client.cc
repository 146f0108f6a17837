// bench_client: measures trialog-standalone against bench_echo and prints the table. docs/performance.md.
#include "platform/rpc/client.h"

#include <fstream>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/time/clock.h"
#include "platform/text/text.h"
#include "tests/bench/load.h"
#include "tests/bench/stages.h"
#include "trialog/auth/v1/auth.pb.h"

ABSL_FLAG(std::string, bin, "", "Folder of trialog-standalone and bench_echo");
ABSL_FLAG(std::string, folder, "", "Empty folder to work in; holds `data`, made by trialogctl init");
ABSL_FLAG(absl::Duration, slice, absl::Seconds(3), "Length of one measured interval");
ABSL_FLAG(int, rounds, 5, "Intervals of each kind; medians are printed");
ABSL_FLAG(std::string, only, "", "One of reads, movements, watching; all when empty");
ABSL_FLAG(std::string, brokers, "", "Measures on Kafka, and nothing else. Topics are there, with the prefix bench.");
ABSL_FLAG(int, replicas, 1, "Of these topics: 1, or 3, against what was measured with 1 before");
ABSL_FLAG(std::string, rate_file, "", "Where the rate with one broker is kept for that");

namespace trialog::bench {
namespace {

constexpr int kSamples = 256;
constexpr double kMebibyte = 1 << 20;
constexpr absl::Duration kSettle = absl::Seconds(3);

Line Start(const std::string& address, absl::Time started) {
  // UNAUTHENTICATED is an answer.
  const auto answer =
      rpc::Client(rpc::Connect(address))
          .Call<auth::v1::WhoAmIResponse>("trialog.auth.v1.AuthService/WhoAmI", auth::v1::WhoAmIRequest());
  const double seconds = absl::ToDoubleSeconds(absl::Now() - started);
  return {"Start of the standalone to its first answer",           Cat(Number(seconds, 2), " s"), "", "", "≤ 1 s",
          absl::IsUnauthenticated(answer.status()) && seconds <= 1};
}

Line Memory(const ServerProcess& server) {
  absl::SleepFor(kSettle);
  const double mebibytes = static_cast<double>(server.ResidentBytes()) / kMebibyte;
  return {
      "Resident memory of the idle standalone", Cat(Number(mebibytes), " MiB"), "", "", "≤ 150 MiB", mebibytes <= 150};
}

// A standalone on the brokers, in the folder `kafka` made by init, with what the benchmark works on.
struct KafkaServer {
  KafkaServer(const std::string& bin, const std::string& data)
      : server({bin + "/trialog-standalone", "--data", data, "--address", "127.0.0.1:0", "--kafka_brokers",
                absl::GetFlag(FLAGS_brokers), "--kafka_replicas", Cat(absl::GetFlag(FLAGS_replicas)),
                "--kafka_topic_prefix", "bench."}),
        world(MakeWorld(*Clients(server.address())[0], data + "/keys/init.token", kSamples)) {}
  ServerProcess server;
  const World world;
};

std::vector<Line> OnBrokers(const Setting& setting, const std::string& bin, const std::string& data) {
  KafkaServer kafka(bin, data);
  const std::string rate_file = absl::GetFlag(FLAGS_rate_file);
  double rate = 0;
  if (absl::GetFlag(FLAGS_replicas) > 1) {
    std::ifstream(rate_file) >> rate;
    return ThreeBrokers(setting, {kafka.server, kafka.world}, rate);
  }
  auto lines = OneBroker(setting, {kafka.server, kafka.world}, rate);
  std::ofstream(rate_file) << rate;
  return lines;
}

int Main() {
  const std::string bin = absl::GetFlag(FLAGS_bin), folder = absl::GetFlag(FLAGS_folder);
  const std::string data = folder + "/data";
  std::vector<Line> lines;
  const absl::Time started = absl::Now();
  ServerProcess ours({bin + "/trialog-standalone", "--data", data, "--address", "127.0.0.1:0"});
  const Line start = Start(ours.address(), started), memory = Memory(ours);
  const auto clients = Clients(ours.address());
  const World world = MakeWorld(*clients[0], data + "/keys/init.token", kSamples);
  const std::string brokers = absl::GetFlag(FLAGS_brokers);
  ServerProcess yardstick(
      {bin + "/bench_echo", "--file", folder + "/durable", "--brokers", brokers, "--topic", "bench.trials.log"});
  const Setting setting{ours, yardstick, world, absl::GetFlag(FLAGS_slice), absl::GetFlag(FLAGS_rounds)};
  const auto add = [&](std::string_view name, std::vector<Line> (*stage)(const Setting&)) {
    if (!absl::GetFlag(FLAGS_only).empty() && absl::GetFlag(FLAGS_only) != name) return;
    for (Line& line : stage(setting)) lines.push_back(std::move(line));
  };
  if (!brokers.empty()) {
    Print(OnBrokers(setting, bin, folder + "/kafka"));
    return 0;
  }
  add("reads", Reads);
  add("movements", Movements);
  add("watching", Watching);
  lines.push_back(memory);
  lines.push_back(start);
  Print(lines);
  return 0;
}

}  // namespace
}  // namespace trialog::bench

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return trialog::bench::Main();
}
