// How a server process is configured: flags, each also from the environment and from a flagfile, checked before
// anything is opened. The same for the standalone and the five single services.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/log/kafka/options.h"
#include "platform/rpc/frame.h"
#include "platform/rpc/server.h"
#include "platform/service/call_log.h"

namespace trialog::process {

struct Config {
  std::string data;                          // Folder.
  std::string blobs;                         // Folder of blobs; empty: blobs/ in data.
  std::optional<log::kafka::Options> kafka;  // Nothing: the log is embedded.
  std::string address = "127.0.0.1:50051";
  std::shared_ptr<const rpc::ServerTls> tls;
  // Beside the other services, each a process of its own (single services only).
  std::string peer_address;  // Where they call this one, by mTLS; empty: nobody does.
  std::string advertise;     // What others reach that as; empty: peer_address with its port.
  rpc::PeerFiles peer_files;
  std::string trials_peer;  // Where analytics finds trials.
  std::string member;       // Of the Kafka group that shares partitions out; empty: a new one at each start.
  absl::Duration dead_after = absl::Seconds(6);
  std::string metrics_address;     // Of MetricsServer; empty: none.
  std::string public_log_address;  // Of audit's PublicLog; empty: none.
  absl::Duration drain = absl::Seconds(10);
  uint64_t min_free_bytes = uint64_t{256} << 20;  // The disk's watermark.
  bool compress = true;                           // Off where a test searches the raw files.
  service::CallLog call_log = service::CallLog::kFaults;
  rpc::ServerOptions server;  // Limits; address and TLS are those above.
  rpc::FrameOptions frame;    // Limits.

  std::string BlobsPath() const { return blobs.empty() ? data + "/blobs" : blobs; }
  rpc::ServerOptions ServerOptions() const {
    rpc::ServerOptions options = server;
    options.address = address;
    options.tls = tls;
    options.peer_address = peer_address;
    options.peer_files = peer_files;
    return options;
  }
};

// Reads the flags of this program: TRIALOG_FLAGFILE first, then each TRIALOG_<FLAG>, then the command line, whose
// --flagfile counts where it stands; of two the later counts. An unknown flag or a value that is none ends the process
// with status 1 and the reason on standard error, --help and --version with theirs. INVALID_ARGUMENT, reason
// BAD_CONFIGURATION: the message names every other fault, one a line, and what to do about it.
absl::StatusOr<Config> ReadConfig(int argc, char** argv, std::string_view what_it_is);

}  // namespace trialog::process
