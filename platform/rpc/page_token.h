// Opaque signed tokens that a list or a watch goes on from. A token belongs to one method, parent, filter, order and
// time asked for; it names a place, not a caller, and holds no permission: access is asked again. Format:
// docs/formats/tokens.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace trialog::rpc {

// Stored in tokens: do not change.
enum class TokenKind : uint8_t {
  kPage = 1,    // The next page of a list (AIP-158).
  kResume = 2,  // Where a watch or a subscription stands.
};

// What a token is bound to.
struct TokenScope {
  TokenKind kind = TokenKind::kPage;
  std::string_view method;  // "trialog.inventory.v1.SampleService/ListSamples"
  std::string_view parent;
  std::string_view filter;
  std::string_view order;
  std::string_view as_of = {};  // Empty: the present.
};

// A longer token is refused unread.
inline constexpr size_t kMaxTokenBytes = 4096;

// Signs and opens tokens. Immutable, so thread safe.
class TokenSigner {
 public:
  // Keys of at least 32 bytes. The first one signs; all of them verify, so that a key can be rotated.
  explicit TokenSigner(std::vector<std::string> keys);

  // `position` is any bytes, readable by whoever holds the token: nothing personal. At most 2 KiB.
  std::string Sign(const TokenScope& scope, std::string_view position) const;
  // The position. INVALID_ARGUMENT, reason BAD_PAGE_TOKEN (BAD_RESUME_TOKEN), for anything else than a token that Sign
  // made for the same scope under one of the keys.
  absl::StatusOr<std::string> Open(const TokenScope& scope, std::string_view token) const;

 private:
  std::vector<std::string> keys_;
};

}  // namespace trialog::rpc
