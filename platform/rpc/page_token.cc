#include "platform/rpc/page_token.h"

#include "absl/strings/escaping.h"
#include "platform/errors/errors.h"
#include "platform/sealing/digest.h"
#include "platform/text/text.h"

namespace trialog::rpc {
namespace {

constexpr char kVersion = 1;
constexpr size_t kMacBytes = 32;
constexpr size_t kHeaderBytes = 2 + kMacBytes;

// Each part preceded by its length, so that no two scopes give the same bytes.
std::string Mac(const std::string& key, const TokenScope& scope, std::string_view position) {
  std::string signed_bytes;
  sealing::AppendLengthPrefixed(signed_bytes, "trialog.token.v1");
  signed_bytes += static_cast<char>(scope.kind);
  for (std::string_view part : {scope.method, scope.parent, scope.filter, scope.order, position})
    sealing::AppendLengthPrefixed(signed_bytes, part);
  if (!scope.as_of.empty()) sealing::AppendLengthPrefixed(signed_bytes, scope.as_of);
  return sealing::HmacSha256(key, signed_bytes);
}

absl::Status Bad(TokenKind kind) {
  const bool page = kind == TokenKind::kPage;
  return BadField(page ? "page_token" : "resume_token", page ? "BAD_PAGE_TOKEN" : "BAD_RESUME_TOKEN",
                  "not a token of this request; begin again without one");
}

}  // namespace

TokenSigner::TokenSigner(std::vector<std::string> keys) : keys_(std::move(keys)) {}

std::string TokenSigner::Sign(const TokenScope& scope, std::string_view position) const {
  std::string raw;
  raw += kVersion;
  raw += static_cast<char>(scope.kind);
  raw += Mac(keys_.front(), scope, position);
  raw += position;
  return absl::WebSafeBase64Escape(raw);
}

absl::StatusOr<std::string> TokenSigner::Open(const TokenScope& scope, std::string_view token) const {
  std::string raw;
  if (token.size() > kMaxTokenBytes || !absl::WebSafeBase64Unescape(ToAbsl(token), &raw)) return Bad(scope.kind);
  // One token, one spelling: base64 decoders also accept padding and stray bits.
  if (raw.size() < kHeaderBytes || absl::WebSafeBase64Escape(raw) != token) return Bad(scope.kind);
  if (raw[0] != kVersion || raw[1] != static_cast<char>(scope.kind)) return Bad(scope.kind);
  const std::string_view position = std::string_view(raw).substr(kHeaderBytes);
  for (const std::string& key : keys_) {
    if (sealing::ConstantTimeEqual(Mac(key, scope, position), std::string_view(raw).substr(2, kMacBytes))) {
      return std::string(position);
    }
  }
  return Bad(scope.kind);
}

}  // namespace trialog::rpc
