// A gRPC service whose methods are known at run time and move bytes: what generated code is for one .proto. Its source
// file is the only one that uses names of grpc::internal, as of gRPC 1.51.
#pragma once

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <memory>
#include <string>

namespace grpc {
class Service;
}

namespace trialog::rpc {

// Both run on a gRPC thread, with bytes that nobody has looked at, and return the reactor that will finish the call.
using StartUnary = std::function<grpc::ServerUnaryReactor*(
    grpc::CallbackServerContext*, const grpc::ByteBuffer* request, grpc::ByteBuffer* response)>;
using StartStream = std::function<grpc::ServerWriteReactor<grpc::ByteBuffer>*(grpc::CallbackServerContext*,
                                                                              const grpc::ByteBuffer* request)>;

class RawService {
 public:
  RawService();
  ~RawService();

  // `path` is "/package.Service/Method". Only before the server starts.
  void AddUnary(std::string path, StartUnary start);
  void AddStream(std::string path, StartStream start);

  // For grpc::ServerBuilder; must outlive the server.
  grpc::Service* service();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace trialog::rpc
