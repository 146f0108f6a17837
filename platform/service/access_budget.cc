#include "platform/service/access_budget.h"

#include <utility>
#include <vector>

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

std::optional<int64_t> AccessBudget::Take(const std::string& caller, absl::Duration now, WriteRest write_rest) {
  absl::MutexLock lock(&mutex_);
  Share& share = ShareOf(caller, now);
  int64_t stands_for = 1;
  if (now - share.since > absl::Minutes(1)) {
    stands_for += share.unrecorded;
    share = {.since = now};
  }
  if (share.recorded == kRecordedPerMinute) {
    ++share.unrecorded;
    share.write_rest = std::move(write_rest);
    return std::nullopt;
  }
  ++share.recorded;
  return stands_for;
}

bool AccessBudget::Settle(absl::Duration now) {
  std::vector<std::pair<WriteRest, int64_t>> due;
  bool others = false;
  {
    absl::MutexLock lock(&mutex_);
    for (auto& [caller, share] : shares_) {
      if (share.unrecorded == 0) continue;
      if (now - share.since <= absl::Minutes(1)) {
        others = true;
        continue;
      }
      due.emplace_back(std::move(share.write_rest), share.unrecorded);
      share = {.since = now, .recorded = 1};
    }
  }
  for (const auto& [write_rest, count] : due) {
    if (write_rest) write_rest(count);
  }
  return others;
}

}  // namespace trialog::service
