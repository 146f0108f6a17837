// What can be said of a request from its descriptor alone. What a name or an id must look like, and every rule of the
// domain, is the service's business.
#pragma once

#include <cstddef>
#include <memory>

#include "absl/status/status.h"
#include "google/protobuf/message.h"

namespace trialog::rpc {

struct ValidationLimits {
  size_t string_bytes = 1024;                // Fields that nothing else is said of.
  size_t personal_string_bytes = 64 * 1024;  // (trialog.personal): free text.
  size_t secret_string_bytes = 4096;         // (trialog.secret): passwords and tokens.
  size_t query_string_bytes = 4096;          // filter, order_by and tokens of lists and watches.
  size_t bytes_bytes = 4 * 1024 * 1024;      // A bytes field.
  int repeated_elements = 10'000;
  int depth = 32;  // Messages within messages.
};

// Most violations named in one answer.
inline constexpr size_t kMaxViolations = 16;

// Checks requests of one type. The descriptors are walked once, here; a check looks only at fields that can be wrong.
// Immutable, so thread safe.
class Validator {
 public:
  explicit Validator(const google::protobuf::Descriptor& type, const ValidationLimits& limits = {});
  ~Validator();
  Validator(Validator&&) noexcept;

  // Clears what callers do not set (OUTPUT_ONLY fields but for name and etag, unknown fields), then checks: REQUIRED
  // fields are there (those of a resource being updated only if its update_mask names them), lengths and counts are
  // within the limits, enum numbers are known, timestamps and dates exist, page_size is not negative. All violations
  // come in one BadRequest, reason INVALID_REQUEST, with paths like "sample.identifier" and "items[2].unit".
  absl::Status Check(google::protobuf::Message& request) const;

 private:
  struct Plan;
  std::unique_ptr<const Plan> plan_;
};

}  // namespace trialog::rpc
