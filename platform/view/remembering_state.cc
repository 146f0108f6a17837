#include "platform/view/remembering_state.h"

namespace trialog::view {

void RememberingState::Forget() {
  lookups_.clear();
  scans_.clear();
}

std::optional<std::string> RememberingState::Lookup(const Index& index, std::string_view key) const {
  if (lookups_.size() >= kMost) lookups_.clear();
  auto [known, fresh] = lookups_.try_emplace(IndexKey(index.id, key));
  if (fresh) known->second = base_.Lookup(index, key);
  return known->second;
}

std::vector<Found> RememberingState::Scan(const Index& index, std::string_view prefix, size_t limit,
                                          std::string_view after) const {
  if (scans_.size() >= kMost) scans_.clear();
  auto [known, fresh] = scans_.try_emplace(IndexKey(index.id, prefix));
  Scanned& scanned = known->second;
  if (fresh || scanned.limit != limit || scanned.after != after) {
    scanned = {limit, std::string(after), base_.Scan(index, prefix, limit, after)};
  }
  return scanned.found;
}

}  // namespace trialog::view
