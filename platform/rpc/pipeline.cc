// The checks of a call, in order (Pipeline of method.h).
#include <grpcpp/support/byte_buffer.h>

#include "absl/time/clock.h"
#include "platform/errors/errors.h"
#include "platform/rpc/method.h"

namespace trialog::rpc {
namespace {

absl::Status Overload(std::string_view reason, std::string_view message) {
  return RetryLater(absl::StatusCode::kResourceExhausted, reason, message, absl::Milliseconds(100));
}

// What a call hears for which there is no room.
absl::Status NoRoom(const FrameState& frame) {
  if (frame.room.load(std::memory_order_relaxed) == 0)
    return RetryLater(absl::StatusCode::kUnavailable, "STARTING",
                      "this service is still reading its log; try again soon, or ask another replica",
                      absl::Seconds(1));
  return Overload("TOO_MANY_CALLS", "too many calls at once; try again soon");
}

std::shared_ptr<const Principal> Anonymous() {
  static const auto* anonymous = new std::shared_ptr<const Principal>(std::make_shared<const Principal>());
  return *anonymous;
}

bool Admits(const AccessRule& rule, const Principal& caller) {
  if (rule.signed_in() || (rule.internal() && caller.internal)) return true;
  return std::any_of(rule.roles().begin(), rule.roles().end(),
                     [&](int role) { return caller.HasAnywhere(static_cast<Role>(role)); });
}

// Whether an answer would still reach somebody.
absl::Status CheckAwaited(const ServerCall& call) {
  if (call.deadline() <= absl::Now())
    return Refuse(absl::StatusCode::kDeadlineExceeded, "DEADLINE_EXCEEDED",
                  "the deadline passed before the call was served");
  if (call.cancelled()) return Refuse(absl::StatusCode::kCancelled, "CANCELLED", "the caller has gone");
  return absl::OkStatus();
}

// Enters the stream among those that a drain ends.
absl::Status Enter(FrameState& frame, const std::shared_ptr<Stream>& stream) {
  absl::MutexLock lock(&frame.mutex);
  if (frame.draining)
    return RetryLater(absl::StatusCode::kUnavailable, "SERVER_DRAINING", "this server is stopping; ask another one",
                      absl::Milliseconds(200));
  if (static_cast<int>(frame.streams.size()) >= frame.options.max_streams)
    return Overload("TOO_MANY_STREAMS", "too many open streams; try again soon");
  frame.streams.emplace(stream.get(), stream);
  return absl::OkStatus();
}

}  // namespace

void Pipeline::Start(std::shared_ptr<ServerCall> call) {
  FrameState& frame = *call->frame_;
  // First of all, since callers that wait for the authenticator count too. This call itself is counted already.
  if (frame.outstanding.load(std::memory_order_relaxed) > frame.room.load(std::memory_order_acquire))
    return call->Finish(NoRoom(frame));
  if (call->method_.rule.public_()) return OnCaller(std::move(call), Anonymous());
  ServerCall& info = *call;
  frame.authenticator->Authenticate(info, [call = std::move(call)](auto caller) { OnCaller(call, std::move(caller)); });
}

void Pipeline::OnCaller(std::shared_ptr<ServerCall> call, absl::StatusOr<std::shared_ptr<const Principal>> caller) {
  if (!caller.ok()) return call->Finish(caller.status());
  call->principal_ = *std::move(caller);
  const AccessRule& rule = call->method_.rule;
  if (!rule.public_() && !Admits(rule, *call->principal_)) {
    return call->Finish(Denied("ROLE_MISSING", "none of your roles may call this method"));
  }
  Proceed(std::move(call));
}

void Pipeline::Proceed(std::shared_ptr<ServerCall> call) {
  const Method& method = call->method_;
  absl::Status status = CheckAwaited(*call);
  if (status.ok()) status = Parse(*call);
  if (status.ok()) status = method.validator->Check(*call->request_);
  if (!status.ok()) return call->Finish(status);
  if (method.unary) return method.unary(std::static_pointer_cast<Call>(std::move(call)));

  auto stream = std::static_pointer_cast<Stream>(std::move(call));
  if (status = Enter(*stream->frame_, stream); !status.ok()) return stream->Finish(status);
  method.stream(std::move(stream));
}

absl::Status Pipeline::Parse(ServerCall& call) {
  if (call.bytes_.Length() > call.frame_->options.max_request_bytes)
    return Refuse(absl::StatusCode::kInvalidArgument, "REQUEST_TOO_LARGE", "the request is too large");
  call.request_.reset(call.method_.request->New());
  if (ParseBytes(call.bytes_, *call.request_)) return absl::OkStatus();
  return Refuse(absl::StatusCode::kInvalidArgument, "MALFORMED_REQUEST",
                "the bytes are not a message of this method's request type in proto3 (texts must be UTF-8)");
}

}  // namespace trialog::rpc
