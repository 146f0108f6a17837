// A real service of alarms on an embedded log, for the tests of this folder.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "absl/synchronization/mutex.h"
#include "gtest/gtest.h"
#include "platform/command/owner.h"
#include "platform/log/embedded/embedded_log.h"
#include "platform/reaction/submit.h"
#include "platform/runtime/real_runtime.h"
#include "platform/text/text.h"
#include "platform/view/store.h"
#include "platform/view/times.h"
#include "trialog/alarm/v1/alarm.pb.h"

namespace trialog::reaction {

using alarm::v1::Alarm;
using alarm::v1::AlarmEvent;

inline constexpr view::Index kAlarmsDue{1, "alarms_due"};

inline void IndexAlarm(const view::Row& row, std::string_view, view::IndexSink& sink) {
  const auto& alarm = row.As<Alarm>();
  if (alarm.has_due_time()) sink.Add(kAlarmsDue, view::OrderedTime(alarm.due_time()));
}

inline const view::Table kAlarms{1, "organizations/*/alarms/*", &Alarm::default_instance(), IndexAlarm};

inline void EvolveAlarm(view::ChangeSet& state, const google::protobuf::Message& message) {
  const auto& event = static_cast<const AlarmEvent&>(message);
  if (event.has_alarm_set()) {
    state.Put(kAlarms, event.alarm_set().alarm().name(), std::make_shared<Alarm>(event.alarm_set().alarm()));
  } else if (event.has_alarm_rang()) {
    const auto before = state.Get<Alarm>(kAlarms, event.alarm_rang().name());
    auto after = before ? std::make_shared<Alarm>(*before) : std::make_shared<Alarm>();
    after->set_rings(after->rings() + 1);
    after->clear_due_time();
    state.Put(kAlarms, event.alarm_rang().name(), after);
  }
}

inline const Domain kAlarmDomain{"alarm", &AlarmEvent::default_instance(), {&kAlarms}, EvolveAlarm};

inline std::string AlarmName(int n) { return Cat("organizations/o/alarms/a", n); }

inline Decision Ring(const std::string& name) {
  AlarmEvent event;
  event.mutable_alarm_rang()->set_name(name);
  Decision decision;
  decision.Add(name, std::move(event));
  decision.names.push_back(name);
  return decision;
}

class AlarmWorld : public testing::Test {
 protected:
  AlarmWorld() {
    folder_ = std::filesystem::path(testing::TempDir()) /
              Cat("alarms-", getpid(), "-", testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    auto log = log::EmbeddedLog::Open({.path = folder_ / "log", .min_free_bytes = 0});
    EXPECT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
    auto store = view::Store::Open(kAlarmDomain, {.path = folder_ / "store"});
    EXPECT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    owner_ = std::make_unique<Owner>(RealRuntime(), *log_, *store_, OwnerOptions{});
    EXPECT_TRUE(owner_->Start(false).ok());
    listener_ = store_->Listen(partition, [this] { changed_.Signal(); });
  }
  ~AlarmWorld() override {
    owner_->Stop();
    store_->Unlisten(partition, listener_);
    owner_.reset();
    store_.reset();
    log_.reset();
    std::filesystem::remove_all(folder_);
  }

  void SubmitHere(std::string organization, std::string method, Occasion occasion, DecideFn decide,
                  std::function<void(absl::StatusOr<Outcome>)> done) {
    auto command = std::make_unique<Command>();
    command->organization = organization;
    command->method = std::move(method);
    command->principal.organization = std::move(organization);
    command->principal.internal = true;
    command->cause = std::move(occasion.cause);
    command->trace = std::move(occasion.trace);
    command->decide = std::move(decide);
    command->done = std::move(done);
    owner_->Submit(std::move(command));
  }
  Submit ToOwner() {
    return [this](auto organization, auto method, auto occasion, auto decide, auto done) {
      SubmitHere(std::move(organization), std::move(method), std::move(occasion), std::move(decide), std::move(done));
    };
  }

  // Sets an alarm and waits until that is written.
  void Set(const std::string& name, absl::Time due = absl::InfiniteFuture()) {
    bool done = false;
    absl::Mutex mutex;
    SubmitHere(
        "o", "set", std::nullopt,
        [&](const view::State&, const Context&) -> absl::StatusOr<Decision> {
          AlarmEvent event;
          event.mutable_alarm_set()->mutable_alarm()->set_name(name);
          if (due != absl::InfiniteFuture()) {
            *event.mutable_alarm_set()->mutable_alarm()->mutable_due_time() = ToProto(due);
          }
          Decision decision;
          decision.Add(name, std::move(event));
          return decision;
        },
        [&](const absl::StatusOr<Outcome>& outcome) {
          EXPECT_TRUE(outcome.ok()) << outcome.status();
          absl::MutexLock lock(&mutex);
          done = true;
        });
    absl::MutexLock lock(&mutex);
    mutex.Await(absl::Condition(&done));
  }

  int Rings(const std::string& name) const {
    const auto alarm = store_->partition(partition).Get<Alarm>(kAlarms, name);
    return alarm ? alarm->rings() : 0;
  }

  // Waits for a commit after which `holds`; fails the test after half a minute.
  template <typename Holds>
  void Await(Holds holds) {
    absl::MutexLock lock(&mutex_);
    const absl::Time until = absl::Now() + absl::Seconds(30);
    bool held = holds();
    while (!held && absl::Now() < until) {
      changed_.WaitWithTimeout(&mutex_, absl::Milliseconds(20));
      held = holds();
    }
    EXPECT_TRUE(held);
  }

  const int partition = log::PartitionOf("o");
  std::unique_ptr<log::EmbeddedLog> log_;
  std::unique_ptr<view::Store> store_;
  std::unique_ptr<Owner> owner_;
  absl::CondVar changed_;

 private:
  std::filesystem::path folder_;
  int64_t listener_ = 0;
  absl::Mutex mutex_;
};

}  // namespace trialog::reaction
