// A log that does everything the contract allows a log to do, from a seed: records are late, lost, doubled, overtaken
// by another writer's, land after their writer is gone; reports fail after the append or hold no offset; the end is an
// old one.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "platform/log/log.h"
#include "platform/runtime/simulated_runtime.h"

namespace trialog::log {

// Each fault happens once in so many times; 0: never. The defaults are a log without faults.
struct SimulatedLogOptions {
  absl::Duration longest_append = absl::Milliseconds(5);  // From Append to landing, and from there to the report.
  absl::Duration longest_late = absl::Seconds(60);        // A late record lands up to so much later.
  uint32_t lost_one_in = 0;                               // Never lands; reported as an error.
  uint32_t late_one_in = 0;                               // Reported as an error first, lands afterwards.
  uint32_t doubled_one_in = 0;                            // Lands once more, later.
  uint32_t failed_after_append_one_in = 0;                // Landed, reported as an error.
  uint32_t no_offset_one_in = 0;                          // Landed, reported without offset.
  uint32_t abandoned_one_in = 2;                          // What a destroyed appender had not yet written is given up.
  uint32_t stale_end_one_in = 0;                          // EndOffset answers an earlier end.
  uint32_t read_failed_one_in = 0;                        // Read answers UNAVAILABLE.
  uint32_t hole_one_in = 0;                               // An offset is left out, as Kafka may.
};

// All faults, as often as they bite a few hundred records.
SimulatedLogOptions ManyFaults();

// How often each fault happened.
struct FaultCounts {
  int64_t appended = 0;  // Records handed to Append.
  int64_t landed = 0;    // Records in the log, doubles too.
  int64_t lost = 0;
  int64_t late = 0;
  int64_t doubled = 0;
  int64_t failed_after_append = 0;
  int64_t no_offset = 0;
  int64_t abandoned = 0;
  int64_t landed_after_death = 0;  // After its appender was destroyed.
  int64_t reordered = 0;           // Before a record that another appender of the partition had sent earlier.
  int64_t stale_ends = 0;
  int64_t reads_failed = 0;
  int64_t holes = 0;

  FaultCounts& operator+=(const FaultCounts& other);
  // "appended 812, landed 790, lost 9, …".
  std::string ToString() const;
};

// All of the runtime's thread. The runtime outlives it, and runs nothing more once it is destroyed. Records have the
// landing time as append time. A record of one appender never overtakes one of the same appender unless it is late or
// doubled.
class SimulatedLog final : public Log {
 public:
  SimulatedLog(SimulatedRuntime& runtime, SimulatedLogOptions options);
  ~SimulatedLog() override;

  // Ends the program when a second group is appended before the report of the first.
  std::unique_ptr<Appender> NewAppender(const std::string& topic, int partition) override;
  absl::StatusOr<std::vector<StoredRecord>> Read(const std::string& topic, int partition, int64_t from,
                                                 size_t max_bytes) override;
  absl::StatusOr<int64_t> EndOffset(const std::string& topic, int partition) override;
  std::unique_ptr<Tail> Follow(const std::string& topic, int partition, std::function<void()> wake) override;

  // What stands in the log, without faults: for checkers.
  const std::vector<StoredRecord>& Landed(const std::string& topic, int partition);
  // From now on no more faults: lets a run come to its end.
  void Calm();
  const FaultCounts& counts() const { return counts_; }

 private:
  class SimulatedAppender;
  class SimulatedTail;
  struct Flight;  // A record between Append and landing.
  struct Partition;

  Partition& PartitionFor(const std::string& topic, int number);
  void Land(Partition& partition, const std::shared_ptr<Flight>& flight);
  void Launch(Partition& partition, const std::shared_ptr<Flight>& flight, absl::Duration delay);
  bool Happens(uint32_t one_in, int64_t& count);

  SimulatedRuntime& runtime_;
  SimulatedLogOptions options_;
  FaultCounts counts_;
  uint64_t sent_ = 0;
  std::map<std::pair<std::string, int>, std::unique_ptr<Partition>> partitions_;
};

}  // namespace trialog::log
