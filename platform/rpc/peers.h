// How processes of ours reach each other: mTLS, with certificates that are read again from their files, and one channel
// an address.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "absl/synchronization/mutex.h"
#include "platform/rpc/client.h"

namespace trialog::rpc {

// PEM files. They are looked at now and then, so that a certificate is renewed without a restart. A service's
// certificate names it by a URI in its subject alternative names, "spiffe://trialog/inventory" (SPIFFE ID, section 2),
// and the hosts that it is reached by.
struct PeerFiles {
  std::string roots;  // Whom the certificates of peers are verified against: they issue those of our services alone.
  std::string certificate;
  std::string key;
  absl::Duration look_every = absl::Minutes(1);  // Whole seconds, at least one.
  bool operator==(const PeerFiles&) const = default;
};

// The URI that names a service in its certificate.
std::string PeerUri(std::string_view service);
// The service that such a URI names; empty when it is none.
std::string_view ServiceOfPeerUri(std::string_view uri);

// Thread safe.
class Peers {
 public:
  // Beyond this many addresses those that nobody holds are let go of.
  static constexpr size_t kMaxChannels = 64;

  explicit Peers(PeerFiles files);
  ~Peers();
  // A channel to the process at "host:port" (or a name that gRPC resolves), for whoever makes clients of its own.
  std::shared_ptr<grpc::Channel> ChannelTo(const std::string& address) const;
  // A client of the process at "host:port", whose certificate must name that host. Connects when first used.
  std::shared_ptr<const Client> At(const std::string& address);

 private:
  struct Credentials;
  const std::unique_ptr<Credentials> credentials_;
  absl::Mutex mutex_;
  std::map<std::string, std::shared_ptr<const Client>> clients_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace trialog::rpc
