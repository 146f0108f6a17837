#include "tests/fuzz/fuzz.h"

#include <cstdio>
#include <cstdlib>

namespace trialog::fuzz {

void Require(bool holds, std::string_view property, const std::source_location& where) {
  if (holds) return;
  std::fprintf(stderr, "%s:%u: does not hold: %.*s\n", where.file_name(), static_cast<unsigned>(where.line()),
               static_cast<int>(property.size()), property.data());
  std::abort();
}

uint64_t Input::Number(int bytes) {
  uint64_t number = 0;
  for (int i = 0; i < bytes; ++i) {
    number = number << 8 | (rest_.empty() ? 0 : static_cast<uint8_t>(rest_.front()));
    if (!rest_.empty()) rest_.remove_prefix(1);
  }
  return number;
}

std::string_view Input::Text() {
  const uint64_t size = Number(2);
  const std::string_view text = rest_.substr(0, size);
  rest_.remove_prefix(text.size());
  return text;
}

std::string Part(std::string_view text) { return Big(text.size(), 2).append(text); }

std::string Big(uint64_t number, int bytes) {
  std::string out;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out += static_cast<char>(number >> shift & 0xff);
  return out;
}

}  // namespace trialog::fuzz
