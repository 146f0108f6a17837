#include "platform/sealing/access_token.h"

#include <jansson.h>

#include <map>

#include "platform/errors/errors.h"
#include "platform/sealing/encoding.h"
#include "platform/text/text.h"

namespace trialog::sealing {
namespace {

constexpr std::string_view kAlgorithm = "ES256";
constexpr std::string_view kType = "at+jwt";

struct FreeJson {
  void operator()(json_t* value) const { json_decref(value); }
  void operator()(char* text) const { free(text); }
};
using Json = std::unique_ptr<json_t, FreeJson>;

absl::Status Bad(std::string_view reason, std::string_view message) {
  return Refuse(absl::StatusCode::kUnauthenticated, reason, message);
}

absl::Status MalformedToken() { return Bad("TOKEN_MALFORMED", "the access token is not well formed; sign in again"); }
absl::Status KeyUnknown() {
  return Bad("TOKEN_KEY_UNKNOWN", "the access token's key is not published, or has ended; sign in again");
}
absl::Status BadClaims() { return Bad("TOKEN_CLAIMS", "the access token lacks a claim; sign in again"); }

// A JSON object without doubled members; null for anything else.
Json ParseObject(std::string_view text) {
  Json value(json_loadb(text.data(), text.size(), JSON_REJECT_DUPLICATES, nullptr));
  if (!json_is_object(value.get())) return nullptr;
  return value;
}

// The text of a member; nullopt when it is absent or no text.
std::optional<std::string_view> Text(const Json& object, const char* member) {
  const json_t* value = json_object_get(object.get(), member);
  if (!json_is_string(value)) return std::nullopt;
  return std::string_view(json_string_value(value), json_string_length(value));
}

std::optional<int64_t> Number(const Json& object, const char* member) {
  const json_t* value = json_object_get(object.get(), member);
  if (!json_is_integer(value)) return std::nullopt;
  return json_integer_value(value);
}

std::string_view KindText(AccessClaims::Kind kind) {
  switch (kind) {
    case AccessClaims::Kind::kUser:
      return "user";
    case AccessClaims::Kind::kService:
      return "service";
  }
  return "";
}

struct Parts {
  std::string header;
  std::string payload;
  std::string signature;
  std::string_view signed_text;
};

std::optional<Parts> SplitToken(std::string_view token) {
  if (token.size() > kMaxTokenBytes) return std::nullopt;
  const std::vector<std::string_view> parts = Split(token, '.');
  if (parts.size() != 3) return std::nullopt;
  auto header = FromBase64Url(parts[0]), payload = FromBase64Url(parts[1]), signature = FromBase64Url(parts[2]);
  if (!header || !payload || !signature) return std::nullopt;
  return Parts{*std::move(header), *std::move(payload), *std::move(signature),
               token.substr(0, parts[0].size() + 1 + parts[1].size())};
}

// The kid, when the header is exactly one that MintAccessToken writes.
absl::StatusOr<std::string> CheckHeader(std::string_view text) {
  const Json header = ParseObject(text);
  if (!header) return MalformedToken();
  if (Text(header, "alg") != kAlgorithm) return Bad("TOKEN_ALGORITHM", "only ES256 access tokens are accepted");
  if (Text(header, "typ") != kType) return Bad("TOKEN_TYPE", "this token is no access token");
  const auto kid = Text(header, "kid");
  if (!kid || json_object_size(header.get()) != 3) {
    return Bad("TOKEN_HEADER", "the access token's header may hold alg, typ and kid alone");
  }
  return std::string(*kid);
}

absl::StatusOr<AccessClaims> ReadClaims(std::string_view text) {
  const Json payload = ParseObject(text);
  if (!payload) return MalformedToken();
  const auto issuer = Text(payload, "iss"), audience = Text(payload, "aud"), subject = Text(payload, "sub"),
             organization = Text(payload, "org"), session = Text(payload, "sid"), kind = Text(payload, "kind");
  const auto issued = Number(payload, "iat"), expires = Number(payload, "exp"), position = Number(payload, "pos");
  if (!issuer || !audience || !subject || !organization || !session || !kind || !issued || !expires || !position) {
    return BadClaims();
  }
  if (subject->empty() || organization->empty() || *position < 0) return BadClaims();
  AccessClaims claims;
  if (*kind == KindText(AccessClaims::Kind::kService)) {
    claims.kind = AccessClaims::Kind::kService;
  } else if (*kind != KindText(AccessClaims::Kind::kUser)) {
    return BadClaims();
  }
  // Before any arithmetic: both within the years that a clock of ours shows, and no longer apart than we ever sign.
  constexpr int64_t kLatest = 253'402'300'799;  // The end of the year 9999.
  if (*issued < 0 || *expires > kLatest || *expires <= *issued ||
      *expires - *issued > absl::ToInt64Seconds(kAccessTokenLifetime)) {
    return BadClaims();
  }
  claims.issuer = *issuer;
  claims.audience = *audience;
  claims.subject = *subject;
  claims.organization = *organization;
  claims.session = *session;
  claims.position = *position;
  claims.issued = absl::FromUnixSeconds(*issued);
  claims.expires = absl::FromUnixSeconds(*expires);
  return claims;
}

}  // namespace

absl::StatusOr<std::string> MintAccessToken(const AccessClaims& claims, const SigningKey& key) {
  auto text = [](std::string_view value) { return json_stringn(value.data(), value.size()); };
  auto number = [](int64_t value) { return json_integer(value); };
  const Json payload(json_object());
  bool complete = true;
  auto set = [&](const char* member, json_t* value) {
    complete &= json_object_set_new(payload.get(), member, value) == 0;
  };
  set("iss", text(claims.issuer));
  set("aud", text(claims.audience));
  set("sub", text(claims.subject));
  set("org", text(claims.organization));
  set("sid", text(claims.session));
  set("kind", text(KindText(claims.kind)));
  set("pos", number(claims.position));
  set("iat", number(absl::ToUnixSeconds(claims.issued)));
  set("exp", number(absl::ToUnixSeconds(claims.expires)));
  const absl::Status refused =
      Refuse(absl::StatusCode::kInvalidArgument, "CLAIMS_MALFORMED", "a claim is too long or no UTF-8 text");
  if (!complete) return refused;
  const std::unique_ptr<char, FreeJson> body(json_dumps(payload.get(), JSON_COMPACT));

  std::string token = Base64Url(Cat(R"({"alg":"ES256","typ":"at+jwt","kid":")", key.jwk().kid, R"("})"));
  Append(token, '.', Base64Url(body.get()));
  const std::string signature = key.Sign(token);
  Append(token, '.', Base64Url(signature));
  if (token.size() > kMaxTokenBytes) return refused;
  return token;
}

class AccessTokenVerifier::Keys {
 public:
  struct Key {
    VerifyingKey key;
    absl::Time end, expire;
  };
  std::map<std::string, Key, std::less<>> by_kid;
};

AccessTokenVerifier::AccessTokenVerifier(std::string issuer, std::string audience)
    : issuer_(std::move(issuer)), audience_(std::move(audience)), keys_(std::make_shared<Keys>()) {}
AccessTokenVerifier::~AccessTokenVerifier() = default;

absl::Status AccessTokenVerifier::SetKeys(const std::vector<VerifierKey>& keys) {
  auto next = std::make_shared<Keys>();
  for (const auto& [jwk, end, expire] : keys) {
    auto key = VerifyingKey::FromJwk(jwk);
    if (!key.ok()) return key.status();
    next->by_kid.emplace(jwk.kid, Keys::Key{*std::move(key), end, expire});
  }
  absl::MutexLock lock(&mutex_);
  keys_ = std::move(next);
  return absl::OkStatus();
}

std::shared_ptr<const AccessTokenVerifier::Keys> AccessTokenVerifier::keys() const {
  absl::MutexLock lock(&mutex_);
  return keys_;
}

absl::StatusOr<AccessClaims> AccessTokenVerifier::Verify(std::string_view token, absl::Time now) const {
  const auto parts = SplitToken(token);
  if (!parts) return MalformedToken();
  const auto kid = CheckHeader(parts->header);
  if (!kid.ok()) return kid.status();
  const auto keys = this->keys();
  const auto found = keys->by_kid.find(*kid);
  if (found == keys->by_kid.end() || found->second.expire <= now) return KeyUnknown();
  const auto& [key, end, expire] = found->second;
  if (!key.Verify(parts->signed_text, parts->signature)) {
    return Bad("TOKEN_SIGNATURE", "the access token's signature does not hold; sign in again");
  }
  auto claims = ReadClaims(parts->payload);
  if (!claims.ok()) return claims.status();
  if (claims->issued >= end + kClockSkew) return KeyUnknown();
  if (claims->issuer != issuer_) return Bad("TOKEN_ISSUER", "the access token comes from another issuer");
  if (claims->audience != audience_) return Bad("TOKEN_AUDIENCE", "the access token is meant for another audience");
  if (claims->issued > now + kClockSkew)
    return Bad("TOKEN_NOT_YET_VALID", "the access token is not yet valid; check the clocks");
  if (claims->expires + kClockSkew <= now) return TokenExpired();
  return claims;
}

absl::Status TokenExpired() { return Bad("TOKEN_EXPIRED", "the access token has expired; refresh it"); }

}  // namespace trialog::sealing
