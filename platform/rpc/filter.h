// Filters of lists and watches: a subset of AIP-160.
//
//   state = SAMPLE_STATE_AVAILABLE AND (quantity.units >= 5 OR NOT label:*) AND create_time < "2024-05-01T00:00:00Z"
//
// As in AIP-160, OR binds tighter than AND, and "-" is NOT. Left out: bare literals, functions, and wildcards in
// strings
// ("*" within quotes is a character like others). A comparison on a path whose message is absent is false.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/message.h"

namespace trialog::rpc {

inline constexpr size_t kMaxFilterBytes = 2048;
inline constexpr int kMaxFilterDepth = 16;  // Parentheses and NOTs within one another.
inline constexpr int kMaxFilterComparisons = 64;

// A parsed filter. Immutable, so thread safe; copies share.
class Filter {
 public:
  // Matches everything.
  Filter() = default;

  // `declared`: the paths that may be filtered on, for example "state" and "quantity.units". INVALID_ARGUMENT, reason
  // BAD_FILTER, naming position and field, when `text` is no filter, compares what cannot be compared, or names a field
  // that is not declared or is marked personal or secret. An empty text is the filter that matches everything.
  static absl::StatusOr<Filter> Parse(std::string_view text, const google::protobuf::Descriptor& type,
                                      const std::vector<std::string_view>& declared);

  // `message` is of the type that the filter was parsed for.
  bool Matches(const google::protobuf::Message& message) const;

  // The value that every match has at `path`, if the filter demands one (`path = value`, alone or joined by AND), so
  // that an index can serve it: a string as it is, an enum by name, whole numbers in decimal, "true" or "false".
  std::optional<std::string> EqualityOn(std::string_view path) const;

  bool empty() const { return root_ == nullptr; }

  struct Node;

 private:
  std::shared_ptr<const Node> root_;
};

}  // namespace trialog::rpc
