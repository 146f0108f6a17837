// The operator's own session, kept between runs: a file of mode 0600 with the refresh token of the last sign-in.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/rpc/client.h"
#include "trialog/auth/v1/auth.pb.h"

namespace trialog::ctl {

// An access token with less life than this is renewed.
inline constexpr absl::Duration kLeastTokenLife = absl::Seconds(30);

struct SavedLogin {
  std::string server;
  std::string refresh_token;
  std::string access_token;
  absl::Time access_token_expires;
};

// $XDG_CONFIG_HOME/trialog/token, or ~/.config/trialog/token; its folder is made.
absl::StatusOr<std::string> SavedLoginPath();

absl::Status SaveLogin(const std::string& path, const std::string& server, const auth::v1::SessionTokens& tokens);
// FAILED_PRECONDITION, reason NOT_SIGNED_IN, when nobody has signed in.
absl::StatusOr<SavedLogin> LoadLogin(const std::string& path);

// An access token with some life left: the saved one, or a new one that then is saved. One process at a time, since a
// refresh token counts once.
absl::StatusOr<std::string> CurrentToken(const std::string& path, absl::Time now);

}  // namespace trialog::ctl
