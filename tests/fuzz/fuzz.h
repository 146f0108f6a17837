// What a fuzzer is made of. Each file of this folder that is named after a parser defines LLVMFuzzerTestOneInput, which
// ends the process when a property does not hold, and Seeds. The same files run under libFuzzer (preset fuzz,
// scripts/fuzz.sh) and, in every other build, as tests under our own driver (driver.cc).
#pragma once

#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

// Called once after the last input, before the process ends, by our own driver (libFuzzer has no such call). A fuzzer
// that keeps something over its inputs may define it.
extern "C" __attribute__((weak)) void TrialogFuzzerFinish();

namespace trialog::fuzz {

// Inputs to begin with, good ones among them; the same in every run. Each fuzzer defines it.
std::vector<std::string> Seeds();

// Says which property does not hold and ends the process.
void Require(bool holds, std::string_view property,
             const std::source_location& where = std::source_location::current());

// Takes an input apart from its beginning. What is missing at the end is zero, or empty.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}
  explicit Input(std::string_view bytes) : rest_(bytes) {}

  uint8_t Byte() { return static_cast<uint8_t>(Number(1)); }
  // Big-endian, so many bytes.
  uint64_t Number(int bytes);
  // A number below `count`, from one byte.
  size_t Choose(size_t count) { return Byte() % count; }
  // A text preceded by its length (2 bytes): what Part writes.
  std::string_view Text();
  std::string_view Rest() { return std::exchange(rest_, std::string_view()); }
  bool empty() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

// `text` preceded by its length (2 bytes): for seeds.
std::string Part(std::string_view text);

// `number` as Number reads it: for seeds.
std::string Big(uint64_t number, int bytes);

}  // namespace trialog::fuzz
