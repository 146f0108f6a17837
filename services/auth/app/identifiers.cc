#include "services/auth/app/identifiers.h"

#include <unicode/normalizer2.h>
#include <unicode/unistr.h>

namespace trialog::auth {

std::string NormalizeIdentifier(std::string_view text) {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(error);
  if (U_FAILURE(error)) return std::string(text);
  icu::UnicodeString unicode =
      icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
  unicode.trim().foldCase();
  const icu::UnicodeString normalized = nfc->normalize(unicode, error);
  if (U_FAILURE(error)) return std::string(text);
  std::string out;
  return normalized.toUTF8String(out);
}

}  // namespace trialog::auth
