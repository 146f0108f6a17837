// A topic of keys that loses, delays and forgets what it may, and replicas that fold it: for tests.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "platform/errors/errors.h"
#include "platform/sealing/key_replica.h"
#include "platform/sealing/key_store.h"
#include "platform/text/text.h"
#include "rocksdb/env.h"

namespace trialog::sealing {

inline constexpr char kPath[] = "/keys";

inline MasterKey Master(char fill = 'm') { return MasterKey(*SecretKey::FromBytes(std::string(32, fill))); }

// Time that the test moves; tasks run where they are posted, later ones in RunTimers.
class InPlaceRuntime final : public Runtime {
 public:
  explicit InPlaceRuntime(uint64_t seed) : engine_(seed) {}
  absl::Time Now() override { return absl::UnixEpoch() + monotonic; }
  absl::Duration Monotonic() override { return monotonic; }
  std::string RandomBytes(size_t count) override {
    std::string bytes(count, 0);
    for (char& byte : bytes) byte = static_cast<char>(engine_());
    return bytes;
  }
  std::unique_ptr<Executor> NewExecutor(std::string) override { return std::make_unique<InPlace>(*this); }
  void RunTimers() {
    for (auto& timer : std::exchange(timers_, {})) {
      timer.at <= monotonic ? timer.task() : timers_.push_back(std::move(timer));
    }
  }

  absl::Duration monotonic = absl::Hours(1);

 private:
  class InPlace final : public Executor {
   public:
    explicit InPlace(InPlaceRuntime& runtime) : runtime_(runtime) {}
    ~InPlace() override {
      std::erase_if(runtime_.timers_, [this](const Timer& timer) { return timer.executor == this; });
    }
    void Post(Task task) override { task(); }
    void After(absl::Duration delay, Task task) override {
      runtime_.timers_.push_back({this, runtime_.monotonic + delay, std::move(task)});
    }

   private:
    InPlaceRuntime& runtime_;
  };
  struct Timer {
    Executor* executor;
    absl::Duration at;
    Task task;
  };

  std::vector<Timer> timers_;
  std::mt19937_64 engine_;
};

// What the brokers hold.
struct Topic {
  std::map<int64_t, KeyJournal::Entry> entries;
  int64_t end = 0;
  std::vector<KeyJournal::Entry> late;

  void Land(KeyJournal::Entry entry) { entries[end++] = std::move(entry); }
  // Of each key the last stays; of one that was deleted nothing, but for the last entry of all.
  void Compact() {
    std::map<std::string, int64_t> last;
    for (const auto& [offset, entry] : entries) last[entry.key] = offset;
    std::erase_if(entries, [&](const auto& stored) {
      const auto& [offset, entry] = stored;
      return offset + 1 != end && (last[entry.key] != offset || entry.value.empty());
    });
  }
};

class Chance {
 public:
  explicit Chance(uint64_t seed) : engine_(seed) {}
  bool OneIn(uint32_t n) { return n > 0 && Below(n) == 0; }
  uint32_t Below(uint32_t n) { return static_cast<uint32_t>(engine_() % n); }

 private:
  std::mt19937_64 engine_;
};

// One replica's way to the topic.
class SimulatedJournal final : public KeyJournal {
 public:
  SimulatedJournal(Topic& topic, Chance& chance, uint32_t fault_one_in)
      : topic_(topic), chance_(chance), fault_one_in_(fault_one_in) {}

  absl::StatusOr<int64_t> Append(std::vector<Entry> entries) override {
    LandLate();
    absl::Status status;
    for (Entry& entry : entries) {
      if (!chance_.OneIn(fault_one_in_)) {
        topic_.Land(std::move(entry));
        continue;
      }
      status = RetryLater(absl::StatusCode::kUnavailable, "KEYS_NOT_WRITTEN", "a fault", absl::Seconds(1));
      const uint32_t fate = chance_.Below(3);
      if (fate == 0) topic_.Land(std::move(entry));
      if (fate == 1) topic_.late.push_back(std::move(entry));
    }
    // What another wrote at the same time.
    LandLate();
    if (!status.ok()) return status;
    return topic_.end;
  }
  absl::StatusOr<std::vector<log::StoredRecord>> Read(int64_t from, size_t max_bytes) override {
    if (chance_.OneIn(4 * fault_one_in_))
      return RetryLater(absl::StatusCode::kUnavailable, "LOG_READ_FAILED", "a fault", absl::Seconds(1));
    std::vector<log::StoredRecord> read;
    size_t bytes = 0;
    for (auto it = topic_.entries.lower_bound(from); it != topic_.entries.end(); ++it) {
      if (!read.empty() && bytes >= max_bytes) break;
      bytes += it->second.value.size();
      read.push_back({it->first, absl::InfinitePast(), it->second.value});
    }
    return read;
  }
  absl::Duration lets_go_after() const override { return absl::Hours(1); }
  absl::StatusOr<std::string> First() override {
    return topic_.entries.empty() ? std::string() : topic_.entries.begin()->second.value;
  }
  absl::StatusOr<int64_t> End() override {
    LandLate();
    if (chance_.OneIn(fault_one_in_))
      return RetryLater(absl::StatusCode::kUnavailable, "LOG_UNAVAILABLE", "a fault", absl::Seconds(1));
    return topic_.end;
  }
  int64_t KnownEnd() override { return topic_.end; }
  std::unique_ptr<log::Tail> Follow(std::function<void()> wake) override {
    wake_ = std::move(wake);
    return std::make_unique<log::Tail>();
  }
  void Wake() {
    if (wake_) wake_();
  }

 private:
  void LandLate() {
    while (!topic_.late.empty() && chance_.OneIn(2)) {
      topic_.Land(std::move(topic_.late.front()));
      topic_.late.erase(topic_.late.begin());
    }
  }

  Topic& topic_;
  Chance& chance_;
  const uint32_t fault_one_in_;
  std::function<void()> wake_;
};

// One process of auth with its own disk.
struct Replica {
  Replica(Topic& topic, Chance& chance, uint32_t fault_one_in, InPlaceRuntime& runtime)
      : journal(topic, chance, fault_one_in), runtime(runtime) {}

  // Again until it starts, when the only obstacle passes.
  void Start() {
    for (int tries = 0; tries < 50; ++tries) {
      runtime.monotonic += absl::Seconds(1);
      auto opened = KeyStore::Open(kPath, Master(), &runtime, {.env = env.get(), .journal = &journal});
      if (opened.ok()) {
        store = *std::move(opened);
        return;
      }
      ASSERT_TRUE(absl::IsUnavailable(opened.status())) << opened.status();
    }
    FAIL() << "it does not start";
  }
  // Rows but for where it stands.
  std::map<std::string, std::string> Rows() {
    store.reset();
    const auto table = KeyTable::Open(kPath, env.get(), false);
    EXPECT_TRUE(table.ok());
    std::map<std::string, std::string> rows;
    const std::unique_ptr<rocksdb::Iterator> row((*table)->db().NewIterator({}));
    for (row->SeekToFirst(); row->Valid(); row->Next()) rows[row->key().ToString()] = row->value().ToString();
    rows.erase(key_row::kPosition);
    return rows;
  }

  const std::unique_ptr<rocksdb::Env> env{rocksdb::NewMemEnv(rocksdb::Env::Default())};
  SimulatedJournal journal;
  InPlaceRuntime& runtime;
  std::unique_ptr<KeyStore> store;
};

}  // namespace trialog::sealing
