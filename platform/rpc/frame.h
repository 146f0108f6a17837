// The server frame: every method of a service's descriptor, served from its bytes. For each call, in this order: room,
// caller, access rule, limits, parse, validate, handler, status. README.md says why it is no interceptor and no stub.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/descriptor.h"
#include "platform/rpc/call.h"
#include "platform/rpc/counters.h"
#include "platform/rpc/stream.h"
#include "platform/rpc/validate.h"
#include "platform/telemetry/metrics.h"

namespace grpc {
class Service;
}

namespace trialog::rpc {

class Client;
class RawService;

// Finds out who calls. Thread safe.
class Authenticator {
 public:
  using Done = std::function<void(absl::StatusOr<std::shared_ptr<const Principal>>)>;
  virtual ~Authenticator() = default;
  // Calls `done` once, now or later, from any thread; if it is dropped the call answers INTERNAL. A caller without
  // valid credentials is UNAUTHENTICATED. `call` is valid until `done` is called. Must not block. Not asked for public
  // methods.
  virtual void Authenticate(const CallInfo& call, Done done) = 0;
};

// What serves each method, by "package.Service/Method". Handlers run on gRPC threads, several at once, and must not
// block.
class Handlers {
 public:
  void Unary(std::string method, UnaryHandler handler) { unary_[std::move(method)] = std::move(handler); }
  void Stream(std::string method, StreamHandler handler) { stream_[std::move(method)] = std::move(handler); }

 private:
  friend class Frame;
  std::map<std::string, UnaryHandler> unary_;
  std::map<std::string, StreamHandler> stream_;
};

// All run on the thread that ends the call and must not block. Each may be empty.
struct FrameHooks {
  // A known caller was refused by an access rule, the method's or a record's (IsRefusal): for access records.
  std::function<void(const CallInfo&, const Principal&, const absl::Status&)> refused;
  // A call ended with a fault of ours; its caller gets a generic text, the cause comes here.
  std::function<void(const CallInfo&, const absl::Status& cause)> fault;
  // A call ended, and with what: for logs of each call. Counting needs no hook.
  std::function<void(const CallInfo&, const absl::Status& answer, absl::Duration after)> ended;
};

struct FrameOptions {
  FrameHooks hooks;
  // A client of another process of the same service, by its address: where calls are passed on to that only the owner
  // of a partition can serve. Null: none are.
  std::function<std::shared_ptr<const Client>(const std::string& address)> peer = nullptr;
  ValidationLimits validation;
  size_t max_request_bytes = 4 * 1024 * 1024;
  int max_outstanding = 10'000;  // Calls and streams; more are refused at once with RetryInfo.
  int max_streams = 5'000;       // Of them, streams.
  bool open = true;              // False: every call is UNAVAILABLE, reason STARTING, until Frame::Open.
  size_t stream_buffer_bytes = 256 * 1024;
  int stream_buffer_messages = 64;
};

class Frame {
 public:
  // FAILED_PRECONDITION naming every fault: a method without a rule, with an empty or a contradictory one, without a
  // handler, with a handler of the wrong kind, or that takes a stream; a handler for a method that is not served.
  static absl::StatusOr<std::unique_ptr<Frame>> Create(
      const std::vector<const google::protobuf::ServiceDescriptor*>& services, Handlers handlers,
      std::shared_ptr<Authenticator> authenticator, FrameOptions options = {});
  // After the server that serves it.
  ~Frame();

  // Full names of the services.
  const std::vector<std::string>& service_names() const { return names_; }
  // The counters of each method, by "package.Service/Method". Valid as long as the frame.
  std::vector<std::pair<std::string_view, const MethodCounters*>> counters() const;
  // Lets calls in, for good. What was written before it is seen by every handler. Thread safe.
  void Open();
  // The methods' counters and the room in use, as metrics.
  void Collect(telemetry::Metrics& metrics) const;
  // Ends all open streams and refuses new ones: UNAVAILABLE, reason SERVER_DRAINING. Unary calls go on.
  void Drain();

  // One for each service: reflection lists what is registered by the name of its first method. Once more `for_peers`:
  // the same methods on the port that only our own services reach.
  std::vector<grpc::Service*> grpc_services(bool for_peers = false);

 private:
  Frame();
  std::shared_ptr<FrameState> state_;
  using ByService = std::map<std::string, std::unique_ptr<RawService>>;  // By full name of the service.
  ByService raw_, raw_for_peers_;
  std::vector<std::string> names_;
};

}  // namespace trialog::rpc
