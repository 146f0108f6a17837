// The gRPC side of a Stream: keeps one write in flight and the rest in a bounded buffer. Internal to platform/rpc.
#pragma once

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/status.h>

#include <deque>
#include <functional>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "platform/rpc/stream.h"

namespace trialog::rpc {

// Owned by gRPC until OnDone and by the Stream. Thread safe. gRPC is called with the lock held: it never calls back
// from within StartWrite or Finish, since a writer's reactions run on its executor.
class StreamReactor : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  static std::shared_ptr<StreamReactor> Make(size_t max_bytes, int max_messages);

  // Whether there is room; if not, the writable callback will run.
  Stream::Written Room(size_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);
  Stream::Written Push(grpc::ByteBuffer message) ABSL_LOCKS_EXCLUDED(mutex_);
  void SetOnWritable(std::function<void()> callback) ABSL_LOCKS_EXCLUDED(mutex_);
  void SetOnCancel(std::function<void()> callback) ABSL_LOCKS_EXCLUDED(mutex_);

  // Nothing is taken from now on. True for the first who asks: that one calls End.
  bool BeginEnd() ABSL_LOCKS_EXCLUDED(mutex_);
  void End(grpc::Status status) ABSL_LOCKS_EXCLUDED(mutex_);
  // Runs the cancel callback, now or when it is set; what is in the buffer still goes out.
  void NotifyAbort() ABSL_LOCKS_EXCLUDED(mutex_);
  bool cancelled() const ABSL_LOCKS_EXCLUDED(mutex_);

  void OnWriteDone(bool ok) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnCancel() override;
  void OnDone() override;

 private:
  StreamReactor(size_t max_bytes, int max_messages) : max_bytes_(max_bytes), max_messages_(max_messages) {}

  bool IsFull(size_t bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsHalfFree() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropWaiting() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Starts the next write, or the end, when nothing is in flight.
  void Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t max_bytes_;
  const int max_messages_;
  mutable absl::Mutex mutex_;
  std::deque<grpc::ByteBuffer> waiting_ ABSL_GUARDED_BY(mutex_);  // The first is in flight while writing_.
  size_t waiting_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool wanted_ ABSL_GUARDED_BY(mutex_) = false;  // Somebody was told kFull.
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;  // The caller has gone.
  bool aborted_ ABSL_GUARDED_BY(mutex_) = false;    // The server ends it.
  std::optional<grpc::Status> status_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<std::function<void()>> on_writable_ ABSL_GUARDED_BY(mutex_);
  std::function<void()> on_cancel_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<StreamReactor> self_;  // Until OnDone.
};

}  // namespace trialog::rpc
