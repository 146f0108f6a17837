// Accounts of programs and the keys they sign in with.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "platform/command/decision.h"
#include "trialog/auth/v1/service_account.pb.h"

namespace trialog::auth {

// Keys that may sign in for an account at a time.
inline constexpr int kMaxKeys = 16;

// By an administrator. `sealed` holds the description.
absl::StatusOr<Decision> CreateServiceAccount(const view::State& state, const Context& context,
                                              const v1::CreateServiceAccountRequest& request,
                                              const event::v1::SealedPart& sealed);

// By an administrator. Refuses a closed account (ACCOUNT_DISABLED).
absl::StatusOr<Decision> UpdateServiceAccount(const view::State& state, const Context& context,
                                              const v1::UpdateServiceAccountRequest& request,
                                              const event::v1::SealedPart& sealed);

// By an administrator: closes the account and revokes its keys. Again changes nothing.
absl::StatusOr<Decision> DisableServiceAccount(const view::State& state, const Context& context,
                                               const v1::DisableServiceAccountRequest& request,
                                               const event::v1::SealedPart&);

// By an administrator. `secret_sha256` is that of the key's secret, drawn by the handler. Refuses a closed account
// (ACCOUNT_DISABLED) and more than kMaxKeys (TOO_MANY_KEYS).
absl::StatusOr<Decision> CreateKey(const view::State& state, const Context& context,
                                   const v1::CreateKeyRequest& request, std::string_view secret_sha256);

// By an administrator. Again changes nothing.
absl::StatusOr<Decision> RevokeKey(const view::State& state, const Context& context,
                                   const v1::RevokeKeyRequest& request, const event::v1::SealedPart&);

// The account that the key named in a secret signs in for, when the secret is right and both stand: a read, for
// IssueServiceToken. Else UNAUTHENTICATED, reason KEY_INVALID, whatever is wrong.
absl::StatusOr<std::string> AccountOfKey(const view::State& state, std::string_view key, std::string_view secret_sha256,
                                         const google::protobuf::Timestamp& time);

}  // namespace trialog::auth
