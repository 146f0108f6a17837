// The log: one ordered, append-only sequence of records per topic and partition. The same contract for the embedded
// log, Kafka and the simulation; everything above it treats a log as something that may be late, lossy and doubled.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace trialog::telemetry {
class Metrics;
}

namespace trialog::log {

// The reason of a status that says: records of one partition are damaged or gone. Other partitions go on.
inline constexpr std::string_view kDamaged = "LOG_DAMAGED";
bool IsDamaged(const absl::Status& status);

// Partitions of each service's topic, fixed for life and equal everywhere; audit's own topic has one.
inline constexpr int kPartitions = 12;
// Longest record in bytes; a longer one is refused before anything is written.
inline constexpr size_t kMaxRecordBytes = 512 * 1024;

// Partition of an organisation: murmur2 of its id, as Kafka's default partitioner computes it, mod `partitions`.
int PartitionOf(std::string_view organization, int partitions = kPartitions);

// What became of one record. OK with an offset: it stands there. OK with -1: it stands somewhere. An error: nobody
// knows; it may be in the log, may land later, or may be lost.
struct Report {
  absl::Status status;
  int64_t offset = -1;
};

struct StoredRecord {
  int64_t offset = 0;
  absl::Time append_time;  // The log's clock (the broker's); InfinitePast when the log has none.
  std::string bytes;
};

// Writes to one partition. A new one is made for each claim and never shared.
class Appender {
 public:
  // Gives up what is not yet written; a record may still land later. No report is delivered after it returned.
  virtual ~Appender() = default;
  // Appends the records in order, each for itself: one may be lost and the next land. `done` gets one report a record,
  // in the same order, once, from any thread, possibly before Append returns. One group is in flight at a time: the
  // caller waits for `done` before the next.
  virtual void Append(std::vector<std::string> records, std::function<void(std::vector<Report>)> done) = 0;
};

// Calls `wake` after records may have been appended; coalesced, possibly spurious, from any thread. Ends when
// destroyed; no call after that.
class Tail {
 public:
  virtual ~Tail() = default;
};

// Thread safe.
class Log {
 public:
  virtual ~Log() = default;
  virtual std::unique_ptr<Appender> NewAppender(const std::string& topic, int partition) = 0;
  // Records from offset `from` on, in order, until about `max_bytes` (at least one record if there is any). Empty at
  // the end of the log. Offsets grow but need not be dense (Kafka). DATA_LOSS when what stands there is damaged or
  // missing.
  virtual absl::StatusOr<std::vector<StoredRecord>> Read(const std::string& topic, int partition, int64_t from,
                                                         size_t max_bytes) = 0;
  // Offset that the next record would get, at least: asked of whoever has the log, so it may take long or fail. Holds
  // everything that was acknowledged before the call.
  virtual absl::StatusOr<int64_t> EndOffset(const std::string& topic, int partition) = 0;
  // An end that the partition had: what is known here without asking, so perhaps late. Cheap and never waits; -1 when
  // nothing is known. Holds what this process appended.
  virtual int64_t KnownEnd(const std::string& topic, int partition) { return EndOffset(topic, partition).value_or(-1); }
  virtual std::unique_ptr<Tail> Follow(const std::string& topic, int partition, std::function<void()> wake) = 0;
  // Metrics of what carries the log; none where the process itself does.
  virtual void Collect(telemetry::Metrics&) const {}
};

}  // namespace trialog::log
