// Which partitions a process is to own: what a Kafka consumer group gives it. Only a hint; the claim decides (design
// section 4).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "platform/log/kafka/client.h"

namespace trialog::log::kafka {

struct MembershipOptions {
  std::string group;   // The same in all processes that share the partitions of `topic` out.
  std::string topic;   // As Kafka knows it.
  int partitions = 1;  // Of the topic.
  // A name that a process has again after a restart: one that is back within `dead_after` keeps what it had. Empty: it
  // joins as somebody new.
  std::string member;
  // A process that is silent for so long is held for dead, and its partitions go to others.
  absl::Duration dead_after = absl::Seconds(6);
};

// Nothing is read through the group, and no offset is committed.
class Membership {
 public:
  // Joins. `assigned` is called with a flag for each partition, whenever the group shares them out anew, from a thread
  // of this object.
  static absl::StatusOr<std::unique_ptr<Membership>> Join(const Options& options, const MembershipOptions& membership,
                                                          std::function<void(std::vector<bool>)> assigned);
  // Whether the group has another process by this one's name: it hears no more of this one. Thread safe.
  bool replaced() const { return client_->fatal(); }
  // Destroyed, it leaves; no call to `assigned` comes after that. The others need not wait, but for one with a name:
  // the library does not tell of it, so that it has what it had when it is back within `dead_after`.

 private:
  explicit Membership(std::unique_ptr<Client> client) : client_(std::move(client)) {}
  const std::unique_ptr<Client> client_;
};

}  // namespace trialog::log::kafka
