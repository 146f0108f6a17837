// grpc.health.v1.Health (the gRPC health checking protocol), per service. NOT_SERVING until set.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "platform/rpc/frame.h"

namespace trialog::rpc {

// Thread safe.
class Health {
 public:
  // Knows these services and "", which stands for the server: that one serves when all of them do.
  explicit Health(const std::vector<std::string>& services);
  ~Health();

  // Unknown names are ignored. Watchers hear of it.
  void Set(const std::string& service, bool serving) ABSL_LOCKS_EXCLUDED(mutex_);
  // NOT_SERVING from now on, whatever is set.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

  Frame& frame() { return *frame_; }

 private:
  struct Watcher;
  // The service's HealthCheckResponse.ServingStatus.
  int StatusOf(const std::string& service) ABSL_LOCKS_EXCLUDED(mutex_);
  void Check(Call& call);
  void Watch(std::shared_ptr<Stream> stream);
  void Tell(const std::shared_ptr<Watcher>& watcher) ABSL_LOCKS_EXCLUDED(mutex_);
  void TellAll() ABSL_LOCKS_EXCLUDED(mutex_);

  absl::Mutex mutex_;
  std::map<std::string, bool> serving_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::weak_ptr<Watcher>> watchers_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Frame> frame_;
};

}  // namespace trialog::rpc
