#include "platform/callers/claimed.h"

#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "platform/sealing/access_token.h"
#include "platform/text/text.h"

namespace trialog::callers {

Claimed ClaimedOf(std::string_view token) {
  const auto parts = Split(token, '.');
  std::string payload;
  if (parts.size() != 3 || token.size() > sealing::kMaxTokenBytes ||
      !absl::WebSafeBase64Unescape(ToAbsl(parts[1]), &payload)) {
    return {};
  }
  const auto json = nlohmann::json::parse(payload, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return {};
  Claimed claimed;
  if (const auto org = json.find("org"); org != json.end() && org->is_string())
    claimed.organization = org->get<std::string>();
  if (const auto pos = json.find("pos"); pos != json.end() && pos->is_number_integer())
    claimed.position = pos->get<int64_t>();
  if (const auto exp = json.find("exp"); exp != json.end() && exp->is_number_integer())
    claimed.expires = absl::FromUnixSeconds(exp->get<int64_t>());
  return claimed;
}

}  // namespace trialog::callers
