// Takes part in sharing out the partitions of a service among its processes, as long as this one can write.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "platform/log/kafka/membership.h"
#include "platform/service/host.h"
#include "services/process/config.h"

namespace trialog::single {

// A process whose disk is full, whose store failed or whose clock is wrong leaves the group, so that others write for
// its organisations, and joins again when that has passed. One that the group takes for replaced by another of its name
// (--member) joins again at once, since a coordinator that dies while it joins leads to that too: the answer with its
// new member id was lost (KIP-345; docs/adr/0031). Soon after that it stays apart, longer each time: two of one name
// would take the partitions from each other without end. A fold that cannot go on is no reason: it stands still in all
// of them, and the other partitions would have nobody.
class PartitionShare {
 public:
  // `host` outlives it.
  static absl::StatusOr<std::unique_ptr<PartitionShare>> Take(const process::Config& config, service::Host* host);
  // Destroyed, it leaves. The others need not wait where it has no name (--member): by that it would be known again.

 private:
  PartitionShare(const process::Config& config, service::Host* host);
  absl::Status Join();
  // Why this process cannot write.
  absl::Status MayWrite() const;
  void Review();
  void Replaced();
  void Leave(const absl::Status& why);

  const process::Config config_;
  service::Host& host_;
  std::unique_ptr<log::kafka::Membership> membership_;  // Null: it is not in the group.
  // Monotonic.
  absl::Duration joined_at_ = -absl::InfiniteDuration(), apart_until_ = -absl::InfiniteDuration();
  absl::Duration apart_ = absl::ZeroDuration();  // How long it stays apart when it is replaced next.
  std::unique_ptr<Executor> reviewing_;          // Last: its tasks use the others.
};

}  // namespace trialog::single
