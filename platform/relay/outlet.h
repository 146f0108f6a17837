// Where public events go: the public topics, as the relay needs to know them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "platform/relay/cloud_event.h"

namespace trialog::relay {

// Thread safe.
class Outlet {
 public:
  virtual ~Outlet() = default;

  struct Found {
    event::v1::Position position;
    std::string event_id;  // As text.
  };
  // The event with the highest place among the latest of a partition; nothing when none of it is an event of ours.
  // Blocks. Whatever was answered to Send before is taken into account.
  virtual absl::StatusOr<std::optional<Found>> Highest(const std::string& service, int partition) = 0;

  // Appends in order: a beginning of them always, never one behind another that is missing. `done` is called once, from
  // any thread: OK when all of them stand there for good. After an error some may stand there, or come later. One group
  // of a partition at a time.
  virtual void Send(const std::string& service, int partition, std::vector<Message> messages,
                    std::function<void(absl::Status)> done) = 0;
};

}  // namespace trialog::relay
