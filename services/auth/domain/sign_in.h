// What the handlers read from auth's state: whose name and password these may be, and who a caller is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/command/decision.h"
#include "trialog/event/v1/sealed.pb.h"

namespace trialog::auth {

// An account that a password can be checked for.
struct SignInCandidate {
  std::string user;
  event::v1::Sealed password_hash;  // Argon2id string, sealed under the user's data key.
  uint64_t generation = 0;          // Goes with the verdict into PasswordCheck.
};

// The account that has this user name or e-mail address (key.index says which; its MAC) and a password. None: the
// handler checks the password against a dummy hash, so that time tells nothing, and answers SignInRefused().
std::optional<SignInCandidate> FindByIdentifier(const view::State& state, std::string_view organization_id,
                                                const event::v1::LookupKey& key);

// The candidate for a user who is signed in already.
std::optional<SignInCandidate> FindByName(const view::State& state, std::string_view user);

// Who a caller is: what WhoAmI, Login and SignUp answer and access tokens and principals are made from.
struct AccountIdentity {
  view::RowPtr user;                 // Null for a service account.
  view::RowPtr service_account;      // Null for a user.
  std::vector<view::RowPtr> grants;  // In force.
  std::string patient;               // Resource name; empty for most.
};

// None when the account does not exist or cannot act: invited, closed.
std::optional<AccountIdentity> Identify(const view::State& state, std::string_view account,
                                        const google::protobuf::Timestamp& time);

// The same as access rules need it. `caller.name` is the account; a user's caller with a session must name one that is
// alive. None when the caller may not act any more.
std::optional<Principal> PrincipalOf(const view::State& state, const event::v1::Caller& caller,
                                     const google::protobuf::Timestamp& time);

}  // namespace trialog::auth
