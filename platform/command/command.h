// A command on its way to the owner of its partition, and what became of it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/command/decision.h"

namespace trialog {

// Where a command's record stands and what its answer is rendered from.
struct Outcome {
  int partition = 0;
  int64_t offset = -1;
  std::vector<std::string> names;
  bool repeated = false;  // The first outcome of an earlier request with the same id.
};

// Decides on the state and the context alone; called once or, after a lost ownership, never.
using DecideFn = std::function<absl::StatusOr<Decision>(const view::State&, const Context&)>;

// What a command without a caller is about.
struct Occasion {
  Occasion(std::nullopt_t = std::nullopt) {}  // NOLINT: a due time, or the service itself.
  std::optional<event::v1::Cause> cause;      // The public event that it reacts to.
  std::string trace;                          // Of that event, so that one trace goes from caller to notice.
};

struct Command {
  std::string organization;  // Id; chooses the partition.
  std::string method;        // Full method name, or the name of a reaction or timer.
  Principal principal;
  std::string request_key;  // Empty: not to be deduplicated.
  std::string request_mac;
  std::string trace;
  absl::Time deadline = absl::InfiniteFuture();
  DecideFn decide;
  // Instead of `decide`: an access record. It changes no state.
  std::optional<event::v1::Access> access;
  std::string access_entity;
  std::optional<event::v1::Cause> cause;
  // Called exactly once, on the owner's executor; must not block. OK means durable and visible.
  std::function<void(absl::StatusOr<Outcome>)> done;
};

}  // namespace trialog
