// A call that is answered by many messages. No gRPC here.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "platform/rpc/call.h"

namespace trialog::rpc {

class StreamReactor;

// A server streaming call. Messages wait in a bounded buffer while the reader is slow; one is on its way at a time.
// Writers that see kFull keep their place elsewhere and go on when they are called. Dropped unfinished, it answers
// INTERNAL.
class Stream final : public ServerCall {
 public:
  enum class Written {
    kTaken,  // Sent, or in the buffer.
    kFull,   // Not taken; the writable callback will run once.
    kOver,   // Not taken: the stream is finished or the caller has gone.
  };

  Stream(const Method& method, grpc::CallbackServerContext& context, const grpc::ByteBuffer& request,
         std::shared_ptr<StreamReactor> reactor);
  ~Stream() override;

  // `message` must be of the method's response type. Thread safe.
  Written Write(const google::protobuf::Message& message);
  // The same for a message that is serialised already. Streams may share one: it is not copied. Thread safe.
  Written WriteSerialized(std::shared_ptr<const std::string> message);

  // Both callbacks may run on a gRPC thread, while no lock is held; they must not block. They are dropped when the
  // stream ends, and so may hold the stream. Each is set once. After a kFull, when half of the buffer is free.
  void OnWritable(std::function<void()> callback);
  // When the caller has gone, or the server ends the stream; at once if that has happened. The handler still finishes
  // it.
  void OnCancel(std::function<void()> callback);

  // Ends after what is in the buffer. Thread safe.
  void Finish(const absl::Status& status) override;
  bool cancelled() const override;
  // Kept: the server may end the stream, and with it gRPC's context, at any time.
  std::string traceparent() const override { return traceparent_; }
  std::string min_position() const override { return min_position_; }
  absl::Time deadline() const override { return deadline_; }
  // The bearer token that it was opened with. Kept likewise.
  std::string_view opening_token() const { return opening_token_; }

  // The server's own end (drain): at once, and the handler hears of it as of a cancellation. Thread safe.
  void Abort(const absl::Status& status);

 private:
  Written Push(grpc::ByteBuffer bytes);
  void End(const absl::Status& status);

  const std::shared_ptr<StreamReactor> reactor_;
  const std::string traceparent_;
  const std::string min_position_;
  const absl::Time deadline_;
  const std::string opening_token_;
};

using StreamHandler = std::function<void(std::shared_ptr<Stream>)>;

}  // namespace trialog::rpc
