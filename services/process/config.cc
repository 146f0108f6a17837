#include "services/process/config.h"

#include <fstream>
#include <sstream>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/process/environment.h"
#include "services/process/kafka_flags.h"

ABSL_FLAG(std::string, data, "data", "Folder with keys, log and stores; made by `trialogctl init`");
ABSL_FLAG(std::string, address, "127.0.0.1:50051",
          "Where to listen, host:port; port 0: any. Without TLS only a loopback address or unix:PATH");
ABSL_FLAG(std::string, blobs, "",
          "Folder of analytics' blobs, the same one for all its replicas; empty: blobs/ in --data");
ABSL_FLAG(std::string, tls_certificate, "", "PEM file with the server's certificate and its chain");
ABSL_FLAG(std::string, tls_key, "", "PEM file with the certificate's private key");
ABSL_FLAG(std::string, tls_client_roots, "", "PEM file with roots that clients' certificates are verified against");
ABSL_FLAG(std::string, peer_address, "",
          "Where the other services call this one, host:port, by mTLS; empty: there are no others. On Kafka only");
ABSL_FLAG(std::string, advertise, "", "What other processes reach --peer_address as, host:port; empty: as it is");
ABSL_FLAG(std::string, peer_roots, "",
          "PEM file with roots that issue the certificates of our services, and no others");
ABSL_FLAG(std::string, peer_certificate, "", "PEM file with this service's certificate: spiffe://trialog/<service>");
ABSL_FLAG(std::string, peer_key, "", "PEM file with that certificate's private key");
ABSL_FLAG(absl::Duration, peer_reload, absl::Minutes(1),
          "The files of --peer_roots, --peer_certificate and --peer_key are read again this often");
ABSL_FLAG(std::string, trials_peer, "", "Where analytics reaches trials' --peer_address, for imports");
ABSL_FLAG(std::string, member, "",
          "Name of this replica among those of its service, the same after a restart; empty: a new one each time");
ABSL_FLAG(absl::Duration, dead_after, absl::Seconds(6),
          "A replica silent for this long loses its partitions to others");
ABSL_FLAG(std::string, metrics_address, "",
          "Where Prometheus finds GET /metrics: a port of the loopback address, or host:port; empty: nowhere");
ABSL_FLAG(std::string, public_log_address, "",
          "Where anybody reads audit's tree by HTTP (C2SP tlog-tiles): a port of the loopback address, or host:port; "
          "empty: nowhere");
ABSL_FLAG(std::string, log_calls, "faults", "Calls that leave a line in the event log: faults, errors or all");
ABSL_FLAG(absl::Duration, drain, absl::Seconds(10), "How long open calls may take after SIGTERM");
ABSL_FLAG(uint64_t, disk_watermark, uint64_t{256} << 20,
          "Bytes to keep free on the disk of --data: below, writes are refused and reads go on");
ABSL_FLAG(bool, compress, true, "Compress files; off where a test searches them");
ABSL_FLAG(bool, reflection, true, "Answer gRPC reflection");
ABSL_FLAG(int32_t, max_calls, 10'000, "Calls at once, in each service; more are refused");
ABSL_FLAG(int32_t, max_streams, 5'000, "Streams at once, in each service; more are refused");
ABSL_FLAG(int32_t, max_streams_per_connection, 1'000,
          "Calls and streams at once on one connection; more wait at the client");
ABSL_FLAG(absl::Duration, keepalive_time, absl::Seconds(60), "A silent client is pinged after this long");
ABSL_FLAG(absl::Duration, keepalive_timeout, absl::Seconds(20), "and cut off when it has not answered after this long");
ABSL_FLAG(absl::Duration, min_ping_interval, absl::Seconds(20), "Clients that ping more often than this are cut off");

namespace trialog::process {
namespace {

// Finds the faults of all flags, so that an operator sees them at once.
class Faults {
 public:
  void Say(std::string_view fault) { Append(text_, text_.empty() ? "" : "\n", fault); }
  void Add(std::string_view flag, std::string_view value, std::string_view why) {
    Say(Cat("--", flag, "=", value, ": ", why));
  }
  void Within(std::string_view flag, absl::Duration value, absl::Duration least, absl::Duration most) {
    if (value >= least && value <= most) return;
    Add(flag, absl::FormatDuration(value),
        Cat("must be from ", absl::FormatDuration(least), " to ", absl::FormatDuration(most)));
  }
  void Within(std::string_view flag, int64_t value, int64_t least, int64_t most) {
    if (value >= least && value <= most) return;
    Add(flag, Cat(value), Cat("must be from ", least, " to ", most));
  }
  std::string File(std::string_view flag, const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    if (path.empty()) return {};
    if (!file || !(text << file.rdbuf())) Add(flag, path, "cannot be read, or is empty");
    return text.str();
  }
  absl::Status status() const {
    if (text_.empty()) return absl::OkStatus();
    return Refuse(absl::StatusCode::kInvalidArgument, "BAD_CONFIGURATION", text_);
  }

 private:
  std::string text_;
};

void ReadTls(Config& config, Faults& faults) {
  const std::string certificate = absl::GetFlag(FLAGS_tls_certificate), key = absl::GetFlag(FLAGS_tls_key);
  const std::string roots = absl::GetFlag(FLAGS_tls_client_roots);
  if (certificate.empty() != key.empty()) {
    faults.Add(certificate.empty() ? "tls_certificate" : "tls_key", "",
               "certificate and key are given both or not at all");
  } else if (certificate.empty() && !roots.empty()) {
    faults.Add("tls_client_roots", roots, "needs --tls_certificate and --tls_key");
  }
  if (certificate.empty()) return;
  auto tls = std::make_shared<rpc::ServerTls>();
  tls->certificate_chain = faults.File("tls_certificate", certificate);
  tls->private_key = faults.File("tls_key", key);
  tls->client_roots = faults.File("tls_client_roots", roots);
  config.tls = std::move(tls);
}

void ReadPeers(Config& config, Faults& faults) {
  config.peer_address = absl::GetFlag(FLAGS_peer_address);
  config.advertise = absl::GetFlag(FLAGS_advertise);
  config.peer_files = {absl::GetFlag(FLAGS_peer_roots), absl::GetFlag(FLAGS_peer_certificate),
                       absl::GetFlag(FLAGS_peer_key), absl::GetFlag(FLAGS_peer_reload)};
  faults.Within("peer_reload", config.peer_files.look_every, absl::Seconds(1), absl::Hours(24));
  config.trials_peer = absl::GetFlag(FLAGS_trials_peer);
  config.member = absl::GetFlag(FLAGS_member);
  config.dead_after = absl::GetFlag(FLAGS_dead_after);
  faults.Within("dead_after", config.dead_after, absl::Seconds(1), absl::Minutes(5));
  if (config.peer_address.empty()) return;
  if (!config.kafka) faults.Add("peer_address", config.peer_address, "needs --kafka_brokers");
  const std::string& address = config.advertise.empty() ? config.peer_address : config.advertise;
  const std::string host = address.substr(0, address.rfind(':'));
  if (host.empty() || host == "0.0.0.0" || host == "[::]" || address.rfind(':') == std::string::npos ||
      address.substr(address.rfind(':')) == ":0") {
    faults.Add("advertise", address, "must be a host and port at which other processes find this one, and no other");
  }
  faults.File("peer_roots", config.peer_files.roots);
  faults.File("peer_certificate", config.peer_files.certificate);
  faults.File("peer_key", config.peer_files.key);
  if (config.peer_files.roots.empty() || config.peer_files.certificate.empty() || config.peer_files.key.empty())
    faults.Add("peer_address", config.peer_address, "needs --peer_roots, --peer_certificate and --peer_key");
}

void ReadServer(Config& config, Faults& faults) {
  rpc::ServerOptions& server = config.server;
  config.address = absl::GetFlag(FLAGS_address);
  if (config.address.empty()) faults.Add("address", "", "give host:port");
  server.reflection = absl::GetFlag(FLAGS_reflection);
  server.max_streams_per_connection = absl::GetFlag(FLAGS_max_streams_per_connection);
  faults.Within("max_streams_per_connection", server.max_streams_per_connection, 1, 1'000'000);
  server.keepalive_time = absl::GetFlag(FLAGS_keepalive_time);
  faults.Within("keepalive_time", server.keepalive_time, absl::Milliseconds(100), absl::Hours(24));
  server.keepalive_timeout = absl::GetFlag(FLAGS_keepalive_timeout);
  faults.Within("keepalive_timeout", server.keepalive_timeout, absl::Milliseconds(100), absl::Hours(1));
  server.min_ping_interval = absl::GetFlag(FLAGS_min_ping_interval);
  faults.Within("min_ping_interval", server.min_ping_interval, absl::Milliseconds(100), absl::Hours(1));
  config.frame.max_outstanding = absl::GetFlag(FLAGS_max_calls);
  faults.Within("max_calls", config.frame.max_outstanding, 1, 1'000'000);
  config.frame.max_streams = absl::GetFlag(FLAGS_max_streams);
  faults.Within("max_streams", config.frame.max_streams, 1, 1'000'000);
}

}  // namespace

absl::StatusOr<Config> ReadConfig(int argc, char** argv, std::string_view what_it_is) {
  SetUsage(Cat(what_it_is,
               "\n\nEach flag is also read from the environment as TRIALOG_<FLAG>, and from --flagfile=FILE.\n"
               "docs/operations.md says more."));
  if (absl::Status environment = FlagsFromEnvironment("TRIALOG_"); !environment.ok()) return environment;
  Faults faults;
  for (const char* more : std::vector<char*>(absl::ParseCommandLine(argc, argv))) {
    if (more != argv[0]) faults.Say(Cat("'", std::string_view(more), "' is no flag; a value is written --flag=value"));
  }
  Config config;
  config.data = absl::GetFlag(FLAGS_data);
  config.blobs = absl::GetFlag(FLAGS_blobs);
  if (config.data.empty()) faults.Add("data", "", "give the folder that `trialogctl init` made");
  config.drain = absl::GetFlag(FLAGS_drain);
  faults.Within("drain", config.drain, absl::ZeroDuration(), absl::Hours(1));
  config.min_free_bytes = absl::GetFlag(FLAGS_disk_watermark);
  config.compress = absl::GetFlag(FLAGS_compress);
  config.metrics_address = absl::GetFlag(FLAGS_metrics_address);
  config.public_log_address = absl::GetFlag(FLAGS_public_log_address);
  if (!service::ParseCallLog(absl::GetFlag(FLAGS_log_calls), config.call_log)) {
    faults.Add("log_calls", absl::GetFlag(FLAGS_log_calls), "must be faults, errors or all");
  }
  ReadServer(config, faults);
  ReadTls(config, faults);
  if (auto kafka = ReadKafkaFlags(); kafka.ok()) {
    config.kafka = *std::move(kafka);
  } else {
    faults.Say(FromAbsl(kafka.status().message()));
  }
  ReadPeers(config, faults);
  if (absl::Status bad = faults.status(); !bad.ok()) return bad;
  return config;
}

}  // namespace trialog::process
