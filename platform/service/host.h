// One service in this process: store, callers, backend and frame, put together the same way for all five.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "platform/callers/directory.h"
#include "platform/callers/token_authenticator.h"
#include "platform/reaction/due_runner.h"
#include "platform/reaction/reactor.h"
#include "platform/rpc/frame.h"
#include "platform/service/backend.h"

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
};

// What a service is, beside the platform.
struct Definition {
  const Domain* domain;
  std::vector<const google::protobuf::ServiceDescriptor*> services;  // Without EventService, which every service has.
  // Registers a handler for every method of `services`.
  std::function<void(Backend&)> add_handlers;
  // What it does about public events, at most one a source, and at due times.
  std::vector<reaction::Reaction> reactions = {};
  std::vector<reaction::DueTable> due = {};
  // Starts what runs beside the handlers (a worker), once everything is folded; null: nothing. What it returns is dropped
  // before the backend ends, and from then on nothing of it may use the backend.
  std::function<std::shared_ptr<void>(Backend&)> start = nullptr;
  int partitions = log::kPartitions;                 // Of its own topic.
  std::shared_ptr<Companion> companion = nullptr;    // Of one host; null: none.
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
  // Refuses the start when the log ends before the position of a store; null where the log cannot lose its end.
  std::function<absl::Status(const std::string& topic, int partition, int64_t next_offset)> check_log;
  // Who calls, for tests that bring their own callers; null: access tokens.
  std::shared_ptr<rpc::Authenticator> authenticator;
  rpc::FrameOptions frame;
};

class Host {
 public:
  // Opens the store and folds it to the end of the log. DATA_LOSS when the log ends before the store's position.
  static absl::StatusOr<std::unique_ptr<Host>> Open(const Definition& definition, const Environment& environment);
  ~Host();

  // The frame to serve; once.
  absl::StatusOr<std::unique_ptr<rpc::Frame>> MakeFrame();
  Backend& backend() { return *backend_; }
  callers::Directory& directory() { return *directory_; }
  // OK while everything here can be folded.
  absl::Status Health() const;

 private:
  Host(const Definition& definition, const Environment& environment) : definition_(definition), environment_(environment) {}

  absl::Status StartReactions();

  const Definition definition_;
  const Environment environment_;
  std::unique_ptr<callers::Directory> directory_;
  std::shared_ptr<rpc::Authenticator> authenticator_;
  std::unique_ptr<Backend> backend_;
  std::vector<std::unique_ptr<reaction::Reactor>> reactors_;
  std::vector<std::unique_ptr<reaction::DueRunner>> due_runners_;
  std::shared_ptr<void> running_;
};

}  // namespace trialog::service
