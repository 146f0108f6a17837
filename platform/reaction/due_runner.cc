#include "platform/reaction/due_runner.h"

#include <algorithm>
#include <utility>

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "platform/view/times.h"

namespace trialog::reaction {
namespace {

constexpr std::string_view kNoLongerDue = "NO_LONGER_DUE";

bool IsDue(std::string_view key, absl::Time now) {
  const std::string by_now = view::OrderedTime(ToProto(now));
  return key.substr(0, by_now.size()) <= by_now;
}

}  // namespace

DueRunner::DueRunner(Runtime& runtime, view::Store& store, Submit submit, DueTable table, DueOptions options)
    : runtime_(runtime),
      store_(store),
      submit_(std::move(submit)),
      table_(std::move(table)),
      options_(std::move(options)),
      executor_(runtime.NewExecutor(Cat("due-", table_.method))) {
  for (int p = 0; p < options_.partitions; ++p) {
    lanes_.push_back(std::make_unique<Lane>());
    lanes_.back()->partition = p;
    lanes_.back()->backoff = options_.look_every;
  }
}

DueRunner::~DueRunner() = default;

void DueRunner::Start() {
  for (auto& each : lanes_) {
    executor_->Post([this, lane = each.get()] { Look(*lane); });
  }
}

void DueRunner::Look(Lane& lane) {
  if (options_.owns && !options_.owns(lane.partition)) return LookLater(lane, options_.look_every, absl::OkStatus());
  const auto found = store_.partition(lane.partition).Scan(*table_.index, "", 1);
  if (absl::Status health = store_.Health(); !health.ok()) return LookLater(lane, options_.longest_backoff, health);
  if (found.empty() || !IsDue(found[0].key, runtime_.Now())) {
    return LookLater(lane, options_.look_every, absl::OkStatus());
  }
  if (found[0].key == lane.last && !lane.again) {
    lane.backoff = std::min(2 * lane.backoff, options_.longest_backoff);
    lane.again = true;
    return LookLater(lane, lane.backoff, absl::InternalError(Cat(table_.method, " leaves what is due as it is")));
  }
  DecideFn decide = [this, entry = found[0]](const view::State& state,
                                             const Context& context) -> absl::StatusOr<Decision> {
    // Another command may have dealt with it, or put it off, since it was found.
    const auto still = state.Scan(*table_.index, entry.key, 1);
    if (still.empty() || still[0].key != entry.key) {
      return Refuse(absl::StatusCode::kAborted, kNoLongerDue, "dealt with before");
    }
    return table_.decide(state, context, entry.name);
  };
  submit_(std::string(OrganizationOf(found[0].name)), table_.method, std::nullopt, std::move(decide),
          [this, &lane, key = found[0].key](const absl::StatusOr<Outcome>& outcome) {
            executor_->Post([this, &lane, key, status = outcome.status()] { OnOutcome(lane, key, status); });
          });
}

void DueRunner::OnOutcome(Lane& lane, const std::string& key, const absl::Status& outcome) {
  if (!outcome.ok() && ReasonOf(outcome) != kNoLongerDue) {
    const absl::Duration delay = lane.backoff;
    lane.backoff = std::min(2 * lane.backoff, options_.longest_backoff);
    return LookLater(lane, delay, outcome);
  }
  lane.again = false;
  if (key == lane.last) return Look(lane);  // Only this look shows whether it helped; until then it is stuck as before.
  lane.backoff = options_.look_every;
  lane.last = outcome.ok() ? key : std::string();
  LookLater(lane, absl::ZeroDuration(), absl::OkStatus());
}

void DueRunner::LookLater(Lane& lane, absl::Duration delay, absl::Status why) {
  {
    absl::MutexLock lock(&mutex_);
    lane.failure = std::move(why);
  }
  executor_->After(delay, [this, &lane] { Look(lane); });
}

absl::Status DueRunner::Health() const {
  absl::MutexLock lock(&mutex_);
  absl::Status status;
  for (const auto& lane : lanes_) status.Update(lane->failure);
  return status;
}

}  // namespace trialog::reaction
