#include "platform/log/kafka/membership.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "absl/synchronization/mutex.h"
#include "platform/log/kafka/topics.h"
#include "platform/log/testing/kafka_brokers.h"

namespace trialog::log::kafka {
namespace {

// A member, and what it was given last.
struct Member {
  Member(const Options& options, MembershipOptions group) {
    auto joined = Membership::Join(options, group, [this](std::vector<bool> wanted) {
      absl::MutexLock lock(&mutex);
      has = static_cast<int>(std::count(wanted.begin(), wanted.end(), true));
    });
    EXPECT_TRUE(joined.ok()) << joined.status();
    membership = *std::move(joined);
  }
  bool AwaitHas(int count) {
    absl::MutexLock lock(&mutex);
    const auto so_many = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) { return has == count; };
    return mutex.AwaitWithTimeout(absl::Condition(&so_many), absl::Seconds(60));
  }

  absl::Mutex mutex;
  int has ABSL_GUARDED_BY(mutex) = -1;
  std::unique_ptr<Membership> membership;  // First to go.
};

TEST(Membership, SharesPartitionsOutAndGivesThoseOfALeaverToTheOthers) {
  const Options options = trialog::testing::FreshKafka();
  const auto topics = PrivateTopics(options, {"inventory"});
  ASSERT_EQ(CreateTopics(options, topics), absl::OkStatus());
  const MembershipOptions group{
      .group = topics[0].name + ".owners", .topic = topics[0].name, .partitions = topics[0].partitions};
  Member one(options, group);
  EXPECT_TRUE(one.AwaitHas(12));
  {
    Member two(options, group);
    EXPECT_TRUE(two.AwaitHas(6));
    EXPECT_TRUE(one.AwaitHas(6));
  }
  EXPECT_TRUE(one.AwaitHas(12));
}

}  // namespace
}  // namespace trialog::log::kafka
