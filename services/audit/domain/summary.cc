#include "services/audit/domain/summary.h"

#include "absl/strings/ascii.h"
#include "platform/command/decision.h"
#include "platform/text/text.h"

namespace trialog::audit {
namespace {

bool IsUpper(char c) { return absl::ascii_isupper(static_cast<unsigned char>(c)); }

}  // namespace

std::string Words(std::string_view camel_case) {
  std::string words;
  for (size_t i = 0; i < camel_case.size(); ++i) {
    const char c = camel_case[i];
    const bool next_is_lower = i + 1 == camel_case.size() || !IsUpper(camel_case[i + 1]);
    const bool begins = i > 0 && IsUpper(c) && (!IsUpper(camel_case[i - 1]) || next_is_lower);
    if (begins) words += ' ';
    // Acronyms stay as they are.
    words += begins && next_is_lower ? absl::ascii_tolower(static_cast<unsigned char>(c)) : c;
  }
  return words;
}

std::string Summarize(std::string_view type, std::string_view entity) {
  const std::string what = type.empty() ? "Event of an unknown kind" : Words(type.substr(type.rfind('.') + 1));
  return entity.empty() ? what : Cat(what, ": ", IdOf(entity));
}

std::string SummarizeAccess(const event::v1::Access& access) {
  const std::string_view method = ActionOf(access.method());
  switch (access.outcome()) {
    case event::v1::Access::OUTCOME_SHOWN:
      return Cat("Personal fields of ", access.count(), access.count() == 1 ? " record" : " records", " shown by ",
                 method);
    case event::v1::Access::OUTCOME_REFUSED:
      return Cat("Access to ", method, " refused");
    case event::v1::Access::OUTCOME_SIGN_IN_FAILED:
      return "Sign-in failed";
    default:  // Unspecified, or an outcome of a later version: the enum is open.
      return Cat("Access by ", method);
  }
}

std::string_view ActionOf(std::string_view method) { return method.substr(method.rfind('/') + 1); }

}  // namespace trialog::audit
