// Tells a write-ahead log that was cut short by a power failure from one that is damaged.
//
// RocksDB begins a WAL record only after the record before it was synced, and never writes to a WAL again after an
// error. So behind the place where a power cut tore a WAL there may stand pieces of that same last record, but never
// the beginning of another. A beginning behind a bad place proves that synced bytes were changed: damage. RocksDB's own
// recovery modes do not make this distinction: a wrong length in the last block reads as a torn tail, and what follows
// is dropped in silence.
//
// Format: github.com/facebook/rocksdb/wiki/Write-Ahead-Log-File-Format, without recycling, compression or encryption.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "rocksdb/file_system.h"

namespace trialog::log::embedded {

// A record whose predecessor in its partition must be in the database once it is open: the first of each partition in a
// WAL.
struct FirstInWal {
  std::string file;
  std::string key;
};

// Reads every WAL in `folder`, before RocksDB opens it. DATA_LOSS, reason LOG_DAMAGED, naming file and byte offset,
// when one is damaged: bad bytes with a beginning behind them, or a last record of full length that is wrong without
// having an empty sector. A torn tail is cut off: its record was never acknowledged, or, if the disk lies,
// CheckNotBehind finds it missing. UNAVAILABLE when the disk fails. A missing folder is an empty one.
absl::StatusOr<std::vector<FirstInWal>> CheckWals(rocksdb::FileSystem& files, const std::string& folder);

}  // namespace trialog::log::embedded
