#include "platform/rpc/page_token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "absl/strings/escaping.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"

namespace trialog::rpc {
namespace {

constexpr char kVersion = 1;
constexpr size_t kMacBytes = 32;
constexpr size_t kHeaderBytes = 2 + kMacBytes;

// Each part preceded by its length (8 bytes, big-endian), so that no two scopes give the same bytes.
void AppendPart(std::string& out, std::string_view part) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>((part.size() >> shift) & 0xff);
  out += part;
}

std::string Mac(const std::string& key, const TokenScope& scope, std::string_view position) {
  std::string signed_bytes;
  AppendPart(signed_bytes, "trialog.token.v1");
  signed_bytes += static_cast<char>(scope.kind);
  for (std::string_view part : {scope.method, scope.parent, scope.filter, scope.order, position})
    AppendPart(signed_bytes, part);
  std::string mac(kMacBytes, '\0');
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(signed_bytes.data()), signed_bytes.size(),
       reinterpret_cast<unsigned char*>(mac.data()), nullptr);
  return mac;
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
    const std::string mac = Mac(key, scope, position);
    if (CRYPTO_memcmp(mac.data(), raw.data() + 2, kMacBytes) == 0) return std::string(position);
  }
  return Bad(scope.kind);
}

}  // namespace trialog::rpc
