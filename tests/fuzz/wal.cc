// A write-ahead log of the embedded log with any bytes in it, before RocksDB sees it.
#include "platform/errors/errors.h"
#include "platform/log/embedded/embedded_log.h"
#include "platform/log/embedded/keys.h"
#include "platform/log/embedded/wal_check.h"
#include "platform/log/testing/log_client.h"
#include "platform/text/text.h"
#include "rocksdb/env.h"
#include "tests/fuzz/fuzz.h"

namespace trialog::fuzz {
namespace {

constexpr char kFolder[] = "/log";
constexpr char kWal[] = "/log/000004.log";

std::string Read(rocksdb::FileSystem& files) {
  std::string bytes;
  Require(rocksdb::ReadFileToString(&files, kWal, &bytes).ok(), "the file is there");
  return bytes;
}

std::string Describe(const std::vector<log::embedded::FirstInWal>& firsts) {
  std::string out;
  for (const auto& first : firsts) Append(out, first.file, ' ', first.key, '\n');
  return out;
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds = {"", std::string(7, '\0'), std::string(40'000, '\0')};
  for (const size_t length : {10, 5'000, 40'000}) {  // Of one fragment, of some, over blocks.
    const std::shared_ptr<rocksdb::Env> env(rocksdb::NewMemEnv(rocksdb::Env::Default()));
    auto log = log::EmbeddedLog::Open(
        {.path = kFolder, .file_system = env->GetFileSystem(), .min_free_bytes = 0, .compress = false});
    Require(log.ok(), "a new log opens");
    auto appender = (*log)->NewAppender("inventory", 3);
    for (int i = 0; i < 3; ++i) testing::AppendNow(*appender, {std::string(length, 'r'), "second"});
    *log = nullptr;
    seeds.push_back(Read(*env->GetFileSystem()));
    seeds.push_back(seeds.back().substr(0, seeds.back().size() - 3));
  }
  return seeds;
}

}  // namespace trialog::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trialog::fuzz;
  using namespace trialog;
  const std::unique_ptr<rocksdb::Env> env(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  rocksdb::FileSystem& files = *env->GetFileSystem();
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  Require(files.CreateDirIfMissing(kFolder, {}, nullptr).ok(), "a folder");
  Require(rocksdb::WriteStringToFile(&files, bytes, kWal).ok(), "a file");
  const auto firsts = log::embedded::CheckWals(files, kFolder);
  const std::string left = Read(files);
  if (!firsts.ok()) {
    Require(ReasonOf(firsts.status()) == "LOG_DAMAGED", "what is refused is damaged");
    Require(left == bytes, "a damaged file is left as it is");
    return 0;
  }
  Require(bytes.substr(0, left.size()) == left, "only an end is cut off");
  const auto again = log::embedded::CheckWals(files, kFolder);
  Require(again.ok() && Describe(*again) == Describe(*firsts), "what was cut is whole");
  Require(Read(files) == left, "cutting once is enough");
  for (const auto& first : *firsts) Require(log::embedded::ParseKey(first.key).has_value(), "a first key is a key");
  return 0;
}
