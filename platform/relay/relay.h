// The relay: copies the public stream of one service to where programs outside read it, at least once and in order.
// README.md has the rules; shared by all partitions of a service in this process.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "platform/log/log.h"
#include "platform/relay/outlet.h"
#include "platform/runtime/runtime.h"
#include "trialog/event/v1/fold.pb.h"

namespace trialog::relay {

struct RelayOptions {
  int partitions = log::kPartitions;
  // Whether this process owns a partition: only then is it relayed here. Null: always. Thread safe.
  std::function<bool(int partition)> owns = nullptr;
  // Up to which offset the service shows what the log holds; no event leaves before it can be read. Thread safe.
  std::function<int64_t(int partition)> shown = nullptr;
  absl::Duration first_backoff = absl::Milliseconds(50);
  absl::Duration longest_backoff = absl::Seconds(5);
};

// Has an executor of its own, on which it reads the log and the outlet: both may block.
class Relay {
 public:
  // References outlive it. `prototype`: the service's event message, see view::EventPrototype.
  Relay(Runtime& runtime, log::Log& log, std::string service, const google::protobuf::Message& prototype,
        Outlet& outlet, RelayOptions options);
  ~Relay();

  // A partition may have grown, or be owned now. Thread safe.
  void Wake(int partition);

  // Events that were answered for. Thread safe, as what follows.
  int64_t relayed() const { return relayed_; }
  // Records of the partitions that this process relays which were not yet looked at.
  int64_t Lag() const;
  // What keeps a partition from going on at present; OK while nothing does.
  absl::Status Health() const;

 private:
  struct Carrier {
    int partition = 0;
    bool begun = false;           // `source` says where to go on.
    event::v1::FoldState source;  // Admission up to the last record whose events were all answered for.
    event::v1::Position sent;     // The last event that stands in the topic, when `begun`.
    bool busy = false;            // A group or a pause is under way.
    absl::Duration backoff;
    std::atomic<bool> woken = false;
    std::atomic<bool> relaying = false;  // For metrics, with source.next_offset().
    std::atomic<int64_t> read_to = 0;
    absl::Status failure;  // Guarded by mutex_.
  };
  // What was read and is on its way.
  struct Batch {
    event::v1::FoldState source;
    event::v1::Position last;
    std::vector<Message> messages;
  };
  // Reports come from threads of others, perhaps when the relay is gone.
  struct Gate {
    absl::Mutex mutex;
    Relay* relay ABSL_GUARDED_BY(mutex);
  };

  void Pump(Carrier& carrier);
  absl::Status Begin(Carrier& carrier);
  absl::StatusOr<Batch> Read(const Carrier& carrier);
  void Send(Carrier& carrier, Batch batch);
  void OnSent(Carrier& carrier, const absl::Status& status, const Batch& batch);
  void SetFailure(Carrier& carrier, absl::Status status);
  void Pause(Carrier& carrier, const absl::Status& why, absl::Duration delay);

  log::Log& log_;
  const std::string service_;
  const google::protobuf::Message& prototype_;
  Outlet& outlet_;
  const RelayOptions options_;
  std::atomic<int64_t> relayed_ = 0;
  const std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();

  mutable absl::Mutex mutex_;
  std::vector<std::unique_ptr<Carrier>> carriers_;
  std::unique_ptr<Executor> executor_;  // Last: its tasks use all of the above.
};

}  // namespace trialog::relay
