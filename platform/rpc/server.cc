#include "platform/rpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include "absl/synchronization/mutex.h"
#include "platform/errors/errors.h"
#include "platform/rpc/health.h"
#include "platform/rpc/peer_tls.h"
#include "platform/text/text.h"

namespace trialog::rpc {
namespace {

absl::Status BadAddress(std::string_view reason, std::string_view address, std::string_view why) {
  return Refuse(absl::StatusCode::kInvalidArgument, reason, Cat("address '", address, "' ", why));
}

// Whether only this machine can reach the address. Numeric, but for "localhost": a name could come to mean anything.
bool IsLocal(std::string_view address) {
  if (HasPrefix(address, "unix:")) return true;
  const std::string_view host = address.substr(0, address.rfind(':'));
  if (host == "localhost" || host == "[::1]") return true;
  const auto parts = Split(host, '.');
  return parts.size() == 4 && parts[0] == "127" && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

std::shared_ptr<grpc::ServerCredentials> Credentials(const ServerTls* tls) {
  if (tls == nullptr) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions options(tls->client_roots.empty() ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                            : tls->require_client_certificate
                                                ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                                : GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_root_certs = tls->client_roots;
  options.pem_key_cert_pairs.push_back({tls->private_key, tls->certificate_chain});
  return grpc::SslServerCredentials(options);
}

void Configure(grpc::ServerBuilder& builder, const ServerOptions& options) {
  const auto millis = [](absl::Duration d) { return static_cast<int>(absl::ToInt64Milliseconds(d)); };
  builder.SetMaxReceiveMessageSize(options.max_receive_bytes);
  builder.SetMaxSendMessageSize(options.max_send_bytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, options.max_metadata_bytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.max_streams_per_connection);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, millis(options.keepalive_time));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, millis(options.keepalive_timeout));
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, millis(options.min_ping_interval));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // Otherwise a second server on the same port would share its calls in silence.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  grpc::ResourceQuota quota("trialog");
  quota.Resize(options.memory_quota_bytes);
  builder.SetResourceQuota(quota);
}

// Linking gRPC's reflection library puts it into every server; this takes it out of one.
class WithoutReflection : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    std::erase_if(*plugins, [](const auto& plugin) {
      return dynamic_cast<grpc::reflection::ProtoServerReflectionPlugin*>(plugin.get()) != nullptr;
    });
  }
};

std::vector<std::string> ServiceNames(const std::vector<std::unique_ptr<Frame>>& frames) {
  std::vector<std::string> names;
  for (const auto& frame : frames)
    names.insert(names.end(), frame->service_names().begin(), frame->service_names().end());
  return names;
}

}  // namespace

struct Server::Impl {
  explicit Impl(std::vector<std::unique_ptr<Frame>> given)
      : frames(std::move(given)), services(ServiceNames(frames)), health(services) {}

  std::vector<std::unique_ptr<Frame>> frames;
  std::vector<std::string> services;
  Health health;
  int port = 0;
  std::unique_ptr<grpc::Server> server;     // Last, so that it goes first …
  std::unique_ptr<grpc::Server> for_peers;  // … but for this; null without one.
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

// gRPC 1.51 shares one queue of callback threads among all servers and channels of a process, made with the first and
// ended with the last. Ending and making it again was seen to abort the process (ref_counted.h, "prior > 0"); a server
// that never ends keeps it.
void Server::KeepCallbackThreads() {
  static const auto& kept = *new auto(Build({}, {.address = ""}));
  if (!kept.ok()) std::abort();
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(std::vector<std::unique_ptr<Frame>> frames,
                                                      ServerOptions options) {
  KeepCallbackThreads();
  // Debian's Abseil looks for cycles at each lock, gRPC's included; the thread sanitizer does that in our tests.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return Build(std::move(frames), std::move(options));
}

absl::StatusOr<std::unique_ptr<Server>> Server::Build(std::vector<std::unique_ptr<Frame>> frames,
                                                      ServerOptions options) {
  if (options.tls == nullptr && !options.address.empty() && !IsLocal(options.address))
    return BadAddress("INSECURE_ADDRESS", options.address,
                      "can be reached from outside: it needs TLS (--tls_certificate, --tls_key)");
  auto impl = std::make_unique<Impl>(std::move(frames));
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();  // Counts once; keeps the linker from dropping the
                                                               // library.
  grpc::ServerBuilder builder;
  Configure(builder, options);
  if (!options.reflection) builder.SetOption(std::make_unique<WithoutReflection>());
  const bool listens = !options.address.empty();
  if (listens) builder.AddListeningPort(options.address, Credentials(options.tls.get()), &impl->port);
  for (const auto& frame : impl->frames) {
    for (grpc::Service* service : frame->grpc_services()) builder.RegisterService(service);
  }
  for (grpc::Service* service : impl->health.frame().grpc_services()) builder.RegisterService(service);
  impl->server = builder.BuildAndStart();
  if (impl->server == nullptr || (listens && impl->port == 0))
    return RetryLater(absl::StatusCode::kUnavailable, "ADDRESS_IN_USE",
                      Cat("cannot listen on '", options.address, "': in use, not of this machine, or bad TLS files"),
                      absl::Seconds(1));
  std::unique_ptr<Server> server(new Server(std::move(impl)));
  if (options.peer_address.empty()) return server;
  if (absl::Status listens_too = server->ListenForPeers(options); !listens_too.ok()) return listens_too;
  return server;
}

absl::Status Server::ListenForPeers(const ServerOptions& options) {
  grpc::experimental::TlsServerCredentialsOptions tls(PeerCertificates(options.peer_files));
  tls.watch_root_certs();
  tls.watch_identity_key_cert_pairs();
  tls.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  grpc::ServerBuilder builder;
  ServerOptions for_peers = options;
  for_peers.min_ping_interval = absl::Seconds(1);  // They ping every two (Peers).
  Configure(builder, for_peers);
  builder.SetOption(std::make_unique<WithoutReflection>());
  int port = 0;
  builder.AddListeningPort(options.peer_address, grpc::experimental::TlsServerCredentials(tls), &port);
  for (const auto& frame : impl_->frames) {
    for (grpc::Service* service : frame->grpc_services(true)) builder.RegisterService(service);
  }
  for (grpc::Service* service : impl_->health.frame().grpc_services(true)) builder.RegisterService(service);
  impl_->for_peers = builder.BuildAndStart();
  if (impl_->for_peers != nullptr && port != 0) return absl::OkStatus();
  return RetryLater(absl::StatusCode::kUnavailable, "ADDRESS_IN_USE",
                    Cat("cannot listen on '", options.peer_address, "': in use, not of this machine, or bad TLS files"),
                    absl::Seconds(1));
}

Server::~Server() { Shutdown(absl::InfinitePast()); }

int Server::port() const { return impl_->port; }

void Server::SetServing(const std::string& service, bool serving) { impl_->health.Set(service, serving); }

void Server::SetServing(bool serving) {
  for (const std::string& service : impl_->services) impl_->health.Set(service, serving);
}

void Server::StopServing() { impl_->health.Stop(); }

std::shared_ptr<grpc::Channel> Server::InProcessChannel() {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  return impl_->server->InProcessChannel(arguments);
}

const std::vector<std::unique_ptr<Frame>>& Server::frames() const { return impl_->frames; }

void Server::Shutdown(absl::Time deadline) {
  if (impl_->server == nullptr) return;
  impl_->health.Stop();
  for (const auto& frame : impl_->frames) frame->Drain();
  impl_->health.frame().Drain();
  for (auto* server : {&impl_->for_peers, &impl_->server}) {
    if (*server == nullptr) continue;
    (*server)->Shutdown(absl::ToChronoTime(std::max(deadline, absl::UnixEpoch())));
    (*server)->Wait();
    server->reset();
  }
}

}  // namespace trialog::rpc
