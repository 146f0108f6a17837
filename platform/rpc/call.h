// A call as a handler sees it. No gRPC here: handlers and their tests do not know what carries the bytes.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "platform/command/decision.h"

namespace grpc {
class ByteBuffer;
class CallbackServerContext;
class ServerUnaryReactor;
}  // namespace grpc

namespace trialog::rpc {

struct Method;  // method.h
struct FrameState;

// What is known of a call before anybody looked at its bytes. Valid until the call is finished.
class CallInfo {
 public:
  CallInfo(const Method& method, grpc::CallbackServerContext& context) : method_(method), context_(context) {}
  virtual ~CallInfo() = default;
  CallInfo(const CallInfo&) = delete;
  CallInfo& operator=(const CallInfo&) = delete;

  const google::protobuf::MethodDescriptor& method() const;
  // "trialog.inventory.v1.SampleService/GetSample"
  std::string_view method_name() const;
  // First value of a metadata key (lower case); empty when there is none.
  std::string_view metadata(std::string_view key) const;
  // The token of "authorization: Bearer <token>" (RFC 6750 section 2.1); empty when there is none.
  std::string_view bearer_token() const;
  // W3C trace context of the caller, in the form of version 00; empty when there is none or it is not valid.
  virtual std::string traceparent() const;
  // The caller's `trialog-min-position`; empty when there is none.
  virtual std::string min_position() const;
  // The caller's `trialog-read`: how fresh what is shown has to be; empty when there is none.
  std::string_view read_mode() const { return metadata("trialog-read"); }
  // gRPC's name of the other end: "ipv4:127.0.0.1:1234", "unix:/path".
  std::string peer() const;
  // Whether the call came through Server::InProcessChannel, so from code of this very process.
  bool in_process() const;
  // Names in the client's verified TLS certificate (subject alternative names, else common name); empty without one.
  std::vector<std::string> peer_identity() const;
  // The service of ours that calls: its certificate says so, on the port that only our own services reach. Empty for
  // everybody else.
  std::string peer_service() const;
  // InfiniteFuture when the caller set none.
  virtual absl::Time deadline() const;
  // Whether nobody waits for the answer any more.
  virtual bool cancelled() const;

  // For the frame: the call came through the port for peers.
  void SetFromPeers() { from_peers_ = true; }

 protected:
  friend class Pipeline;
  const Method& method_;
  grpc::CallbackServerContext& context_;
  bool from_peers_ = false;
};

// What unary calls and streams share. Handlers get it after the frame's checks: the caller is known and may call, the
// request is parsed and valid in form. Not to be used by two threads at once, except for cancelled().
class ServerCall : public CallInfo {
 public:
  ServerCall(const Method& method, grpc::CallbackServerContext& context, const grpc::ByteBuffer& bytes);

  const google::protobuf::Message& request() const { return *request_; }
  google::protobuf::Message& mutable_request() { return *request_; }
  // The request as its own type; a handler may take what it needs out of it.
  template <typename T>
  T& Request() {
    return static_cast<T&>(*request_);
  }
  const Principal& principal() const { return *principal_; }
  std::shared_ptr<const Principal> shared_principal() const { return principal_; }
  // Answers with this trailing metadata `trialog-position`. At most once, before Finish.
  void SetPosition(const std::string& position);

  // Ends the call with an error. Of several ends the first counts. Thread safe.
  virtual void Finish(const absl::Status& status) = 0;

 protected:
  friend class Pipeline;
  // Counts the end, reports a fault or a refusal, and returns what the caller is told. Once, before gRPC hears of the
  // end: after that the context is gone.
  absl::Status Conclude(const absl::Status& status);

  const std::shared_ptr<FrameState> frame_;  // Keeps the method.
  const grpc::ByteBuffer& bytes_;
  std::unique_ptr<google::protobuf::Message> request_;
  std::shared_ptr<const Principal> principal_;
  const absl::Time start_;
};

// A unary call. Whoever holds the last reference finishes it: dropped unfinished, it answers INTERNAL.
class Call final : public ServerCall, public std::enable_shared_from_this<Call> {
 public:
  Call(const Method& method, grpc::CallbackServerContext& context, const grpc::ByteBuffer& request,
       grpc::ByteBuffer& response, grpc::ServerUnaryReactor& reactor);
  ~Call() override;

  // A call that another process of the service must serve (OwnedElsewhere) is passed on to it, once, and its answer is
  // this one's.
  void Finish(const absl::Status& status) override;
  // Answers OK. `response` must be of the method's response type.
  void Finish(const google::protobuf::Message& response);

 private:
  bool PassOn(const std::string& address);
  void End(const absl::Status& status);

  grpc::ByteBuffer& response_;
  grpc::ServerUnaryReactor* const reactor_;
  std::atomic<bool> finished_{false};
};

using UnaryHandler = std::function<void(std::shared_ptr<Call>)>;

}  // namespace trialog::rpc
