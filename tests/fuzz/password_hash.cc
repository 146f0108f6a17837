// Stored password hashes: a text that HashPassword did not write lets nobody in, and costs no more than one it wrote.
#include <chrono>

#include "platform/sealing/password.h"
#include "tests/fuzz/fuzz.h"

namespace trialog::fuzz {
namespace {

constexpr std::string_view kPassword = "correct horse";
// Of that password.
constexpr std::string_view kStored =
    "$argon2id$v=19$m=19456,t=2,p=1$BomlO0MVcMuM0bRJiQUU9w$ux96TGZCE3e20Pe9Sz98ZgV06+aRwJZjZnBTttW+EyE";

}  // namespace

std::vector<std::string> Seeds() {
  const std::string good(kStored);
  return {good,
          "$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQ$AAAA",
          "$argon2id$v=19$m=19456,t=4294967295,p=1$c29tZXNhbHRmb3Jub2JvZHk$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
          "$argon2id$",
          "$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$AAAA",
          good + std::string(1, '\0') + "x"};
}

}  // namespace trialog::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trialog;
  const std::string stored(reinterpret_cast<const char*>(data), size);
  const bool matches = sealing::VerifyPassword(fuzz::kPassword, stored);
  fuzz::Require(matches == (stored == fuzz::kStored), "one stored text alone is of the password");
  sealing::NeedsRehash(stored);
  return 0;
}
