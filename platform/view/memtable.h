// The sorted table in memory that every write of ours goes into, in place of RocksDB's own: Debian builds RocksDB with its
// assertions, and its skip list then compares each key 15 to 70 times to insert it, where 2 to 20 would do.
// docs/adr/0006w-memtable.md.
#pragma once

#include <memory>

#include "rocksdb/memtablerep.h"

namespace trialog::view {

// A skip list for one writer at a time and any number of readers: of databases with `allow_concurrent_memtable_write` off
// and the bytewise comparator. Keys that come in order, or nearly so, are inserted beside the one before. Thread safe.
std::shared_ptr<rocksdb::MemTableRepFactory> MemtableFactory();

// RocksDB counts comparisons and more for each thread that uses it. Nobody here reads those counts, and they cost a lookup
// of thread-local storage at each comparison: none on this thread from now on. Cheap when called again.
void CountNothing();

}  // namespace trialog::view
