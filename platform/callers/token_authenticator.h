// Who calls: from an access token, or from this very process. The one Authenticator of all services.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "platform/callers/directory.h"
#include "platform/rpc/frame.h"
#include "platform/runtime/runtime.h"
#include "platform/sealing/access_token.h"
#include "platform/sealing/token_cache.h"

namespace trialog::callers {

// What access tokens of this deployment say of themselves.
inline constexpr char kIssuer[] = "trialog-auth";
inline constexpr char kAudience[] = "trialog";

// Metadata key by which one of Trialog's own services names itself; believed only from within the process. With a
// user's token beside it the call is the user's, made by the service on the user's behalf.
inline constexpr char kServiceMetadata[] = "trialog-service";

class TokenAuthenticator final : public rpc::Authenticator {
 public:
  // Both outlive it.
  TokenAuthenticator(Runtime& runtime, Directory& directory) : runtime_(runtime), directory_(directory) {}

  // The claims are checked first, then everything that was recorded of the caller up to the token's position: a closed
  // account or an ended session is UNAUTHENTICATED whatever the token says.
  void Authenticate(const rpc::CallInfo& call, Done done) override;

  // Until when what was opened with this token, by the caller it was found to be of, goes on if nothing that is folded
  // ends it: the end of the token, or the next start or end of a grant. InfinitePast when the grants in force are no
  // longer the principal's; UNAUTHENTICATED, reason TOKEN_EXPIRED, after the token's end. Thread safe.
  absl::StatusOr<absl::Time> HoldsUntil(std::string_view token, const Principal& principal);

 private:
  // The keys of one organisation, as of an epoch of the directory's keys.
  struct Verifier {
    explicit Verifier(uint64_t epoch) : epoch(epoch), verifier(kIssuer, kAudience) {}
    const uint64_t epoch;
    sealing::AccessTokenVerifier verifier;
  };
  std::shared_ptr<const Verifier> VerifierOf(const std::string& organization);
  absl::StatusOr<std::shared_ptr<const sealing::AccessClaims>> Verify(std::string_view token);
  absl::StatusOr<std::shared_ptr<const Principal>> PrincipalOf(
      const std::shared_ptr<const sealing::AccessClaims>& claims);
  absl::StatusOr<std::shared_ptr<const Principal>> MakePrincipal(const sealing::AccessClaims& claims, absl::Time now,
                                                                 absl::Time& until);

  // Calls `done` with the principal once the caller is known up to the token's position.
  void WhenKnown(std::shared_ptr<const sealing::AccessClaims> claims, Done done);

  // The principal of a token's claims, good while the directory stands still and no grant begins or ends.
  struct Known {
    std::shared_ptr<const sealing::AccessClaims> claims;  // Held, so that their address stays theirs.
    std::shared_ptr<const Principal> principal;
    uint64_t generation;
    absl::Time until;
  };

  Runtime& runtime_;
  Directory& directory_;
  sealing::VerifiedTokenCache cache_;
  absl::Mutex known_mutex_;
  absl::flat_hash_map<const sealing::AccessClaims*, Known> known_ ABSL_GUARDED_BY(known_mutex_);
  std::atomic<int> waiting_for_keys_ = 0;
  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, std::shared_ptr<const Verifier>> verifiers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace trialog::callers
