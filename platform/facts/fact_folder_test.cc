#include "platform/facts/fact_folder.h"

#include <atomic>

#include "absl/synchronization/notification.h"
#include "platform/log/wrapped_log.h"
#include "platform/reaction/alarm_world.h"

namespace trialog::facts {
namespace {

using reaction::AlarmName;

// An executor whose gathering never ends.
class WithoutTimers final : public Executor {
 public:
  explicit WithoutTimers(std::unique_ptr<Executor> executor) : executor_(std::move(executor)) {}
  void Post(Task task) override { executor_->Post(std::move(task)); }
  void After(absl::Duration delay, Task task) override {
    if (delay != FactFolder::kGather) executor_->After(delay, std::move(task));
  }

 private:
  const std::unique_ptr<Executor> executor_;
};

class RuntimeWithoutTimers final : public Runtime {
 public:
  absl::Time Now() override { return RealRuntime().Now(); }
  absl::Duration Monotonic() override { return RealRuntime().Monotonic(); }
  std::string RandomBytes(size_t count) override { return RealRuntime().RandomBytes(count); }
  std::unique_ptr<Executor> NewExecutor(std::string name) override {
    return std::make_unique<WithoutTimers>(RealRuntime().NewExecutor(std::move(name)));
  }
};

// Reads fail while it says so.
class FailingLog : public log::WrappedLog {
 public:
  using WrappedLog::WrappedLog;
  absl::StatusOr<std::vector<log::StoredRecord>> Read(const std::string& topic, int partition, int64_t from,
                                                      size_t max_bytes) override {
    if (!fails) return WrappedLog::Read(topic, partition, from, max_bytes);
    ++failed;
    return absl::UnavailableError("away");
  }
  std::atomic<bool> fails = false;
  std::atomic<int> failed = 0;
};

class FactFolderTest : public reaction::AlarmWorld {
 protected:
  FactFolderTest() { Open(); }
  void Open(Runtime& runtime = RealRuntime()) { Open(runtime, *log_); }
  void Open(Runtime& runtime, log::Log& log) {
    folder_.reset();
    folder_ = std::make_unique<FactFolder>(
        runtime, log, *store_, "alarm", log::kPartitions,
        [](const event::v1::PublicEvent& event, std::vector<view::Store::FactWrite>& writes) {
          writes.push_back({event.subject(), event.type()});
        },
        nullptr);
    EXPECT_TRUE(folder_->Start().ok());
  }
  // Alarms go off, which nobody outside is told.
  void Ring(int times) {
    absl::Mutex mutex;
    int left = times;
    for (int i = 0; i < times; ++i) {
      SubmitHere(
          "o", "ring", std::nullopt, [](const view::State&, const Context&) { return reaction::Ring(AlarmName(1)); },
          [&](const absl::StatusOr<Outcome>& outcome) {
            EXPECT_TRUE(outcome.ok()) << outcome.status();
            absl::MutexLock lock(&mutex);
            --left;
          });
    }
    absl::MutexLock lock(&mutex);
    mutex.Await(absl::Condition(
        +[](int* count) { return *count == 0; }, &left));
  }
  int64_t End() const { return store_->next_offset(partition); }
  void AwaitFolded() {
    absl::Notification folded;
    folder_->WhenFolded(partition, End() - 1, absl::Seconds(60), [&](const absl::Status& status) {
      EXPECT_TRUE(status.ok()) << status;
      folded.Notify();
    });
    folded.WaitForNotification();
    EXPECT_EQ(folder_->next_offset(partition), End());
  }
  int64_t Stored() const { return store_->fact_fold("alarm", partition).next_offset(); }

  std::unique_ptr<FactFolder> folder_;
};

TEST_F(FactFolderTest, WhoWaitsForAPositionFindsItsFactsAndThePositionStored) {
  Set(AlarmName(1));
  AwaitFolded();
  EXPECT_EQ(store_->Fact(AlarmName(1)), "trialog.alarm.v1.AlarmSet");
  EXPECT_EQ(Stored(), End());
}

TEST_F(FactFolderTest, WhoWaitsDoesNotWaitForMoreToCome) {
  RuntimeWithoutTimers runtime;
  Open(runtime);
  Set(AlarmName(1));
  AwaitFolded();
  EXPECT_TRUE(store_->Fact(AlarmName(1)).has_value());
  folder_.reset();
}

TEST_F(FactFolderTest, TriesAgainWhatCouldNotBeReadThoughNothingElseComes) {
  FailingLog failing(*log_);
  Open(RealRuntime(), failing);
  failing.fails = true;
  Set(AlarmName(1));
  Await([&] { return failing.failed > 0; });
  EXPECT_LT(folder_->next_offset(partition), End());
  Await([&] { return absl::IsUnavailable(folder_->Health()); });
  failing.fails = false;
  Await([&] { return folder_->next_offset(partition) == End(); });
  EXPECT_TRUE(store_->Fact(AlarmName(1)).has_value());
  Await([&] { return folder_->Health().ok(); });
  folder_.reset();
}

TEST_F(FactFolderTest, RecordsWithoutFactsAreKnownButWrittenOnlyNowAndThen) {
  Set(AlarmName(1));
  AwaitFolded();
  const int64_t stored = Stored();
  Ring(10);
  AwaitFolded();
  EXPECT_EQ(Stored(), stored);
  Open();  // Reads them again.
  EXPECT_EQ(folder_->next_offset(partition), End());
  Set(AlarmName(2));
  AwaitFolded();
  EXPECT_TRUE(store_->Fact(AlarmName(2)).has_value());
  EXPECT_EQ(Stored(), End());
  Ring(FactFolder::kStoreEvery);
  AwaitFolded();
  EXPECT_GT(Stored(), stored + 11);
}

}  // namespace
}  // namespace trialog::facts
