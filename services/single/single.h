// One service as a process of its own. On Kafka it is whole: it folds what it needs of the other services from their
// topics, and calls them, and other replicas of itself, by mTLS. On an embedded log only auth is: the other four cannot
// fold auth's stream, which stands in another process's folder, so they serve health and reflection and answer every
// call that carries a token with UNAVAILABLE.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "platform/log/log.h"
#include "platform/rpc/peers.h"
#include "platform/sealing/caching_key_provider.h"
#include "platform/sealing/key_store.h"
#include "platform/service/front.h"
#include "platform/service/host.h"
#include "platform/service/remote_keys.h"
#include "services/process/common.h"
#include "services/process/serve.h"
#include "services/single/partition_share.h"

namespace trialog::single {

// What a service may be made from.
struct Parts {
  const process::Config& config;
  log::Log* log = nullptr;
  sealing::KeyStore* keys = nullptr;                                 // Auth only.
  std::function<std::shared_ptr<grpc::Channel>()> trials = nullptr;  // Null without peers.
  std::function<void(std::string_view subject)> key_destroyed = nullptr;
};
using MakeDefinition = std::function<absl::StatusOr<service::Definition>(const Parts& parts)>;

class Single final : public process::Serving {
 public:
  static absl::StatusOr<std::unique_ptr<Single>> Start(const process::Config& config, bool is_auth,
                                                       const MakeDefinition& make);
  ~Single() override;
  int port() const override { return front_->port(); }
  int metrics_port() const override { return front_->metrics_port(); }
  // Leaves its group first, so that others claim what it gives up.
  void Drain(absl::Time deadline) override;

 private:
  Single() = default;
  absl::Status OpenKeys(const process::Config& config);
  absl::Status OpenHost(const process::Config& config, bool is_auth, const MakeDefinition& make);
  absl::Status Serve(const process::Config& config);

  std::optional<sealing::MasterKey> secret_;
  std::unique_ptr<log::Log> log_;
  std::unique_ptr<relay::Outlet> public_topics_;      // Null: none.
  std::unique_ptr<rpc::Peers> peers_;                 // Null: this process is alone.
  std::unique_ptr<sealing::KeyJournal> key_journal_;  // Null: the keys of this process are its own.
  std::unique_ptr<sealing::KeyStore> key_store_;
  std::unique_ptr<sealing::KeyProvider> own_keys_;
  std::unique_ptr<service::RemoteKeyProvider> remote_keys_;
  std::unique_ptr<sealing::CachingKeyProvider> keys_;
  std::unique_ptr<rpc::TokenSigner> tokens_;
  std::unique_ptr<service::Host> host_;
  std::unique_ptr<service::Front> front_;
  std::unique_ptr<PartitionShare> share_;  // Null: this process is alone.
};

}  // namespace trialog::single
