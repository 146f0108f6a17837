#include "platform/log/continuity.h"

#include "gmock/gmock.h"
#include "platform/errors/errors.h"
#include "platform/log/admission.h"
#include "platform/log/embedded/embedded_log.h"
#include "platform/log/testing/log_client.h"
#include "platform/log/testing/power_cut_fs.h"

namespace trialog::log {
namespace {

constexpr char kTopic[] = "inventory";

std::unique_ptr<EmbeddedLog> NewLog() {
  return *EmbeddedLog::Open({.path = "/log", .file_system = trialog::testing::PowerCutInMemory(), .min_free_bytes = 0});
}

// Appends a claim and gives the fold behind it.
event::v1::FoldState Claim(Log& log, std::string owner, uint64_t term = 1) {
  event::v1::LogRecord record;
  record.mutable_claim()->set_term(term);
  record.mutable_claim()->set_owner(std::move(owner));
  const std::string bytes = record.SerializeAsString();
  event::v1::FoldState fold;
  const int64_t offset = trialog::testing::AppendNow(*log.NewAppender(kTopic, 0), {bytes})[0].offset;
  Admit(fold, record, bytes, offset);
  return fold;
}

TEST(Continuity, ALogThatGoesOnIsTheSame) {
  const auto log = NewLog();
  EXPECT_EQ(CheckContinues(*log, kTopic, 0, {}), absl::OkStatus());
  const auto fold = Claim(*log, "a");
  EXPECT_EQ(CheckContinues(*log, kTopic, 0, fold), absl::OkStatus());
  Claim(*log, "b", 2);
  EXPECT_EQ(CheckContinues(*log, kTopic, 0, fold), absl::OkStatus());
  auto released = fold;
  released.clear_owner();
  EXPECT_EQ(CheckContinues(*log, kTopic, 0, released), absl::OkStatus());
}

TEST(Continuity, ALogThatEndsBeforeTheStoreLostRecords) {
  auto fold = Claim(*NewLog(), "a");
  EXPECT_EQ(ReasonOf(CheckContinues(*NewLog(), kTopic, 0, fold)), "LOG_ENDS_BEFORE_STORE");
}

TEST(Continuity, ALogWithAnotherClaimThereIsAnother) {
  const auto fold = Claim(*NewLog(), "a");
  const auto other = NewLog();
  Claim(*other, "b");
  EXPECT_EQ(ReasonOf(CheckContinues(*other, kTopic, 0, fold)), "LOG_IS_ANOTHER");
  const auto longer = NewLog();
  trialog::testing::AppendNow(*longer->NewAppender(kTopic, 0), {"not a claim", "nor this"});
  EXPECT_EQ(ReasonOf(CheckContinues(*longer, kTopic, 0, fold)), "LOG_IS_ANOTHER");
}

}  // namespace
}  // namespace trialog::log
