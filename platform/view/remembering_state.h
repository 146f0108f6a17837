// A state that is asked the same by many: what each of a crowd may see is often decided by the same few look-ups.
#pragma once

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "platform/view/state.h"

namespace trialog::view {

// Answers a look-up as it was answered first, until told to forget; rows are asked for each time. Bounded. For one
// thread.
class RememberingState final : public State {
 public:
  // Look-ups remembered; one more, and all are forgotten.
  static constexpr size_t kMost = 4096;

  explicit RememberingState(const State& base) : base_(base) {}
  void Forget();

  RowPtr Find(const Table& table, std::string_view name) const override { return base_.Find(table, name); }
  std::optional<std::string> Lookup(const Index& index, std::string_view key) const override;
  std::vector<Found> Scan(const Index& index, std::string_view prefix, size_t limit,
                          std::string_view after = {}) const override;
  int64_t Count(const Index& index, std::string_view key) const override { return base_.Count(index, key); }

 private:
  using IndexKey = std::pair<uint16_t, std::string>;
  struct Scanned {
    size_t limit;
    std::string after;
    std::vector<Found> found;
  };

  const State& base_;
  mutable absl::flat_hash_map<IndexKey, std::optional<std::string>> lookups_;
  mutable absl::flat_hash_map<IndexKey, Scanned> scans_;  // By prefix; the last one of each.
};

}  // namespace trialog::view
