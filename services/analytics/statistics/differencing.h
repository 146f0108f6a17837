// Differencing: two results over sets that differ by few people tell about those few. The ledger of released sets of a
// dataset version keeps any two at distance 0 or at least the threshold.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace trialog::analytics {

// A set of row numbers as bits: bit i mod 8 of byte i / 8 is row i. Trailing zero bytes are left off, so equal sets
// have equal bytes.
class RowNumbers {
 public:
  RowNumbers() = default;
  explicit RowNumbers(std::string_view bits);
  void Add(size_t row);
  bool Contains(size_t row) const;
  int64_t Count() const;
  // |A Δ B|
  int64_t Distance(const RowNumbers& other) const;
  const std::string& bits() const { return bits_; }
  bool operator==(const RowNumbers&) const = default;

 private:
  std::string bits_;
};

// Whether a result over `candidates` may be released after those over `released`: each candidate is at distance 0 or at
// least `threshold` from every released set. Sets that one result shows together were judged together by the rules for
// its tables.
bool MayRelease(const std::vector<RowNumbers>& released, const std::vector<RowNumbers>& candidates, int64_t threshold);

}  // namespace trialog::analytics
