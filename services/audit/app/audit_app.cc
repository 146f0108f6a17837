#include "services/audit/app/audit_app.h"

#include "platform/http/page_server.h"
#include "platform/log/continuity.h"
#include "platform/service/metrics.h"
#include "platform/telemetry/event_log.h"
#include "platform/text/text.h"
#include "platform/view/prepared_store.h"
#include "platform/view/times.h"
#include "services/audit/app/audit_service.h"
#include "services/audit/app/public_log.h"
#include "services/audit/domain/choices.h"
#include "services/audit/views/sources.h"

namespace trialog::audit {
namespace {

class AuditApp final : public service::Companion {
 public:
  explicit AuditApp(AuditParts parts) : parts_(std::move(parts)), service_(parts_.keys.signer) {
    if (parts_.sequencing.sources.empty()) parts_.sequencing.sources = Sources();
  }

  void AddHandlers(service::Backend& backend) { service_.Register(backend); }

  absl::Status Start(service::Backend& backend) override {
    runtime_ = &backend.runtime();
    absl::Status taken = view::TakePrepared(parts_.store_path, parts_.env,
                                            [this](const std::string& path) { return OpenStore(path).status(); });
    if (!taken.ok()) return taken;
    auto store = OpenStore(parts_.store_path);
    if (!store.ok()) return store.status();
    store_ = *std::move(store);
    writer_ = runtime_->NewExecutor("audit-write");
    fold_ =
        std::make_unique<AuditFold>(*parts_.log, *store_, parts_.keys.salt_key, AuditFold::kCommitBytes, writer_.get());
    const auto submit = [&backend](std::string method, DecideFn decide, auto done) {
      backend.SubmitInternal("", std::move(method), std::nullopt, std::move(decide), std::move(done));
    };
    sequencer_ =
        std::make_unique<Sequencer>(backend.runtime(), *parts_.log, *store_, *fold_, submit, parts_.sequencing);
    service_.UseStore(store_.get());
    if (absl::Status started = sequencer_->Start(); !started.ok()) return started;
    return ServePublicly();
  }

  void Stop() override {
    if (sequencer_) sequencer_->Stop();
  }

  absl::Status Health() const override { return sequencer_->Health(); }

  void Collect(telemetry::Metrics& metrics) const override {
    metrics.Gauge("trialog_audit_tree_size", "Leaves of the audit tree.", {}, static_cast<double>(store_->size()));
    if (const auto checkpoint = store_->Checkpoint(0); checkpoint.ok()) {
      metrics.Gauge("trialog_audit_signed_size", "Leaves under the latest signed checkpoint.", {},
                    static_cast<double>(checkpoint->tree_size()));
      metrics.Gauge("trialog_audit_checkpoint_timestamp_seconds", "When the latest checkpoint was signed.", {},
                    absl::ToDoubleSeconds(FromProto(checkpoint->sign_time()) - absl::UnixEpoch()));
    }
    const auto since = sequencer_->UnprovenSince();
    metrics.Gauge("trialog_audit_proof_age_seconds",
                  "How long the oldest record waits that no signed checkpoint covers; 0 while all are covered.", {},
                  since ? absl::ToDoubleSeconds(runtime_->Monotonic() - *since) : 0);
    for (const std::string& source : parts_.sequencing.sources) {
      service::TellFoldLag(metrics, "audit", source, "tree", LagOf(source));
    }
  }

 private:
  absl::Status ServePublicly() {
    if (parts_.public_address.empty()) return absl::OkStatus();
    auto pages = http::PageServer::Start(parts_.public_address,
                                         [log = std::make_shared<PublicLog>(store_.get(), parts_.keys.signer)](
                                             std::string_view path) { return log->Get(path); });
    if (!pages.ok()) return pages.status();
    pages_ = *std::move(pages);
    telemetry::Info("public_log", {{"port", Cat(pages_->port())}});
    return absl::OkStatus();
  }

  int64_t LagOf(const std::string& source) const {
    int64_t lag = 0;
    for (int p = 0; p < parts_.sequencing.partitions; ++p) {
      const auto fold = store_->Fold(source, p);
      if (fold.ok()) lag += std::max<int64_t>(parts_.log->KnownEnd(source, p) - fold->next_offset(), 0);
    }
    return lag;
  }

  // Opened, and of these logs.
  absl::StatusOr<std::unique_ptr<AuditStore>> OpenStore(const std::string& path) const {
    auto store = AuditStore::Open({.path = path, .env = parts_.env, .compress = parts_.compress});
    if (!store.ok()) return store;
    if (absl::Status checked = CheckLog(**store); !checked.ok()) return checked;
    return store;
  }

  absl::Status CheckLog(const AuditStore& store) const {
    absl::Status checked;
    const auto check = [&](const std::string& topic, int partition) {
      auto fold = store.Fold(topic, partition);
      checked.Update(fold.ok() ? log::CheckContinues(*parts_.log, topic, partition, *fold) : fold.status());
    };
    check(std::string(kOwnLog), kOwnPartition);
    for (const std::string& source : parts_.sequencing.sources) {
      for (int p = 0; p < parts_.sequencing.partitions; ++p) check(source, p);
    }
    return checked;
  }

  AuditParts parts_;
  Runtime* runtime_ = nullptr;
  AuditService service_;
  std::unique_ptr<Executor> writer_;  // Outlives the store.
  std::unique_ptr<AuditStore> store_;
  std::unique_ptr<AuditFold> fold_;
  std::unique_ptr<Sequencer> sequencer_;
  std::unique_ptr<http::PageServer> pages_;  // Last: it reads the store.
};

}  // namespace

service::Definition AuditDefinition(AuditParts parts) {
  auto app = std::make_shared<AuditApp>(std::move(parts));
  service::Definition definition;
  definition.domain = &AuditDomain();
  definition.services = {v1::GetEntryRequest::descriptor()->file()->FindServiceByName("AuditService")};
  definition.add_handlers = [app](service::Backend& backend) { app->AddHandlers(backend); };
  definition.partitions = 1;
  definition.companion = app;
  return definition;
}

}  // namespace trialog::audit
