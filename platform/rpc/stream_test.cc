#include "platform/rpc/stream.h"

#include "platform/rpc/test_server.h"

namespace trialog::rpc {
namespace {

using namespace testing;

TEST(Stream, ArrivesWholeAndInOrder) {
  TestServer test;
  auto reader = Client(test.Dial()).Open(Echo("Repeat"), Saying("again", 40), As("user"));
  EchoResponse response;
  int next = 0;
  while (reader->Read(response)) {
    EXPECT_EQ(response.text(), "again");
    EXPECT_EQ(response.index(), next++);
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(next, 40);
}

TEST(Stream, IsRefusedLikeAnyCall) {
  TestServer test;
  Client client(test.Dial());
  EchoResponse response;
  auto nobody = client.Open(Echo("Repeat"), Saying("x", 1));
  EXPECT_FALSE(nobody->Read(response));
  EXPECT_EQ(ReasonOf(nobody->Finish()), "TOKEN_MISSING");
  auto too_long = client.Open(Echo("Repeat"), Saying(std::string(2000, 'x'), 1), As("user"));
  EXPECT_FALSE(too_long->Read(response));
  EXPECT_EQ(ReasonOf(too_long->Finish()), "INVALID_REQUEST");
}

TEST(Stream, HasABound) {
  FrameOptions options;
  options.max_streams = 1;
  Handlers handlers = EchoHandlers();
  handlers.Stream(Echo("Repeat"), [](std::shared_ptr<Stream> stream) {
    stream->OnCancel([stream] { stream->Finish(absl::CancelledError("gone")); });
    stream->Write(EchoResponse());
  });
  TestServer test(std::move(handlers), options);
  Client client(test.Dial());
  EchoResponse response;
  auto first = client.Open(Echo("Repeat"), Saying("x"), As("user"));
  ASSERT_TRUE(first->Read(response));
  auto second = client.Open(Echo("Repeat"), Saying("x"), As("user"));
  EXPECT_FALSE(second->Read(response));
  EXPECT_EQ(ReasonOf(second->Finish()), "TOO_MANY_STREAMS");
}

// Writes `total` large messages, as many at a time as are taken.
struct Pump : std::enable_shared_from_this<Pump> {
  Pump(std::shared_ptr<Stream> s, int n) : stream(std::move(s)), total(n) {}
  void Run() {
    absl::MutexLock lock(&mutex);
    EchoResponse response;
    response.set_text(std::string(32 * 1024, 'x'));
    for (; next < total; ++next) {
      response.set_index(next);
      const Stream::Written written = stream->Write(response);
      if (written == Stream::Written::kFull) ++full;
      if (written != Stream::Written::kTaken) return;
    }
    stream->Finish(absl::OkStatus());
  }
  std::shared_ptr<Stream> stream;
  const int total;
  absl::Mutex mutex;
  int next = 0;
  int full = 0;
};

TEST(Stream, HoldsBackAWriterWhoseReaderIsSlow) {
  absl::Notification full;
  std::shared_ptr<Pump> pump;
  Handlers handlers = EchoHandlers();
  handlers.Stream(Echo("Repeat"), [&](std::shared_ptr<Stream> stream) {
    pump = std::make_shared<Pump>(stream, stream->Request<EchoRequest>().count());
    stream->OnWritable([pump = pump] { pump->Run(); });
    pump->Run();
    full.Notify();
  });
  TestServer test(std::move(handlers));
  auto reader = Client(test.Dial()).Open(Echo("Repeat"), Saying("x", 500), As("user"));
  full.WaitForNotification();
  {
    absl::MutexLock lock(&pump->mutex);
    EXPECT_GE(pump->full, 1);
    EXPECT_LT(pump->next, 500);  // 16 MB do not fit anywhere between the two.
  }
  EchoResponse response;
  int read = 0;
  while (reader->Read(response)) EXPECT_EQ(response.index(), read++);
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(read, 500);
  EXPECT_EQ(test.CountersOf("Repeat").messages_sent, 500);
}

TEST(Stream, TellsItsHandlerThatTheReaderHasGone) {
  absl::Notification cancelled;
  std::weak_ptr<Stream> weak;
  Handlers handlers = EchoHandlers();
  handlers.Stream(Echo("Repeat"), [&](std::shared_ptr<Stream> stream) {
    weak = stream;
    stream->OnWritable([stream] {});
    stream->OnCancel([stream, &cancelled] {
      EXPECT_TRUE(stream->cancelled());
      EXPECT_EQ(stream->Write(EchoResponse()), Stream::Written::kOver);
      stream->Finish(absl::CancelledError("gone"));
      cancelled.Notify();
    });
    stream->Write(EchoResponse());
  });
  TestServer test(std::move(handlers));
  auto reader = Client(test.Dial()).Open(Echo("Repeat"), Saying("x"), As("user"));
  EchoResponse response;
  ASSERT_TRUE(reader->Read(response));
  reader->Cancel();
  EXPECT_FALSE(reader->Read(response));
  EXPECT_EQ(reader->Finish().code(), absl::StatusCode::kCancelled);
  cancelled.WaitForNotification();
  test.server->Shutdown(absl::InfiniteFuture());
  EXPECT_TRUE(weak.expired()) << "callbacks that hold the stream are dropped at its end";
}

TEST(Stream, EndsItselfWhenCancelledAndForgotten) {
  Handlers handlers = EchoHandlers();
  handlers.Stream(Echo("Repeat"), [](std::shared_ptr<Stream> stream) {
    stream->Write(EchoResponse());
    stream->OnWritable([stream] {});  // All that holds it; dropped with the cancellation.
  });
  TestServer test(std::move(handlers));
  EchoResponse response;
  auto reader = Client(test.Dial()).Open(Echo("Repeat"), Saying("x"), As("user"));
  ASSERT_TRUE(reader->Read(response));
  reader.reset();
  test.server->Shutdown(absl::InfiniteFuture());  // Would wait for ever for a stream that never ends.
  EXPECT_EQ(test.CountersOf("Repeat").started, 1);
}

TEST(Stream, EndsWithItsMessagesAndThenTheStatus) {
  Handlers handlers = EchoHandlers();
  handlers.Stream(Echo("Repeat"), [](std::shared_ptr<Stream> stream) {
    for (int i = 0; i < 10; ++i) stream->Write(EchoResponse());
    stream->Finish(Refuse(absl::StatusCode::kAborted, "WATCH_ACCESS_CHANGED", "list again"));
    EXPECT_EQ(stream->Write(EchoResponse()), Stream::Written::kOver);
  });
  TestServer test(std::move(handlers));
  auto reader = Client(test.Dial()).Open(Echo("Repeat"), Saying("x"), As("user"));
  EchoResponse response;
  int read = 0;
  while (reader->Read(response)) ++read;
  EXPECT_EQ(read, 10);
  EXPECT_EQ(ReasonOf(reader->Finish()), "WATCH_ACCESS_CHANGED");
}

}  // namespace
}  // namespace trialog::rpc
