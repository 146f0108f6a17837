// The access records of a stream: one before its first sight of personal fields, and then at most one a minute, sooner
// when much was shown. What else is shown is recorded when the minute is over, or at the end.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "platform/rpc/stream.h"
#include "platform/service/backend.h"
#include "platform/service/sight.h"

namespace trialog::service {

// For tasks of the hub's executor. Made by make_shared.
class StreamSight : public std::enable_shared_from_this<StreamSight> {
 public:
  using Recorded = std::function<void(const absl::Status&)>;

  // `failed` is called, on any thread, when what waited for its minute could not be recorded.
  StreamSight(Backend& backend, std::shared_ptr<const rpc::Stream> stream, std::shared_ptr<const Principal> caller,
              Recorded failed)
      : backend_(backend), stream_(std::move(stream)), caller_(std::move(caller)), failed_(std::move(failed)) {}

  void Add(const ResourceType& type, const std::string& name, const view::Row& row) { sight_.Add(type, name, row); }

  // True: what was added may be shown now. Else a record of it has begun and comes first: `recorded` is then called, on
  // any thread.
  bool MayShow(Recorded recorded);
  // Records what is not yet recorded.
  void Finish() { Write(nullptr); }

 private:
  void WriteLater();
  void MinuteIsOver();
  void Write(Recorded recorded);
  absl::Duration SinceLast() const { return backend_.runtime().Monotonic() - last_; }

  Backend& backend_;
  const std::shared_ptr<const rpc::Stream> stream_;
  const std::shared_ptr<const Principal> caller_;
  const Recorded failed_;
  Sight sight_;                                      // Shown, or about to be, and not yet recorded.
  bool due_ = false;                                 // A task will record it.
  absl::Duration last_ = -absl::InfiniteDuration();  // Monotonic; of the last record.
};

}  // namespace trialog::service
