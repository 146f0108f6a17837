#include "services/trialogctl/skip.h"

#include <unistd.h>

#include <filesystem>

#include "gtest/gtest.h"
#include "platform/command/fold.h"
#include "platform/errors/errors.h"
#include "platform/log/admission.h"
#include "platform/log/embedded/embedded_log.h"
#include "platform/runtime/real_runtime.h"
#include "platform/text/text.h"
#include "services/inventory/domain/evolve.h"
#include "services/trialogctl/logs.h"
#include "trialog/inventory/v1/events.pb.h"

namespace trialog::ctl {
namespace {

constexpr int kPartition = 4;
const std::string kNoise = "\xff\xff no record";

// A partition of inventory with a record of its owner; each test adds what stops it.
class SkipTest : public testing::Test {
 protected:
  SkipTest() {
    folder_ = testing::TempDir() + Cat("skip_test_", ::getpid());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    log_ = *log::EmbeddedLog::Open({.path = folder_ + "/log"});
    event::v1::LogRecord claim;
    claim.mutable_claim()->set_term(1);
    claim.mutable_claim()->set_owner("owner");
    Append(claim.SerializeAsString());
    Append(Next(1, inventory::v1::InventoryEvent()));
  }
  ~SkipTest() override {
    log_.reset();
    std::filesystem::remove_all(folder_);
  }

  // Gives its offset.
  int64_t Append(const std::string& bytes) {
    const auto reports = AppendAndWait(*log_->NewAppender("inventory", kPartition), {bytes});
    EXPECT_TRUE(reports.front().status.ok());
    return reports.front().offset;
  }
  // The owner's record of this number; without events where the event has no kind.
  std::string Next(uint64_t seq, const inventory::v1::InventoryEvent& event) {
    event::v1::LogRecord record;
    event::v1::Data& data = *record.mutable_data();
    data.set_term(1);
    data.set_owner("owner");
    data.set_seq(seq);
    data.set_prev(last_);
    data.set_command_id(Cat("command-", seq));
    data.set_organization("o");
    if (event.ByteSizeLong() > 0) event.SerializeToString(data.add_events()->mutable_domain());
    std::string bytes = record.SerializeAsString();
    last_ = log::RecordHash(bytes);
    return bytes;
  }
  // An event of a later build.
  static inventory::v1::InventoryEvent Unknown() {
    inventory::v1::InventoryEvent event;
    event.GetReflection()->MutableUnknownFields(&event)->AddVarint(4711, 1);
    return event;
  }

  absl::Status SkipAt(int64_t offset, const std::string& ticket = "OPS-1") {
    return Skip({.service = "inventory", .partition = kPartition, .offset = offset, .ticket = ticket}, *log_,
                RealRuntime());
  }
  // Why a fold of all of it stops; "" when it does not.
  std::string StopsFor() {
    std::filesystem::remove_all(folder_ + "/store");
    const auto store = *view::Store::Open(inventory::InventoryDomain(), {.path = folder_ + "/store"});
    return ReasonOf(CatchUp(inventory::InventoryDomain(), *store, *log_, kPartition));
  }
  int64_t End() { return *log_->EndOffset("inventory", kPartition); }

  std::string folder_, last_;
  std::unique_ptr<log::EmbeddedLog> log_;
};

TEST_F(SkipTest, BytesThatAreNoRecord) {
  const int64_t offset = Append(kNoise);
  EXPECT_EQ(StopsFor(), "LOG_RECORD_UNREADABLE");
  ASSERT_TRUE(SkipAt(offset).ok());
  EXPECT_EQ(StopsFor(), "");
  const int64_t end = End();
  EXPECT_TRUE(SkipAt(offset).ok());
  EXPECT_EQ(End(), end) << "it was skipped already";

  // Nobody owns the partition then, and the skip says who did it, of what, and why.
  const auto fold = *FoldWhole(*log_, "inventory", kPartition);
  EXPECT_TRUE(fold.owner().empty());
  EXPECT_EQ(fold.alarms(), 0u);
  const auto records = *log_->Read("inventory", kPartition, end - 2, 1);
  const auto record = *log::ParseRecord(records.front().bytes, end - 2);
  EXPECT_EQ(record.data().method(), "operator.skip");
  EXPECT_EQ(record.data().caller().name(), "trialogctl");
  EXPECT_EQ(record.data().events(0).skip().offset(), offset);
  EXPECT_EQ(record.data().events(0).skip().ticket(), "OPS-1");
}

TEST_F(SkipTest, AnEventThatThisBuildDoesNotKnow) {
  const int64_t offset = Append(Next(2, Unknown()));
  Append(Next(3, inventory::v1::InventoryEvent()));
  EXPECT_EQ(StopsFor(), "UNKNOWN_EVENT");
  ASSERT_TRUE(SkipAt(offset).ok());
  EXPECT_EQ(StopsFor(), "");
  const auto records = *log_->Read("inventory", kPartition, End() - 2, 1);
  EXPECT_EQ(log::ParseRecord(records.front().bytes, 0)->data().organization(), "o") << "whose entry it is";
}

TEST_F(SkipTest, NothingThatCanBeFoldedAndNothingThatOthersDependOn) {
  const int64_t end = End();
  EXPECT_EQ(ReasonOf(SkipAt(0)), "RECORD_IS_FOLDED");
  EXPECT_EQ(ReasonOf(SkipAt(1)), "RECORD_IS_FOLDED");
  EXPECT_EQ(ReasonOf(SkipAt(end)), "NO_SUCH_RECORD");
  EXPECT_EQ(ReasonOf(SkipAt(-1)), "NO_SUCH_RECORD");
  for (const char* ticket : {"", "because John said so", "so\nmany"})
    EXPECT_EQ(ReasonOf(SkipAt(1, ticket)), "BAD_TICKET");
  EXPECT_EQ(End(), end);

  // The owner's second record, damaged: its third counts only behind it.
  Next(2, inventory::v1::InventoryEvent());
  const int64_t damaged = Append(kNoise);
  Append(Next(3, inventory::v1::InventoryEvent()));
  EXPECT_EQ(ReasonOf(SkipAt(damaged)), "RECORDS_FOLLOW");
  EXPECT_EQ(End(), end + 2) << "nothing was written";
  EXPECT_EQ(StopsFor(), "LOG_RECORD_UNREADABLE");
}

}  // namespace
}  // namespace trialog::ctl
