// A method as the frame serves it. Internal to platform/rpc.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "google/protobuf/message.h"
#include "platform/rpc/counters.h"
#include "platform/rpc/frame.h"
#include "platform/rpc/validate.h"
#include "trialog/options.pb.h"

namespace trialog::rpc {

struct FrameState;

// Immutable but for its counters; lives as long as the frame.
struct Method {
  FrameState* frame = nullptr;
  const google::protobuf::MethodDescriptor* descriptor = nullptr;
  std::string name;  // "package.Service/Method"
  AccessRule rule;
  const google::protobuf::Message* request = nullptr;  // Prototype.
  std::unique_ptr<const Validator> validator;
  UnaryHandler unary;  // One of the two is set.
  StreamHandler stream;
  mutable MethodCounters counters;
};

// What a frame's calls share, and keep.
struct FrameState : std::enable_shared_from_this<FrameState> {
  FrameOptions options;
  std::shared_ptr<Authenticator> authenticator;
  std::vector<std::unique_ptr<Method>> methods;

  std::atomic<int> outstanding{0};  // Calls and streams not yet finished.
  std::atomic<int> room{0};         // How many there may be; 0 until the frame is opened.
  absl::Mutex mutex;
  bool draining ABSL_GUARDED_BY(mutex) = false;
  absl::flat_hash_map<Stream*, std::weak_ptr<Stream>> streams ABSL_GUARDED_BY(mutex);
};

// The checks between the arrival of a call and its handler, in this order: room, caller, access rule, limits, form.
class Pipeline {
 public:
  // Ends in the method's handler or in call->Finish, now or when the authenticator is done.
  static void Start(std::shared_ptr<ServerCall> call);

 private:
  static void OnCaller(std::shared_ptr<ServerCall> call, absl::StatusOr<std::shared_ptr<const Principal>> caller);
  static void Proceed(std::shared_ptr<ServerCall> call);
  static absl::Status Parse(ServerCall& call);
};

// False when the bytes are no such message (also text that is not UTF-8).
bool ParseBytes(const grpc::ByteBuffer& bytes, google::protobuf::Message& message);
bool SerializeBytes(const google::protobuf::Message& message, grpc::ByteBuffer& bytes);

}  // namespace trialog::rpc
