// One service in this process: store, callers, backend and frame, put together the same way for all five.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "platform/callers/directory.h"
#include "platform/callers/token_authenticator.h"
#include "platform/reaction/due_runner.h"
#include "platform/reaction/reactor.h"
#include "platform/relay/relay.h"
#include "platform/rpc/frame.h"
#include "platform/rpc/peers.h"
#include "platform/service/backend.h"
#include "platform/service/call_log.h"

namespace rocksdb {
class Env;
}

namespace trialog::service {

// What a service runs beside its handlers, on threads of its own.
class Companion {
 public:
  virtual ~Companion() = default;
  // Once the backend and the directory of callers are folded; before any call is served.
  virtual absl::Status Start(Backend& backend) = 0;
  // Ends its threads. The backend still answers, with refusals, and goes after this returned.
  virtual void Stop() = 0;
  // OK while it can do its work. Thread safe.
  virtual absl::Status Health() const = 0;
  // Its own metrics. Thread safe, after Start too.
  virtual void Collect(telemetry::Metrics&) const {}
};

// What a service is, beside the platform.
struct Definition {
  const Domain* domain;
  std::vector<const google::protobuf::ServiceDescriptor*> services;  // Without EventService, which every service has.
  // Registers a handler for every method of `services`.
  std::function<void(Backend&)> add_handlers;
  // Which of its public events a caller gets who is none of our own services; null: none.
  Backend::MaySeeEvent may_see_event = nullptr;
  // What it does about public events, at most one a source, and at due times.
  std::vector<reaction::Reaction> reactions = {};
  std::vector<reaction::DueTable> due = {};
  // Starts what runs beside the handlers (a worker), once everything is folded; null: nothing. What it returns is
  // dropped before the backend ends, and from then on nothing of it may use the backend.
  std::function<std::shared_ptr<void>(Backend&)> start = nullptr;
  int partitions = log::kPartitions;               // Of its own topic.
  std::shared_ptr<Companion> companion = nullptr;  // Of one host; null: none.
};

// Where it runs. References outlive the host.
struct Environment {
  Runtime* runtime;
  log::Log* log;
  sealing::KeyProvider* keys;
  std::string store_path;
  std::string request_key;  // HMAC key of the service's request fingerprints.
  const rpc::TokenSigner* tokens;
  int partitions = log::kPartitions;  // Of auth's topic, which every service folds.
  bool compress = true;
  rocksdb::Env* env = nullptr;  // Of the store; null: the operating system's.
  // Who calls, for tests that bring their own callers; null: access tokens.
  std::shared_ptr<rpc::Authenticator> authenticator;
  // Beside other processes of the same service: where this one takes their calls, as its claims say it, and how it
  // calls them. Both or neither.
  std::string address;
  rpc::Peers* peers = nullptr;
  bool shared_log = false;                 // Another process, meant or not, may write to it.
  relay::Outlet* public_topics = nullptr;  // Where public events go; null: no further than EventService.
  rpc::FrameOptions frame;
  CallLog call_log = CallLog::kFaults;  // Which calls leave a line in the event log.
};

class Host {
 public:
  // Prepare and Start in one.
  static absl::StatusOr<std::unique_ptr<Host>> Open(const Definition& definition, const Environment& environment);
  // Opens the store and checks it against the log. DATA_LOSS when the log ends before the store's position.
  static absl::StatusOr<std::unique_ptr<Host>> Prepare(const Definition& definition, const Environment& environment);
  ~Host();

  // Folds to the end of the log, then follows it. Blocks; once. No call may come before it returned OK.
  absl::Status Start();
  // The frame to serve; once. Made before Start it is closed, until Frame::Open.
  absl::StatusOr<std::unique_ptr<rpc::Frame>> MakeFrame();
  Backend& backend() { return *backend_; }
  callers::Directory& directory() { return *directory_; }
  std::string_view service() const { return definition_.domain->service; }
  // OK while everything here can be folded.
  absl::Status Health() const;
  // Metrics of the service beside its calls. Thread safe, during Start too.
  void Collect(telemetry::Metrics& metrics) const;

 private:
  Host(const Definition& definition, const Environment& environment)
      : definition_(definition), environment_(environment) {}

  absl::Status StartReactions();
  void StartRelay();
  // Whether this process owns a partition; null where it owns them all.
  std::function<bool(int)> Owns() const;

  const Definition definition_;
  const Environment environment_;
  std::unique_ptr<callers::Directory> directory_;
  std::shared_ptr<rpc::Authenticator> authenticator_;
  std::unique_ptr<Backend> backend_;
  std::vector<std::unique_ptr<reaction::Reactor>> reactors_;
  std::vector<std::unique_ptr<reaction::DueRunner>> due_runners_;
  std::unique_ptr<relay::Relay> relay_;  // Null: not relayed here.
  std::vector<int64_t> relay_listeners_;
  std::shared_ptr<void> running_;
  std::atomic<bool> started_ = false;
};

}  // namespace trialog::service
