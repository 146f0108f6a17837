// Who may see which entry. docs/access.md.
#pragma once

#include <string_view>

#include "platform/command/decision.h"
#include "trialog/audit/v1/entry.pb.h"

namespace trialog::audit {

// Auditors see the entries of their own organisation whose record is within a grant's scope; an entry about no record
// of the organisation (a sign-in, a read of the audit log) needs the organisation as scope.
bool MaySee(const Principal& principal, const v1::EntryContent& content);

// Whether the caller may ask who read this record: an auditor with it in scope, or the patient whose record it is.
bool MaySeeAccessesOf(const Principal& principal, std::string_view subject);

}  // namespace trialog::audit
