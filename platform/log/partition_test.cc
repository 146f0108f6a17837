#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "platform/log/log.h"
#include "platform/text/text.h"

namespace trialog::log {
namespace {

// With as many partitions as there are positive numbers, the partition shows the hash itself, less its sign bit.
constexpr int kShowHash = std::numeric_limits<int>::max();
int WithoutSign(int32_t hash) { return static_cast<int>((static_cast<uint32_t>(hash) & 0x7fffffffu) % kShowHash); }

TEST(PartitionOf, IsTheHashOfKafkasOwnClient) {  // Values of UtilsTest.testMurmur2 in Apache Kafka.
  const std::pair<std::string_view, int32_t> known[] = {
      {"21", -973932308},
      {"foobar", -790332482},
      {"a-little-bit-long-string", -985981536},
      {"a-little-bit-longer-string", -1486304829},
      {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
      {"abc", 479470107},
  };
  for (const auto& [key, hash] : known) EXPECT_EQ(PartitionOf(key, kShowHash), WithoutSign(hash)) << key;
}

TEST(PartitionOf, ReadsBytesAsUnsigned) {
  EXPECT_NE(PartitionOf("\xff", kShowHash), PartitionOf("\x7f", kShowHash));
  EXPECT_GE(PartitionOf("\xff\xfe\xfd", kPartitions), 0);
}

TEST(PartitionOf, StaysWithinThePartitionsAndUsesThemAll) {
  std::set<int> used;
  for (int i = 0; i < 1000; ++i) {
    const int partition = PartitionOf(Cat("org-", i));
    ASSERT_GE(partition, 0);
    ASSERT_LT(partition, kPartitions);
    used.insert(partition);
  }
  EXPECT_EQ(used.size(), size_t{kPartitions});
}

}  // namespace
}  // namespace trialog::log
