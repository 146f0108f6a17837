#include "platform/log/simulated/simulated_log.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "platform/errors/errors.h"
#include "platform/text/text.h"

namespace trialog::log {

struct SimulatedLog::Flight {
  std::string bytes;
  uint64_t number = 0;  // In the order of sending, over all appenders.
  uint64_t appender = 0;
  std::shared_ptr<bool> alive;  // Whether its appender is.
  bool abandoned = false;
  int64_t offset = -1;  // Where it landed first.
};

struct SimulatedLog::Partition {
  std::vector<StoredRecord> records;
  int64_t end = 0;
  std::map<uint64_t, uint64_t> in_flight;  // Number to appender, of those that will land for the first time.
  std::vector<std::shared_ptr<std::function<void()>>> followers;  // In the order they came: a run must repeat.
};

FaultCounts& FaultCounts::operator+=(const FaultCounts& other) {
  appended += other.appended, landed += other.landed, lost += other.lost, late += other.late, doubled += other.doubled;
  failed_after_append += other.failed_after_append, no_offset += other.no_offset, abandoned += other.abandoned;
  landed_after_death += other.landed_after_death, reordered += other.reordered, stale_ends += other.stale_ends;
  reads_failed += other.reads_failed, holes += other.holes;
  return *this;
}

std::string FaultCounts::ToString() const {
  return Cat("appended ", appended, ", landed ", landed, ", lost ", lost, ", late ", late, ", doubled ", doubled,
             ", failed after append ", failed_after_append, ", no offset ", no_offset, ", abandoned ", abandoned,
             ", landed after death ", landed_after_death, ", reordered ", reordered, ", stale ends ", stale_ends,
             ", reads failed ", reads_failed, ", holes ", holes);
}

SimulatedLogOptions ManyFaults() {
  return {.lost_one_in = 40,
          .late_one_in = 40,
          .doubled_one_in = 20,
          .failed_after_append_one_in = 40,
          .no_offset_one_in = 10,
          .abandoned_one_in = 2,
          .stale_end_one_in = 5,
          .read_failed_one_in = 50,
          .hole_one_in = 20};
}

// Draws the fate of each record, lets it fly, and reports when the last fate of the group is known.
class SimulatedLog::SimulatedAppender final : public Appender {
 public:
  SimulatedAppender(SimulatedLog& log, Partition& partition, uint64_t number)
      : log_(log), partition_(partition), number_(number) {}

  ~SimulatedAppender() override {
    *alive_ = false;
    for (const auto& flight : flights_) {
      if (flight->offset >= 0 || flight->abandoned) continue;
      flight->abandoned = log_.Happens(log_.options_.abandoned_one_in, log_.counts_.abandoned);
      if (flight->abandoned) partition_.in_flight.erase(flight->number);
    }
  }

  void Append(std::vector<std::string> records, std::function<void(std::vector<Report>)> done) override {
    if (*busy_) {
      std::fprintf(stderr, "SimulatedLog: a second group while one is in flight\n");
      std::abort();
    }
    *busy_ = true;
    flights_.clear();
    std::vector<Fate> fates;
    absl::Duration decided = log_.runtime_.Monotonic();
    for (std::string& record : records) {
      fates.push_back(Send(std::move(record)));
      decided = std::max(decided, fates.back().decided);
    }
    const absl::Duration report_in =
        decided - log_.runtime_.Monotonic() + log_.runtime_.random().UpTo(log_.options_.longest_append);
    log_.runtime_.Schedule(report_in, [fates = std::move(fates), done = std::move(done), alive = alive_, busy = busy_] {
      if (!*alive) return;
      *busy = false;
      std::vector<Report> reports;
      for (const Fate& fate : fates) reports.push_back({fate.status, fate.with_offset ? fate.flight->offset : -1});
      done(std::move(reports));
    });
  }

 private:
  struct Fate {
    std::shared_ptr<Flight> flight;
    absl::Duration decided;  // When the report may be given.
    absl::Status status;
    bool with_offset = false;
  };

  Fate Send(std::string bytes) {
    SimulatedLogOptions& options = log_.options_;
    FaultCounts& counts = log_.counts_;
    SeededRandom& random = log_.runtime_.random();
    ++counts.appended;
    auto flight = std::make_shared<Flight>(Flight{std::move(bytes), ++log_.sent_, number_, alive_});
    flights_.push_back(flight);

    const absl::Duration now = log_.runtime_.Monotonic();
    last_landing_ = std::max(last_landing_, now + random.UpTo(options.longest_append));
    Fate fate{flight, last_landing_, absl::OkStatus(), true};
    if (log_.Happens(options.lost_one_in, counts.lost)) return Failed(fate);
    partition_.in_flight[flight->number] = number_;
    absl::Duration landing = last_landing_ - now;
    if (log_.Happens(options.late_one_in, counts.late)) {
      landing += options.longest_append * 2 + random.UpTo(options.longest_late);
      fate = Failed(fate);
    } else if (log_.Happens(options.failed_after_append_one_in, counts.failed_after_append)) {
      fate = Failed(fate);
    } else if (log_.Happens(options.no_offset_one_in, counts.no_offset)) {
      fate.with_offset = false;
    }
    log_.Launch(partition_, flight, landing);
    if (log_.Happens(options.doubled_one_in, counts.doubled)) {
      log_.Launch(partition_, flight, landing + random.UpTo(options.longest_late));
    }
    return fate;
  }

  static Fate Failed(Fate fate) {
    fate.status = RetryLater(absl::StatusCode::kUnavailable, "LOG_WRITE_FAILED", "simulated", absl::Seconds(1));
    fate.with_offset = false;
    return fate;
  }

  SimulatedLog& log_;
  Partition& partition_;
  const uint64_t number_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  const std::shared_ptr<bool> busy_ = std::make_shared<bool>(false);
  absl::Duration last_landing_;
  std::vector<std::shared_ptr<Flight>> flights_;
};

class SimulatedLog::SimulatedTail final : public Tail {
 public:
  SimulatedTail(Partition& partition, std::function<void()> wake)
      : partition_(partition), wake_(std::make_shared<std::function<void()>>(std::move(wake))) {
    partition_.followers.push_back(wake_);
  }
  ~SimulatedTail() override {
    *wake_ = nullptr;  // A wake-up may be on its way.
    std::erase(partition_.followers, wake_);
  }

 private:
  Partition& partition_;
  const std::shared_ptr<std::function<void()>> wake_;
};

SimulatedLog::SimulatedLog(SimulatedRuntime& runtime, SimulatedLogOptions options)
    : runtime_(runtime), options_(options) {}
SimulatedLog::~SimulatedLog() = default;

bool SimulatedLog::Happens(uint32_t one_in, int64_t& count) {
  const bool happens = runtime_.random().OneIn(one_in);
  count += happens;
  return happens;
}

void SimulatedLog::Calm() {
  options_ = {.longest_append = options_.longest_append, .longest_late = options_.longest_late, .abandoned_one_in = 0};
}

SimulatedLog::Partition& SimulatedLog::PartitionFor(const std::string& topic, int number) {
  std::unique_ptr<Partition>& partition = partitions_[{topic, number}];
  if (!partition) partition = std::make_unique<Partition>();
  return *partition;
}

void SimulatedLog::Launch(Partition& partition, const std::shared_ptr<Flight>& flight, absl::Duration delay) {
  runtime_.Schedule(delay, [this, &partition, flight] {
    if (!flight->abandoned) Land(partition, flight);
  });
}

void SimulatedLog::Land(Partition& partition, const std::shared_ptr<Flight>& flight) {
  if (Happens(options_.hole_one_in, counts_.holes)) ++partition.end;
  if (partition.in_flight.erase(flight->number) != 0) {
    flight->offset = partition.end;
    counts_.reordered += std::any_of(partition.in_flight.begin(), partition.in_flight.lower_bound(flight->number),
                                     [&](const auto& other) { return other.second != flight->appender; });
  }
  counts_.landed_after_death += !*flight->alive;
  ++counts_.landed;
  partition.records.push_back({partition.end++, runtime_.Now(), flight->bytes});
  for (const auto& wake : partition.followers) {
    runtime_.Schedule(runtime_.random().UpTo(options_.longest_append), [wake] {
      if (*wake) (*wake)();
    });
  }
}

// The number that tells appenders apart is the next record's: only equality counts.
std::unique_ptr<Appender> SimulatedLog::NewAppender(const std::string& topic, int partition) {
  return std::make_unique<SimulatedAppender>(*this, PartitionFor(topic, partition), ++sent_);
}

absl::StatusOr<std::vector<StoredRecord>> SimulatedLog::Read(const std::string& topic, int partition, int64_t from,
                                                             size_t max_bytes) {
  if (Happens(options_.read_failed_one_in, counts_.reads_failed)) {
    return RetryLater(absl::StatusCode::kUnavailable, "LOG_READ_FAILED", "simulated", absl::Seconds(1));
  }
  const std::vector<StoredRecord>& all = PartitionFor(topic, partition).records;
  auto next = std::lower_bound(all.begin(), all.end(), from,
                               [](const StoredRecord& record, int64_t offset) { return record.offset < offset; });
  std::vector<StoredRecord> records;
  for (size_t bytes = 0; next != all.end() && (records.empty() || bytes < max_bytes); ++next) {
    bytes += next->bytes.size();
    records.push_back(*next);
  }
  return records;
}

absl::StatusOr<int64_t> SimulatedLog::EndOffset(const std::string& topic, int partition) {
  const Partition& found = PartitionFor(topic, partition);
  if (!found.records.empty() && Happens(options_.stale_end_one_in, counts_.stale_ends)) {
    return found.records[runtime_.random().Below(found.records.size())].offset;
  }
  return found.end;
}

std::unique_ptr<Tail> SimulatedLog::Follow(const std::string& topic, int partition, std::function<void()> wake) {
  return std::make_unique<SimulatedTail>(PartitionFor(topic, partition), std::move(wake));
}

const std::vector<StoredRecord>& SimulatedLog::Landed(const std::string& topic, int partition) {
  return PartitionFor(topic, partition).records;
}

}  // namespace trialog::log
