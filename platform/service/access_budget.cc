#include "platform/service/access_budget.h"

namespace trialog::service {

AccessBudget::Share& AccessBudget::ShareOf(const std::string& caller, absl::Duration now) {
  if (auto known = shares_.find(caller); known != shares_.end()) return known->second;
  if (shares_.size() >= kMaxCallers) {
    absl::erase_if(shares_, [&](const auto& entry) {
      return entry.second.unrecorded == 0 && now - entry.second.since > absl::Minutes(1);
    });
  }
  return shares_[shares_.size() < kMaxCallers ? caller : std::string()];
}

std::optional<int64_t> AccessBudget::Take(const std::string& caller, absl::Duration now) {
  absl::MutexLock lock(&mutex_);
  Share& share = ShareOf(caller, now);
  int64_t stands_for = 1;
  if (now - share.since > absl::Minutes(1)) {
    stands_for += share.unrecorded;
    share = {.since = now};
  }
  if (share.recorded == kRecordedPerMinute) {
    ++share.unrecorded;
    return std::nullopt;
  }
  ++share.recorded;
  return stands_for;
}

}  // namespace trialog::service
