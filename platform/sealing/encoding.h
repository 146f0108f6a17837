// Base64 (RFC 4648 section 4, padded), base64url without padding (section 5, as JWS has it) and hexadecimal digits.
// Decoding is strict: one text for one value, so that a signed or hashed text has no second spelling.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace trialog::sealing {

std::string Base64(std::string_view bytes);
std::string Base64Url(std::string_view bytes);
std::string Hex(std::string_view bytes);  // Lower case.

// Nullopt when `text` is not exactly what the encoder writes for some bytes. FromHex also takes upper case.
std::optional<std::string> FromBase64(std::string_view text);
std::optional<std::string> FromBase64Url(std::string_view text);
std::optional<std::string> FromHex(std::string_view text);

}  // namespace trialog::sealing
