#include "platform/rpc/stream.h"

#include "platform/rpc/method.h"
#include "platform/rpc/status.h"
#include "platform/rpc/stream_reactor.h"
#include "platform/text/text.h"

namespace trialog::rpc {

using Written = Stream::Written;

std::shared_ptr<StreamReactor> StreamReactor::Make(size_t max_bytes, int max_messages) {
  std::shared_ptr<StreamReactor> reactor(new StreamReactor(max_bytes, max_messages));
  reactor->self_ = reactor;
  return reactor;
}

bool StreamReactor::IsFull(size_t bytes) const {
  if (waiting_.empty()) return false;  // One message always fits, whatever its size.
  return static_cast<int>(waiting_.size()) >= max_messages_ || waiting_bytes_ + bytes > max_bytes_;
}

bool StreamReactor::IsHalfFree() const {
  return static_cast<int>(waiting_.size()) <= max_messages_ / 2 && waiting_bytes_ <= max_bytes_ / 2;
}

Written StreamReactor::Room(size_t bytes) {
  absl::MutexLock lock(&mutex_);
  if (ending_ || cancelled_) return Written::kOver;
  if (!IsFull(bytes)) return Written::kTaken;
  wanted_ = true;
  return Written::kFull;
}

Written StreamReactor::Push(grpc::ByteBuffer message) {
  absl::MutexLock lock(&mutex_);
  if (ending_ || cancelled_) return Written::kOver;
  if (IsFull(message.Length())) return wanted_ = true, Written::kFull;
  waiting_bytes_ += message.Length();
  waiting_.push_back(std::move(message));
  Advance();
  return Written::kTaken;
}

void StreamReactor::Advance() {
  if (writing_ || ended_) return;
  if (!waiting_.empty()) {
    writing_ = true;
    return StartWrite(&waiting_.front());
  }
  if (!status_) return;
  ended_ = true;
  Finish(*std::move(status_));
}

void StreamReactor::DropWaiting() {
  while (waiting_.size() > (writing_ ? 1 : 0)) {
    waiting_bytes_ -= waiting_.back().Length();
    waiting_.pop_back();
  }
}

void StreamReactor::OnWriteDone(bool ok) {
  std::shared_ptr<std::function<void()>> callback;
  {
    absl::MutexLock lock(&mutex_);
    writing_ = false;
    waiting_bytes_ -= waiting_.front().Length();
    waiting_.pop_front();
    if (!ok) DropWaiting();  // The caller has gone: OnCancel comes, or has come.
    Advance();
    if (wanted_ && !ending_ && IsHalfFree()) {
      wanted_ = false;
      callback = on_writable_;
    }
  }
  if (callback != nullptr && *callback) (*callback)();
}

void StreamReactor::SetOnWritable(std::function<void()> callback) {
  auto shared = std::make_shared<std::function<void()>>(std::move(callback));
  absl::MutexLock lock(&mutex_);
  if (!ending_ && !cancelled_) on_writable_ = std::move(shared);
}

void StreamReactor::SetOnCancel(std::function<void()> callback) {
  {
    absl::MutexLock lock(&mutex_);
    if (!cancelled_ && !aborted_) {
      if (!ending_) on_cancel_ = std::move(callback);
      return;
    }
  }
  callback();
}

void StreamReactor::NotifyAbort() {
  std::function<void()> callback;
  {
    absl::MutexLock lock(&mutex_);
    aborted_ = true;
    callback = std::move(on_cancel_);
    on_cancel_ = nullptr;
  }
  if (callback) callback();
}

void StreamReactor::OnCancel() {
  std::function<void()> callback;
  std::shared_ptr<std::function<void()>> dropped;  // Destroyed without the lock: it may hold the stream.
  {
    absl::MutexLock lock(&mutex_);
    if (std::exchange(cancelled_, true)) return;
    DropWaiting();
    Advance();
    callback = std::move(on_cancel_);
    on_cancel_ = nullptr;
    dropped = std::move(on_writable_);
  }
  if (callback) callback();
}

bool StreamReactor::cancelled() const {
  absl::MutexLock lock(&mutex_);
  return cancelled_;
}

bool StreamReactor::BeginEnd() {
  absl::MutexLock lock(&mutex_);
  return !std::exchange(ending_, true);
}

void StreamReactor::End(grpc::Status status) {
  std::function<void()> cancel;
  std::shared_ptr<std::function<void()>> writable;
  {
    absl::MutexLock lock(&mutex_);
    cancel = std::move(on_cancel_);
    on_cancel_ = nullptr;
    writable = std::move(on_writable_);
    status_ = std::move(status);
    if (cancelled_) DropWaiting();
    Advance();
  }
}

void StreamReactor::OnDone() {
  const std::shared_ptr<StreamReactor> last = std::move(self_);  // Perhaps the last reference.
}

Stream::Stream(const Method& method, grpc::CallbackServerContext& context, const grpc::ByteBuffer& request,
               std::shared_ptr<StreamReactor> reactor)
    : ServerCall(method, context, request),
      reactor_(std::move(reactor)),
      traceparent_(CallInfo::traceparent()),
      min_position_(CallInfo::min_position()),
      deadline_(CallInfo::deadline()),
      opening_token_(bearer_token()) {}

Stream::~Stream() {
  Stream::Finish(cancelled() ? absl::CancelledError("the caller has gone")
                             : absl::InternalError("the handler dropped the stream"));
}

Written Stream::Write(const google::protobuf::Message& message) {
  const Written room = reactor_->Room(message.ByteSizeLong());  // Before the work of serialising.
  if (room != Written::kTaken) return room;
  grpc::ByteBuffer bytes;
  if (message.GetDescriptor() != method_.descriptor->output_type() || !SerializeBytes(message, bytes)) {
    Finish(absl::InternalError(Cat("the handler wrote a ", message.GetTypeName())));
    return Written::kOver;
  }
  return Push(std::move(bytes));
}

Written Stream::WriteSerialized(std::shared_ptr<const std::string> message) {
  const Written room = reactor_->Room(message->size());
  if (room != Written::kTaken) return room;
  using Shared = std::shared_ptr<const std::string>;
  auto* held = new Shared(std::move(message));  // Until gRPC has sent it.
  const grpc::Slice slice(
      const_cast<char*>((*held)->data()), (*held)->size(), [](void* shared) { delete static_cast<Shared*>(shared); },
      held);
  return Push(grpc::ByteBuffer(&slice, 1));
}

Written Stream::Push(grpc::ByteBuffer bytes) {
  const Written written = reactor_->Push(std::move(bytes));
  if (written == Written::kTaken) method_.counters.messages_sent.fetch_add(1, std::memory_order_relaxed);
  return written;
}

void Stream::OnWritable(std::function<void()> callback) { reactor_->SetOnWritable(std::move(callback)); }
void Stream::OnCancel(std::function<void()> callback) { reactor_->SetOnCancel(std::move(callback)); }
bool Stream::cancelled() const { return reactor_->cancelled(); }

void Stream::Finish(const absl::Status& status) {
  if (reactor_->BeginEnd()) End(status);
}

void Stream::Abort(const absl::Status& status) {
  if (!reactor_->BeginEnd())
    return;  // First, so that this status counts and not what the handler says to a cancellation.
  reactor_->NotifyAbort();
  End(status);
}

void Stream::End(const absl::Status& status) {
  {
    absl::MutexLock lock(&frame_->mutex);
    frame_->streams.erase(this);
  }
  reactor_->End(ToGrpc(Conclude(status)));
}

}  // namespace trialog::rpc
