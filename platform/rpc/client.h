// A client of any gRPC method, without stubs: typed at its edge, bytes within. For services that call each other, for
// tools and for tests.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"

namespace grpc {
class ByteBuffer;
class Channel;
}  // namespace grpc

namespace trialog::rpc {

struct ClientOptions {
  std::string token;                                          // Sent as "authorization: Bearer …" when not empty.
  absl::Duration timeout = absl::Seconds(30);                 // InfiniteDuration: none.
  std::vector<std::pair<std::string, std::string>> metadata;  // Keys in lower case.
  bool wait_for_ready = false;  // Wait for the server instead of failing at once with UNAVAILABLE.
};

// How long a call may take that is made for another one, which ends at `deadline`: at most `longest`, and a little less
// than what is left, so that who waits for the other one hears of it before its own time is over.
absl::Duration TimeFor(absl::Time deadline, absl::Duration longest);

// What came beside an answer.
struct ReplyMetadata {
  std::string position;  // `trialog-position`; empty when there was none.
};

// PEM texts; with a certificate of its own the client is known by it (mTLS).
struct ClientTls {
  std::string server_roots;
  std::string certificate_chain;
  std::string private_key;
  std::string server_name;  // That the server's certificate is for, where it is not that of its address.
};

// A channel to "host:port"; without `tls` in the clear. Connects when first used.
std::shared_ptr<grpc::Channel> Connect(const std::string& address, const ClientTls* tls = nullptr);

// The messages of a server stream. One thread at a time; Cancel from any. Destroying it cancels what is not at its end.
class AnyReader {
 public:
  virtual ~AnyReader() = default;
  // Blocks for the next message. False at the end: Finish says which.
  virtual bool Read(google::protobuf::Message& message) = 0;
  // How the stream ended. Only after Read gave false, or after Cancel.
  virtual absl::Status Finish() = 0;
  virtual void Cancel() = 0;
};

// Thread safe. Methods are named "package.Service/Method". Errors carry the server's details as payloads (ReasonOf
// works).
class Client {
 public:
  explicit Client(std::shared_ptr<grpc::Channel> channel);
  // Makes what all clients of the process share, which waits for a callback: so not on a gRPC thread. The first client
  // does it too.
  static void KeepReady();
  // Of "host:port"; or of one address for each service, "auth=host:port,inventory=host:port,…": then each method goes
  // to its own, and a method of none of them to the first. Without `tls` in the clear.
  static Client Of(std::string_view servers, const ClientTls* tls = nullptr);
  ~Client();
  Client(Client&&) noexcept;

  // Blocks; not for gRPC threads.
  template <typename Response>
  absl::StatusOr<Response> Call(std::string_view method, const google::protobuf::Message& request,
                                const ClientOptions& options = {}, ReplyMetadata* metadata = nullptr) const {
    Response response;
    if (absl::Status status = CallAny(method, request, response, options, metadata); !status.ok()) return status;
    return response;
  }

  // Calls `done` once, on a gRPC thread, where it must not block.
  template <typename Response>
  void CallAsync(std::string_view method, const google::protobuf::Message& request, const ClientOptions& options,
                 std::function<void(absl::StatusOr<Response>)> done) const {
    auto response = std::make_shared<Response>();
    CallAnyAsync(method, request, response, options,
                 [response, done = std::move(done)](const absl::Status& status, const ReplyMetadata&) {
                   status.ok() ? done(std::move(*response)) : done(status);
                 });
  }

  absl::Status CallAny(std::string_view method, const google::protobuf::Message& request,
                       google::protobuf::Message& response, const ClientOptions& options,
                       ReplyMetadata* metadata) const;
  using AnyDone = std::function<void(const absl::Status&, const ReplyMetadata&)>;
  void CallAnyAsync(std::string_view method, const google::protobuf::Message& request,
                    std::shared_ptr<google::protobuf::Message> response, const ClientOptions& options,
                    AnyDone done) const;
  std::unique_ptr<AnyReader> Open(std::string_view method, const google::protobuf::Message& request,
                                  const ClientOptions& options = {}) const;

  // The same with bytes that somebody else made, for a call that is passed on. `done` may take the response.
  using BytesDone = std::function<void(const absl::Status&, grpc::ByteBuffer& response, const ReplyMetadata&)>;
  void PassBytes(std::string_view method, const grpc::ByteBuffer& request, const ClientOptions& options,
                 BytesDone done) const;

  // The request as bytes, right or wrong: for tests of bad input.
  absl::Status CallRaw(std::string_view method, std::string_view bytes, const ClientOptions& options) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace trialog::rpc
