#include "platform/log/embedded/wal_check.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <set>

#include "platform/errors/errors.h"
#include "platform/log/embedded/keys.h"
#include "platform/text/text.h"
#include "rocksdb/write_batch.h"

namespace trialog::log::embedded {
namespace {

constexpr size_t kBlockBytes = 32 * 1024;
constexpr size_t kHeaderBytes = 7;  // Masked CRC-32C (4), length (2), type (1), little-endian.
enum FragmentType : uint8_t { kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4 };

constexpr std::array<uint32_t, 256> MakeCrcTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    table[i] = crc;
  }
  return table;
}

uint32_t Crc32c(std::string_view bytes) {  // RFC 3720, appendix B.4.
  static constexpr auto kTable = MakeCrcTable();
  uint32_t crc = 0xffffffff;
  for (const char byte : bytes) crc = crc >> 8 ^ kTable[(crc ^ static_cast<uint8_t>(byte)) & 0xff];
  return ~crc;
}

uint32_t Masked(uint32_t crc) { return (crc >> 15 | crc << 17) + 0xa282ead8u; }  // As LevelDB stores CRCs.

struct Fragment {
  FragmentType type;
  std::string_view payload;
};

// The fragment that stands at `at`, if one does.
std::optional<Fragment> FragmentAt(std::string_view wal, size_t at) {
  const size_t in_block = std::min(wal.size() - at, kBlockBytes - at % kBlockBytes);
  if (in_block < kHeaderBytes) return std::nullopt;
  const auto byte = [&](size_t i) { return uint32_t{static_cast<uint8_t>(wal[at + i])}; };
  const size_t length = byte(4) | byte(5) << 8;
  const uint32_t type = byte(6);
  if (type < kFull || type > kLast || length > in_block - kHeaderBytes) return std::nullopt;
  const uint32_t stored = byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24;
  if (stored != Masked(Crc32c(wal.substr(at + 6, 1 + length)))) return std::nullopt;
  return Fragment{static_cast<FragmentType>(type), wal.substr(at + kHeaderBytes, length)};
}

// Notes the first key of each partition.
class FirstKeys final : public rocksdb::WriteBatch::Handler {
 public:
  FirstKeys(std::string file, std::vector<FirstInWal>& out) : file_(std::move(file)), out_(out) {}
  rocksdb::Status PutCF(uint32_t, const rocksdb::Slice& key, const rocksdb::Slice&) override {
    const auto parsed = ParseKey({key.data(), key.size()});
    if (parsed && seen_.emplace(parsed->prefix).second) out_.push_back({file_, key.ToString()});
    return rocksdb::Status::OK();
  }
  void LogData(const rocksdb::Slice&) override {}

 private:
  const std::string file_;
  std::vector<FirstInWal>& out_;
  std::set<std::string, std::less<>> seen_;
};

absl::Status DamagedWal(const std::string& file, size_t at) {
  return Refuse(absl::StatusCode::kDataLoss, kDamaged,
                Cat(file, " is damaged at byte ", at,
                    ", before its end: acknowledged records would be lost; restore the log from a backup"));
}

// True when some sector from `from` on was never written: files grow, so that it reads as zeros. Records hold sealed
// and hashed values, not runs of zeros.
bool HasEmptySector(std::string_view wal, size_t from) {
  constexpr size_t kSectorBytes = 512;
  for (size_t at = from; at < wal.size();) {
    const size_t end = std::min(wal.size(), (at / kSectorBytes + 1) * kSectorBytes);
    const bool whole = end - at == kSectorBytes || end == wal.size();
    if (whole && wal.substr(at, end - at).find_first_not_of('\0') == std::string_view::npos) return true;
    at = end;
  }
  return false;
}

// True when the record that begins at `at` says itself that it goes on behind the end of the file.
bool EndsBeforeItsLength(std::string_view wal, size_t at) {
  while (at < wal.size()) {
    const size_t in_block = kBlockBytes - at % kBlockBytes;
    if (in_block < kHeaderBytes) {
      at += in_block;
      continue;
    }
    if (at + kHeaderBytes > wal.size()) return true;
    const size_t length = static_cast<uint8_t>(wal[at + 4]) | static_cast<size_t>(static_cast<uint8_t>(wal[at + 5]))
                                                                  << 8;
    at += kHeaderBytes + length;
    if (at > wal.size()) return true;
    const uint8_t type = static_cast<uint8_t>(wal[at - length - 1]);
    if (type != kFirst && type != kMiddle) return false;
  }
  return true;
}

// Walks one WAL, hands each whole record to `on_record`, and gives the number of bytes that are whole: less than all
// when a power cut tore the rest.
absl::StatusOr<size_t> WalkWal(const std::string& file, std::string_view wal,
                               const std::function<void(std::string)>& on_record) {
  std::optional<size_t> bad;     // First place that does not read as it should.
  std::optional<size_t> opened;  // Where the record that is not yet complete began.
  std::string record;
  for (size_t at = 0; at < wal.size();) {
    if (kBlockBytes - at % kBlockBytes < kHeaderBytes) {  // Too short for a header: padding.
      at += kBlockBytes - at % kBlockBytes;
      continue;
    }
    const std::optional<Fragment> fragment = FragmentAt(wal, at);
    if (!fragment) {
      if (!bad) bad = opened.value_or(at);
      ++at;  // Lengths cannot be trusted from here on: look at every byte for a beginning.
      continue;
    }
    const bool begins = fragment->type == kFull || fragment->type == kFirst;
    if (begins && opened && !bad) bad = opened;
    if (begins && bad) return DamagedWal(file, *bad);
    if (!begins && !opened && !bad) bad = at;
    if (begins) record.clear();
    record += fragment->payload;
    const bool complete = fragment->type == kFull || fragment->type == kLast;
    if (complete && !bad) on_record(record);
    opened = complete ? std::nullopt : std::optional<size_t>(begins ? at : opened.value_or(at));
    at += kHeaderBytes + fragment->payload.size();
  }
  if (!bad && !opened) return wal.size();
  const size_t tail = bad ? *bad : *opened;
  if (!EndsBeforeItsLength(wal, tail) && !HasEmptySector(wal, tail)) return DamagedWal(file, tail);
  return tail;
}

// RocksDB would take some torn tails for damage (a sector that was not written within a record of full length) and some
// damage for a torn tail. Since the tail was found to be torn, it is cut off for good before RocksDB sees it.
rocksdb::IOStatus CutOff(rocksdb::FileSystem& files, const std::string& folder, const std::string& file,
                         std::string_view whole) {
  const rocksdb::IOOptions options;
  const std::string copy = Cat(file, ".cut");
  rocksdb::IOStatus status = rocksdb::WriteStringToFile(&files, rocksdb::Slice(whole.data(), whole.size()), copy, true);
  if (status.ok()) status = files.RenameFile(copy, file, options, nullptr);
  std::unique_ptr<rocksdb::FSDirectory> opened;
  if (status.ok()) status = files.NewDirectory(folder, options, &opened, nullptr);
  if (status.ok()) status = opened->Fsync(options, nullptr);
  return status;
}

bool IsWal(std::string_view name) {  // RocksDB's names: 000123.log.
  constexpr std::string_view kSuffix = ".log";
  return name.size() > kSuffix.size() && name.substr(name.size() - kSuffix.size()) == kSuffix &&
         name.find_first_not_of("0123456789") == name.size() - kSuffix.size();
}

}  // namespace

absl::StatusOr<std::vector<FirstInWal>> CheckWals(rocksdb::FileSystem& files, const std::string& folder) {
  std::vector<FirstInWal> firsts;
  std::vector<std::string> names;
  const rocksdb::IOStatus listed = files.GetChildren(folder, rocksdb::IOOptions(), &names, nullptr);
  if (listed.IsNotFound() || listed.IsPathNotFound()) return firsts;
  if (!listed.ok()) return absl::UnavailableError(Cat("cannot list ", folder, ": ", listed.ToString()));
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    if (!IsWal(name)) continue;
    const std::string file = Cat(folder, "/", name);
    std::string wal;
    const rocksdb::IOStatus read = rocksdb::ReadFileToString(&files, file, &wal);
    if (!read.ok()) return absl::UnavailableError(Cat("cannot read ", file, ": ", read.ToString()));
    FirstKeys keys(file, firsts);
    const absl::StatusOr<size_t> whole = WalkWal(file, wal, [&](std::string record) {
      rocksdb::WriteBatch(std::move(record)).Iterate(&keys).PermitUncheckedError();
    });
    if (!whole.ok()) return whole.status();
    if (*whole == wal.size()) continue;
    const rocksdb::IOStatus cut = CutOff(files, folder, file, std::string_view(wal).substr(0, *whole));
    if (!cut.ok()) return absl::UnavailableError(Cat("cannot cut the torn end off ", file, ": ", cut.ToString()));
  }
  return firsts;
}

}  // namespace trialog::log::embedded
