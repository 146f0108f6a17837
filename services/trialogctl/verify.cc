#include "services/trialogctl/verify.h"

#include <cstdio>
#include <filesystem>

#include "absl/strings/escaping.h"
#include "platform/callers/directory.h"
#include "platform/errors/errors.h"
#include "platform/log/embedded/embedded_log.h"
#include "platform/log/kafka/kafka_log.h"
#include "platform/text/text.h"
#include "platform/verify/checker.h"
#include "services/analytics/domain/evolve.h"
#include "services/audit/app/audit_keys.h"
#include "services/audit/domain/choices.h"
#include "services/auth/domain/evolve.h"
#include "services/inventory/domain/evolve.h"
#include "services/inventory/domain/invariants.h"
#include "services/process/origin.h"
#include "services/trialogctl/secret_files.h"
#include "services/trials/domain/evolve.h"
#include "services/trials/domain/invariants.h"

namespace trialog::ctl {
namespace {

// Chains, terms and repeated requests of each log, and what the domains say of their states.
absl::Status CheckLogs(log::Log& log, const std::vector<audit::ServiceStore>& stores) {
  for (const audit::ServiceStore& service : stores) {
    auto store = view::Store::Open(*service.domain, {.path = service.path});
    if (!store.ok()) return store.status();
    CheckOptions options;
    options.domain = service.domain;
    options.log = &log;
    options.partitions = service.partitions;
    options.stores = {store->get()};
    if (service.domain->service == "inventory") {
      options.invariants = [](const view::State& state) { return inventory::CheckInvariants(state); };
    } else if (service.domain->service == "trials") {
      options.invariants = [](const view::State& state) { return trials::CheckInvariants(state); };
    }
    const std::vector<std::string> findings = Check(options);
    for (const std::string& finding : findings)
      std::printf("%s: %s\n", std::string(service.domain->service).c_str(), finding.c_str());
    if (!findings.empty()) {
      return Refuse(absl::StatusCode::kDataLoss, "CHECK_FAILED", Cat(service.domain->service, ": ", findings[0]));
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<audit::ServiceStore> ServiceStores(const std::string& data) {
  std::vector<audit::ServiceStore> stores;
  for (const Domain* domain : {&auth::AuthDomain(), &inventory::InventoryDomain(), &trials::TrialsDomain(),
                               &analytics::AnalyticsDomain(), &audit::AuditDomain()}) {
    audit::ServiceStore& store = stores.emplace_back();
    store.domain = domain;
    store.path = Cat(data, "/stores/", domain->service);
    store.partitions = domain->service == "audit" ? 1 : log::kPartitions;
    store.facts.push_back({"auth", callers::FoldAuthEvent});
  }
  return stores;
}

absl::Status VerifyDataFolder(const std::string& data, const std::optional<log::kafka::Options>& kafka,
                              const std::string& checkpoint_file) {
  auto keys = audit::LoadAuditKeys(data + "/keys/audit.key", process::kLogOrigin);
  if (!keys.ok()) return keys.status();
  audit::VerifyOptions options;
  std::unique_ptr<log::Log> log;
  if (kafka) {
    auto opened = log::KafkaLog::Open(*kafka);
    if (!opened.ok()) return opened.status();
    log = *std::move(opened);
  } else {
    auto opened = log::EmbeddedLog::Open({.path = data + "/log"});
    if (!opened.ok()) return opened.status();
    options.check_files = [embedded = opened->get()] { return embedded->VerifyChecksums(); };
    log = *std::move(opened);
  }
  options.log = log.get();
  options.tree_path = data + "/stores/audit-tree";
  options.salt_key = keys->salt_key;
  options.services = ServiceStores(data);
  options.scratch = data + "/verify-scratch";
  options.verifiers = {keys->signer.verifier()};
  if (!checkpoint_file.empty()) {
    auto kept = ReadText(checkpoint_file);
    if (!kept.ok()) return kept.status();
    options.kept_checkpoints.push_back(*std::move(kept));
  }
  options.progress = [](std::string_view step, uint64_t bytes) {
    std::printf("%.*s: %llu bytes\n", static_cast<int>(step.size()), step.data(),
                static_cast<unsigned long long>(bytes));
  };
  auto report = audit::Verify(options);
  if (!report.ok()) return report.status();
  if (absl::Status checked = CheckLogs(*log, options.services); !checked.ok()) return checked;
  std::printf(
      "All holds: %llu leaves, root %s, %llu of them under a signed checkpoint, %d stores equal their replay.\n",
      static_cast<unsigned long long>(report->leaves), absl::BytesToHexString(report->root).c_str(),
      static_cast<unsigned long long>(report->signed_size), report->services);
  return absl::OkStatus();
}

absl::Status WriteLogKey(const std::string& data) {
  auto keys = audit::LoadAuditKeys(data + "/keys/audit.key", process::kLogOrigin);
  if (!keys.ok()) return keys.status();
  return ReplaceSecretFile(data + "/keys/audit.pub", keys->signer.verifier().Text() + "\n");
}

}  // namespace trialog::ctl
