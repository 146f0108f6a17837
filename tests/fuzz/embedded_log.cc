// The files of an embedded log with damage anywhere in them: whoever opens and reads it gets the records that were
// appended, all of them, or is told that something is damaged.
#include "platform/log/embedded/embedded_log.h"

#include "platform/errors/errors.h"
#include "platform/log/continuity.h"
#include "platform/log/testing/log_client.h"
#include "platform/text/text.h"
#include "rocksdb/env.h"
#include "tests/fuzz/fuzz.h"

namespace trialog::fuzz {
namespace {

constexpr char kFolder[] = "/log";
constexpr char kTopic[] = "inventory";
constexpr int kRecords = 24;

using Disk = std::vector<std::pair<std::string, std::string>>;  // Name and bytes.

std::string RecordOf(int i) { return Cat("record ", i, std::string(100 + i, 'r')); }

absl::StatusOr<std::unique_ptr<log::EmbeddedLog>> Open(rocksdb::Env& env) {
  return log::EmbeddedLog::Open(
      {.path = kFolder, .file_system = env.GetFileSystem(), .min_free_bytes = 0, .compress = false});
}

Disk Snapshot(rocksdb::FileSystem& files) {
  Disk disk;
  std::vector<std::string> names;
  Require(files.GetChildren(kFolder, {}, &names, nullptr).ok(), "a folder");
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    std::string bytes;
    if (name == "LOCK" || name == "IN_USE" || name == "LOG" || name.starts_with("LOG.old")) continue;
    Require(rocksdb::ReadFileToString(&files, Cat(kFolder, '/', name), &bytes).ok(), "a file");
    disk.emplace_back(name, bytes);
  }
  return disk;
}

// A log with a table, and a write-ahead log behind it.
const Disk& Sound() {
  static const auto* disk = [] {
    const std::unique_ptr<rocksdb::Env> env(rocksdb::NewMemEnv(rocksdb::Env::Default()));
    for (int i = 0; i < kRecords;) {
      auto log = Open(*env);
      Require(log.ok(), "a new log opens");
      auto appender = (*log)->NewAppender(kTopic, 0);
      for (const int end = i + kRecords / 2; i < end; ++i) testing::AppendNow(*appender, {RecordOf(i)});
    }
    return new Disk(Snapshot(*env->GetFileSystem()));
  }();
  return *disk;
}

void Damage(Disk& disk, Input& input) {
  std::string& bytes = disk[input.Choose(disk.size())].second;
  const size_t at = bytes.empty() ? 0 : input.Number(3) % bytes.size();
  switch (input.Choose(6)) {
    case 0:
    case 1:
      if (!bytes.empty()) bytes[at] = static_cast<char>(bytes[at] ^ input.Byte());
      break;
    case 2:
      bytes.resize(at);
      break;
    case 3:
      bytes.insert(at, input.Text());
      break;
    case 4:
      bytes.replace(at, std::min<size_t>(512, bytes.size() - at), std::min<size_t>(512, bytes.size() - at), '\0');
      break;
    case 5:
      bytes = disk[input.Choose(disk.size())].second;
      break;
  }
}

void CheckRecords(log::EmbeddedLog& log) {
  // As a service's start does, whose store has folded everything.
  if (!log::CheckNotBehind(log, kTopic, 0, kRecords).ok()) return;
  const auto records = testing::ReadWhole(log, kTopic, 0);
  if (!records.ok()) return Require(absl::IsDataLoss(records.status()), "damage that a read meets is DATA_LOSS");
  Require(records->size() == kRecords, "no record is missing, none invented");
  for (int i = 0; i < kRecords; ++i) {
    const log::StoredRecord& record = (*records)[static_cast<size_t>(i)];
    Require(record.offset == i && record.bytes == RecordOf(i), "each record reads as it was appended");
  }
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds = {""};
  for (size_t file = 0; file < Sound().size(); ++file) {
    for (size_t how = 0; how < 6; ++how) seeds.push_back(Big(file, 1) + Big(40 + how, 3) + Big(how, 1) + Big(1, 1));
  }
  return seeds;
}

}  // namespace trialog::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trialog::fuzz;
  using namespace trialog;
  Input input(data, size);
  Disk disk = Sound();
  for (int changes = 0; !input.empty() && changes < 4; ++changes) Damage(disk, input);
  const std::unique_ptr<rocksdb::Env> env(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  rocksdb::FileSystem& files = *env->GetFileSystem();
  Require(files.CreateDirIfMissing(kFolder, {}, nullptr).ok(), "a folder");
  for (const auto& [name, bytes] : disk) {
    Require(rocksdb::WriteStringToFile(&files, bytes, Cat(kFolder, '/', name)).ok(), "a file");
  }
  const auto log = Open(*env);
  if (log.ok()) {
    CheckRecords(**log);
  } else {
    const std::string reason = ReasonOf(log.status());
    Require(reason == "LOG_DAMAGED" || reason == "LOG_OPEN_FAILED", "a log that does not open says why");
  }
  return 0;
}
