// For the .cc files of this folder: calls into the crypto libraries that cannot fail on the inputs we give them.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace trialog::sealing {

// Ends the process when a call that cannot fail did (out of memory, a broken library): going on could leave data
// unsealed or a nonce used twice. Prints the operation's name, never its input.
inline void MustSucceed(int result, const char* operation) {
  if (result == 1) return;
  std::fprintf(stderr, "fatal: %s failed inside the crypto library\n", operation);
  std::abort();
}

}  // namespace trialog::sealing
