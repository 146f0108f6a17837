// What an access token says of itself: before it is verified only good for choosing the keys to verify it with.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace trialog::callers {

struct Claimed {
  std::string organization;  // Empty: the text is no token.
  int64_t position = -1;
  absl::Time expires = absl::InfinitePast();
};

// Total. It is believed only as far as another organisation's keys do not verify the token.
Claimed ClaimedOf(std::string_view token);

}  // namespace trialog::callers
