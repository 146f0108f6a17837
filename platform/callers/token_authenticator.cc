#include "platform/callers/token_authenticator.h"

#include <algorithm>

#include "platform/callers/claimed.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "platform/view/times.h"

namespace trialog::callers {
namespace {

constexpr size_t kMaxOrganizations = 10'000;  // Verifiers kept.
constexpr size_t kMaxPrincipals = 10'000;     // Kept made.

absl::Status NotSignedIn(std::string_view reason, std::string_view message) {
  return Refuse(absl::StatusCode::kUnauthenticated, reason, message);
}

absl::Time EndOf(bool set, const google::protobuf::Timestamp& time) {
  return set ? FromProto(time) : absl::InfiniteFuture();
}

// Tokens that wait, unverified, for their key; one more is refused at once, so that made-up ones hold up nobody.
constexpr int kMaxWaitingForKeys = 256;

bool SameGrants(const std::vector<Grant>& some, const std::vector<Grant>& others) {
  return std::equal(some.begin(), some.end(), others.begin(), others.end(), [](const Grant& one, const Grant& other) {
    return one.role == other.role && one.scope == other.scope;
  });
}

// The user whose token one of our own services passed on: no more rights than the user's, and the service is named too.
rpc::Authenticator::Done OnBehalf(std::string service, rpc::Authenticator::Done done) {
  return [service = std::move(service),
          done = std::move(done)](absl::StatusOr<std::shared_ptr<const Principal>> principal) {
    if (!principal.ok()) return done(principal.status());
    auto user = std::make_shared<Principal>(**principal);
    user->caller.set_on_behalf_by(service);
    done(std::shared_ptr<const Principal>(std::move(user)));
  };
}

}  // namespace

void TokenAuthenticator::Authenticate(const rpc::CallInfo& call, Done done) {
  std::string service(call.metadata(kServiceMetadata));
  if (!service.empty() && !call.in_process() && call.peer_service() != service) service.clear();
  if (!service.empty() && call.bearer_token().empty()) {
    auto principal = std::make_shared<Principal>();
    principal->caller.set_kind(event::v1::Caller::KIND_SERVICE);
    principal->caller.set_name(service);
    principal->internal = true;
    return done(std::shared_ptr<const Principal>(std::move(principal)));
  }
  if (!service.empty()) done = OnBehalf(service, std::move(done));
  const std::string_view token = call.bearer_token();
  if (token.empty()) {
    return done(NotSignedIn("TOKEN_MISSING",
                            "send an access token: authorization: Bearer <token>; AuthService/Login gives one"));
  }
  auto claims = Verify(token);
  if (claims.ok()) return WhenKnown(*claims, std::move(done));
  // A key published just now may not be known here yet: it will be at the token's position.
  const Claimed claimed = ClaimedOf(token);
  if (ReasonOf(claims.status()) != "TOKEN_KEY_UNKNOWN" ||
      claimed.position <= directory_.PositionOf(claimed.organization).offset()) {
    return done(claims.status());
  }
  if (waiting_for_keys_.fetch_add(1) >= kMaxWaitingForKeys) {
    waiting_for_keys_.fetch_sub(1);
    return done(claims.status());
  }
  directory_.WhenKnown(claimed.organization, claimed.position,
                       [this, token = std::string(token), done = std::move(done)](const absl::Status& known) {
                         waiting_for_keys_.fetch_sub(1);
                         auto claims = Verify(token);
                         if (!known.ok() && claims.ok()) return done(known);
                         if (!claims.ok()) return done(claims.status());
                         WhenKnown(*claims, done);
                       });
}

void TokenAuthenticator::WhenKnown(std::shared_ptr<const sealing::AccessClaims> claims, Done done) {
  if (directory_.Knows(claims->organization, claims->position)) return done(PrincipalOf(claims));
  directory_.WhenKnown(claims->organization, claims->position,
                       [this, claims, done = std::move(done)](const absl::Status& known) {
                         if (!known.ok()) return done(known);
                         done(PrincipalOf(claims));
                       });
}

absl::StatusOr<absl::Time> TokenAuthenticator::HoldsUntil(std::string_view token, const Principal& principal) {
  if (principal.internal) return absl::InfiniteFuture();
  const absl::Time now = runtime_.Now(), token_ends = ClaimedOf(token).expires + sealing::kClockSkew;
  if (token_ends <= now) return sealing::TokenExpired();
  const auto account = directory_.Find(principal.user());
  if (!SameGrants(account->GrantsAt(now), principal.grants)) return absl::InfinitePast();
  return std::min(token_ends, account->GrantsHoldUntil(now));
}

std::shared_ptr<const TokenAuthenticator::Verifier> TokenAuthenticator::VerifierOf(const std::string& organization) {
  const uint64_t epoch = directory_.SigningKeyEpoch();
  {
    absl::MutexLock lock(&mutex_);
    auto it = verifiers_.find(organization);
    if (it != verifiers_.end() && it->second->epoch == epoch) return it->second;
  }
  auto made = std::make_shared<Verifier>(epoch);
  std::vector<sealing::VerifierKey> keys;
  for (const auto& key : directory_.SigningKeys(organization, runtime_.Now())) {
    keys.emplace_back(sealing::PublicJwk{key.uid(), key.x(), key.y()}, EndOf(key.has_end_time(), key.end_time()),
                      EndOf(key.has_expire_time(), key.expire_time()));
  }
  if (!made->verifier.SetKeys(keys).ok()) return made;  // Keys that are none verify nothing.
  absl::MutexLock lock(&mutex_);
  if (verifiers_.size() >= kMaxOrganizations) verifiers_.clear();
  if (!keys.empty()) verifiers_[organization] = made;
  return made;
}

absl::StatusOr<std::shared_ptr<const sealing::AccessClaims>> TokenAuthenticator::Verify(std::string_view token) {
  const absl::Time now = runtime_.Now();
  if (auto cached = cache_.Find(token, now)) return cached;
  const std::string organization = ClaimedOf(token).organization;
  if (organization.empty()) return NotSignedIn("TOKEN_MALFORMED", "this is no access token of ours; sign in again");
  auto claims = VerifierOf(organization)->verifier.Verify(token, now);
  if (!claims.ok()) return claims.status();
  auto shared = std::make_shared<const sealing::AccessClaims>(*std::move(claims));
  cache_.Insert(token, *shared);
  return shared;
}

absl::StatusOr<std::shared_ptr<const Principal>> TokenAuthenticator::PrincipalOf(
    const std::shared_ptr<const sealing::AccessClaims>& claims) {
  const uint64_t generation = directory_.Generation();
  const absl::Time now = runtime_.Now();
  {
    absl::MutexLock lock(&known_mutex_);
    const auto it = known_.find(claims.get());
    if (it != known_.end() && it->second.generation == generation && now < it->second.until)
      return it->second.principal;
  }
  absl::Time until;
  auto principal = MakePrincipal(*claims, now, until);
  if (!principal.ok()) return principal;
  absl::MutexLock lock(&known_mutex_);
  if (known_.size() >= kMaxPrincipals) known_.clear();
  known_[claims.get()] = {claims, *principal, generation, until};
  return principal;
}

absl::StatusOr<std::shared_ptr<const Principal>> TokenAuthenticator::MakePrincipal(const sealing::AccessClaims& claims,
                                                                                   absl::Time now, absl::Time& until) {
  const auto position = directory_.PositionOf(claims.organization);  // Before the account: at least so far is it known.
  const auto account = directory_.Find(claims.subject);
  if (!account->exists || account->closed) {
    return NotSignedIn("ACCOUNT_CLOSED", "this account is closed; ask an administrator");
  }
  auto principal = std::make_shared<Principal>();
  const bool user = claims.kind == sealing::AccessClaims::Kind::kUser;
  if (user && directory_.SessionEnded(Cat(claims.subject, "/sessions/", claims.session))) {
    return NotSignedIn("SESSION_ENDED", "this session has ended; sign in again");
  }
  principal->caller.set_kind(user ? event::v1::Caller::KIND_USER : event::v1::Caller::KIND_SERVICE);
  principal->caller.set_name(claims.subject);
  principal->caller.set_session(claims.session);
  principal->organization = claims.organization;
  principal->patient = account->patient;
  principal->grants = account->GrantsAt(now);
  principal->grants_partition = position.partition();
  principal->grants_offset = position.offset();
  principal->access_epoch = account->epoch;
  until = account->GrantsHoldUntil(now);
  return std::shared_ptr<const Principal>(std::move(principal));
}

}  // namespace trialog::callers
