// The relay between a log and a topic that loses, repeats and delays what it is given, from seeds. TRIALOG_SEED changes
// the first.
#include "platform/relay/relay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "platform/command/decision.h"
#include "platform/errors/errors.h"
#include "platform/log/simulated/simulated_log.h"
#include "platform/runtime/simulated_runtime.h"
#include "platform/text/text.h"
#include "platform/view/public_stream.h"
#include "trialog/alarm/v1/alarm.pb.h"

namespace trialog::relay {
namespace {

using ::testing::HasSubstr;

constexpr char kService[] = "alarm";

struct Faults {
  int64_t lost = 0, cut = 0, unanswered = 0, late = 0, repeats = 0;
};

// One partition of a public topic. A group lands whole, or a beginning of it, or later, or never; the answer to each
// but the first is an error.
class SimulatedTopic final : public Outlet {
 public:
  SimulatedTopic(SimulatedRuntime& runtime, uint32_t fault_one_in) : runtime_(runtime), fault_one_in_(fault_one_in) {}

  absl::StatusOr<std::optional<Found>> Highest(const std::string&, int) override {
    if (runtime_.random().OneIn(fault_one_in_)) return absl::UnavailableError("no broker");
    std::optional<Found> highest;
    // Some of the latest only, as the real one looks at.
    for (size_t i = landed.size() - std::min<size_t>(landed.size(), 5); i < landed.size(); ++i) {
      const std::string sequence = HeaderOf(landed[i], kSequenceHeader);
      if (highest && Sequence(highest->position) >= sequence) continue;
      highest = Found{*ParseSequence(sequence), HeaderOf(landed[i], kIdHeader)};
    }
    return highest;
  }

  void Send(const std::string&, int, std::vector<Message> messages, std::function<void(absl::Status)> done) override {
    const absl::Duration delay = runtime_.random().UpTo(absl::Milliseconds(20));
    if (!runtime_.random().OneIn(fault_one_in_)) {
      runtime_.Schedule(delay, [this, messages = std::move(messages), done = std::move(done)] {
        Land(messages, messages.size());
        done(absl::OkStatus());
      });
      return;
    }
    const uint64_t fault = runtime_.random().Below(4);
    ++*std::array{&faults.lost, &faults.cut, &faults.unanswered, &faults.late}[fault];
    const size_t count = fault == 0 ? 0 : fault == 1 ? runtime_.random().Below(messages.size()) : messages.size();
    const absl::Duration landing = fault == 3 ? delay + runtime_.random().UpTo(absl::Seconds(5)) : delay;
    runtime_.Schedule(landing, [this, count, messages = std::move(messages)] { Land(messages, count); });
    runtime_.Schedule(delay, [done = std::move(done)] { done(absl::UnavailableError("no answer")); });
  }

  static std::string HeaderOf(const Message& message, std::string_view name) {
    for (const auto& [key, value] : message.headers) {
      if (key == name) return value;
    }
    return "";
  }
  void Calm() { fault_one_in_ = 0; }

  std::vector<Message> landed;
  Faults faults;

 private:
  void Land(const std::vector<Message>& messages, size_t count) {
    landed.insert(landed.end(), messages.begin(), messages.begin() + static_cast<ptrdiff_t>(count));
  }

  SimulatedRuntime& runtime_;
  uint32_t fault_one_in_;
};

class RelayWorld {
 public:
  RelayWorld(uint64_t seed, uint32_t fault_one_in)
      : runtime(seed, {.pause_one_in = fault_one_in * 10}), log(runtime, {}), topic(runtime, fault_one_in) {
    AppendClaim(1);
  }

  std::unique_ptr<Relay> NewRelay(std::function<bool(int)> owns) {
    RelayOptions options;
    options.partitions = 1;
    options.owns = std::move(owns);
    options.shown = [this](int) { return shown; };
    return std::make_unique<Relay>(runtime, log, kService, alarm::v1::AlarmEvent::default_instance(), topic,
                                   std::move(options));
  }

  // A command with some events, public ones among them, or a record that does not count.
  void AppendSome() {
    event::v1::LogRecord record;
    event::v1::Data& data = *record.mutable_data();
    const bool stale = runtime.random().OneIn(7);
    data.set_term(stale ? 0 : 1);
    data.set_owner("owner");
    data.set_seq(seq_);
    data.set_command_id(runtime.random().Bytes(16));
    data.set_organization("o");
    data.mutable_record_time()->set_seconds(1'767'225'600);
    for (uint64_t i = 0, count = runtime.random().Below(4); i < count; ++i) {
      alarm::v1::AlarmEvent event;
      const bool is_public = runtime.random().OneIn(2);
      if (is_public) event.mutable_alarm_set()->mutable_alarm()->set_name("organizations/o/alarms/a");
      if (!is_public) event.mutable_alarm_rang()->set_name("organizations/o/alarms/a");
      auto* added = data.add_events();
      added->set_entity("organizations/o/alarms/a");
      event.SerializeToString(added->mutable_domain());
      if (is_public && !stale)
        published.push_back(UuidText(EventId(kService, "o", data.command_id(), static_cast<int>(i))));
    }
    if (!stale) ++seq_;
    Append(record.SerializeAsString());
  }

  // What a consumer keeps that drops whatever is not above the last sequence.
  std::vector<std::string> Consumed() {
    std::vector<std::string> ids;
    std::string last;
    for (const Message& message : topic.landed) {
      const std::string sequence = SimulatedTopic::HeaderOf(message, kSequenceHeader);
      if (sequence <= last) {
        ++topic.faults.repeats;
        continue;
      }
      last = sequence;
      ids.push_back(SimulatedTopic::HeaderOf(message, kIdHeader));
    }
    return ids;
  }

  SimulatedRuntime runtime;
  log::SimulatedLog log;
  SimulatedTopic topic;
  std::vector<std::string> published;  // Ids of the public events of admitted records.
  int64_t shown = INT64_MAX;

 private:
  void AppendClaim(uint64_t term) {
    event::v1::LogRecord record;
    record.mutable_claim()->set_term(term);
    record.mutable_claim()->set_owner("owner");
    Append(record.SerializeAsString());
  }
  void Append(std::string bytes) {
    if (!appender_) appender_ = log.NewAppender(kService, 0);
    bool landed = false;
    appender_->Append({std::move(bytes)}, [&](const std::vector<log::Report>&) { landed = true; });
    while (!landed) runtime.Step();
  }

  uint64_t seq_ = 1;
  std::unique_ptr<log::Appender> appender_;
};

TEST(RelayTest, ConsumersHaveEveryEventOnceAndInOrderWhateverIsLostLateOrDoubled) {
  const char* given = std::getenv("TRIALOG_SEED");
  const uint64_t first = given ? std::strtoull(given, nullptr, 10) : 1, seeds = given ? 1 : 400;
  Faults all;
  int64_t takeovers = 0;
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    SCOPED_TRACE(Cat("TRIALOG_SEED=", seed));
    RelayWorld world(seed, 4);
    // Which of two processes believes that it owns the partition: now and then both do, or none.
    bool owns[2] = {true, false};
    std::vector<std::unique_ptr<Relay>> relays;
    for (int i : {0, 1}) relays.push_back(world.NewRelay([&owns, i](int) { return owns[i]; }));
    for (int round = 0; round < 60; ++round) {
      world.AppendSome();
      for (auto& relay : relays) relay->Wake(0);
      if (world.runtime.random().OneIn(6)) {
        const uint64_t who = world.runtime.random().Below(2);
        owns[who] = !owns[who];
        takeovers += owns[who];
      }
      if (world.runtime.random().OneIn(15)) relays[0] = world.NewRelay([&owns](int) { return owns[0]; });  // It died.
      world.runtime.RunFor(world.runtime.random().UpTo(absl::Milliseconds(400)));
    }
    world.topic.Calm();
    owns[0] = true;
    world.runtime.RunFor(absl::Minutes(5));
    EXPECT_EQ(world.Consumed(), world.published);
    EXPECT_EQ(relays[0]->Health(), absl::OkStatus());
    EXPECT_EQ(relays[0]->Lag(), 0);
    if (::testing::Test::HasFailure()) return;
    const Faults& had = world.topic.faults;
    all = {all.lost + had.lost, all.cut + had.cut, all.unanswered + had.unanswered, all.late + had.late,
           all.repeats + had.repeats};
  }
  std::cout << seeds << " seeds: lost " << all.lost << ", cut " << all.cut << ", unanswered " << all.unanswered
            << ", late " << all.late << ", repeats " << all.repeats << ", takeovers " << takeovers << std::endl;
  if (given) return;
  EXPECT_GT(std::min({all.lost, all.cut, all.unanswered, all.late, all.repeats, takeovers}), 100);
}

TEST(RelayTest, NoEventLeavesBeforeTheServiceShowsIt) {
  RelayWorld world(1, 0);
  world.shown = 2;  // The claim and one record.
  auto relay = world.NewRelay(nullptr);
  while (world.published.size() < 5) world.AppendSome();
  relay->Wake(0);
  world.runtime.RunFor(absl::Seconds(10));
  EXPECT_LE(world.topic.landed.size(), 3);
  EXPECT_GT(relay->Lag(), 0);
  world.shown = INT64_MAX;
  relay->Wake(0);
  world.runtime.RunFor(absl::Seconds(10));
  EXPECT_EQ(world.Consumed(), world.published);
  EXPECT_EQ(relay->relayed(), static_cast<int64_t>(world.published.size()));
}

TEST(RelayTest, ATopicOfAnotherLogIsNotAddedTo) {
  RelayWorld one(1, 0), other(2, 0);
  while (one.published.size() < 5) one.AppendSome();
  while (other.published.size() < 9) other.AppendSome();
  auto first = one.NewRelay(nullptr);
  one.runtime.RunFor(absl::Seconds(1));
  other.topic.landed = one.topic.landed;
  auto second = other.NewRelay(nullptr);
  other.runtime.RunFor(absl::Minutes(1));
  EXPECT_EQ(other.topic.landed.size(), one.topic.landed.size());
  EXPECT_EQ(ReasonOf(second->Health()), "PUBLIC_TOPIC_IS_ANOTHER");
  EXPECT_THAT(second->Health().message(), HasSubstr("Make the topic anew"));
  other.topic.landed.clear();  // Made anew: it goes on by itself.
  other.runtime.RunFor(absl::Minutes(1));
  EXPECT_EQ(other.Consumed(), other.published);
  EXPECT_EQ(second->Health(), absl::OkStatus());
}

}  // namespace
}  // namespace trialog::relay
