// Refresh tokens, invitations, service keys and other opaque tokens: one text, one meaning, and no other text for it.
#include "services/auth/app/secret_token.h"

#include "platform/errors/errors.h"
#include "platform/sealing/opaque_token.h"
#include "platform/sealing/test_runtime.h"
#include "tests/fuzz/fuzz.h"

namespace trialog::fuzz {
namespace {

constexpr std::string_view kKinds[] = {auth::kRefreshTokenKind, auth::kInvitationTokenKind, auth::kServiceKeyKind};

const sealing::OpaqueToken& Known() {
  static const auto* known = [] {
    sealing::TestRuntime runtime;
    return new sealing::OpaqueToken(sealing::NewOpaqueToken("o", runtime));
  }();
  return *known;
}

void CheckOpaque(std::string_view text) {
  const auto token = sealing::ParseOpaqueToken(text);
  if (!token.ok()) return Require(ReasonOf(token.status()) == "TOKEN_MALFORMED", "what is no token is named so");
  Require(token->token == text, "a token is the text it was parsed from");
  Require(!token->organization.empty() && token->organization.find('/') == std::string::npos,
          "an organisation is an id");
  Require(sealing::MatchesStoredHash(*token, Known().hash) == (text == Known().token), "one text alone matches a hash");
}

void CheckSecret(std::string_view text) {
  int accepted = 0;
  for (std::string_view kind : kKinds) {
    const auto token = auth::DecodeToken(kind, text);
    if (!token) continue;
    ++accepted;
    Require(auth::EncodeToken(kind, *token) == text, "a token is written as it was read");
    Require(token->secret.size() == 32 && token->family.size() == (kind == auth::kRefreshTokenKind ? 32u : 0u),
            "secrets are of 256 bits");
  }
  Require(accepted <= 1, "a token of one kind is never taken for another");
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds = {Known().token, "trlg1..", "trlgr1...", "trlgi1.."};
  for (std::string_view kind : kKinds) {
    const std::string family = kind == auth::kRefreshTokenKind ? std::string(32, 'f') : "";
    seeds.push_back(auth::EncodeToken(kind, {"organizations/o/users/u/sessions/s", family, std::string(32, 's')}));
  }
  return seeds;
}

}  // namespace trialog::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  trialog::fuzz::CheckOpaque(text);
  trialog::fuzz::CheckSecret(text);
  return 0;
}
