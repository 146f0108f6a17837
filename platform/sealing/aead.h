// Authenticated encryption: AES-256-GCM (NIST SP 800-38D) with a nonce of 96 bits and a tag of 128 bits. Thread safe;
// each thread reuses one cipher context.
//
// Nonces are random. Under one key at most 2^32 messages may be sealed so (SP 800-38D section 8.3); a data key belongs
// to one person, dataset or thread, which stays far below.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "platform/sealing/secret_key.h"

namespace trialog::sealing {

inline constexpr size_t kNonceSize = 12;
inline constexpr size_t kTagSize = 16;

// Ciphertext followed by the tag. `nonce` is kNonceSize long and never used twice under `key`.
std::string AeadSeal(const SecretKey& key, std::string_view nonce, std::string_view associated_data,
                     std::string_view plaintext);

// What was sealed; nullopt when nonce, associated data or ciphertext is not exactly what it was, or the key another.
std::optional<std::string> AeadOpen(const SecretKey& key, std::string_view nonce, std::string_view associated_data,
                                    std::string_view ciphertext);

}  // namespace trialog::sealing
