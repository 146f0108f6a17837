// Organisations: made once with their first administrator, then set.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/command/decision.h"
#include "trialog/auth/v1/organization.pb.h"

namespace trialog::auth {

// Bounds of an organisation's session settings.
inline constexpr absl::Duration kShortestLifetime = absl::Hours(1);
inline constexpr absl::Duration kLongestLifetime = absl::Hours(24 * 90);
inline constexpr absl::Duration kShortestIdleTimeout = absl::Minutes(5);
inline constexpr absl::Duration kLongestIdleTimeout = absl::Hours(24 * 30);

// What the handler made of the request's secrets; it has compared the one-time token with the operator's file.
struct CreateOrganizationInput {
  std::string init_token_sha256;    // 32 bytes.
  event::v1::Sealed password_hash;  // Argon2id string, sealed under the administrator's data key.
};

absl::Status InitTokenUsed();
// What a token is known by: half of its hash, in hexadecimal digits.
std::string InitTokenId(std::string_view token_sha256);

// Spends a one-time token on an organisation, for ever: whoever else brings it is refused with INIT_TOKEN_USED. Decided
// for all organisations in one partition, that of the empty organisation id, before the organisation is made in its
// own; what ended between the two is repeated for the same organisation. `token_sha256` as below. names = {token}.
absl::StatusOr<Decision> SpendInitToken(const view::State& state, const Context& context,
                                        std::string_view organization_id, std::string_view token_sha256);

// What a new organisation is refused for that is known before its token is spent: its id and its settings.
absl::Status CheckNewOrganization(const view::State& state, const v1::CreateOrganizationRequest& request);

// The organisation, its first administrator (`sealed` is theirs) and the only grant that nobody gave. The token stands
// in its log too. INIT_TOKEN_USED: spent on another one of the partition. names = {organization, administrator}.
absl::StatusOr<Decision> CreateOrganization(const view::State& state, const Context& context,
                                            const v1::CreateOrganizationRequest& request,
                                            const event::v1::SealedPart& sealed, const CreateOrganizationInput& input);

// By an administrator.
absl::StatusOr<Decision> UpdateOrganization(const view::State& state, const Context& context,
                                            const v1::UpdateOrganizationRequest& request, const event::v1::SealedPart&);

}  // namespace trialog::auth
