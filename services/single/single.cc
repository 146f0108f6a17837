#include "services/single/single.h"

#include <filesystem>

#include "platform/errors/errors.h"
#include "platform/runtime/real_runtime.h"
#include "platform/sealing/digest.h"
#include "platform/sealing/master_key.h"
#include "platform/service/remote_keys.h"
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
  std::unique_ptr<Single> single(new Single);
  const std::string& data = config.data;
  auto secret = sealing::MasterKey::FromFile(data + "/keys/service.key");
  if (!secret.ok()) return process::NotInitialised(data, secret.status());
  auto log = process::OpenLog(config, {"auth", "inventory", "trials", "analytics", "audit"});
  if (!log.ok()) return log.status();
  single->log_ = *std::move(log);
  if (is_auth) {
    auto master = sealing::MasterKey::FromFile(data + "/keys/master.key");
    if (!master.ok()) return process::NotInitialised(data, master.status());
    auto keys = sealing::KeyStore::Open(data + "/keys/db", *std::move(master), &RealRuntime(),
                                        {.min_free_bytes = config.min_free_bytes});
    if (!keys.ok()) return keys.status();
    single->key_store_ = *std::move(keys);
    single->key_executor_ = RealRuntime().NewExecutor("keys");
    single->keys_ = std::make_unique<sealing::KeyStoreProvider>(single->key_store_.get(), single->key_executor_.get());
  } else {
    single->keys_ = std::make_unique<service::RemoteKeyProvider>("none");
  }
  auto definition = make({config, single->log_.get(), single->key_store_.get()});
  if (!definition.ok()) return definition.status();
  const std::string name(definition->domain->service);
  std::error_code error;
  std::filesystem::create_directories(data + "/stores", error);
  const auto derived = [&](std::string_view purpose) {
    return std::string(sealing::HkdfSha256(secret->key(), "trialog.single.v1", purpose).bytes());
  };
  single->tokens_ = std::make_unique<rpc::TokenSigner>(std::vector<std::string>{derived("page tokens")});
  service::Environment environment;
  environment.runtime = &RealRuntime();
  environment.log = single->log_.get();
  environment.keys = single->keys_.get();
  environment.store_path = Cat(data, "/stores/", name);
  environment.request_key = derived(Cat("requests of ", name));
  environment.tokens = single->tokens_.get();
  environment.compress = config.compress;
  environment.frame = config.frame;
  environment.call_log = config.call_log;
  if (!is_auth) environment.authenticator = std::make_shared<NobodyKnown>();
  auto host = service::Host::Prepare(*definition, environment);
  if (!host.ok()) return host.status();
  single->host_ = *std::move(host);
  const auto collect = [config, keys = single->key_store_.get()](telemetry::Metrics& metrics) {
    process::CollectDisk(config, metrics);
    if (keys != nullptr) process::CollectKeys(*keys, metrics);
  };
  auto front = service::Front::Listen(
      {single->host_.get()},
      {.server = config.ServerOptions(), .metrics_address = config.metrics_address, .collect = collect});
  if (!front.ok()) return front.status();
  single->front_ = *std::move(front);
  if (absl::Status caught_up = single->front_->CatchUp(); !caught_up.ok()) return caught_up;
  return single;
}

Single::~Single() {
  if (host_) host_->backend().owner().Stop();
  front_.reset();
  host_.reset();
  keys_.reset();
  key_executor_.reset();
}

}  // namespace trialog::single
