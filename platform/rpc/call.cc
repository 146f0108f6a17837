#include "platform/rpc/call.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "absl/time/clock.h"
#include "platform/errors/errors.h"
#include "platform/rpc/method.h"
#include "platform/rpc/peers.h"
#include "platform/rpc/status.h"
#include "platform/telemetry/trace_context.h"
#include "platform/text/text.h"

namespace trialog::rpc {
namespace {

std::string_view ToView(grpc::string_ref text) { return {text.data(), text.size()}; }

constexpr std::string_view kPositionKey = "trialog-position";
constexpr std::string_view kPassedOnKey = "trialog-passed-on";

absl::Status OwnerUnreachable() {
  return RetryLater(absl::StatusCode::kUnavailable, "OWNER_UNREACHABLE",
                    "the process that writes for this organisation does not answer, another will soon take over; "
                    "repeat with the same request_id",
                    absl::Milliseconds(200));
}

}  // namespace

bool ParseBytes(const grpc::ByteBuffer& bytes, google::protobuf::Message& message) {
  grpc::ProtoBufferReader reader(const_cast<grpc::ByteBuffer*>(&bytes));  // Reads only; its argument is not const.
  return reader.status().ok() && message.ParseFromZeroCopyStream(&reader);
}

bool SerializeBytes(const google::protobuf::Message& message, grpc::ByteBuffer& bytes) {
  bool owned = false;
  return grpc::SerializationTraits<google::protobuf::Message>::Serialize(message, &bytes, &owned).ok();
}

const google::protobuf::MethodDescriptor& CallInfo::method() const { return *method_.descriptor; }

std::string_view CallInfo::method_name() const { return method_.name; }

std::string_view CallInfo::metadata(std::string_view key) const {
  const auto& all = context_.client_metadata();
  const auto found = all.find(grpc::string_ref(key.data(), key.size()));
  return found == all.end() ? std::string_view() : ToView(found->second);
}

std::string_view CallInfo::bearer_token() const {
  constexpr std::string_view kScheme = "bearer ";
  const std::string_view value = metadata("authorization");
  if (value.size() <= kScheme.size()) return {};
  for (size_t i = 0; i < kScheme.size(); ++i)
    if ((value[i] | 0x20) != kScheme[i]) return {};  // The scheme's case does not matter (RFC 9110 section 11.1).
  return value.substr(kScheme.size());
}

std::string CallInfo::traceparent() const { return telemetry::NormalTraceparent(metadata("traceparent")); }

std::string CallInfo::min_position() const { return std::string(metadata("trialog-min-position")); }

std::string CallInfo::peer() const { return context_.peer(); }

bool CallInfo::in_process() const {
  // gRPC 1.51 has no name for the in-process peer. But every socket, an insecure one too, has a transport security
  // type, which its listener's credentials set; the in-process transport has no listener.
  if (peer() != "unknown") return false;
  const auto auth = context_.auth_context();
  return auth == nullptr || auth->FindPropertyValues(GRPC_TRANSPORT_SECURITY_TYPE_PROPERTY_NAME).empty();
}

std::vector<std::string> CallInfo::peer_identity() const {
  std::vector<std::string> names;
  const auto auth = context_.auth_context();
  if (auth == nullptr || !auth->IsPeerAuthenticated()) return names;
  for (const grpc::string_ref& name : auth->GetPeerIdentity()) names.emplace_back(ToView(name));
  return names;
}

std::string CallInfo::peer_service() const {
  if (!from_peers_) return {};
  for (const std::string& name : peer_identity()) {
    if (const auto service = ServiceOfPeerUri(name); !service.empty()) return std::string(service);
  }
  return {};
}

absl::Time CallInfo::deadline() const {
  const auto deadline = context_.deadline();
  return deadline == std::chrono::system_clock::time_point::max() ? absl::InfiniteFuture() : absl::FromChrono(deadline);
}

bool CallInfo::cancelled() const { return context_.IsCancelled(); }

ServerCall::ServerCall(const Method& method, grpc::CallbackServerContext& context, const grpc::ByteBuffer& bytes)
    : CallInfo(method, context), frame_(method.frame->shared_from_this()), bytes_(bytes), start_(absl::Now()) {
  method.counters.started.fetch_add(1, std::memory_order_relaxed);
  frame_->outstanding.fetch_add(1, std::memory_order_relaxed);
}

void ServerCall::SetPosition(const std::string& position) {
  context_.AddTrailingMetadata(std::string(kPositionKey), position);
}

absl::Status ServerCall::Conclude(const absl::Status& status) {
  if (IsFault(status) && frame_->options.hooks.fault) frame_->options.hooks.fault(*this, status);
  if (principal_ && IsRefusal(status) && frame_->options.hooks.refused) {
    frame_->options.hooks.refused(*this, *principal_, status);
  }
  absl::Status answer = ForCaller(status);
  const absl::Duration after = absl::Now() - start_;
  method_.counters.Finished(answer.code(), after);
  if (frame_->options.hooks.ended) frame_->options.hooks.ended(*this, answer, after);
  frame_->outstanding.fetch_sub(1, std::memory_order_relaxed);
  return answer;
}

Call::Call(const Method& method, grpc::CallbackServerContext& context, const grpc::ByteBuffer& request,
           grpc::ByteBuffer& response, grpc::ServerUnaryReactor& reactor)
    : ServerCall(method, context, request), response_(response), reactor_(&reactor) {}

Call::~Call() {
  if (!finished_.load()) Call::Finish(absl::InternalError("the handler dropped the call"));
}

void Call::Finish(const absl::Status& status) {
  if (finished_.exchange(true)) return;
  if (const std::string owner = OwnerAddressOf(status); !owner.empty() && PassOn(owner)) return;
  End(status.ok() ? absl::InternalError("the handler gave OK without a response") : status);
}

void Call::End(const absl::Status& status) { reactor_->Finish(ToGrpc(Conclude(status))); }

// The bytes as they came, with what else the caller sent that counts. One hop: who is asked by a peer and does not own
// the partition either says so.
bool Call::PassOn(const std::string& address) {
  constexpr absl::Duration kNoDeadline = absl::Minutes(5);
  if (!frame_->options.peer || !metadata(kPassedOnKey).empty()) return false;
  const std::shared_ptr<const Client> owner = frame_->options.peer(address);
  if (owner == nullptr) return false;
  ClientOptions options{.token = std::string(bearer_token())};
  options.timeout = TimeFor(deadline(), kNoDeadline);
  options.metadata = {{std::string(kPassedOnKey), "1"}};
  for (const char* key : {"traceparent", "trialog-min-position", "trialog-read"}) {
    if (const auto value = metadata(key); !value.empty()) options.metadata.emplace_back(key, value);
  }
  owner->PassBytes(
      method_name(), bytes_, options,
      [self = shared_from_this()](const absl::Status& status, grpc::ByteBuffer& response, const ReplyMetadata& reply) {
        if (!reply.position.empty()) self->SetPosition(reply.position);
        if (status.ok()) self->response_.Swap(&response);
        // Without a reason of ours it is not the owner's answer, but the end of the connection, or of the time.
        const bool unreachable = !status.ok() && ReasonOf(status).empty();
        self->End(unreachable ? OwnerUnreachable() : status);
      });
  return true;
}

void Call::Finish(const google::protobuf::Message& response) {
  if (response.GetDescriptor() != method().output_type())
    return Finish(absl::InternalError(Cat("the handler gave a ", response.GetTypeName())));
  if (finished_.exchange(true)) return;
  const bool written = SerializeBytes(response, response_);
  reactor_->Finish(
      ToGrpc(Conclude(written ? absl::OkStatus() : absl::InternalError("the response does not serialize"))));
}

}  // namespace trialog::rpc
