#include "platform/view/rocks.h"

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/perf_level.h"
#include "rocksdb/slice_transform.h"
#include "rocksdb/table.h"

namespace trialog::view {

absl::Status FromRocks(const rocksdb::Status& status, std::string_view what) {
  if (status.ok()) return absl::OkStatus();
  const std::string text = Cat(what, ": ", status.ToString());
  if (status.IsCorruption()) return Refuse(absl::StatusCode::kDataLoss, "STORE_DAMAGED", text);
  if (status.IsNoSpace()) {
    return RetryLater(absl::StatusCode::kResourceExhausted, "DISK_FULL", text, absl::Seconds(10));
  }
  if (status.IsBusy() || status.IsShutdownInProgress()) {
    return Refuse(absl::StatusCode::kUnavailable, "STORE_BUSY", text);
  }
  return Refuse(absl::StatusCode::kInternal, "STORE_FAILED", text);
}

rocksdb::ColumnFamilyOptions NewFamily(std::shared_ptr<rocksdb::Cache> cache, bool compress) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = std::move(cache);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.cache_index_and_filter_blocks = false;  // A large file's index does not fit in a shard of the cache.
  table.block_size = 16 * 1024;  // Our keys are long: with the usual 4 KiB an index is a tenth of its file.
  table.index_block_restart_interval = 16;
  rocksdb::ColumnFamilyOptions family;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  family.compression = compress ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
  // The first two levels are soon rewritten, beside commands that want the processor.
  family.compression_per_level = {rocksdb::kNoCompression, rocksdb::kNoCompression, family.compression};
  // A write's keys go in in their order: each place is looked for beside the last one.
  family.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(1));
  family.level0_file_num_compaction_trigger = 8;  // Filters keep a look at eight files cheap; a rebuild rewrites less.
  return family;
}

rocksdb::WriteOptions Unlogged() {
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  return options;
}

void CountNothing() { rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable); }

void AppendU16(std::string& out, uint16_t value) {
  const char bytes[] = {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
  out.append(bytes, sizeof bytes);
}

void AppendU64(std::string& out, uint64_t value) {
  char bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>((value >> (56 - 8 * i)) & 0xff);
  out.append(bytes, sizeof bytes);
}

uint16_t ReadU16(std::string_view bytes) {
  return static_cast<uint16_t>((static_cast<unsigned char>(bytes[0]) << 8) | static_cast<unsigned char>(bytes[1]));
}

uint64_t ReadU64(std::string_view bytes) {
  uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = (value << 8) | static_cast<unsigned char>(bytes[i]);
  return value;
}

}  // namespace trialog::view
