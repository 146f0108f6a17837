#include "platform/telemetry/trace_context.h"

#include <gtest/gtest.h>

#include "platform/text/text.h"

namespace trialog::telemetry {
namespace {

constexpr std::string_view kExample = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

std::string With(size_t at, std::string_view what) {
  return Cat(kExample.substr(0, at), what, kExample.substr(at + what.size()));
}

TEST(NormalTraceparent, KeepsAValidOne) {
  EXPECT_EQ(NormalTraceparent(kExample), kExample);
  EXPECT_EQ(TraceIdOf(kExample), "4bf92f3577b34da6a3ce929d0e0e4736");
}

TEST(NormalTraceparent, ReadsALaterVersionAsVersion00) {
  EXPECT_EQ(NormalTraceparent(With(0, "cc")), kExample);
  EXPECT_EQ(NormalTraceparent(Cat(With(0, "cc"), "-what-the-future-brings")), kExample);
  EXPECT_EQ(NormalTraceparent(Cat(With(0, "cc"), "0")), "");
}

TEST(NormalTraceparent, DropsWhatIsNotOneSoThatNoTextOfACallerPasses) {
  for (const std::string& bad :
       {std::string(), std::string("Ada Lovelace, born 1815-12-10, whose name does not belong in"), With(0, "ff"),
        With(2, "_"), With(35, "_"), With(52, "_"), With(3, "4BF9"), With(10, "g"), With(40, " "), With(53, "0x"),
        With(3, "00000000000000000000000000000000"), With(36, "0000000000000000"), Cat(kExample, "-more"),
        std::string(kExample.substr(1)), std::string(kExample.substr(0, 54))}) {
    EXPECT_EQ(NormalTraceparent(bad), "") << bad;
  }
  EXPECT_EQ(TraceIdOf(""), "");
}

}  // namespace
}  // namespace trialog::telemetry
