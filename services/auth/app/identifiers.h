// The one form of a user name or an e-mail address that its look-up key is made from.
#pragma once

#include <string>
#include <string_view>

namespace trialog::auth {

// Without white space around it, case folded, in Normalization Form C (Unicode Standard Annex 15): what a person takes
// for the same text is the same. Text that is not UTF-8 comes back as it is.
std::string NormalizeIdentifier(std::string_view text);

}  // namespace trialog::auth
