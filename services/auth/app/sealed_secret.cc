#include "services/auth/app/sealed_secret.h"

#include "platform/sealing/aead.h"
#include "platform/sealing/digest.h"

namespace trialog::auth {
namespace {

std::string AssociatedData(std::string_view key_id, std::string_view record, std::string_view field) {
  std::string out;
  for (std::string_view part : {key_id, record, field}) sealing::AppendLengthPrefixed(out, part);
  return out;
}

}  // namespace

event::v1::Sealed SealSecret(std::string_view secret, std::string_view record, std::string_view field,
                             const sealing::DataKey& key, Runtime& runtime) {
  event::v1::Sealed sealed;
  sealed.set_key_id(key.id);
  sealed.set_nonce(runtime.RandomBytes(sealing::kNonceSize));
  sealed.set_ciphertext(sealing::AeadSeal(key.key, sealed.nonce(), AssociatedData(key.id, record, field), secret));
  return sealed;
}

std::optional<std::string> OpenSecret(const event::v1::Sealed& sealed, std::string_view record, std::string_view field,
                                      const sealing::DataKey& key) {
  if (key.state != sealing::DataKey::State::kPresent || key.id != sealed.key_id()) return std::nullopt;
  return sealing::AeadOpen(key.key, sealed.nonce(), AssociatedData(key.id, record, field), sealed.ciphertext());
}

}  // namespace trialog::auth
