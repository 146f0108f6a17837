// The trace header of a call, as anybody may send it.
#include <vector>

#include "platform/telemetry/trace_context.h"
#include "platform/text/text.h"
#include "tests/fuzz/fuzz.h"

namespace trialog::fuzz {
namespace {

using telemetry::NormalTraceparent;

constexpr std::string_view kGood = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

void CheckHeader(std::string_view header) {
  const std::string normal = NormalTraceparent(header);
  if (normal.empty()) return Require(telemetry::TraceIdOf(normal).empty(), "no header names no trace");
  Require(normal.size() == kGood.size() && HasPrefix(normal, "00-"), "what is kept has the form of version 00");
  Require(normal.find_first_not_of("0123456789abcdef-") == std::string::npos, "what is kept is hex digits");
  Require(normal.substr(2) == header.substr(2, kGood.size() - 2), "what is kept was sent");
  Require(NormalTraceparent(normal) == normal, "the normal form is its own");
  Require(telemetry::TraceIdOf(normal).size() == 32, "a header names a trace");
}

}  // namespace

std::vector<std::string> Seeds() {
  return {std::string(kGood),
          Cat("cc", kGood.substr(2), "-what comes later"),
          Cat("ff", kGood.substr(2)),
          Cat(kGood, "-"),
          std::string(kGood.substr(0, 54)),
          "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
          "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
          ""};
}

}  // namespace trialog::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  trialog::fuzz::CheckHeader({reinterpret_cast<const char*>(data), size});
  return 0;
}
