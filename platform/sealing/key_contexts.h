// What each wrapped key is bound to: associated data of its AES-256-GCM. docs/formats/sealed.md, "Key store".
#pragma once

#include <string>
#include <string_view>

#include "platform/sealing/digest.h"
#include "platform/text/text.h"

namespace trialog::sealing {

inline constexpr char kCheckContext[] = "trialog.master-key-check.v1";
inline constexpr char kFormerContext[] = "trialog.former-master-key.v1";

inline std::string DataKeyContext(std::string_view id, std::string_view subject) {
  std::string out;
  for (std::string_view part : {std::string_view("trialog.data-key.v1"), id, subject}) AppendLengthPrefixed(out, part);
  return out;
}

// `row`: the key of the row that holds it.
inline std::string LookupKeyContext(std::string_view row) { return Cat("trialog.lookup-key.v1/", row); }

}  // namespace trialog::sealing
