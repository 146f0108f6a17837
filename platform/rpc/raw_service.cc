#include "platform/rpc/raw_service.h"

// These two before the handlers, whose templates otherwise meet incomplete types.
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>
#include <grpcpp/impl/codegen/service_type.h>

#include <deque>

namespace trialog::rpc {

using grpc::ByteBuffer;
using grpc::internal::CallbackServerStreamingHandler;
using grpc::internal::CallbackUnaryHandler;
using grpc::internal::RpcMethod;
using grpc::internal::RpcServiceMethod;

class RawService::Impl : public grpc::Service {
 public:
  void Add(std::string path, RpcMethod::RpcType type, grpc::internal::MethodHandler* handler) {
    paths_.push_back(std::move(path));  // gRPC keeps the pointer, so the text must stay where it is.
    AddMethod(new RpcServiceMethod(paths_.back().c_str(), type, nullptr));
    MarkMethodRawCallback(static_cast<int>(paths_.size()) - 1, handler);
  }

 private:
  std::deque<std::string> paths_;
};

RawService::RawService() : impl_(std::make_unique<Impl>()) {}
RawService::~RawService() = default;

void RawService::AddUnary(std::string path, StartUnary start) {
  impl_->Add(std::move(path), RpcMethod::NORMAL_RPC,
             new CallbackUnaryHandler<ByteBuffer, ByteBuffer>(std::move(start)));
}

void RawService::AddStream(std::string path, StartStream start) {
  impl_->Add(std::move(path), RpcMethod::SERVER_STREAMING,
             new CallbackServerStreamingHandler<ByteBuffer, ByteBuffer>(std::move(start)));
}

grpc::Service* RawService::service() { return impl_.get(); }

}  // namespace trialog::rpc
