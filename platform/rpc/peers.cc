#include "platform/rpc/peers.h"

#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include "platform/rpc/peer_tls.h"
#include "platform/text/text.h"

namespace trialog::rpc {
namespace {

constexpr std::string_view kUriPrefix = "spiffe://trialog/";

}  // namespace

std::string PeerUri(std::string_view service) { return Cat(kUriPrefix, service); }

std::string_view ServiceOfPeerUri(std::string_view uri) {
  return HasPrefix(uri, kUriPrefix) ? uri.substr(kUriPrefix.size()) : std::string_view();
}

std::shared_ptr<grpc::experimental::CertificateProviderInterface> PeerCertificates(const PeerFiles& files) {
  return std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      files.key, files.certificate, files.roots, static_cast<unsigned>(absl::ToInt64Seconds(files.look_every)));
}

struct Peers::Credentials {
  std::shared_ptr<grpc::ChannelCredentials> channel;
};

Peers::Peers(PeerFiles files) : credentials_(std::make_unique<Credentials>()) {
  Client::KeepReady();  // Later ones are made where a call needs them, on gRPC's threads.
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(PeerCertificates(files));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  credentials_->channel = grpc::experimental::TlsCredentials(options);
}

Peers::~Peers() = default;

std::shared_ptr<grpc::Channel> Peers::ChannelTo(const std::string& address) const {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);  // Peers restart, and are soon back.
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);  // How long one attempt may take: 20 s otherwise.
  // One that stands still is given up before its successor is found: what waits for it is asked for again there.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 2'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 2'000);
  arguments.SetMaxReceiveMessageSize(-1);
  return grpc::CreateCustomChannel(address, credentials_->channel, arguments);
}

std::shared_ptr<const Client> Peers::At(const std::string& address) {
  absl::MutexLock lock(&mutex_);
  if (clients_.size() >= kMaxChannels && !clients_.contains(address)) {
    std::erase_if(clients_, [](const auto& entry) { return entry.second.use_count() == 1; });
  }
  std::shared_ptr<const Client>& client = clients_[address];
  if (!client) client = std::make_shared<const Client>(ChannelTo(address));
  return client;
}

}  // namespace trialog::rpc
