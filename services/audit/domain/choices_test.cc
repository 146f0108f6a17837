#include "services/audit/domain/choices.h"

#include "gtest/gtest.h"
#include "platform/errors/errors.h"

namespace trialog::audit {
namespace {

v1::Sequenced Range(const std::string& source, int partition, int64_t from, int64_t to) {
  v1::Sequenced range;
  range.set_source(source);
  range.set_partition(partition);
  range.set_from(from);
  range.set_to(to);
  return range;
}

v1::CheckpointSigned Root(uint64_t size, char byte) {
  v1::CheckpointSigned checkpoint;
  checkpoint.set_size(size);
  checkpoint.set_root(std::string(32, byte));
  return checkpoint;
}

class Choices : public testing::Test {
 protected:
  Choices() : state(view::EmptyState()) {}
  void Given(const absl::StatusOr<Decision>& decision) {
    ASSERT_TRUE(decision.ok()) << decision.status();
    Apply(AuditDomain(), {}, *decision, state);
  }
  view::ChangeSet state;
};

TEST_F(Choices, ARangeFollowsTheOneBeforeItInItsPartition) {
  Given(Sequence(state, {}, {Range("auth", 0, 0, 5), Range("auth", 1, 0, 2), Range("auth", 0, 5, 6)}));
  EXPECT_EQ(NextToSequence(state, "auth", 0), 6);
  EXPECT_EQ(NextToSequence(state, "auth", 1), 2);
  EXPECT_EQ(NextToSequence(state, "inventory", 0), 0);
}

TEST_F(Choices, ARangeThatOverlapsLeavesAGapOrIsEmptyIsRefused) {
  Given(Sequence(state, {}, {Range("auth", 0, 0, 5)}));
  for (const v1::Sequenced& range : {Range("auth", 0, 4, 7), Range("auth", 0, 6, 7), Range("auth", 0, 5, 5)}) {
    EXPECT_EQ(ReasonOf(Sequence(state, {}, {range}).status()), "NOT_NEXT") << range.ShortDebugString();
  }
  EXPECT_EQ(ReasonOf(Sequence(state, {}, {}).status()), "NOTHING_TO_SEQUENCE");
}

TEST_F(Choices, ASizeIsSignedOnceAndSizesGrow) {
  Given(SignCheckpoint(state, {}, Root(7, 'a')));
  EXPECT_EQ(ReasonOf(SignCheckpoint(state, {}, Root(7, 'a')).status()), "ALREADY_SIGNED");
  EXPECT_EQ(ReasonOf(SignCheckpoint(state, {}, Root(7, 'b')).status()), "ALREADY_SIGNED");
  EXPECT_EQ(ReasonOf(SignCheckpoint(state, {}, Root(6, 'b')).status()), "ALREADY_SIGNED");
  EXPECT_TRUE(SignCheckpoint(state, {}, Root(8, 'b')).ok());
  v1::CheckpointSigned short_root = Root(9, 'c');
  short_root.set_root("short");
  EXPECT_EQ(ReasonOf(SignCheckpoint(state, {}, short_root).status()), "BAD_ROOT");
}

}  // namespace
}  // namespace trialog::audit
