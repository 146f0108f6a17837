// How many access records a caller may cause: a loop of refused calls must not fill the log. What goes beyond is not
// lost but counted, and told with the caller's next record, or by one of its own when the minute is over.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace trialog::service {

// Thread safe.
class AccessBudget {
 public:
  static constexpr int kRecordedPerMinute = 20;
  // Callers that are told apart; beyond them all others share one budget.
  static constexpr size_t kMaxCallers = 10'000;

  using WriteRest = std::function<void(int64_t count)>;

  // How many accesses of `caller` the record stands for that is to be written now: this one and those that were not
  // recorded before. Nothing when the caller has had its share of the minute; `write_rest` is then kept for Settle.
  // `now` is monotonic.
  std::optional<int64_t> Take(const std::string& caller, absl::Duration now, WriteRest write_rest = nullptr);

  // Has those accesses written that wait in a minute that is over; InfiniteDuration: all. True while others wait.
  bool Settle(absl::Duration now);

 private:
  struct Share {
    absl::Duration since = -absl::InfiniteDuration();  // When its minute began.
    int recorded = 0;
    int64_t unrecorded = 0;
    WriteRest write_rest;  // Of the last one of them.
  };
  Share& ShareOf(const std::string& caller, absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, Share> shares_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace trialog::service
