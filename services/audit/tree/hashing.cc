#include "services/audit/tree/hashing.h"

#include "platform/sealing/digest.h"

namespace trialog::audit {

std::string HashLeaf(std::string_view leaf) { return sealing::Sha256({std::string_view("\x00", 1), leaf}); }

std::string HashChildren(std::string_view left, std::string_view right) {
  return sealing::Sha256({std::string_view("\x01", 1), left, right});
}

const std::string& EmptyRoot() {
  static const std::string* const root = new std::string(sealing::Sha256(""));
  return *root;
}

}  // namespace trialog::audit
