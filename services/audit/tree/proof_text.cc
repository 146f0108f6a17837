#include "services/audit/tree/proof_text.h"

#include "platform/sealing/encoding.h"
#include "platform/text/text.h"

namespace trialog::audit {

std::string ProofText(std::string_view leaf, uint64_t index, const std::vector<std::string>& hashes,
                      std::string_view note) {
  std::string text = Cat("c2sp.org/tlog-proof@v1\nextra ", sealing::Base64(leaf), "\nindex ", index, '\n');
  for (const std::string& hash : hashes) Append(text, sealing::Base64(hash), '\n');
  Append(text, '\n', note);
  return text;
}

}  // namespace trialog::audit
