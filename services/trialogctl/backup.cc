#include "services/trialogctl/backup.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "absl/strings/escaping.h"
#include "absl/time/clock.h"
#include "platform/errors/errors.h"
#include "platform/log/admission.h"
#include "platform/log/continuity.h"
#include "platform/log/embedded/embedded_log.h"
#include "platform/log/kafka/kafka_log.h"
#include "platform/sealing/key_table.h"
#include "platform/text/text.h"
#include "services/audit/views/audit_store.h"
#include "services/process/common.h"
#include "services/process/open_log.h"
#include "services/trialogctl/backup_files.h"
#include "services/trialogctl/logs.h"
#include "services/trialogctl/verify.h"

namespace trialog::ctl {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const std::vector<std::string> kParts = {"log", "blobs", "stores"};

std::string Hex(std::string_view bytes) { return absl::BytesToHexString(ToAbsl(bytes)); }

bool HasLog(const std::string& data) {
  std::error_code error;
  return fs::is_directory(data + "/log", error);
}

// The hash of the record before `end`.
absl::StatusOr<std::string> LastHash(log::Log& log, const std::string& service, int partition, int64_t end) {
  const auto last = log.Read(service, partition, end - 1, 1);
  if (!last.ok()) return last.status();
  if (last->empty() || last->front().offset != end - 1) {
    return Refuse(absl::StatusCode::kDataLoss, "LOG_DAMAGED",
                  Cat(service, " partition ", partition, " lacks offset ", end - 1));
  }
  return Hex(log::RecordHash(last->front().bytes));
}

// [{service, partition, end, last}] of what is not empty.
absl::StatusOr<json> EndsOf(log::Log& log) {
  json ends = json::array();
  for (const std::string& service : process::AllServices()) {
    for (int p = 0; p < PartitionsOf(service); ++p) {
      const auto end = log.EndOffset(service, p);
      if (!end.ok()) return end.status();
      if (*end == 0) continue;
      const auto last = LastHash(log, service, p, *end);
      if (!last.ok()) return last.status();
      ends.push_back({{"service", service}, {"partition", p}, {"end", *end}, {"last", *last}});
    }
  }
  return ends;
}

// What each store holds, by service.
absl::StatusOr<json> ContentOf(const std::string& data) {
  json content = json::object();
  for (const audit::ServiceStore& service : ServiceStores(data)) {
    if (!fs::is_directory(service.path)) continue;
    const auto store = view::Store::Open(*service.domain, {.path = service.path});
    if (!store.ok()) return store.status();
    content[std::string(service.domain->service)] = Hex((*store)->ContentHash());
  }
  return content;
}

std::string KeyStorePath(const std::string& data) { return data + "/keys/db"; }

// {id, written} of the key store; null where there is none.
absl::StatusOr<json> KeysOf(const std::string& data) {
  if (!fs::is_directory(KeyStorePath(data))) return json();
  const auto lineage = sealing::KeyTable::LineageOf(KeyStorePath(data));
  if (!lineage.ok()) return lineage.status();
  return json{{"id", lineage->id}, {"written", lineage->written}};
}

absl::StatusOr<json> FactsOf(const std::string& data) {
  json facts = json::object();
  if (HasLog(data)) {
    const auto log = log::EmbeddedLog::Open({.path = data + "/log"});
    if (!log.ok()) return log.status();
    auto ends = EndsOf(**log);
    if (!ends.ok()) return ends.status();
    facts["log"] = *std::move(ends);
  }
  auto content = ContentOf(data);
  if (!content.ok()) return content.status();
  facts["stores"] = *std::move(content);
  auto keys = KeysOf(data);
  if (!keys.ok()) return keys.status();
  facts["keys"] = *std::move(keys);
  return facts;
}

// Holds every database of the folder against a server that would start meanwhile, as a database itself does.
class FolderLock {
 public:
  ~FolderLock() {
    for (int file : files_) close(file);
  }
  absl::Status Take(const std::string& data) {
    std::error_code error;
    for (const auto& entry : fs::recursive_directory_iterator(data, error)) {
      if (entry.path().filename() != "LOCK") continue;
      const int file = open(entry.path().c_str(), O_RDWR | O_CLOEXEC);
      struct flock lock = {};
      lock.l_type = F_WRLCK;
      lock.l_whence = SEEK_SET;
      if (file >= 0) files_.push_back(file);
      if (file < 0 || fcntl(file, F_SETLK, &lock) != 0) {
        return Refuse(absl::StatusCode::kFailedPrecondition, "FOLDER_IN_USE",
                      Cat(entry.path().string(), " is held: stop the server first"));
      }
    }
    return absl::OkStatus();
  }

 private:
  std::vector<int> files_;
};

absl::Status CheckNew(const std::string& folder) {
  std::error_code error;
  if (!fs::exists(folder, error)) return absl::OkStatus();
  return Refuse(absl::StatusCode::kAlreadyExists, "FOLDER_EXISTS", Cat(folder, " is there already; name a new folder"));
}

// Whole under its name, or not there.
absl::Status MakeBackup(const std::string& data, const std::vector<std::string>& parts, json facts,
                        const std::string& to) {
  const std::string partial = to + ".partial";
  std::error_code error;
  fs::remove_all(partial, error);
  fs::create_directories(partial, error);
  fs::permissions(partial, fs::perms::owner_all, error);
  auto files = CopyParts(data, parts, partial);
  if (!files.ok()) return files.status();
  facts["made"] = absl::FormatTime(absl::RFC3339_sec, absl::Now(), absl::UTCTimeZone());
  const size_t count = files->size();
  if (absl::Status written = WriteManifest(partial, {*std::move(files), std::move(facts)}); !written.ok())
    return written;
  if (absl::Status published = PublishFolder(partial, to); !published.ok()) return published;
  std::printf("%s: %zu files\n", to.c_str(), count);
  return absl::OkStatus();
}

// The folder's log must be a beginning of what is restored: whatever it acknowledged is in there.
absl::Status CheckPrefix(log::Log& kept, log::Log& restored) {
  for (const std::string& service : process::AllServices()) {
    for (int p = 0; p < PartitionsOf(service); ++p) {
      const auto end = kept.EndOffset(service, p), other = restored.EndOffset(service, p);
      if (!end.ok()) return end.status();
      if (!other.ok()) return other.status();
      if (*other < *end) {
        return Refuse(absl::StatusCode::kDataLoss, "LOG_IS_SHORTER",
                      Cat("the backup's log of ", service, " ends in partition ", p, " at offset ", *other,
                          ", the folder's at ", *end, ": restoring it would lose acknowledged records"));
      }
      if (*end == 0) continue;
      const auto here = LastHash(kept, service, p, *end), there = LastHash(restored, service, p, *end);
      if (!here.ok()) return here.status();
      if (!there.ok()) return there.status();
      if (*here == *there) continue;
      return Refuse(absl::StatusCode::kDataLoss, "LOG_IS_ANOTHER",
                    Cat("the backup's log of ", service, " holds another record than the folder's at offset ", *end - 1,
                        " of partition ", p, ": it is not the same log"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckAgainstFolder(const std::string& data, const std::string& staged) {
  if (!HasLog(data)) return absl::OkStatus();
  const auto kept = log::EmbeddedLog::Open({.path = data + "/log"});
  if (!kept.ok()) return kept.status();
  if (!HasLog(staged)) {
    return Refuse(absl::StatusCode::kDataLoss, "LOG_IS_SHORTER", "the backup holds no log, the folder does");
  }
  const auto restored = log::EmbeddedLog::Open({.path = staged + "/log"});
  if (!restored.ok()) return restored.status();
  return CheckPrefix(**kept, **restored);
}

absl::Status CheckTreeIsOf(log::Log& log, const std::string& path) {
  if (!fs::is_directory(path)) return absl::OkStatus();
  const auto tree = audit::AuditStore::Open({.path = path});
  if (!tree.ok()) return tree.status();
  for (const std::string& service : process::AllServices()) {
    for (int p = 0; p < PartitionsOf(service); ++p) {
      const auto fold = (*tree)->Fold(service, p);
      if (!fold.ok()) return fold.status();
      if (absl::Status same = log::CheckContinues(log, service, p, *fold); !same.ok()) return same;
    }
  }
  return absl::OkStatus();
}

absl::Status CheckAgainstKafka(const log::kafka::Options& options, const std::string& staged) {
  const auto log = log::KafkaLog::Open(options);
  if (!log.ok()) return log.status();
  for (const audit::ServiceStore& service : ServiceStores(staged)) {
    if (!fs::is_directory(service.path)) continue;
    const auto store = view::Store::Open(*service.domain, {.path = service.path});
    if (!store.ok()) return store.status();
    if (absl::Status same = CheckIsOf(**log, service, **store); !same.ok()) return same;
  }
  return CheckTreeIsOf(**log, staged + "/stores/audit-tree");
}

absl::Status StageKeys(const RestoreOptions& options, const std::string& staged) {
  if (!options.keys_backup.empty()) {
    const auto keys = ReadManifest(options.keys_backup);
    return keys.ok() ? CopyListed(options.keys_backup, *keys, staged) : keys.status();
  }
  const auto kept = CopyParts(options.data, {"keys"}, staged);
  if (kept.ok() && kept->empty()) {
    return Refuse(absl::StatusCode::kFailedPrecondition, "KEYS_MISSING",
                  Cat(options.data, " has no keys; say where their backup is"));
  }
  return kept.status();
}

// The keys at hand must have all those of `known`: what was sealed under a key that is missing is lost, and one that
// was destroyed since would be back.
absl::Status CheckKeysCover(const json& keys, const json& known, std::string_view whose) {
  if (known.is_null()) return absl::OkStatus();
  if (keys.is_null()) {
    return Refuse(absl::StatusCode::kDataLoss, "KEYS_ARE_OLDER", Cat("there is no key store, but ", whose, " has one"));
  }
  if (keys.value("id", "") != known.value("id", "")) {
    return Refuse(absl::StatusCode::kDataLoss, "KEYS_ARE_OTHERS",
                  Cat("the keys are of another site than those of ", whose));
  }
  if (keys.value("written", uint64_t{0}) >= known.value("written", uint64_t{0})) return absl::OkStatus();
  return Refuse(absl::StatusCode::kDataLoss, "KEYS_ARE_OLDER",
                Cat("the keys are older than those of ", whose,
                    ": what was sealed since could not be opened, and what was erased since could"));
}

// On Kafka the topic of keys decides, and a key store is a fold of it.
absl::Status CheckKeys(const RestoreOptions& options, const Manifest& manifest, const json& staged) {
  if (options.kafka) return absl::OkStatus();
  if (absl::Status covered = CheckKeysCover(staged, manifest.facts.value("keys", json()), "the backup"); !covered.ok())
    return covered;
  const auto kept = KeysOf(options.data);
  return kept.ok() ? CheckKeysCover(staged, *kept, "the folder") : kept.status();
}

absl::Status CheckStaged(const RestoreOptions& options, const Manifest& manifest, const std::string& staged) {
  const auto facts = FactsOf(staged);
  if (!facts.ok()) return facts.status();
  for (const char* fact : {"log", "stores"}) {
    if (facts->value(fact, json()) == manifest.facts.value(fact, json())) continue;
    return Refuse(absl::StatusCode::kDataLoss, "BACKUP_DAMAGED",
                  Cat("what is in ", fact, "/ is not what was noted of it"));
  }
  if (absl::Status keys = CheckKeys(options, manifest, facts->value("keys", json())); !keys.ok()) return keys;
  if (absl::Status same = CheckAgainstFolder(options.data, staged); !same.ok()) return same;
  if (options.kafka) {
    if (absl::Status same = CheckAgainstKafka(*options.kafka, staged); !same.ok()) return same;
  }
  return options.checkpoint.empty() ? absl::OkStatus() : VerifyDataFolder(staged, options.kafka, options.checkpoint);
}

std::string FormerFolder(const std::string& data) { return data + ".before-restore"; }

// In the place of what was there, which stays beside it; or all as it was.
absl::Status TakeStaged(const std::string& data, const std::string& staged) {
  FolderLock lock;  // Somebody may have started a server meanwhile.
  if (absl::Status taken = lock.Take(data); !taken.ok()) return taken;
  std::error_code error;
  if (!fs::exists(data, error)) return PublishFolder(staged, data);
  if (absl::Status moved = PublishFolder(data, FormerFolder(data)); !moved.ok()) return moved;
  absl::Status published = PublishFolder(staged, data);
  if (!published.ok()) fs::rename(FormerFolder(data), data, error);
  return published;
}

absl::Status RestoreStaged(const RestoreOptions& options, const std::string& staged) {
  const auto manifest = ReadManifest(options.backup);
  if (!manifest.ok()) return manifest.status();
  if (absl::Status copied = CopyListed(options.backup, *manifest, staged); !copied.ok()) return copied;
  if (absl::Status keys = StageKeys(options, staged); !keys.ok()) return keys;
  std::error_code error;
  fs::permissions(staged + "/keys", fs::perms::owner_all, error);
  if (absl::Status checked = CheckStaged(options, *manifest, staged); !checked.ok()) return checked;
  return TakeStaged(options.data, staged);
}

// A restore that died between its two renames: what was there is put back, to be compared with as ever.
absl::Status UndoHalfARestore(const std::string& data, const std::string& staged) {
  std::error_code error;
  // What it had staged is the sign: it goes into the place, or is removed, by every restore that ends.
  if (fs::exists(data, error) || !fs::exists(FormerFolder(data), error) || !fs::exists(staged, error)) {
    return absl::OkStatus();
  }
  return PublishFolder(FormerFolder(data), data);
}

}  // namespace

absl::Status Backup(const std::string& data, const std::string& to, const std::string& keys_to) {
  for (const std::string& folder : {to, keys_to}) {
    if (folder.empty()) continue;
    if (absl::Status is_new = CheckNew(folder); !is_new.ok()) return is_new;
  }
  auto facts = FactsOf(data);
  if (!facts.ok()) return facts.status();
  FolderLock lock;
  if (absl::Status taken = lock.Take(data); !taken.ok()) return taken;
  if (absl::Status made = MakeBackup(data, kParts, *std::move(facts), to); !made.ok()) return made;
  return keys_to.empty() ? absl::OkStatus() : MakeBackup(data, {"keys"}, json::object(), keys_to);
}

absl::Status Restore(const RestoreOptions& options) {
  const std::string staged = options.data + ".restoring";
  std::error_code error;
  if (absl::Status undone = UndoHalfARestore(options.data, staged); !undone.ok()) return undone;
  fs::remove_all(staged, error);
  {
    FolderLock lock;
    if (absl::Status taken = lock.Take(options.data); !taken.ok()) return taken;
  }
  if (absl::Status is_new = CheckNew(FormerFolder(options.data)); !is_new.ok()) return is_new;
  absl::Status restored = RestoreStaged(options, staged);
  fs::remove_all(staged, error);
  if (restored.ok()) std::printf("%s is restored.\n", options.data.c_str());
  return restored;
}

}  // namespace trialog::ctl
