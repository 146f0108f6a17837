// Tokens of auth's own: each names the record it belongs to and carries secrets of 256 random bits, of which SHA-256
// alone is stored. "<kind>.<base64url of the record's name>.<secret>[.<secret>]", every part in base64url.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "platform/runtime/runtime.h"

namespace trialog::auth {

// What a token is for; one kind is never taken for another.
inline constexpr std::string_view kRefreshTokenKind = "trlgr1";     // A session: family secret, own secret.
inline constexpr std::string_view kInvitationTokenKind = "trlgi1";  // An invitation.
inline constexpr std::string_view kServiceKeyKind = "trlgk1";       // A service account's key.

// A secret text that is overwritten when it ends. Not copied; share it by pointer.
class Secret {
 public:
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// 32 random bytes.
std::string NewSecret(Runtime& runtime);

// `secret`, and for refresh tokens `family`, are 32 bytes.
struct SecretToken {
  std::string name;  // Resource name of the record.
  std::string family;
  std::string secret;
};

std::string EncodeToken(std::string_view kind, const SecretToken& token);

// The parts of what EncodeToken wrote; none for anything else.
std::optional<SecretToken> DecodeToken(std::string_view kind, std::string_view text);

}  // namespace trialog::auth
