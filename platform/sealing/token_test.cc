#include <jansson.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors/errors.h"
#include "platform/sealing/access_token.h"
#include "platform/sealing/digest.h"
#include "platform/sealing/encoding.h"
#include "platform/sealing/opaque_token.h"
#include "platform/sealing/signing_key.h"
#include "platform/sealing/test_runtime.h"
#include "platform/sealing/token_cache.h"
#include "platform/text/text.h"

namespace trialog::sealing {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

const SigningKey& Key() {
  static const SigningKey key = SigningKey::Generate();
  return key;
}

AccessClaims Claims() {
  AccessClaims claims;
  claims.issuer = "https://trialog.example";
  claims.audience = "trialog";
  claims.subject = "organizations/o/users/u";
  claims.organization = "o";
  claims.session = "s";
  claims.position = 42;
  claims.issued = kNow;
  claims.expires = kNow + absl::Minutes(5);
  return claims;
}

AccessTokenVerifier& Verifier() {
  static auto* verifier = [] {
    auto* made = new AccessTokenVerifier("https://trialog.example", "trialog");
    EXPECT_TRUE(made->SetKeys({Key().jwk()}).ok());
    return made;
  }();
  return *verifier;
}

std::string ReasonFor(std::string_view token, absl::Time now = kNow) {
  auto claims = Verifier().Verify(token, now);
  if (claims.ok()) return "accepted";
  EXPECT_EQ(claims.status().code(), absl::StatusCode::kUnauthenticated);
  return ReasonOf(claims.status());
}

std::string Header(const std::string& kid = Key().jwk().kid) {
  return Cat(R"({"alg":"ES256","typ":"at+jwt","kid":")", kid, R"("})");
}
constexpr char kPayload[] =
    R"({"iss":"https://trialog.example","aud":"trialog","sub":"organizations/o/users/u","org":"o","sid":"s","kind":"user","pos":42,"iat":1800000000,"exp":1800000300})";

// A token of any header and payload with a true signature over them.
std::string Signed(std::string_view header, std::string_view payload) {
  const std::string text = Cat(Base64Url(header), '.', Base64Url(payload));
  return Cat(text, '.', Base64Url(Key().Sign(text)));
}

// kPayload with one part replaced.
std::string With(std::string_view what, std::string_view by) {
  std::string payload = kPayload;
  const size_t at = payload.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return payload.replace(at, what.size(), by);
}

TEST(AccessToken, WhatWasMintedIsVerified) {
  AccessClaims claims = Claims();
  claims.kind = AccessClaims::Kind::kService;
  auto token = MintAccessToken(claims, Key());
  ASSERT_TRUE(token.ok()) << token.status();
  auto read = Verifier().Verify(*token, kNow);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->subject, claims.subject);
  EXPECT_EQ(read->organization, "o");
  EXPECT_EQ(read->session, "s");
  EXPECT_EQ(read->position, 42);
  EXPECT_EQ(read->kind, AccessClaims::Kind::kService);
  EXPECT_EQ(read->issued, kNow);
  EXPECT_EQ(read->expires, kNow + absl::Minutes(5));
}

TEST(AccessToken, HasTheDocumentedForm) {
  const std::string token = MintAccessToken(Claims(), Key()).value();
  const auto parts = Split(token, '.');
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(FromBase64Url(parts[0]), Header());
  EXPECT_EQ(FromBase64Url(parts[1]), kPayload);
  EXPECT_EQ(FromBase64Url(parts[2])->size(), 64u);
  EXPECT_EQ(ReasonFor(Signed(Header(), kPayload)), "accepted");
}

TEST(AccessToken, EndsWithItsTimeAndTheClockSkew) {
  const std::string token = MintAccessToken(Claims(), Key()).value();
  EXPECT_EQ(ReasonFor(token, kNow + absl::Minutes(5) + absl::Seconds(29)), "accepted");
  EXPECT_EQ(ReasonFor(token, kNow + absl::Minutes(5) + absl::Seconds(30)), "TOKEN_EXPIRED");
  EXPECT_EQ(ReasonFor(token, kNow - absl::Seconds(30)), "accepted");
  EXPECT_EQ(ReasonFor(token, kNow - absl::Seconds(31)), "TOKEN_NOT_YET_VALID");
}

TEST(AccessToken, NothingButEs256IsAccepted) {
  for (std::string_view algorithm : {"none", "None", "HS256", "ES384", "RS256", "EdDSA", "es256", "ES256 ", ""}) {
    const std::string header = Cat(R"({"alg":")", algorithm, R"(","typ":"at+jwt","kid":")", Key().jwk().kid, R"("})");
    EXPECT_EQ(ReasonFor(Signed(header, kPayload)), "TOKEN_ALGORITHM") << algorithm;
    EXPECT_EQ(ReasonFor(Cat(Base64Url(header), '.', Base64Url(kPayload), '.')), "TOKEN_ALGORITHM") << algorithm;
  }
  EXPECT_EQ(ReasonFor(Signed(R"({"typ":"at+jwt"})", kPayload)), "TOKEN_ALGORITHM");
  EXPECT_EQ(ReasonFor(Signed(R"({"alg":["ES256"],"typ":"at+jwt"})", kPayload)), "TOKEN_ALGORITHM");
}

TEST(AccessToken, AKeyedHashWithThePublicKeyIsNoSignature) {
  // The classic confusion: HMAC under what everybody knows, declared as HS256 or as ES256.
  for (const std::string& header :
       {std::string(R"({"alg":"HS256","typ":"at+jwt","kid":")") + Key().jwk().kid + "\"}", Header()}) {
    const std::string text = Cat(Base64Url(header), '.', Base64Url(kPayload));
    for (const std::string& secret : {Key().jwk().x, Key().jwk().kid, JwksJson({Key().jwk()})}) {
      EXPECT_NE(ReasonFor(Cat(text, '.', Base64Url(HmacSha256(secret, text)))), "accepted");
    }
  }
}

TEST(AccessToken, OfAnotherTypeOrWithMoreInItsHeaderIsRefused) {
  const std::string kid = Key().jwk().kid;
  EXPECT_EQ(ReasonFor(Signed(Cat(R"({"alg":"ES256","typ":"JWT","kid":")", kid, R"("})"), kPayload)), "TOKEN_TYPE");
  EXPECT_EQ(ReasonFor(Signed(Cat(R"({"alg":"ES256","kid":")", kid, R"("})"), kPayload)), "TOKEN_TYPE");
  for (std::string_view more :
       {R"("crit":["exp"])", R"("crit":[])", R"("jwk":{})", R"("jku":"https://x")", R"("b64":false)"}) {
    const std::string header = Cat(R"({"alg":"ES256","typ":"at+jwt","kid":")", kid, R"(",)", more, "}");
    EXPECT_EQ(ReasonFor(Signed(header, kPayload)), "TOKEN_HEADER") << more;
  }
  EXPECT_EQ(ReasonFor(Signed(R"({"alg":"ES256","typ":"at+jwt"})", kPayload)), "TOKEN_HEADER");
}

TEST(AccessToken, OfAnotherKeyIsRefused) {
  const SigningKey other = SigningKey::Generate();
  EXPECT_EQ(ReasonFor(MintAccessToken(Claims(), other).value()), "TOKEN_KEY_UNKNOWN");
  const std::string text =
      Cat(Base64Url(Header()), '.', Base64Url(kPayload));  // Claims the known key, signed by the other.
  EXPECT_EQ(ReasonFor(Cat(text, '.', Base64Url(other.Sign(text)))), "TOKEN_SIGNATURE");
}

TEST(AccessToken, AnEmptyOrZeroSignatureIsRefused) {
  const std::string text = Cat(Base64Url(Header()), '.', Base64Url(kPayload));
  EXPECT_EQ(ReasonFor(text + "."), "TOKEN_SIGNATURE");
  for (size_t size : {63, 64, 65, 72}) {
    EXPECT_EQ(ReasonFor(Cat(text, '.', Base64Url(std::string(size, '\0')))), "TOKEN_SIGNATURE") << size;
  }
}

TEST(AccessToken, ThatIsMalformedIsRefused) {
  const std::string good = Signed(Header(), kPayload);
  for (const std::string& token :
       {std::string(), std::string("."), std::string(".."), std::string("..."), good + ".", "." + good, good + "=",
        " " + good, good + "\n", good.substr(0, good.rfind('.')), std::string(kMaxTokenBytes + 1, 'A'),
        Signed("[]", kPayload), Signed("", kPayload), Signed("{", kPayload),
        Signed(R"({"alg":"ES256","alg":"none"})", kPayload), Signed(Header() + "x", kPayload), Signed(Header(), "[]"),
        Signed(Header(), "null"), Signed(Header(), With(R"("org":"o")", R"("org":"o","org":"p")"))}) {
    EXPECT_EQ(ReasonFor(token), "TOKEN_MALFORMED") << token;
  }
}

TEST(AccessToken, LackingOrWrongClaimsAreRefused) {
  const std::pair<std::string_view, std::string_view> changes[] = {
      {R"("sub":"organizations/o/users/u")", R"("sub":1)"},
      {R"("sub":"organizations/o/users/u")", R"("sub":"")"},
      {R"("org":"o",)", ""},
      {R"("sid":"s",)", ""},
      {R"("kind":"user")", R"("kind":"admin")"},
      {R"("pos":42)", R"("pos":-1)"},
      {R"("pos":42)", R"("pos":42.0)"},
      {R"("pos":42)", R"("pos":"42")"},
      {R"("iat":1800000000,)", ""},
      {R"("exp":1800000300)", R"("exp":1800000301)"},
      {R"("exp":1800000300)", R"("exp":1800000000)"},
      {R"("exp":1800000300)", R"("exp":9223372036854775807)"},
      {R"("iat":1800000000)", R"("iat":-9223372036854775807)"},
      {R"("exp":1800000300)", R"("exp":null)"},
      {R"("aud":"trialog")", R"("aud":["trialog"])"},
  };
  for (const auto& [what, by] : changes) EXPECT_EQ(ReasonFor(Signed(Header(), With(what, by))), "TOKEN_CLAIMS") << by;
  EXPECT_EQ(ReasonFor(Signed(Header(), With("https://trialog.example", "https://other.example"))), "TOKEN_ISSUER");
  EXPECT_EQ(ReasonFor(Signed(Header(), With(R"("aud":"trialog")", R"("aud":"other")"))), "TOKEN_AUDIENCE");
}

TEST(AccessToken, ThatWouldBeTooLongIsNotMinted) {
  AccessClaims claims = Claims();
  claims.session = std::string(kMaxTokenBytes, 's');
  EXPECT_EQ(ReasonOf(MintAccessToken(claims, Key()).status()), "CLAIMS_MALFORMED");
  claims.session = "\xff";
  EXPECT_EQ(ReasonOf(MintAccessToken(claims, Key()).status()), "CLAIMS_MALFORMED");
}

TEST(AccessTokenVerifier, TakesNewKeysWholeOrNotAtAll) {
  AccessTokenVerifier verifier("https://trialog.example", "trialog");
  const SigningKey first = SigningKey::Generate(), second = SigningKey::Generate();
  const std::string token = MintAccessToken(Claims(), first).value();
  EXPECT_FALSE(verifier.Verify(token, kNow).ok());
  ASSERT_TRUE(verifier.SetKeys({first.jwk(), second.jwk()}).ok());
  EXPECT_TRUE(verifier.Verify(token, kNow).ok());
  PublicJwk forged = second.jwk();
  forged.kid = first.jwk().kid;  // Another key under a known id.
  EXPECT_EQ(ReasonOf(verifier.SetKeys({forged})), "JWK_MALFORMED");
  EXPECT_TRUE(verifier.Verify(token, kNow).ok());
  ASSERT_TRUE(verifier.SetKeys({second.jwk()}).ok());
  EXPECT_EQ(ReasonOf(verifier.Verify(token, kNow).status()), "TOKEN_KEY_UNKNOWN");
}

TEST(AccessTokenVerifier, AKeyThatHasEndedSignsNoMoreAndOneThatHasExpiredVerifiesNothing) {
  AccessTokenVerifier verifier("https://trialog.example", "trialog");
  const absl::Time end = kNow + absl::Hours(1), expire = end + kAccessTokenLifetime;
  ASSERT_TRUE(verifier.SetKeys({{Key().jwk(), end, expire}}).ok());
  const auto reason = [&](absl::Time issued, absl::Time now) {
    AccessClaims claims = Claims();
    claims.issued = issued;
    claims.expires = issued + kAccessTokenLifetime;
    return ReasonOf(verifier.Verify(MintAccessToken(claims, Key()).value(), now).status());
  };
  const absl::Duration second = absl::Seconds(1);
  EXPECT_EQ(reason(end - second, end), "");
  EXPECT_EQ(reason(end - second, expire - second), "");
  EXPECT_EQ(reason(end - second, expire), "TOKEN_KEY_UNKNOWN");
  EXPECT_EQ(reason(end + kClockSkew - second, end + kClockSkew), "");
  EXPECT_EQ(reason(end + kClockSkew, end + kClockSkew), "TOKEN_KEY_UNKNOWN");
}

// The key and signature of RFC 7515 appendix A.3.
const PublicJwk kRfcKey{"oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U", "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                        "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"};
constexpr char kRfcText[] =
    "eyJhbGciOiJFUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
constexpr char kRfcSignature[] =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

TEST(VerifyingKey, VerifiesTheExampleOfRfc7515) {
  auto key = VerifyingKey::FromJwk(kRfcKey);
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_TRUE(key->Verify(kRfcText, *FromBase64Url(kRfcSignature)));
  EXPECT_FALSE(key->Verify(std::string(kRfcText) + "x", *FromBase64Url(kRfcSignature)));
}

TEST(VerifyingKey, APointThatIsNotOnTheCurveIsRefused) {
  PublicJwk jwk = Key().jwk();
  jwk.y = jwk.x;
  jwk.kid = Base64Url(Sha256(Cat(R"({"crv":"P-256","kty":"EC","x":")", jwk.x, R"(","y":")", jwk.y, R"("})")));
  EXPECT_EQ(ReasonOf(VerifyingKey::FromJwk(jwk).status()), "JWK_MALFORMED");
}

TEST(SigningKey, IsTheSameAfterPem) {
  std::string pem = Key().ToPem();
  EXPECT_THAT(pem, StartsWith("-----BEGIN PRIVATE KEY-----"));
  auto again = SigningKey::FromPem(pem);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->jwk(), Key().jwk());
  EXPECT_TRUE(VerifyingKey::FromJwk(Key().jwk())->Verify("text", again->Sign("text")));
  for (std::string_view bad : {"", "secret", "-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n"}) {
    const absl::Status status = SigningKey::FromPem(bad).status();
    EXPECT_EQ(ReasonOf(status), "SIGNING_KEY_MALFORMED");
    EXPECT_THAT(status.ToString(), Not(HasSubstr("secret")));
  }
}

TEST(JwksJson, IsAKeySetOfRfc7517) {
  const std::string text = JwksJson({Key().jwk(), SigningKey::Generate().jwk()});
  json_t* set = json_loads(text.c_str(), JSON_REJECT_DUPLICATES, nullptr);
  ASSERT_NE(set, nullptr) << text;
  const json_t* keys = json_object_get(set, "keys");
  ASSERT_EQ(json_array_size(keys), 2u);
  EXPECT_EQ(json_string_value(json_object_get(json_array_get(keys, 0), "kid")), Key().jwk().kid);
  EXPECT_STREQ(json_string_value(json_object_get(json_array_get(keys, 0), "crv")), "P-256");
  EXPECT_THAT(text, Not(HasSubstr("\"d\"")));
  json_decref(set);
  EXPECT_EQ(JwksJson({}), R"({"keys":[]})");
}

TEST(VerifiedTokenCache, RemembersUntilTheTokenEnds) {
  VerifiedTokenCache cache;
  EXPECT_EQ(cache.Find("token", kNow), nullptr);
  cache.Insert("token", Claims());
  ASSERT_NE(cache.Find("token", kNow), nullptr);
  EXPECT_EQ(cache.Find("token", kNow)->session, "s");
  EXPECT_EQ(cache.Find("tokem", kNow), nullptr);
  EXPECT_EQ(cache.Find("token", kNow - absl::Minutes(1)), nullptr);
  EXPECT_EQ(cache.Find("token", kNow + absl::Minutes(5) + kClockSkew), nullptr);
  EXPECT_EQ(cache.Find("token", kNow), nullptr);  // Gone for good.
}

TEST(VerifiedTokenCache, IsBoundedAndCleared) {
  VerifiedTokenCache cache(2);
  for (std::string_view token : {"a", "b", "b", "c"}) cache.Insert(token, Claims());
  EXPECT_EQ(cache.Find("a", kNow), nullptr);
  EXPECT_NE(cache.Find("b", kNow), nullptr);
  EXPECT_NE(cache.Find("c", kNow), nullptr);
  cache.Clear();
  EXPECT_EQ(cache.Find("b", kNow), nullptr);
}

TEST(OpaqueToken, SaysItsOrganizationAndIsStoredAsAHashAlone) {
  TestRuntime runtime;
  const OpaqueToken made = NewOpaqueToken("acme.eu", runtime);
  EXPECT_EQ(made.token, "trlg1.acme.eu.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
  EXPECT_EQ(made.hash, Sha256(made.token));
  auto parsed = ParseOpaqueToken(made.token);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->organization, "acme.eu");
  EXPECT_TRUE(MatchesStoredHash(*parsed, made.hash));
  EXPECT_FALSE(MatchesStoredHash(*parsed, NewOpaqueToken("acme.eu", runtime).hash));
  EXPECT_FALSE(MatchesStoredHash(*parsed, ""));
}

TEST(OpaqueToken, TheSameSecretInAnotherOrganizationIsAnotherToken) {
  TestRuntime one, two;
  EXPECT_NE(NewOpaqueToken("a", one).hash, NewOpaqueToken("b", two).hash);
}

TEST(OpaqueToken, OfAnotherFormIsRefused) {
  TestRuntime runtime;
  const std::string good = NewOpaqueToken("o", runtime).token;
  for (const std::string& token :
       {std::string(), std::string("trlg1."), std::string("trlg1.o"), std::string("trlg1.o."), "trlg2" + good.substr(5),
        good + "A", good.substr(0, good.size() - 1), good + "=", "trlg1.." + good.substr(8),
        "trlg1.a/b" + good.substr(7), good + "\n", "trlg1." + std::string(64, 'o') + good.substr(7),
        std::string(10'000, 'x')}) {
    EXPECT_EQ(ReasonOf(ParseOpaqueToken(token).status()), "TOKEN_MALFORMED") << token;
  }
}

}  // namespace
}  // namespace trialog::sealing
