// One service as a process of its own, on an embedded log in a folder of its own. Auth is whole that way. The other
// four cannot fold auth's stream, which stands in another process's log, so they serve health and reflection and answer
// every call that carries a token with UNAVAILABLE; on Kafka, where the streams are shared, they are whole too.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "platform/log/log.h"
#include "platform/sealing/key_store.h"
#include "platform/service/front.h"
#include "platform/service/host.h"
#include "services/process/common.h"
#include "services/process/serve.h"

namespace trialog::single {

// What a service may be made from.
struct Parts {
  const process::Config& config;
  log::Log* log = nullptr;
  sealing::KeyStore* keys = nullptr;  // Auth only.
};
using MakeDefinition = std::function<absl::StatusOr<service::Definition>(const Parts& parts)>;

class Single final : public process::Serving {
 public:
  static absl::StatusOr<std::unique_ptr<Single>> Start(const process::Config& config, bool is_auth,
                                                       const MakeDefinition& make);
  ~Single() override;
  int port() const override { return front_->port(); }
  int metrics_port() const override { return front_->metrics_port(); }
  void Drain(absl::Time deadline) override { front_->Drain(deadline); }

 private:
  Single() = default;

  std::unique_ptr<log::Log> log_;
  std::unique_ptr<sealing::KeyStore> key_store_;
  std::unique_ptr<Executor> key_executor_;
  std::unique_ptr<sealing::KeyProvider> keys_;
  std::unique_ptr<rpc::TokenSigner> tokens_;
  std::unique_ptr<service::Host> host_;
  std::unique_ptr<service::Front> front_;
};

}  // namespace trialog::single
