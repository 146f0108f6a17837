#include "services/single/single.h"

#include <filesystem>

#include "platform/errors/errors.h"
#include "platform/log/kafka/topics.h"
#include "platform/runtime/real_runtime.h"
#include "platform/sealing/master_key.h"
#include "platform/text/text.h"
#include "services/process/open_log.h"

namespace trialog::single {
namespace {

// Without auth's stream nobody can be known here. Deny, and say that it is not the caller's fault.
class NobodyKnown final : public rpc::Authenticator {
 public:
  void Authenticate(const rpc::CallInfo& call, Done done) override {
    if (call.bearer_token().empty()) {
      return done(Refuse(absl::StatusCode::kUnauthenticated, "TOKEN_MISSING", "send an access token"));
    }
    done(RetryLater(absl::StatusCode::kUnavailable, "CALLERS_UNKNOWN",
                    "this process cannot read auth's stream from its embedded log; run trialog-standalone, or all "
                    "services on Kafka",
                    absl::Seconds(30)));
  }
};

}  // namespace

absl::StatusOr<std::unique_ptr<Single>> Single::Start(const process::Config& config, bool is_auth,
                                                      const MakeDefinition& make) {
  if (config.kafka && config.peer_address.empty()) {
    return Refuse(absl::StatusCode::kInvalidArgument, "BAD_CONFIGURATION",
                  "--kafka_brokers needs --peer_address: a service alone on Kafka finds neither the owners of its "
                  "partitions nor the other services without it");
  }
  std::unique_ptr<Single> single(new Single);
  auto secret = sealing::MasterKey::FromFile(config.data + "/keys/service.key");
  if (!secret.ok()) return process::NotInitialised(config.data, secret.status());
  single->secret_ = *std::move(secret);
  auto log = process::OpenLog(config, process::AllServices());
  if (!log.ok()) return log.status();
  single->log_ = *std::move(log);
  if (absl::Status opened = is_auth ? single->OpenKeys(config) : absl::OkStatus(); !opened.ok()) return opened;
  if (!config.peer_address.empty()) single->peers_ = std::make_unique<rpc::Peers>(config.peer_files);
  absl::Status status = single->OpenHost(config, is_auth, make);
  if (status.ok()) status = single->Serve(config);
  if (!status.ok()) return status;
  if (single->peers_) {
    auto share = PartitionShare::Take(config, single->host_.get());
    if (!share.ok()) return share.status();
    single->share_ = *std::move(share);
  }
  return single;
}

absl::Status Single::OpenKeys(const process::Config& config) {
  auto master = sealing::MasterKey::FromFile(config.data + "/keys/master.key");
  if (!master.ok()) return process::NotInitialised(config.data, master.status());
  auto journal = process::OpenKeyJournal(config);
  if (!journal.ok()) return journal.status();
  key_journal_ = *std::move(journal);
  sealing::KeyStore::Options options;
  options.min_free_bytes = config.min_free_bytes;
  options.journal = key_journal_.get();
  options.may_begin = [log = log_.get()] { return process::CheckSiteIsNew(*log); };
  auto store = sealing::KeyStore::Open(config.data + "/keys/db", *std::move(master), &RealRuntime(), options);
  if (!store.ok()) return store.status();
  key_store_ = *std::move(store);
  own_keys_ = std::make_unique<sealing::KeyStoreProvider>(key_store_.get(), &RealRuntime());
  return absl::OkStatus();
}

absl::Status Single::OpenHost(const process::Config& config, bool is_auth, const MakeDefinition& make) {
  const std::string& data = config.data;
  Parts parts{.config = config, .log = log_.get(), .keys = key_store_.get()};
  if (peers_) parts.trials = [this, address = config.trials_peer] { return peers_->ChannelTo(address); };
  parts.key_destroyed = [this](std::string_view subject) { keys_->Drop(subject); };
  auto definition = make(parts);
  if (!definition.ok()) return definition.status();
  const std::string name(definition->domain->service);
  auto topics = process::OpenPublicTopics(config, {name});
  if (!topics.ok()) return topics.status();
  public_topics_ = *std::move(topics);
  std::error_code error;
  std::filesystem::create_directories(data + "/stores", error);
  if (!is_auth) remote_keys_ = std::make_unique<service::RemoteKeyProvider>(name);
  sealing::KeyProvider* source = is_auth ? own_keys_.get() : remote_keys_.get();
  keys_ = std::make_unique<sealing::CachingKeyProvider>(source, &RealRuntime());
  // Also what another replica was asked to destroy.
  if (is_auth) key_store_->SetOnDestroyed([this](std::string_view subject) { keys_->Drop(subject); });
  tokens_ = std::make_unique<rpc::TokenSigner>(std::vector<std::string>{process::Derived(*secret_, "page tokens")});
  service::Environment environment;
  environment.runtime = &RealRuntime();
  environment.log = log_.get();
  environment.keys = keys_.get();
  environment.store_path = Cat(data, "/stores/", name);
  environment.request_key = process::Derived(*secret_, Cat("requests of ", name));
  environment.tokens = tokens_.get();
  environment.compress = config.compress;
  environment.public_topics = public_topics_.get();
  environment.shared_log = config.kafka.has_value();
  environment.peers = peers_.get();
  environment.address = config.advertise.empty() ? config.peer_address : config.advertise;
  environment.frame = config.frame;
  environment.call_log = config.call_log;
  if (!is_auth && !peers_) environment.authenticator = std::make_shared<NobodyKnown>();
  auto host = service::Host::Prepare(*definition, environment);
  if (!host.ok()) return host.status();
  host_ = *std::move(host);
  if (remote_keys_ && peers_) {
    // Auth's owner of the organisation, as auth's own log names it.
    remote_keys_->SetRoute([directory = &host_->directory(),
                            peers = peers_.get()](std::string_view organization) -> std::shared_ptr<const rpc::Client> {
      const std::string address = directory->AddressOfAuth(organization);
      return address.empty() ? nullptr : peers->At(address);
    });
  }
  return absl::OkStatus();
}

absl::Status Single::Serve(const process::Config& config) {
  const auto collect = [config, log = log_.get(), keys = key_store_.get()](telemetry::Metrics& metrics) {
    process::CollectDisk(config, metrics);
    log->Collect(metrics);
    if (keys != nullptr) process::CollectKeys(*keys, metrics);
  };
  auto front = service::Front::Listen(
      {host_.get()}, {.server = config.ServerOptions(), .metrics_address = config.metrics_address, .collect = collect});
  if (!front.ok()) return front.status();
  front_ = *std::move(front);
  return front_->CatchUp();
}

void Single::Drain(absl::Time deadline) {
  share_.reset();
  front_->Drain(deadline);
}

Single::~Single() {
  share_.reset();
  if (host_) host_->backend().owner().Stop();
  front_.reset();
  host_.reset();
  if (key_store_) key_store_->SetOnDestroyed(nullptr);
  keys_.reset();
  remote_keys_.reset();
  own_keys_.reset();
}

}  // namespace trialog::single
