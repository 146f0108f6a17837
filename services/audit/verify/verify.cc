#include "services/audit/verify/verify.h"

#include <algorithm>

#include "platform/command/fold.h"
#include "platform/errors/errors.h"
#include "platform/log/continuity.h"
#include "platform/log/wrapped_log.h"
#include "platform/sealing/digest.h"
#include "platform/text/text.h"
#include "platform/view/store.h"
#include "rocksdb/db.h"
#include "services/audit/tree/checkpoint.h"
#include "services/audit/verify/derive.h"
#include "services/audit/views/audit_fold.h"
#include "services/audit/views/audit_store.h"
#include "services/audit/views/sources.h"

namespace trialog::audit {
namespace {

constexpr uint64_t kTellEvery = 4 << 20;

absl::Status Differs(std::string_view reason, std::string_view message) {
  return Refuse(absl::StatusCode::kDataLoss, reason, message);
}

// A log that tells how much of it was read.
class ToldLog final : public log::WrappedLog {
 public:
  ToldLog(log::Log& log, const Progress& progress) : WrappedLog(log), progress_(progress) {}
  void Begin(std::string step) {
    step_ = std::move(step);
    bytes_ = told_ = 0;
    if (progress_) progress_(step_, 0);
  }
  absl::StatusOr<std::vector<log::StoredRecord>> Read(const std::string& topic, int partition, int64_t from,
                                                      size_t max_bytes) override {
    auto records = WrappedLog::Read(topic, partition, from, max_bytes);
    if (!records.ok()) return records;
    for (const log::StoredRecord& record : *records) bytes_ += record.bytes.size();
    if (progress_ && bytes_ - told_ >= kTellEvery) progress_(step_, told_ = bytes_);
    return records;
  }

 private:
  const Progress& progress_;
  std::string step_;
  uint64_t bytes_ = 0, told_ = 0;
};

// A folder for derived stores, empty at first and gone at the end.
class Scratch {
 public:
  Scratch(std::string path, rocksdb::Env* env)
      : path_(std::move(path)), env_(env != nullptr ? env : rocksdb::Env::Default()) {
    env_->CreateDirIfMissing(path_).PermitUncheckedError();  // What fails here fails when a store is opened in it.
  }
  ~Scratch() {
    for (const std::string& store : stores_) rocksdb::DestroyDB(store, Options()).PermitUncheckedError();
    env_->DeleteDir(path_).PermitUncheckedError();
  }
  absl::StatusOr<std::string> NewStore(std::string_view name) {
    std::string path = Cat(path_, "/", name);
    if (auto status = rocksdb::DestroyDB(path, Options()); !status.ok()) {
      return Refuse(absl::StatusCode::kFailedPrecondition, "SCRATCH_UNUSABLE", status.ToString());
    }
    return stores_.emplace_back(std::move(path));
  }

 private:
  rocksdb::Options Options() const {
    rocksdb::Options options;
    options.env = env_;
    return options;
  }
  const std::string path_;
  rocksdb::Env* const env_;
  std::vector<std::string> stores_;
};

class Verifier {
 public:
  explicit Verifier(const VerifyOptions& options)
      : options_(options), log_(*options.log, options.progress), scratch_(options.scratch, options.env) {}

  absl::StatusOr<VerifyReport> Run() {
    log_.Begin("checksums of the log");
    absl::Status status = options_.check_files ? options_.check_files() : absl::OkStatus();
    if (status.ok()) status = DeriveTree();
    if (status.ok()) status = CheckAlarms();
    if (status.ok()) status = CompareTree();
    if (status.ok()) status = CheckKept();
    for (const ServiceStore& service : options_.services) {
      if (status.ok()) status = CompareService(service);
    }
    if (!status.ok()) return status;
    return report_;
  }

 private:
  absl::Status DeriveTree() {
    log_.Begin("the tree, derived from the log");
    auto path = scratch_.NewStore("tree");
    if (!path.ok()) return path.status();
    auto store = AuditStore::Open({.path = *path, .env = options_.env});
    if (!store.ok()) return store.status();
    tree_ = *std::move(store);
    AuditFold fold(log_, *tree_, options_.salt_key);
    if (absl::Status folded = fold.CatchUp(); !folded.ok()) return folded;
    report_.leaves = tree_->size();
    report_.root = tree_->PendingRoot();
    auto latest = tree_->Checkpoint(0);
    if (latest.ok()) report_.signed_size = latest->tree_size();
    return absl::IsNotFound(latest.status()) ? absl::OkStatus() : latest.status();
  }

  // A chain of hashes that broke, or a term that was skipped: records that were acknowledged are gone.
  absl::Status CheckAlarms() {
    absl::Status status;
    const auto check = [&](std::string_view source, int partition) {
      auto fold = tree_->Fold(source, partition);
      if (!fold.ok()) return status.Update(fold.status());
      if (fold->alarms() == 0) return;
      status.Update(Differs("RECORDS_LOST", Cat("partition ", partition, " of the log of ", source,
                                                " lost or changed records that were admitted")));
    };
    check(kOwnLog, kOwnPartition);
    for (const std::string& source : Sources()) {
      for (int p = 0; p < log::kPartitions; ++p) check(source, p);
    }
    return status;
  }

  absl::Status CompareTree() {
    log_.Begin("audit's store");
    auto kept = AuditStore::Open({.path = options_.tree_path, .env = options_.env});
    if (!kept.ok()) return kept.status();
    auto fold = (*kept)->Fold(kOwnLog, kOwnPartition);
    if (!fold.ok()) return fold.status();
    absl::Status behind = log::CheckNotBehind(*options_.log, std::string(kOwnLog), kOwnPartition, fold->next_offset());
    if (!behind.ok()) return behind;
    // What it holds is compared even when it cannot be folded on: the difference says why.
    AuditFold kept_fold(log_, **kept, options_.salt_key);
    const absl::Status folded = kept_fold.CatchUp();
    auto difference = AuditStore::FirstDifference(**kept, *tree_);
    if (!difference.ok()) return difference.status();
    return difference->empty() ? folded : Differs("TREE_DIFFERS", *difference);
  }

  absl::Status CheckKept() {
    for (const std::string& note : options_.kept_checkpoints) {
      auto text = sealing::OpenNote(note, options_.verifiers);
      if (!text.ok()) return text.status();
      auto checkpoint = ParseCheckpoint(*text);
      if (!checkpoint.ok()) return checkpoint.status();
      if (checkpoint->size > tree_->size()) {
        return Differs("KEPT_CHECKPOINT_DIFFERS", Cat("a kept checkpoint has ", checkpoint->size,
                                                      " leaves, but the logs give only ", tree_->size()));
      }
      TileHashReader hashes = tree_->Hashes(checkpoint->size);
      auto root = RootAt(checkpoint->size, hashes);
      if (!root.ok()) return root.status();
      if (*root == checkpoint->root) continue;
      return Differs("KEPT_CHECKPOINT_DIFFERS", Cat("the logs give another root for the first ", checkpoint->size,
                                                    " leaves than the kept checkpoint"));
    }
    return absl::OkStatus();
  }

  absl::Status CompareService(const ServiceStore& service) {
    const std::string name(service.domain->service);
    log_.Begin(Cat("the store of ", name));
    auto kept = view::Store::Open(*service.domain, {.path = service.path});
    if (!kept.ok()) return kept.status();
    auto path = scratch_.NewStore(name);
    if (!path.ok()) return path.status();
    auto derived = view::Store::Open(*service.domain, {.path = *path, .env = options_.env});
    if (!derived.ok()) return derived.status();
    for (int p = 0; p < service.partitions; ++p) {
      absl::Status status = log::CheckNotBehind(*options_.log, name, p, (*kept)->next_offset(p));
      if (status.ok()) status = trialog::CatchUp(*service.domain, **kept, log_, p);
      if (status.ok()) status = trialog::CatchUp(*service.domain, **derived, log_, p);
      if (!status.ok()) return status;
    }
    for (const ServiceStore::Facts& facts : service.facts) {
      for (int p = 0; p < log::kPartitions; ++p) {
        const int64_t end = (*kept)->fact_fold(facts.source, p).next_offset();
        if (absl::Status status = DeriveFacts(facts, p, end, log_, **derived); !status.ok()) return status;
      }
    }
    ++report_.services;
    if ((*kept)->ContentHash() == (*derived)->ContentHash()) return absl::OkStatus();
    return Differs("STORE_DIFFERS", Cat("the store of ", name, " is not what its log gives: family ",
                                        FirstFamilyThatDiffers(**kept, **derived), "; delete the store to rebuild it"));
  }

  static std::vector<std::pair<std::string, std::string>> FamilyHashes(const view::Store& store) {
    std::vector<std::pair<std::string, std::string>> hashes;
    store.ForEach([&](std::string_view family, std::string_view key, std::string_view value) {
      if (hashes.empty() || hashes.back().first != family) hashes.emplace_back(std::string(family), std::string());
      std::string& hash = hashes.back().second;
      hash = sealing::Sha256({hash, sealing::Sha256(key), sealing::Sha256(value)});
    });
    return hashes;
  }

  static std::string FirstFamilyThatDiffers(const view::Store& kept, const view::Store& derived) {
    const auto a = FamilyHashes(kept), b = FamilyHashes(derived);
    for (size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
      if (i < a.size() && i < b.size() && a[i] == b[i]) continue;
      return i < a.size() ? a[i].first : b[i].first;
    }
    return "";
  }

  const VerifyOptions& options_;
  ToldLog log_;
  Scratch scratch_;
  std::unique_ptr<AuditStore> tree_;
  VerifyReport report_;
};

}  // namespace

absl::StatusOr<VerifyReport> Verify(const VerifyOptions& options) { return Verifier(options).Run(); }

}  // namespace trialog::audit
