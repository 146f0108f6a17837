// Secrets that auth keeps (password hashes, private keys), sealed under a data key as personal fields are: bound to the
// record they belong to and to what they are.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "platform/runtime/runtime.h"
#include "platform/sealing/data_keys.h"
#include "trialog/event/v1/sealed.pb.h"

namespace trialog::auth {

// Full names of the fields that hold them. Part of the stored format.
inline constexpr std::string_view kPasswordHashField = "trialog.auth.v1.PasswordCredential.password_hash";
inline constexpr std::string_view kPrivateKeyField = "trialog.auth.v1.SigningCredential.private_key";

// `record` is the resource name; `key` a present data key.
event::v1::Sealed SealSecret(std::string_view secret, std::string_view record, std::string_view field,
                             const sealing::DataKey& key, Runtime& runtime);

// None when the key is not there any more, or the value was sealed for something else or is damaged.
std::optional<std::string> OpenSecret(const event::v1::Sealed& sealed, std::string_view record, std::string_view field,
                                      const sealing::DataKey& key);

}  // namespace trialog::auth
