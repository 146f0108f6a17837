// Hashes and keyed hashes: SHA-256 (FIPS 180-4), HMAC-SHA-256 (RFC 2104), HKDF-SHA-256 (RFC 5869). Thread safe;
// contexts are made once a thread.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

#include "platform/sealing/secret_key.h"

namespace trialog::sealing {

inline constexpr size_t kSha256Size = 32;

// The hash of all parts as one text, 32 bytes.
std::string Sha256(std::initializer_list<std::string_view> parts);
inline std::string Sha256(std::string_view text) { return Sha256({text}); }

// The keyed hash of `text`, 32 bytes. `key` has any length.
std::string HmacSha256(std::string_view key, std::string_view text);

// A key for one purpose derived from another key: HKDF with `salt` and the purpose's name as `info`.
SecretKey HkdfSha256(const SecretKey& key, std::string_view salt, std::string_view info);

// Whether two texts are equal, in a time that depends on their lengths alone.
bool ConstantTimeEqual(std::string_view a, std::string_view b);

// Appends the length of `part` (8 bytes, big-endian) and the part: no two lists of parts give the same bytes.
void AppendLengthPrefixed(std::string& out, std::string_view part);

}  // namespace trialog::sealing
