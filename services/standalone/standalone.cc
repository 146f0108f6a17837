#include "services/standalone/standalone.h"

#include <filesystem>

#include "platform/errors/errors.h"
#include "platform/runtime/real_runtime.h"
#include "platform/sealing/master_key.h"
#include "platform/text/text.h"
#include "rocksdb/env.h"
#include "services/analytics/app/analytics_app.h"
#include "services/audit/app/audit_app.h"
#include "services/auth/app/auth_app.h"
#include "services/inventory/app/inventory_app.h"
#include "services/process/open_log.h"
#include "services/process/origin.h"
#include "services/trials/app/trials_app.h"

namespace trialog::standalone {
absl::StatusOr<std::unique_ptr<Standalone>> Standalone::Start(const Options& given) {
  Options options = given;
  if (options.runtime == nullptr) options.runtime = &RealRuntime();
  std::unique_ptr<Standalone> standalone(new Standalone);
  if (absl::Status opened = standalone->OpenHosts(options); !opened.ok()) return opened;
  if (absl::Status serving = standalone->Serve(options); !serving.ok()) return serving;
  return standalone;
}

absl::Status Standalone::OpenHosts(const Options& options) {
  const std::string& data = options.data;
  auto master = sealing::MasterKey::FromFile(data + "/keys/master.key");
  if (!master.ok()) return process::NotInitialised(data, master.status());
  auto secret = sealing::MasterKey::FromFile(data + "/keys/service.key");
  if (!secret.ok()) return process::NotInitialised(data, secret.status());
  std::error_code error;
  std::filesystem::create_directories(data + "/stores", error);

  auto log = process::OpenLog(options, process::AllServices(), options.env);
  if (!log.ok()) return log.status();
  log_ = *std::move(log);
  auto topics = process::OpenPublicTopics(options, process::AllServices());
  if (!topics.ok()) return topics.status();
  public_topics_ = *std::move(topics);
  auto journal = process::OpenKeyJournal(options);
  if (!journal.ok()) return journal.status();
  key_journal_ = *std::move(journal);
  sealing::KeyStore::Options key_options;
  key_options.env = options.env;
  key_options.min_free_bytes = options.min_free_bytes;
  key_options.journal = key_journal_.get();
  key_options.may_begin = [this] { return process::CheckSiteIsNew(*log_); };
  auto keys = sealing::KeyStore::Open(data + "/keys/db", *std::move(master), options.runtime, key_options);
  if (!keys.ok()) return keys.status();
  key_store_ = *std::move(keys);
  local_keys_ = std::make_unique<sealing::KeyStoreProvider>(key_store_.get(), options.runtime);
  tokens_ = std::make_unique<rpc::TokenSigner>(std::vector<std::string>{process::Derived(*secret, "page tokens")});

  auth::AuthParts auth_parts;
  auth_parts.keys = key_store_.get();
  auth_parts.init_token_file = data + "/keys/init.token";
  // Nobody here unseals with an erased key from its cache.
  auth_parts.key_destroyed = [this](std::string_view subject) {
    for (auto& keys : cached_keys_) keys->Drop(subject);
  };
  auto blobs =
      blob::BlobFolder::Open(options.BlobsPath(), {.env = options.env, .min_free_bytes = options.min_free_bytes});
  if (!blobs.ok()) return blobs.status();
  blobs_ = *std::move(blobs);
  analytics::AnalyticsParts analytics_parts;
  analytics_parts.blobs = blobs_.get();
  analytics_parts.trials = [this] { return channel_; };
  auto audit_keys = audit::LoadAuditKeys(data + "/keys/audit.key", process::kLogOrigin);
  if (!audit_keys.ok()) return process::NotInitialised(data, audit_keys.status());
  audit::AuditParts audit_parts{
      .log = log_.get(), .store_path = data + "/stores/audit-tree", .keys = *std::move(audit_keys)};
  audit_parts.public_address = options.public_log_address;
  audit_parts.compress = options.compress;
  audit_parts.env = options.env;
  for (const service::Definition& definition :
       {auth::AuthDefinition(auth_parts), inventory::InventoryDefinition(), trials::TrialsDefinition(),
        analytics::AnalyticsDefinition(analytics_parts), audit::AuditDefinition(audit_parts)}) {
    const std::string name(definition.domain->service);
    sealing::KeyProvider* source = local_keys_.get();
    if (name != "auth") source = remote_keys_.emplace_back(std::make_unique<service::RemoteKeyProvider>(name)).get();
    cached_keys_.push_back(std::make_unique<sealing::CachingKeyProvider>(source, options.runtime));
    service::Environment environment;
    environment.runtime = options.runtime;
    environment.log = log_.get();
    environment.keys = cached_keys_.back().get();
    environment.store_path = Cat(data, "/stores/", name);
    environment.request_key = process::Derived(*secret, Cat("requests of ", name));
    environment.tokens = tokens_.get();
    environment.compress = options.compress;
    environment.env = options.env;
    environment.shared_log = options.kafka.has_value();
    environment.public_topics = public_topics_.get();
    environment.frame = options.frame;
    environment.call_log = options.call_log;
    auto host = service::Host::Prepare(definition, environment);
    if (!host.ok()) return host.status();
    hosts_.push_back(*std::move(host));
  }
  return absl::OkStatus();
}

absl::Status Standalone::Serve(const Options& options) {
  const auto collect = [config = process::Config(options), log = log_.get(),
                        keys = key_store_.get()](telemetry::Metrics& metrics) {
    process::CollectDisk(config, metrics);
    log->Collect(metrics);
    process::CollectKeys(*keys, metrics);
  };
  std::vector<service::Host*> hosts;
  for (auto& host : hosts_) hosts.push_back(host.get());
  auto front = service::Front::Listen(
      std::move(hosts),
      {.server = options.ServerOptions(), .metrics_address = options.metrics_address, .collect = collect});
  if (!front.ok()) return front.status();
  front_ = *std::move(front);
  channel_ = front_->server().InProcessChannel();
  for (auto& keys : remote_keys_) keys->SetChannel(channel_);
  return front_->CatchUp();
}

absl::Status Standalone::Health() const {
  absl::Status status;
  for (const auto& host : hosts_) status.Update(host->Health());
  return status;
}

void Standalone::Drain(absl::Time deadline) { front_->Drain(deadline); }

// What calls is ended before what is called: server, services, keys, log.
Standalone::~Standalone() {
  for (auto& host : hosts_) host->backend().owner().Stop();
  front_.reset();
  hosts_.clear();
  cached_keys_.clear();
  remote_keys_.clear();
  local_keys_.reset();
}

}  // namespace trialog::standalone
