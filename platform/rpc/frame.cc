#include "platform/rpc/frame.h"

#include <grpcpp/server_context.h>

#include "platform/errors/errors.h"
#include "platform/rpc/method.h"
#include "platform/rpc/raw_service.h"
#include "platform/rpc/stream_reactor.h"
#include "platform/text/text.h"

namespace trialog::rpc {
namespace {

using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

// Served without an access rule, to anybody: its protocol is not ours to annotate.
constexpr std::string_view kExemptService = "grpc.health.v1.Health";

// What is wrong with the rule; empty when nothing is.
std::string_view FaultOf(const AccessRule& rule) {
  if (rule.public_() && (rule.signed_in() || rule.internal() || rule.roles_size() > 0))
    return "its rule is public and more";
  if (!rule.public_() && !rule.signed_in() && !rule.internal() && rule.roles().empty())
    return "its rule lets nobody in";
  for (int role : rule.roles())
    if (role == ROLE_UNSPECIFIED || !Role_IsValid(role)) return "its rule names an unknown role";
  return {};
}

// Moves the method's handler out of `handlers`; false when there is none.
template <typename Map>
bool TakeHandler(Map& handlers, Method& method, typename Map::mapped_type& into) {
  auto node = handlers.extract(method.name);
  if (node.empty() || !node.mapped()) return false;
  into = std::move(node.mapped());
  return true;
}

// Gives the method its rule and handler. Returns what is wrong; empty when nothing is.
std::string_view Fill(Method& method, std::map<std::string, UnaryHandler>& unary,
                      std::map<std::string, StreamHandler>& stream) {
  const MethodDescriptor& descriptor = *method.descriptor;
  if (descriptor.service()->full_name() == kExemptService) {
    method.rule.set_public_(true);
  } else {
    if (!descriptor.options().HasExtension(access)) return "has no access rule";
    method.rule = descriptor.options().GetExtension(access);
    if (const auto fault = FaultOf(method.rule); !fault.empty()) return fault;
  }
  if (descriptor.client_streaming()) return "takes a stream";
  const bool found = descriptor.server_streaming() ? TakeHandler(stream, method, method.stream)
                                                   : TakeHandler(unary, method, method.unary);
  return found ? std::string_view() : "has no handler of its kind";
}

void Register(RawService& raw, const Method& method, bool from_peers) {
  std::string path = "/" + method.name;
  if (method.unary) {
    raw.AddUnary(std::move(path),
                 [&method, from_peers](grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) -> grpc::ServerUnaryReactor* {
                   grpc::ServerUnaryReactor* reactor =
                       context->DefaultReactor();  // To be asked for once only: it is made there.
                   auto call = std::make_shared<Call>(method, *context, *request, *response, *reactor);
                   if (from_peers) call->SetFromPeers();
                   Pipeline::Start(std::move(call));
                   return reactor;
                 });
    return;
  }
  raw.AddStream(std::move(path),
                [&method, from_peers](grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
                  const FrameOptions& options = method.frame->options;
                  auto reactor = StreamReactor::Make(options.stream_buffer_bytes, options.stream_buffer_messages);
                  grpc::ServerWriteReactor<grpc::ByteBuffer>* result = reactor.get();
                  auto stream = std::make_shared<Stream>(method, *context, *request, std::move(reactor));
                  if (from_peers) stream->SetFromPeers();
                  Pipeline::Start(std::move(stream));
                  return result;
                });
}

}  // namespace

Frame::Frame() : state_(std::make_shared<FrameState>()) {}
Frame::~Frame() = default;

absl::StatusOr<std::unique_ptr<Frame>> Frame::Create(const std::vector<const ServiceDescriptor*>& services,
                                                     Handlers handlers, std::shared_ptr<Authenticator> authenticator,
                                                     FrameOptions options) {
  std::unique_ptr<Frame> frame(new Frame());
  FrameState& state = *frame->state_;
  state.options = std::move(options);
  state.authenticator = std::move(authenticator);
  if (state.options.open) frame->Open();
  std::string faults;
  const auto fault = [&](std::string_view method, std::string_view what) {
    Append(faults, faults.empty() ? "" : "; ", method, ": ", what);
  };
  for (const ServiceDescriptor* service : services) {
    frame->names_.push_back(service->full_name());
    for (int i = 0; i < service->method_count(); ++i) {
      auto method = std::make_unique<Method>();
      method->frame = &state;
      method->descriptor = service->method(i);
      method->name = Cat(service->full_name(), "/", service->method(i)->name());
      if (const auto wrong = Fill(*method, handlers.unary_, handlers.stream_); !wrong.empty())
        fault(method->name, wrong);
      method->request =
          google::protobuf::MessageFactory::generated_factory()->GetPrototype(service->method(i)->input_type());
      method->validator = std::make_unique<Validator>(*service->method(i)->input_type(), state.options.validation);
      state.methods.push_back(std::move(method));
    }
  }
  for (const auto& [name, handler] : handlers.unary_) fault(name, "a unary handler without such a method");
  for (const auto& [name, handler] : handlers.stream_) fault(name, "a stream handler without such a method");
  if (!faults.empty()) return Refuse(absl::StatusCode::kFailedPrecondition, "UNSERVABLE_METHODS", faults);
  for (const bool for_peers : {false, true}) {
    for (const auto& method : state.methods) {
      auto& raw = (for_peers ? frame->raw_for_peers_ : frame->raw_)[method->descriptor->service()->full_name()];
      if (!raw) raw = std::make_unique<RawService>();
      Register(*raw, *method, for_peers);
    }
  }
  return frame;
}

std::vector<std::pair<std::string_view, const MethodCounters*>> Frame::counters() const {
  std::vector<std::pair<std::string_view, const MethodCounters*>> all;
  for (const auto& method : state_->methods) all.emplace_back(method->name, &method->counters);
  return all;
}

void Frame::Open() { state_->room.store(state_->options.max_outstanding, std::memory_order_release); }

void Frame::Drain() {
  std::vector<std::shared_ptr<Stream>> open;
  {
    absl::MutexLock lock(&state_->mutex);
    state_->draining = true;
    for (const auto& [key, weak] : state_->streams)
      if (auto stream = weak.lock()) open.push_back(std::move(stream));
  }
  for (const auto& stream : open)
    stream->Abort(RetryLater(absl::StatusCode::kUnavailable, "SERVER_DRAINING",
                             "this server is stopping; ask another one", absl::Milliseconds(200)));
}

std::vector<grpc::Service*> Frame::grpc_services(bool for_peers) {
  std::vector<grpc::Service*> services;
  for (auto& [name, raw] : for_peers ? raw_for_peers_ : raw_) services.push_back(raw->service());
  return services;
}

}  // namespace trialog::rpc
