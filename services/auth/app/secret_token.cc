#include "services/auth/app/secret_token.h"

#include "platform/sealing/encoding.h"
#include "platform/sealing/secret_key.h"
#include "platform/text/text.h"

namespace trialog::auth {
namespace {

constexpr size_t kSecretBytes = 32;
constexpr size_t kMaxToken = 1024;

std::optional<std::string> DecodeSecret(std::string_view part) {
  auto bytes = sealing::FromBase64Url(part);
  return bytes && bytes->size() == kSecretBytes ? bytes : std::nullopt;
}

}  // namespace

Secret::~Secret() { sealing::Wipe(text_); }

std::string NewSecret(Runtime& runtime) { return runtime.RandomBytes(kSecretBytes); }

std::string EncodeToken(std::string_view kind, const SecretToken& token) {
  std::string text = Cat(kind, '.', sealing::Base64Url(token.name));
  if (!token.family.empty()) Append(text, '.', sealing::Base64Url(token.family));
  Append(text, '.', sealing::Base64Url(token.secret));
  return text;
}

std::optional<SecretToken> DecodeToken(std::string_view kind, std::string_view text) {
  const auto parts = Split(text, '.');
  const size_t secrets = kind == kRefreshTokenKind ? 2 : 1;
  if (text.size() > kMaxToken || parts.size() != 2 + secrets || parts[0] != kind) return std::nullopt;
  auto name = sealing::FromBase64Url(parts[1]);
  auto secret = DecodeSecret(parts.back());
  if (!name || !secret) return std::nullopt;
  SecretToken token{*std::move(name), "", *std::move(secret)};
  if (secrets == 2) {
    auto family = DecodeSecret(parts[2]);
    if (!family) return std::nullopt;
    token.family = *std::move(family);
  }
  return token;
}

}  // namespace trialog::auth
