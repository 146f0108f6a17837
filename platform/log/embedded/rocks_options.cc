#include "platform/log/embedded/rocks_options.h"

#include <limits>

#include "rocksdb/cache.h"
#include "rocksdb/table.h"

namespace trialog::log::embedded {
namespace {

constexpr size_t kMemtableBytes = size_t{32} << 20;

rocksdb::BlockBasedTableOptions TableOptions() {
  rocksdb::BlockBasedTableOptions table;
  table.block_size = 32 * 1024;                       // Read in order, a few hundred bytes a record.
  table.block_cache = rocksdb::NewLRUCache(4 << 20);  // The tail is read from the memtable; the rest once, in order.
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;
  return table;
}

}  // namespace

rocksdb::Options RocksOptions(rocksdb::Env* env, bool compress, std::shared_ptr<rocksdb::EventListener> listener) {
  rocksdb::Options options;
  options.env = env;
  options.create_if_missing = true;
  options.listeners = {std::move(listener)};

  // A torn tail is dropped, anything else bad in a WAL stops the start. The default mode stops at the first bad record
  // and drops what follows without a word. CheckWals tells the two apart where this mode does not.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.recycle_log_file_num = 0;  // Old bytes of a recycled WAL would look like damage.
  options.paranoid_checks = true;
  options.paranoid_file_checks = true;  // A new file is read back before the WAL that it replaces is dropped.

  // What a start has to replay. One column family, so the WALs are at most its memtables.
  options.write_buffer_size = kMemtableBytes;
  options.max_write_buffer_number = 4;
  options.max_total_wal_size = 4 * kMemtableBytes;

  // Never wait for compaction: a log is written in order and read in order, so that many files cost little, and damage
  // in an old one, which keeps compaction from ending, must not stop other partitions.
  options.level0_slowdown_writes_trigger = std::numeric_limits<int>::max();
  options.level0_stop_writes_trigger = std::numeric_limits<int>::max();
  options.soft_pending_compaction_bytes_limit = 0;
  options.hard_pending_compaction_bytes_limit = 0;
  options.level_compaction_dynamic_level_bytes = true;
  options.max_background_jobs = 2;

  // The log recovers by being opened again (EmbeddedLog::Recover); RocksDB's own resumption must not race with that.
  options.max_bgerror_resume_count = 0;

  options.compression = compress ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
  options.bytes_per_sync =
      1 << 20;  // Files of flush and compaction reach the disk little by little, not before an fdatasync.
  options.max_open_files = 512;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(TableOptions()));
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.keep_log_file_num = 4;
  options.max_log_file_size = 1 << 20;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  return options;
}

}  // namespace trialog::log::embedded
