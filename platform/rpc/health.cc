#include "platform/rpc/health.h"

#include "grpc/health/v1/health.pb.h"
#include "platform/errors/errors.h"

namespace trialog::rpc {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

// A Watch stream and what it was told last. Held by the stream's callbacks, so it ends with the stream.
struct Health::Watcher {
  std::shared_ptr<Stream> stream;
  std::string service;
  absl::Mutex mutex;  // Taken before Health's.
  int told ABSL_GUARDED_BY(mutex) = -1;
};

Health::Health(const std::vector<std::string>& services) {
  for (const std::string& service : services) serving_[service] = false;
  Handlers handlers;
  handlers.Unary("grpc.health.v1.Health/Check", [this](std::shared_ptr<Call> call) { Check(*call); });
  handlers.Stream("grpc.health.v1.Health/Watch", [this](std::shared_ptr<Stream> stream) { Watch(std::move(stream)); });
  const auto* file = HealthCheckRequest::descriptor()->file();
  // Cannot fail: both methods have a handler, and health needs no rule.
  frame_ = *Frame::Create({file->FindServiceByName("Health")}, std::move(handlers), nullptr);
}

Health::~Health() = default;

void Health::Set(const std::string& service, bool serving) {
  {
    absl::MutexLock lock(&mutex_);
    const auto found = serving_.find(service);
    if (found == serving_.end() || found->second == serving) return;
    found->second = serving;
  }
  TellAll();
}

void Health::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
  }
  TellAll();
}

int Health::StatusOf(const std::string& service) {
  absl::MutexLock lock(&mutex_);
  const auto found = serving_.find(service);
  bool serving = false;
  if (service.empty()) {
    serving = std::all_of(serving_.begin(), serving_.end(), [](const auto& entry) { return entry.second; });
  } else if (found == serving_.end()) {
    return HealthCheckResponse::SERVICE_UNKNOWN;
  } else {
    serving = found->second;
  }
  return serving && !stopped_ ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING;
}

void Health::Check(Call& call) {
  const int status = StatusOf(call.Request<HealthCheckRequest>().service());
  if (status == HealthCheckResponse::SERVICE_UNKNOWN) return call.Finish(NotFound("service"));
  HealthCheckResponse response;
  response.set_status(static_cast<HealthCheckResponse::ServingStatus>(status));
  call.Finish(response);
}

void Health::Watch(std::shared_ptr<Stream> stream) {
  auto watcher = std::make_shared<Watcher>();
  watcher->stream = stream;
  watcher->service = stream->Request<HealthCheckRequest>().service();
  {
    absl::MutexLock lock(&mutex_);
    std::erase_if(watchers_, [](const auto& weak) { return weak.expired(); });
    watchers_.push_back(watcher);
  }
  stream->OnWritable([this, watcher] { Tell(watcher); });
  stream->OnCancel([watcher] { watcher->stream->Finish(absl::CancelledError("the caller has gone")); });
  Tell(watcher);
}

void Health::Tell(const std::shared_ptr<Watcher>& watcher) {
  absl::MutexLock lock(&watcher->mutex);
  const int status = StatusOf(watcher->service);
  if (status == watcher->told) return;
  HealthCheckResponse response;
  response.set_status(static_cast<HealthCheckResponse::ServingStatus>(status));
  // What a full buffer does not take is asked for again when it has room: only the last state matters.
  if (watcher->stream->Write(response) == Stream::Written::kTaken) watcher->told = status;
}

void Health::TellAll() {
  std::vector<std::shared_ptr<Watcher>> watchers;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& weak : watchers_)
      if (auto watcher = weak.lock()) watchers.push_back(std::move(watcher));
  }
  for (const auto& watcher : watchers) Tell(watcher);
}

}  // namespace trialog::rpc
