#include "platform/rpc/client.h"

#include <grpc/grpc.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "platform/rpc/method.h"
#include "platform/rpc/status.h"
#include "platform/text/text.h"

namespace trialog::rpc {
namespace {

using google::protobuf::Message;

std::string Path(std::string_view method) { return Cat("/", method); }

void Prepare(grpc::ClientContext& context, const ClientOptions& options) {
  if (!options.token.empty()) context.AddMetadata("authorization", "Bearer " + options.token);
  for (const auto& [key, value] : options.metadata) context.AddMetadata(key, value);
  if (options.timeout < absl::InfiniteDuration())
    context.set_deadline(absl::ToChronoTime(absl::Now() + options.timeout));
  context.set_wait_for_ready(options.wait_for_ready);
}

ReplyMetadata MetadataOf(const grpc::ClientContext& context) {
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto found = trailers.find("trialog-position");
  return {found == trailers.end() ? std::string() : std::string(found->second.data(), found->second.size())};
}

absl::Status BadResponse() { return absl::InternalError("the response is not a message of its type"); }

// One unary call in flight. Held by its completion.
struct Flight {
  grpc::ClientContext context;
  grpc::ByteBuffer request;
  grpc::ByteBuffer response;
};

// A server stream on the generic bidirectional reactor. One read is outstanding at a time, begun by Read, so that a
// slow reader is felt by the server.
class Reader final : public AnyReader {
 public:
  Reader(grpc::GenericStub& stub, const std::string& path, const Message& request, const ClientOptions& options)
      : reactor_(*new Reactor) {
    SerializeBytes(request, reactor_.request);
    Prepare(reactor_.context, options);
    stub.PrepareBidiStreamingCall(&reactor_.context, path, grpc::StubOptions(), &reactor_);
    reactor_.AddHold();  // Reads begin outside of reactions.
    reactor_.StartWriteLast(&reactor_.request, grpc::WriteOptions());
    reactor_.StartCall();
  }

  ~Reader() override {
    reactor_.context.TryCancel();
    LetGo();
    reactor_.Join();
    delete &reactor_;
  }

  bool Read(Message& message) override {
    if (ended_) return false;
    grpc::ByteBuffer bytes;
    if (!reactor_.ReadOne(bytes)) return LetGo(), false;
    if (ParseBytes(bytes, message)) return true;
    broken_ = true;
    return Cancel(), LetGo(), false;
  }

  absl::Status Finish() override {
    LetGo();
    const grpc::Status status = reactor_.Join();
    return broken_ ? BadResponse() : FromGrpc(status);
  }

  void Cancel() override { reactor_.context.TryCancel(); }

 private:
  class Reactor : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
   public:
    bool ReadOne(grpc::ByteBuffer& bytes) {
      {
        absl::MutexLock lock(&mutex_);
        read_done_ = false;
      }
      StartRead(&bytes);
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&read_done_));
      return read_ok_;
    }
    grpc::Status Join() {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&done_));
      return status_;
    }
    void OnReadDone(bool ok) override {
      absl::MutexLock lock(&mutex_);
      read_done_ = true;
      read_ok_ = ok;
    }
    void OnDone(const grpc::Status& status) override {
      absl::MutexLock lock(&mutex_);
      status_ = status;
      done_ = true;
    }

    grpc::ClientContext context;
    grpc::ByteBuffer request;

   private:
    absl::Mutex mutex_;
    bool read_done_ ABSL_GUARDED_BY(mutex_) = false;
    bool read_ok_ ABSL_GUARDED_BY(mutex_) = false;
    bool done_ ABSL_GUARDED_BY(mutex_) = false;
    grpc::Status status_ ABSL_GUARDED_BY(mutex_);
  };

  void LetGo() {
    if (!std::exchange(ended_, true)) reactor_.RemoveHold();
  }

  Reactor& reactor_;
  bool ended_ = false;
  bool broken_ = false;
};

}  // namespace

absl::Duration TimeFor(absl::Time deadline, absl::Duration longest) {
  constexpr absl::Duration kAhead = absl::Milliseconds(100);
  const absl::Duration left = deadline - absl::Now();
  return std::clamp(left > 2 * kAhead ? left - kAhead : left / 2, absl::Milliseconds(1), longest);
}

std::shared_ptr<grpc::Channel> Connect(const std::string& address, const ClientTls* tls) {
  if (tls == nullptr) return grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = tls->server_roots;
  options.pem_private_key = tls->private_key;
  options.pem_cert_chain = tls->certificate_chain;
  grpc::ChannelArguments arguments;
  if (!tls->server_name.empty()) arguments.SetSslTargetNameOverride(tls->server_name);
  return grpc::CreateCustomChannel(address, grpc::SslCredentials(options), arguments);
}

namespace {

// gRPC 1.51 ends the queue of its callbacks with the last channel that used it, and its library with the last channel
// or server; while a completion still lets go of its call, that aborts now and then. One channel that made a call and
// is never destroyed keeps both.
void KeepCallbackQueue() {
  struct Kept {
    grpc::GenericStub stub{grpc::CreateChannel("unix:/", grpc::InsecureChannelCredentials())};
    grpc::ClientContext context;
    grpc::Slice nothing;
    grpc::ByteBuffer request{&nothing, 1}, response;
  };
  // Volatile, or the compiler drops what nobody reads, and leak checkers cannot see that it is kept.
  static const Kept* volatile const kept = [] {
    auto* made = new Kept;
    made->context.set_deadline(std::chrono::system_clock::now());  // So that it fails at once.
    absl::Notification failed;
    made->stub.UnaryCall(&made->context, "/", grpc::StubOptions(), &made->request, &made->response,
                         [&failed](const grpc::Status&) { failed.Notify(); });
    failed.WaitForNotification();
    return made;
  }();
  static_cast<void>(kept);
}

}  // namespace

struct Client::Impl {
  Impl() { KeepCallbackQueue(); }

  void Add(std::string_view service, std::shared_ptr<grpc::Channel> channel) {
    stubs.emplace_back(Cat("trialog.", service, "."), std::make_unique<grpc::GenericStub>(std::move(channel)));
  }

  grpc::GenericStub& StubOf(std::string_view method) const {
    for (const auto& [prefix, stub] : stubs) {
      if (HasPrefix(method, prefix)) return *stub;
    }
    return *stubs.front().second;
  }

  // `done` gets the flight while its response can be read.
  void Start(std::string_view method, std::shared_ptr<Flight> flight, const ClientOptions& options,
             std::function<void(const absl::Status&, Flight&)> done) {
    Prepare(flight->context, options);
    Flight& f = *flight;
    StubOf(method).UnaryCall(&f.context, Path(method), grpc::StubOptions(), &f.request, &f.response,
                             [flight = std::move(flight), done = std::move(done)](const grpc::Status& status) {
                               done(FromGrpc(status), *flight);
                             });
  }

  std::vector<std::pair<std::string, std::unique_ptr<grpc::GenericStub>>> stubs;  // By what their methods begin with.
};

Client::Client(std::shared_ptr<grpc::Channel> channel) : impl_(std::make_unique<Impl>()) {
  impl_->Add("", std::move(channel));
}

void Client::KeepReady() { KeepCallbackQueue(); }

Client Client::Of(std::string_view servers, const ClientTls* tls) {
  if (servers.find('=') == std::string_view::npos) return Client(Connect(std::string(servers), tls));
  Client client(nullptr);
  client.impl_->stubs.clear();
  for (const std::string_view each : Split(servers, ',')) {
    const auto words = Split(each, '=');
    client.impl_->Add(words[0], Connect(std::string(words.back()), tls));
  }
  return client;
}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;

void Client::CallAnyAsync(std::string_view method, const Message& request, std::shared_ptr<Message> response,
                          const ClientOptions& options, AnyDone done) const {
  auto flight = std::make_shared<Flight>();
  if (!SerializeBytes(request, flight->request)) return done(absl::InternalError("the request does not serialize"), {});
  impl_->Start(method, std::move(flight), options,
               [response = std::move(response), done = std::move(done)](absl::Status status, Flight& f) {
                 if (status.ok() && !ParseBytes(f.response, *response)) status = BadResponse();
                 done(status, MetadataOf(f.context));
               });
}

void Client::PassBytes(std::string_view method, const grpc::ByteBuffer& request, const ClientOptions& options,
                       BytesDone done) const {
  auto flight = std::make_shared<Flight>();
  flight->request = request;  // Counts references: nothing is copied.
  impl_->Start(method, std::move(flight), options, [done = std::move(done)](const absl::Status& status, Flight& f) {
    done(status, f.response, MetadataOf(f.context));
  });
}

absl::Status Client::CallAny(std::string_view method, const Message& request, Message& response,
                             const ClientOptions& options, ReplyMetadata* metadata) const {
  struct Outcome {
    absl::Notification done;
    absl::Status status;
    ReplyMetadata metadata;
  } outcome;
  std::shared_ptr<Message> unowned(std::shared_ptr<void>(), &response);
  CallAnyAsync(method, request, std::move(unowned), options,
               [&outcome](const absl::Status& status, const ReplyMetadata& came) {
                 outcome.status = status;
                 outcome.metadata = came;
                 outcome.done.Notify();
               });
  outcome.done.WaitForNotification();
  if (metadata != nullptr) *metadata = std::move(outcome.metadata);
  return outcome.status;
}

absl::Status Client::CallRaw(std::string_view method, std::string_view bytes, const ClientOptions& options) const {
  auto flight = std::make_shared<Flight>();
  const grpc::Slice slice(bytes.data(), bytes.size());
  flight->request = grpc::ByteBuffer(&slice, 1);
  absl::Notification done;
  absl::Status result;
  impl_->Start(method, std::move(flight), options, [&](const absl::Status& status, Flight&) {
    result = status;
    done.Notify();
  });
  done.WaitForNotification();
  return result;
}

std::unique_ptr<AnyReader> Client::Open(std::string_view method, const Message& request,
                                        const ClientOptions& options) const {
  return std::make_unique<Reader>(impl_->StubOf(method), Path(method), request, options);
}

}  // namespace trialog::rpc
