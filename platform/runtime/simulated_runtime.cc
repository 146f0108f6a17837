#include "platform/runtime/simulated_runtime.h"

#include <algorithm>

namespace trialog {

std::string SeededRandom::Bytes(size_t count) {
  std::string bytes(count, '\0');
  for (char& byte : bytes) byte = static_cast<char>(engine_());
  return bytes;
}

class SimulatedRuntime::SimulatedExecutor final : public Executor {
 public:
  explicit SimulatedExecutor(SimulatedRuntime& runtime) : runtime_(runtime) {}
  ~SimulatedExecutor() override { state_->alive = false; }

  void Post(Task task) override {
    const absl::Duration at = runtime_.clock_ + runtime_.random_.UpTo(runtime_.options_.longest_wait);
    state_->last_post = std::max(state_->last_post, at);
    runtime_.Enqueue(state_->last_post, state_, std::move(task));
  }
  void After(absl::Duration delay, Task task) override {
    const absl::Duration late = runtime_.random_.UpTo(runtime_.options_.longest_wait);
    runtime_.Enqueue(runtime_.clock_ + std::max(delay, absl::ZeroDuration()) + late, state_, std::move(task));
  }

 private:
  SimulatedRuntime& runtime_;
  const std::shared_ptr<ExecutorState> state_ = std::make_shared<ExecutorState>();
};

SimulatedRuntime::SimulatedRuntime(uint64_t seed, SimulatedRuntimeOptions options) : options_(options), random_(seed) {}

std::unique_ptr<Executor> SimulatedRuntime::NewExecutor(std::string) {
  return std::make_unique<SimulatedExecutor>(*this);
}

void SimulatedRuntime::Schedule(absl::Duration delay, Task task) { Enqueue(clock_ + delay, nullptr, std::move(task)); }

void SimulatedRuntime::Enqueue(absl::Duration at, std::shared_ptr<ExecutorState> executor, Task task) {
  events_.emplace(std::pair(at, sequence_++), Event{std::move(executor), std::move(task)});
}

// True when the event's executor stands still, or has just begun to.
bool SimulatedRuntime::Delayed(const Event& event) {
  if (!event.executor) return false;
  if (clock_ < event.executor->paused_until) return true;
  if (!random_.OneIn(options_.pause_one_in)) return false;
  ++pauses_;
  event.executor->paused_until = clock_ + random_.UpTo(options_.longest_pause);
  return clock_ < event.executor->paused_until;
}

bool SimulatedRuntime::Step() {
  while (!events_.empty()) {
    auto next = events_.extract(events_.begin());
    Event& event = next.mapped();
    if (event.executor && !event.executor->alive) continue;
    clock_ = std::max(clock_, next.key().first);
    if (Delayed(event)) {
      next.key().first = event.executor->paused_until;  // Its number stays, so that the order does.
      events_.insert(std::move(next));
      continue;
    }
    event.task();
    return true;
  }
  return false;
}

bool SimulatedRuntime::RunUntilIdle(int64_t most) {
  for (int64_t i = 0; i < most; ++i) {
    if (!Step()) return true;
  }
  return events_.empty();
}

void SimulatedRuntime::RunFor(absl::Duration span) {
  const absl::Duration end = clock_ + span;
  while (!events_.empty() && events_.begin()->first.first <= end) Step();
  clock_ = std::max(clock_, end);
}

}  // namespace trialog
