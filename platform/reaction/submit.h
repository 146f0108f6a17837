// How reactions and timers hand a command to the owner of its partition.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "platform/command/command.h"

namespace trialog::reaction {

// service::Backend::SubmitInternal. Thread safe; `done` is called once, from any thread, possibly before it returns.
using Submit = std::function<void(std::string organization, std::string method, Occasion occasion, DecideFn decide,
                                  std::function<void(absl::StatusOr<Outcome>)> done)>;

}  // namespace trialog::reaction
