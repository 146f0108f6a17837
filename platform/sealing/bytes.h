// Text as the C libraries take it. For the files of this folder.
#pragma once

#include <string>
#include <string_view>

namespace trialog::sealing {

inline const unsigned char* Bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
inline unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

}  // namespace trialog::sealing
