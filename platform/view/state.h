// What a decision reads and what evolve writes: rows of resources and the ordered keys derived from them.
//
// Pure: no clock, no disk, no threads. The same interface stands over a RocksDB store (store.h), over pending commands
// and, in tests, over nothing at all.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "google/protobuf/message.h"
#include "trialog/event/v1/record.pb.h"
#include "trialog/event/v1/row.pb.h"
#include "trialog/event/v1/sealed.pb.h"

namespace trialog::view {

// One version of a record. Immutable once shared.
struct Row {
  std::shared_ptr<const google::protobuf::Message> resource;  // Personal fields cleared.
  event::v1::SealedPart sealed;
  event::v1::RowMeta meta;

  template <typename T>
  const T& As() const {
    return static_cast<const T&>(*resource);
  }
};
using RowPtr = std::shared_ptr<const Row>;

// An ordered set of keys, each pointing to a row's name. Ids are part of the stored format: never renumber.
struct Index {
  uint16_t id;
  std::string_view name;
};

// Receives the keys that a row should be found by. All keys stand in one buffer: a row has several, and each change of
// a row asks for those before and after it.
class IndexSink {
 public:
  explicit IndexSink(std::string_view row_name) : row_name_(row_name) {}
  // One key for at most one row (the decision has checked so).
  void AddUnique(const Index& index, std::string_view key);
  // One key for many rows; `Count` tells how many, `Scan` lists them in name order.
  void Add(const Index& index, std::string_view key);

  struct Entry {
    uint32_t begin, end;
    uint32_t group_end;  // Where the key as given ends, when it counts; 0 for a unique key.
  };
  // In the order of their keys, each once, after Sort.
  const std::vector<Entry>& entries() const { return entries_; }
  void Sort();
  bool Contains(std::string_view key) const;

  // The index's id (2 bytes, big-endian) and the key as stored; the same with the key as given.
  std::string_view Key(const Entry& entry) const { return Part(entry.begin, entry.end); }
  std::string_view Group(const Entry& entry) const { return Part(entry.begin, entry.group_end); }

 private:
  std::string_view Part(uint32_t begin, uint32_t end) const {
    return std::string_view(bytes_).substr(begin, end - begin);
  }
  uint32_t Begin(const Index& index, std::string_view key);

  const std::string_view row_name_;
  std::string bytes_;
  std::vector<Entry> entries_;
};

// A kind of record. Ids are part of the stored format: never renumber.
struct Table {
  uint16_t id;
  // Collection pattern of its names, for example "organizations/*/biobanks/*/samples/*".
  std::string_view pattern;
  // The default instance of its resource message.
  const google::protobuf::Message* prototype;
  // Adds the row's keys; a pure function of the row. Null when it has none.
  void (*index)(const Row& row, std::string_view name, IndexSink& sink);
};

// A key found by Scan.
struct Found {
  std::string key;   // As stored; where a following Scan continues.
  std::string name;  // The row's name.
};

// What may be read.
class State {
 public:
  virtual ~State() = default;

  // The row as it stands, or null when there is none or it was deleted.
  virtual RowPtr Find(const Table& table, std::string_view name) const = 0;

  // The name behind a unique key.
  virtual std::optional<std::string> Lookup(const Index& index, std::string_view key) const = 0;

  // Up to `limit` entries whose stored key starts with `prefix`, in key order, strictly after `after` (empty: from the
  // start). For all rows added under one key pass GroupPrefix(key).
  virtual std::vector<Found> Scan(const Index& index, std::string_view prefix, size_t limit,
                                  std::string_view after = {}) const = 0;

  // How many rows were added under exactly `key`.
  virtual int64_t Count(const Index& index, std::string_view key) const = 0;

  // The resource of a row, or null.
  template <typename T>
  std::shared_ptr<const T> Get(const Table& table, std::string_view name) const {
    RowPtr row = Find(table, name);
    return row ? std::static_pointer_cast<const T>(row->resource) : nullptr;
  }
};

// What Scan takes to list the rows added under one key.
std::string GroupPrefix(std::string_view key);

// Bytes that sort like the number; with `Descending`, the other way round.
std::string OrderedBytes(uint64_t value);
std::string OrderedBytesDescending(uint64_t value);
// Bytes that sort like the time (microseconds since 1970); times before 1970 sort first.
std::string OrderedTime(const google::protobuf::Timestamp& time);
std::string OrderedTimeDescending(const google::protobuf::Timestamp& time);

// Where and when an event was recorded, and by whom.
struct EventContext {
  std::string event_id;  // 16 bytes.
  std::string organization;
  event::v1::Caller actor;
  google::protobuf::Timestamp record_time;
  // Which record of those folded together: its offset, or its sequence number while the offset is not known.
  uint64_t record = 0;
};

// Changes on top of a State: what the next decision in the same record, or the next record, already sees.
// Not thread safe. `base` outlives it.
class ChangeSet final : public State {
 public:
  explicit ChangeSet(const State* base) : base_(base) {}
  ChangeSet(const ChangeSet&) = delete;
  ChangeSet& operator=(const ChangeSet&) = delete;

  // Sets whose event the following changes belong to.
  void Begin(EventContext context) { context_ = std::move(context); }
  const EventContext& context() const { return context_; }

  // Goes on over another base that holds the same: what the former one had on top of it has been written there.
  void Rebase(const State* base) { base_ = base; }

  // Writes the next version of a row; its meta follows from the former version and the context.
  void Put(const Table& table, std::string_view name, std::shared_ptr<const google::protobuf::Message> resource,
           event::v1::SealedPart sealed = {});
  // The same over `before`, the row as Find has just given it.
  void PutAfter(const RowPtr& before, const Table& table, std::string_view name,
                std::shared_ptr<const google::protobuf::Message> resource, event::v1::SealedPart sealed);
  // The same, keeping the sealed part of the former version.
  void PutKeepingSealed(const Table& table, std::string_view name,
                        std::shared_ptr<const google::protobuf::Message> resource);
  // Says that the row is gone; earlier versions stay. Nothing happens when there is none.
  void Delete(const Table& table, std::string_view name);

  RowPtr Find(const Table& table, std::string_view name) const override;
  std::optional<std::string> Lookup(const Index& index, std::string_view key) const override;
  std::vector<Found> Scan(const Index& index, std::string_view prefix, size_t limit,
                          std::string_view after = {}) const override;
  int64_t Count(const Index& index, std::string_view key) const override;

  // Each version written, in order; of several of one row in one record only the last. No resource: deleted.
  struct RowWrite {
    const Table* table;
    std::string name;
    RowPtr row;
    uint64_t record;
  };
  const std::deque<RowWrite>& writes() const { return writes_; }
  // By index id (2 bytes, big-endian) and key. No value: erased.
  using Keys = absl::btree_map<std::string, std::optional<std::string>, std::less<>>;
  using Counts = absl::btree_map<std::string, int64_t, std::less<>>;
  const Keys& keys() const { return keys_; }
  const Counts& counts() const { return counts_; }  // As they stand now.

  bool empty() const { return writes_.empty(); }

 private:
  using RowKey = std::pair<uint16_t, std::string_view>;  // Table and name; the name is that of a write.

  void Write(const Table& table, std::string_view name, const RowPtr& before, RowPtr after);
  void AddToCount(std::string_view index_and_group, int64_t by);
  event::v1::RowMeta NextMeta(const RowPtr& before) const;

  const State* base_;
  EventContext context_;
  std::deque<RowWrite> writes_;                     // They stay where they are.
  absl::flat_hash_map<RowKey, size_t> last_write_;  // Into writes_.
  Keys keys_;
  Counts counts_;
};

// A State that holds nothing: the base of a ChangeSet in domain tests.
const State* EmptyState();

}  // namespace trialog::view
