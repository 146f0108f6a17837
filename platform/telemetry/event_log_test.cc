#include "platform/telemetry/event_log.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace trialog::telemetry {
namespace {

TEST(EventLog, WritesOneJsonObjectALineWhateverTheTexts) {
  testing::internal::CaptureStderr();
  Warning("odd_texts", {{"quoted", "say \"no\"\nand {} %v"}, {"not_utf8", "\xff\xfe"}, {"empty", ""}});
  const std::string line = testing::internal::GetCapturedStderr();
  ASSERT_EQ(std::count(line.begin(), line.end(), '\n'), 1) << line;
  const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  ASSERT_TRUE(json.is_object()) << line;
  EXPECT_EQ(json["event"], "odd_texts");
  EXPECT_EQ(json["level"], "warning");
  EXPECT_EQ(json["quoted"], "say \"no\"\nand {} %v");
  EXPECT_TRUE(json.contains("time"));
  EXPECT_FALSE(json.contains("empty"));
}

TEST(LineLimit, LetsSoManyThroughASecondAndCountsTheRest) {
  LineLimit limit(3);
  int64_t passed = 0, left_out = 0, reported = 0;
  // Over more than one second of the clock, whose borders fall anywhere.
  for (const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(1100);
       std::chrono::steady_clock::now() < until;) {
    if (const auto before = limit.Pass()) {
      ++passed;
      reported += *before;
    } else {
      ++left_out;
    }
  }
  EXPECT_GE(passed, 3);
  EXPECT_LE(passed, 9) << "three borders at most";
  EXPECT_GT(left_out, 0);
  EXPECT_LE(reported, left_out);
  EXPECT_GT(reported, 0) << "the first line of a new second tells of those left out before";
}

}  // namespace
}  // namespace trialog::telemetry
