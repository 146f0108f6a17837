// UTF-8 as signed notes need it.
#pragma once

#include <string_view>

namespace trialog::sealing {

// Whether the text is well-formed UTF-8 (RFC 3629): no overlong forms, surrogates or values above U+10FFFF.
bool IsValidUtf8(std::string_view text);

// Whether valid UTF-8 contains a character of Unicode's White_Space property.
bool HasUnicodeSpace(std::string_view text);

}  // namespace trialog::sealing
