#include "services/single/single.h"

#include <filesystem>

#include "platform/errors/errors.h"
#include "platform/runtime/real_runtime.h"
#include "platform/sealing/digest.h"
#include "platform/sealing/master_key.h"
#include "platform/service/remote_keys.h"
#include "platform/text/text.h"

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
                    "this process cannot read auth's stream from its embedded log; run trialog-standalone, or all services on Kafka",
                    absl::Seconds(30)));
  }
};

}  // namespace

absl::StatusOr<std::unique_ptr<Single>> Single::Start(const std::string& data, const std::string& address, bool is_auth,
                                                      const MakeDefinition& make) {
  std::unique_ptr<Single> single(new Single);
  auto secret = sealing::MasterKey::FromFile(data + "/keys/service.key");
  if (!secret.ok()) return secret.status();
  auto log = log::EmbeddedLog::Open({.path = data + "/log"});
  if (!log.ok()) return log.status();
  single->log_ = *std::move(log);
  if (is_auth) {
    auto master = sealing::MasterKey::FromFile(data + "/keys/master.key");
    if (!master.ok()) return master.status();
    auto keys = sealing::KeyStore::Open(data + "/keys/db", *std::move(master), &RealRuntime());
    if (!keys.ok()) return keys.status();
    single->key_store_ = *std::move(keys);
    single->key_executor_ = RealRuntime().NewExecutor("keys");
    single->keys_ = std::make_unique<sealing::KeyStoreProvider>(single->key_store_.get(), single->key_executor_.get());
  } else {
    single->keys_ = std::make_unique<service::RemoteKeyProvider>("none");
  }
  auto definition = make({data, single->log_.get(), single->key_store_.get()});
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
  environment.check_log = [log = single->log_.get()](const std::string& topic, int partition, int64_t next_offset) {
    return log->CheckNotBehind(topic, partition, next_offset);
  };
  if (!is_auth) environment.authenticator = std::make_shared<NobodyKnown>();
  auto host = service::Host::Open(*definition, environment);
  if (!host.ok()) return host.status();
  single->host_ = *std::move(host);
  auto frame = single->host_->MakeFrame();
  if (!frame.ok()) return frame.status();
  std::vector<std::unique_ptr<rpc::Frame>> frames;
  frames.push_back(*std::move(frame));
  auto server = rpc::Server::Start(std::move(frames), {.address = address});
  if (!server.ok()) return server.status();
  single->server_ = *std::move(server);
  single->server_->SetServing(true);
  return single;
}

void Single::Drain(absl::Time deadline) {
  host_->backend().Drain();
  server_->Shutdown(deadline);
}

Single::~Single() {
  if (host_) host_->backend().owner().Stop();
  server_.reset();
  host_.reset();
  keys_.reset();
  key_executor_.reset();
}

}  // namespace trialog::single
