#include "services/trialogctl/rebuild.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "absl/strings/escaping.h"
#include "platform/command/fold.h"
#include "platform/errors/errors.h"
#include "platform/log/continuity.h"
#include "platform/log/embedded/embedded_log.h"
#include "platform/log/kafka/kafka_log.h"
#include "platform/runtime/real_runtime.h"
#include "platform/text/text.h"
#include "platform/view/prepared_store.h"
#include "services/audit/app/audit_keys.h"
#include "services/audit/domain/choices.h"
#include "services/audit/verify/derive.h"
#include "services/audit/views/audit_fold.h"
#include "services/audit/views/audit_store.h"
#include "services/process/common.h"
#include "services/process/origin.h"
#include "services/trialogctl/backup_files.h"
#include "services/trialogctl/logs.h"
#include "services/trialogctl/verify.h"

namespace trialog::ctl {
namespace {

namespace fs = std::filesystem;

// Names of a service's stores below stores/.
absl::StatusOr<std::vector<std::string>> StoresOf(const std::string& service) {
  const auto& all = process::AllServices();
  if (std::find(all.begin(), all.end(), service) == all.end()) {
    return Refuse(absl::StatusCode::kInvalidArgument, "NO_SUCH_SERVICE", Cat("there is no service '", service, "'"));
  }
  std::vector<std::string> names = {service};
  if (service == "audit") names.push_back("audit-tree");
  return names;
}

std::string StorePath(const std::string& data, const std::string& name) { return Cat(data, "/stores/", name); }

absl::StatusOr<std::unique_ptr<log::Log>> OpenLogBeside(const RebuildOptions& options) {
  if (options.kafka) return log::KafkaLog::Open(*options.kafka);
  return log::EmbeddedLog::Open({.path = options.data + "/log", .read_only = true});
}

absl::Status FoldRows(const std::string& name, const std::string& path, log::Log& log) {
  const auto services = ServiceStores("");
  const auto service =
      std::find_if(services.begin(), services.end(), [&](const auto& each) { return each.domain->service == name; });
  const auto store = view::Store::Open(*service->domain, {.path = path});
  if (!store.ok()) return store.status();
  if (absl::Status same = CheckIsOf(log, *service, **store); !same.ok()) return same;
  const auto assistant = RealRuntime().NewExecutor("rebuild");
  for (int p = 0; p < service->partitions; ++p) {
    absl::Status folded = CatchUpInParallel(*service->domain, **store, log, p, *assistant);
    if (!folded.ok()) return folded;
  }
  for (const auto& facts : service->facts) {
    for (int p = 0; p < log::kPartitions; ++p) {
      const auto end = log.EndOffset(facts.source, p);
      if (!end.ok()) return end.status();
      if (absl::Status derived = audit::DeriveFacts(facts, p, *end, log, **store); !derived.ok()) return derived;
    }
  }
  int64_t offsets = 0;
  for (int p = 0; p < service->partitions; ++p) offsets += (*store)->next_offset(p);
  const std::string content = absl::BytesToHexString((*store)->ContentHash());
  if (absl::Status health = (*store)->Health(); !health.ok()) return health;
  std::printf("%s: folded to offset %lld, summed over partitions; content %s\n", name.c_str(),
              static_cast<long long>(offsets), content.c_str());
  return absl::OkStatus();
}

absl::Status FoldTree(const std::string& data, const std::string& path, log::Log& log) {
  const auto keys = audit::LoadAuditKeys(data + "/keys/audit.key", process::kLogOrigin);
  if (!keys.ok()) return keys.status();
  const auto store = audit::AuditStore::Open({.path = path});
  if (!store.ok()) return store.status();
  const auto own = (*store)->Fold(audit::kOwnLog, audit::kOwnPartition);
  if (!own.ok()) return own.status();
  absl::Status same = log::CheckContinues(log, std::string(audit::kOwnLog), audit::kOwnPartition, *own);
  if (!same.ok()) return same;
  if (absl::Status folded = audit::AuditFold(log, **store, keys->salt_key).CatchUp(); !folded.ok()) return folded;
  std::printf("audit-tree: %llu leaves, root %s\n", static_cast<unsigned long long>((*store)->size()),
              absl::BytesToHexString((*store)->PendingRoot()).c_str());
  return absl::OkStatus();
}

// Whole and on disk at the place where a start looks for it.
absl::Status Prepare(const std::string& built, const std::string& store) {
  std::error_code error;
  // Of a former rebuild that no start has taken: moved first, so that a start never finds a half deleted one.
  fs::rename(view::PreparedPath(store), built + ".stale", error);
  return PublishFolder(built, view::PreparedPath(store));
}

// One rebuild in a data folder at a time.
class RebuildLock {
 public:
  ~RebuildLock() {
    if (file_ >= 0) close(file_);
  }
  absl::Status Take(const std::string& path) {
    file_ = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file_ >= 0 && flock(file_, LOCK_EX | LOCK_NB) == 0) return absl::OkStatus();
    return Refuse(absl::StatusCode::kFailedPrecondition, "REBUILD_RUNS",
                  Cat(path, " cannot be locked: another rebuild runs, or there is no such folder"));
  }

 private:
  int file_ = -1;
};

absl::Status BuildBeside(const RebuildOptions& options, const std::vector<std::string>& names,
                         const std::string& folder) {
  if (!options.from.empty()) {
    const auto copied = CopyParts(options.from, names, folder);
    if (!copied.ok()) return copied.status();
    if (copied->empty()) {
      return Refuse(absl::StatusCode::kInvalidArgument, "SNAPSHOT_MISSING",
                    Cat(options.from, " holds no snapshot of ", options.service));
    }
    for (const std::string& name : names) {
      if (absl::Status whole = view::CheckStoreFiles(Cat(folder, "/", name)); !whole.ok()) return whole;
    }
  }
  const auto log = OpenLogBeside(options);
  if (!log.ok()) return log.status();
  for (const std::string& name : names) {
    const std::string path = Cat(folder, "/", name);
    absl::Status folded = name == "audit-tree" ? FoldTree(options.data, path, **log) : FoldRows(name, path, **log);
    if (!folded.ok()) return folded;
  }
  for (const std::string& name : names) {
    absl::Status prepared = Prepare(Cat(folder, "/", name), StorePath(options.data, name));
    if (!prepared.ok()) return prepared;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Rebuild(const RebuildOptions& options) {
  const auto names = StoresOf(options.service);
  if (!names.ok()) return names.status();
  std::error_code error;
  fs::create_directory(options.data + "/stores", error);  // Not yet there in a new replica.
  RebuildLock lock;
  if (absl::Status taken = lock.Take(options.data + "/stores"); !taken.ok()) return taken;
  const std::string folder = Cat(options.data, "/stores.building");
  fs::remove_all(folder, error);
  fs::create_directories(folder, error);
  absl::Status built = BuildBeside(options, *names, folder);
  fs::remove_all(folder, error);
  if (built.ok()) std::printf("%s takes it at its next start.\n", options.service.c_str());
  return built;
}

absl::Status Snapshot(const std::string& service, const std::string& data, const std::string& to) {
  const auto names = StoresOf(service);
  if (!names.ok()) return names.status();
  std::error_code error;
  if (fs::exists(to, error)) {
    return Refuse(absl::StatusCode::kAlreadyExists, "FOLDER_EXISTS", Cat(to, " is there already; name a new folder"));
  }
  fs::create_directories(to, error);
  for (const std::string& name : *names) {
    absl::Status made = view::SnapshotStore(StorePath(data, name), Cat(to, "/", name));
    if (!made.ok()) return made;
  }
  std::printf("%s: snapshot of the stores of %s\n", to.c_str(), service.c_str());
  return absl::OkStatus();
}

}  // namespace trialog::ctl
