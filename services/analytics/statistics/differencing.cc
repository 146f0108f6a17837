#include "services/analytics/statistics/differencing.h"

#include <algorithm>
#include <bit>

namespace trialog::analytics {

RowNumbers::RowNumbers(std::string_view bits) : bits_(bits) {
  while (!bits_.empty() && bits_.back() == 0) bits_.pop_back();
}

void RowNumbers::Add(size_t row) {
  if (bits_.size() <= row / 8) bits_.resize(row / 8 + 1, 0);
  bits_[row / 8] = static_cast<char>(static_cast<uint8_t>(bits_[row / 8]) | (1u << (row % 8)));
}

bool RowNumbers::Contains(size_t row) const {
  return row / 8 < bits_.size() && (static_cast<uint8_t>(bits_[row / 8]) >> (row % 8) & 1u) != 0;
}

int64_t RowNumbers::Count() const { return Distance(RowNumbers()); }

int64_t RowNumbers::Distance(const RowNumbers& other) const {
  const auto byte = [](const std::string& bits, size_t i) -> uint8_t {
    return i < bits.size() ? static_cast<uint8_t>(bits[i]) : 0;
  };
  int64_t distance = 0;
  for (size_t i = 0; i < std::max(bits_.size(), other.bits_.size()); ++i) {
    distance += std::popcount(static_cast<uint8_t>(byte(bits_, i) ^ byte(other.bits_, i)));
  }
  return distance;
}

bool MayRelease(const std::vector<RowNumbers>& released, const std::vector<RowNumbers>& candidates, int64_t threshold) {
  return std::all_of(candidates.begin(), candidates.end(), [&](const RowNumbers& candidate) {
    return std::all_of(released.begin(), released.end(), [&](const RowNumbers& earlier) {
      const int64_t distance = candidate.Distance(earlier);
      return distance == 0 || distance >= threshold;
    });
  });
}

}  // namespace trialog::analytics
