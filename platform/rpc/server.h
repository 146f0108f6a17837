// A gRPC server made of frames: address, TLS, limits, health, reflection, an orderly end.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/rpc/frame.h"
#include "platform/rpc/peers.h"

namespace grpc {
class Channel;
}

namespace trialog::rpc {

// PEM texts.
struct ServerTls {
  std::string certificate_chain;
  std::string private_key;
  // Certificates that clients are verified against; empty: clients show none. Clients without one are let in, unless
  // `require_client_certificate`; CallInfo::peer_identity() tells them apart.
  std::string client_roots;
  bool require_client_certificate = false;
};

struct ServerOptions {
  // "host:port"; port 0 lets the system choose. Empty: no port, only InProcessChannel. Without TLS only a loopback
  // address (127.0.0.0/8, [::1], localhost) or a Unix socket is accepted.
  std::string address = "127.0.0.1:0";
  std::shared_ptr<const ServerTls> tls;
  // A second address where our own services call each other, by their certificates; empty: none.
  std::string peer_address;
  PeerFiles peer_files;
  bool reflection = true;
  // Largest message received; above it gRPC itself answers RESOURCE_EXHAUSTED. A little more than the frame's own
  // limit, so that what is just too large gets our answer.
  int max_receive_bytes = 4 * 1024 * 1024 + 64 * 1024;
  int max_send_bytes = 4 * 1024 * 1024 + 64 * 1024;
  int max_metadata_bytes = 16 * 1024;
  int max_streams_per_connection = 1000;
  size_t memory_quota_bytes = 512 * 1024 * 1024;         // gRPC's buffers; beyond it reads slow down.
  absl::Duration keepalive_time = absl::Seconds(60);     // A ping to a silent client …
  absl::Duration keepalive_timeout = absl::Seconds(20);  // … that must be answered within this.
  absl::Duration min_ping_interval = absl::Seconds(20);  // Clients that ping more often are cut off.
};

class Server {
 public:
  // INVALID_ARGUMENT, reason INSECURE_ADDRESS or BAD_ADDRESS; UNAVAILABLE, reason ADDRESS_IN_USE, when it cannot
  // listen.
  static absl::StatusOr<std::unique_ptr<Server>> Start(std::vector<std::unique_ptr<Frame>> frames,
                                                       ServerOptions options = {});
  // Shuts down at once if nobody did. Waits for handlers to finish their calls.
  ~Server();

  // The port it listens on; 0 without one.
  int port() const;
  // Health of one service, or of all of them. NOT_SERVING at first. Thread safe.
  void SetServing(const std::string& service, bool serving);
  void SetServing(bool serving);
  // NOT_SERVING from now on, whatever is set: the first step of an end. Calls are still served.
  void StopServing();
  // A channel to this server without a socket. Its calls have CallInfo::in_process().
  std::shared_ptr<grpc::Channel> InProcessChannel();
  const std::vector<std::unique_ptr<Frame>>& frames() const;

  // Says NOT_SERVING, ends all streams, takes no new calls, waits for the others until `deadline`, then cancels them
  // and waits for their handlers. Blocks; once.
  void Shutdown(absl::Time deadline);

 private:
  struct Impl;
  static void KeepCallbackThreads();
  static absl::StatusOr<std::unique_ptr<Server>> Build(std::vector<std::unique_ptr<Frame>> frames,
                                                       ServerOptions options);
  absl::Status ListenForPeers(const ServerOptions& options);
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace trialog::rpc
