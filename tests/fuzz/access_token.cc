// Access tokens: what we did not sign is never accepted, and what is read of a token before that is harmless.
#include "platform/sealing/access_token.h"

#include <nlohmann/json.hpp>

#include "platform/callers/claimed.h"
#include "platform/callers/token_authenticator.h"
#include "platform/errors/errors.h"
#include "platform/sealing/encoding.h"
#include "platform/sealing/signing_key.h"
#include "platform/text/text.h"
#include "tests/fuzz/fuzz.h"

namespace trialog::fuzz {
namespace {

// Made for this test and used nowhere else.
constexpr char kPem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgeG4OTufZQAf1Y5+T\n"
    "YvrmkC+O/XNSqTdCuKGRW1/TNMihRANCAAQ9oJerjggJsDgih/TOzxbs44K1P90+\n"
    "5GMf6qnw9Iqk8RBj4V+C17jIM9XO8iQQf5VY2y9OwVT0NmYJ5EIo7Wct\n"
    "-----END PRIVATE KEY-----\n";
constexpr std::string_view kPayload =
    R"({"iss":"trialog-auth","aud":"trialog","sub":"organizations/o/users/u","org":"o","sid":"s","kind":"user","pos":7,)"
    R"("iat":1800000000,"exp":1800000300})";
// Of kPayload, under the key above.
constexpr std::string_view kGood =
    "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6Im5XX3NhbzAzVDZRNVY0YVdhc2lvSjZXTDg3LTRSU1kwNUZqcmd4aDBXRncifQ."
    "eyJpc3MiOiJ0cmlhbG9nLWF1dGgiLCJhdWQiOiJ0cmlhbG9nIiwic3ViIjoib3JnYW5pemF0aW9ucy9vL3VzZXJzL3UiLCJvcmciOiJvIiwic2lkIj"
    "oi"
    "cyIsImtpbmQiOiJ1c2VyIiwicG9zIjo3LCJpYXQiOjE4MDAwMDAwMDAsImV4cCI6MTgwMDAwMDMwMH0."
    "UveH-Nn8wLsUSizcytRpM2tY0SbIKhQgtaqXr6lblEgneEvebd75UVdAn3jpDMQwBIzserEbkzi9AFjbEcnrBA";
const absl::Time kNow = absl::FromUnixSeconds(1'800'000'100);

const sealing::SigningKey& Key() {
  static const sealing::SigningKey key = sealing::SigningKey::FromPem(kPem).value();
  return key;
}

const sealing::AccessTokenVerifier& Verifier() {
  static const auto* verifier = [] {
    auto* made = new sealing::AccessTokenVerifier(callers::kIssuer, callers::kAudience);
    Require(made->SetKeys({Key().jwk()}).ok(), "our key is a key");
    return made;
  }();
  return *verifier;
}

std::string GoodHeader() { return Cat(R"({"alg":"ES256","typ":"at+jwt","kid":")", Key().jwk().kid, R"("})"); }

std::string Signed(std::string_view header, std::string_view payload) {
  std::string token = Cat(sealing::Base64Url(header), '.', sealing::Base64Url(payload));
  const std::string signature = Key().Sign(token);
  return Cat(token, '.', sealing::Base64Url(signature));
}

// Of a token the signature alone has second spellings (ECDSA: r, n − s), the signed text has none.
std::string_view SignedText(std::string_view token) { return token.substr(0, token.rfind('.')); }

void CheckToken(std::string_view token) {
  const auto claims = Verifier().Verify(token, kNow);
  callers::ClaimedOf(token);
  Require(!claims.ok() || SignedText(token) == SignedText(kGood), "a forged token is not accepted");
  Require(claims.ok() || absl::IsUnauthenticated(claims.status()), "a bad token is UNAUTHENTICATED");
}

// Claims as auth itself might sign them.
void CheckPayload(std::string_view payload) {
  const std::string token = Signed(GoodHeader(), payload);
  const auto claims = Verifier().Verify(token, kNow);
  const callers::Claimed claimed = callers::ClaimedOf(token);
  if (!claims.ok()) return;
  Require(!claims->subject.empty() && !claims->organization.empty() && claims->position >= 0, "claims are complete");
  Require(claims->expires > claims->issued && claims->expires - claims->issued <= sealing::kAccessTokenLifetime,
          "a token lives at most five minutes");
  Require(claims->issued <= kNow + sealing::kClockSkew && claims->expires + sealing::kClockSkew > kNow,
          "an accepted token is valid now");
  Require(claimed.organization == claims->organization && claimed.position == claims->position,
          "the keys that verify a token are those of its organisation");
  const auto minted = sealing::MintAccessToken(*claims, Key());
  Require(minted.ok(), "accepted claims can be signed");
  const auto again = Verifier().Verify(*minted, kNow);
  Require(again.ok() && again->subject == claims->subject && again->organization == claims->organization &&
              again->session == claims->session && again->kind == claims->kind && again->position == claims->position &&
              again->issued == claims->issued && again->expires == claims->expires,
          "claims read as they were written");
}

void CheckHeader(std::string_view header) {
  if (!Verifier().Verify(Signed(header, kPayload), kNow).ok()) return;
  const auto parsed = nlohmann::json::parse(header, nullptr, /*allow_exceptions=*/false);
  Require(parsed == nlohmann::json::parse(GoodHeader()), "no header but ours is accepted");
}

// A published key, of which one that is another's under a known id is the danger.
void CheckPublished(Input input) {
  const sealing::PublicJwk jwk{std::string(input.Text()), std::string(input.Text()), std::string(input.Text())};
  sealing::AccessTokenVerifier verifier(callers::kIssuer, callers::kAudience);
  if (!verifier.SetKeys({jwk}).ok()) return;
  Require(verifier.Verify(kGood, kNow).ok() == (jwk == Key().jwk()), "a token opens under its own key alone");
}

void CheckPem(std::string_view pem) {
  const auto key = sealing::SigningKey::FromPem(pem);
  if (!key.ok()) return Require(ReasonOf(key.status()) == "SIGNING_KEY_MALFORMED", "what is no key is named so");
  const auto verifying = sealing::VerifyingKey::FromJwk(key->jwk());
  Require(verifying.ok() && verifying->Verify("text", key->Sign("text")), "a key that was read signs");
  const auto again = sealing::SigningKey::FromPem(key->ToPem());
  Require(again.ok() && again->jwk() == key->jwk(), "a key reads as it was written");
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds = {Cat('\0', kGood), Cat('\1', kPayload), Cat('\2', GoodHeader()), Cat('\4', kPem)};
  const sealing::PublicJwk& jwk = Key().jwk();
  seeds.push_back(Cat('\3', Part(jwk.kid), Part(jwk.x), Part(jwk.y)));
  for (
      std::string_view payload :
      {R"({"iss":"trialog-auth","aud":"trialog","sub":"s","org":"o","sid":"","kind":"service","pos":0,"iat":1800000000,"exp":1800000001})",
       R"({"org":{"org":"o"},"pos":1e9})", R"([[[[[[[[{}]]]]]]]])", R"({"org":"o","org":"p"})",
       R"({"pos":18446744073709551615,"org":"o"})"}) {
    seeds.push_back(Cat('\1', payload));
  }
  seeds.push_back(Cat('\2', R"({"alg":"none","typ":"at+jwt"})"));
  return seeds;
}

}  // namespace trialog::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trialog::fuzz;
  Input input(data, size);
  switch (input.Choose(5)) {
    case 0:
      CheckToken(input.Rest());
      break;
    case 1:
      CheckPayload(input.Rest());
      break;
    case 2:
      CheckHeader(input.Rest());
      break;
    case 3:
      CheckPublished(input);
      break;
    case 4:
      CheckPem(input.Rest());
      break;
  }
  return 0;
}
