#include "platform/sealing/data_keys.h"

#include "platform/sealing/digest.h"

namespace trialog::sealing {

std::string LookupMac(const LookupKeyMaterial& key, std::string_view index, std::string_view value) {
  std::string text;
  AppendLengthPrefixed(text, index);
  AppendLengthPrefixed(text, value);
  return HmacSha256(key.key.bytes(), text);
}

}  // namespace trialog::sealing
