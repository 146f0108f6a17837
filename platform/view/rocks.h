// What every RocksDB of ours shares: status mapping, key building and how its files are written.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "rocksdb/cache.h"
#include "rocksdb/options.h"
#include "rocksdb/slice.h"
#include "rocksdb/status.h"

namespace trialog::view {

inline rocksdb::Slice ToSlice(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view FromSlice(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

// DATA_LOSS for damage, RESOURCE_EXHAUSTED for a full disk, UNAVAILABLE for a lock or a shutdown, INTERNAL for the
// rest. `what` says what was tried; RocksDB's own text follows (file names, never keys or values of ours).
absl::Status FromRocks(const rocksdb::Status& status, std::string_view what);

// How a store's files are written and read. Indexes and Bloom filters are in memory while a file is open and never
// pushed out, since each look at a key needs them; blocks of data go through `cache`. With `compress`, what has come to
// rest is.
rocksdb::ColumnFamilyOptions NewFamily(std::shared_ptr<rocksdb::Cache> cache, bool compress);

// For what a log can give back: without a write-ahead log of its own.
rocksdb::WriteOptions Unlogged();

// RocksDB counts comparisons and more for each thread that uses it. Nobody here reads those counts, and they cost a
// lookup of thread-local storage at each comparison: none on this thread from now on. Cheap when called again.
void CountNothing();

// Big-endian, so that keys sort like numbers.
void AppendU16(std::string& out, uint16_t value);
void AppendU64(std::string& out, uint64_t value);
uint16_t ReadU16(std::string_view bytes);
uint64_t ReadU64(std::string_view bytes);

}  // namespace trialog::view
