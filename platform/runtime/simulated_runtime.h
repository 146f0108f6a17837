// The simulation's Runtime: one thread, a virtual clock, chance from a seed. The same seed gives the same run.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "platform/runtime/runtime.h"

namespace trialog {

// Chance from a seed, equal on every machine and standard library. Not for secrets.
class SeededRandom {
 public:
  explicit SeededRandom(uint64_t seed) : engine_(seed) {}
  // Below `bound`, which is positive.
  uint64_t Below(uint64_t bound) { return engine_() % bound; }
  // True once in `one_in` times on average; never when it is 0.
  bool OneIn(uint32_t one_in) { return one_in != 0 && Below(one_in) == 0; }
  // From nothing up to `most`, in microseconds.
  absl::Duration UpTo(absl::Duration most) {
    return absl::Microseconds(static_cast<int64_t>(Below(static_cast<uint64_t>(absl::ToInt64Microseconds(most)) + 1)));
  }
  std::string Bytes(size_t count);

 private:
  std::mt19937_64 engine_;
};

struct SimulatedRuntimeOptions {
  absl::Time start = absl::FromUnixSeconds(1'767'225'600);  // 2026-01-01T00:00:00Z
  // How long a posted task waits at most: executors run beside each other in any order, each in its own.
  absl::Duration longest_wait = absl::Microseconds(500);
  // An executor stands still once in so many tasks, for up to `longest_pause`: a paused process. 0: never.
  uint32_t pause_one_in = 0;
  absl::Duration longest_pause = absl::Seconds(30);
};

// All of one thread. Executors are destroyed before it; one may be destroyed by a task, but not by a task of its own.
class SimulatedRuntime final : public Runtime {
 public:
  explicit SimulatedRuntime(uint64_t seed, SimulatedRuntimeOptions options = {});

  absl::Time Now() override { return options_.start + clock_ + jump_; }
  absl::Duration Monotonic() override { return clock_; }
  std::string RandomBytes(size_t count) override { return random_.Bytes(count); }
  std::unique_ptr<Executor> NewExecutor(std::string name) override;

  // Runs `task` after `delay`, on no executor: the world outside (a disk, a network).
  void Schedule(absl::Duration delay, Task task);
  // Runs the next task, moving the clock to its time. False when there is none.
  bool Step();
  // Runs until nothing is left or `most` tasks ran; true when nothing is left.
  bool RunUntilIdle(int64_t most);
  // Runs what is due within `span`, then moves the clock to its end.
  void RunFor(absl::Duration span);
  // From now on Now() is off by so much more; Monotonic() is not.
  void JumpClock(absl::Duration by) { jump_ += by; }

  SeededRandom& random() { return random_; }
  int64_t pauses() const { return pauses_; }

 private:
  class SimulatedExecutor;
  struct ExecutorState {
    absl::Duration last_post;  // Posted tasks keep their order.
    absl::Duration paused_until;
    bool alive = true;
  };
  struct Event {
    std::shared_ptr<ExecutorState> executor;  // Null: the world outside.
    Task task;
  };

  void Enqueue(absl::Duration at, std::shared_ptr<ExecutorState> executor, Task task);
  bool Delayed(const Event& event);

  const SimulatedRuntimeOptions options_;
  SeededRandom random_;
  absl::Duration clock_;
  absl::Duration jump_;
  uint64_t sequence_ = 0;
  int64_t pauses_ = 0;
  std::map<std::pair<absl::Duration, uint64_t>, Event> events_;  // By time, then in the order they came.
};

}  // namespace trialog
