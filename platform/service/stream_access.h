// Until when an open stream may go on.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "platform/rpc/stream.h"
#include "platform/service/backend.h"

namespace trialog::service {

// What a stream ends with when its caller's access has changed: what it showed so far no longer adds up.
absl::Status AccessChanged();

// Of all that makes callers see different records: a watch that is resumed by another access than its token's has
// missed what entered and left. 16 bytes.
std::string AccessDigest(const Principal& principal);

// The access that a stream was opened with. For tasks of one executor.
class StreamAccess {
 public:
  // All outlive it.
  StreamAccess(Backend& backend, const rpc::Stream& stream, Executor& executor)
      : backend_(backend), stream_(stream), executor_(executor) {}

  // Has `look` called, on the executor, when Check may have another answer because time has passed. It may outlive the
  // stream. Before the first Check.
  void OnTime(std::function<void()> look) { look_ = std::move(look); }

  // Why the stream must not go on; OK while it may. CANCELLED when nobody listens; ABORTED, reason
  // WATCH_ACCESS_CHANGED; UNAUTHENTICATED when its token has ended.
  absl::Status Check();

 private:
  void LookAt(absl::Time time);

  Backend& backend_;
  const rpc::Stream& stream_;
  Executor& executor_;
  std::function<void()> look_;
  absl::Time until_ = absl::InfinitePast();                              // It holds so long.
  const std::shared_ptr<bool> waiting_ = std::make_shared<bool>(false);  // For `look_` to be called.
};

}  // namespace trialog::service
