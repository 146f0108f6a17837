#include "platform/view/remembering_state.h"

#include "gtest/gtest.h"
#include "platform/text/text.h"

namespace trialog::view {
namespace {

constexpr Index kOne{1, "one"}, kOther{2, "other"};

// Counts what it is asked; its answers tell what was asked and how often.
class Asked final : public State {
 public:
  RowPtr Find(const Table&, std::string_view) const override { return nullptr; }
  std::optional<std::string> Lookup(const Index& index, std::string_view key) const override {
    return Cat(index.id, " ", key, " ", ++times);
  }
  std::vector<Found> Scan(const Index& index, std::string_view prefix, size_t limit,
                          std::string_view after) const override {
    return {{Cat(index.id, " ", prefix, " ", limit, " ", after), Cat(++times)}};
  }
  int64_t Count(const Index&, std::string_view) const override { return ++times; }
  mutable int times = 0;
};

TEST(RememberingState, AsksOnceUntilItForgets) {
  Asked asked;
  RememberingState state(asked);
  EXPECT_EQ(state.Lookup(kOne, "a"), "1 a 1");
  EXPECT_EQ(state.Lookup(kOne, "a"), "1 a 1");
  EXPECT_EQ(state.Lookup(kOther, "a"), "2 a 2");
  EXPECT_EQ(state.Lookup(kOne, "b"), "1 b 3");
  const auto scan = [&](std::string_view prefix, size_t limit, std::string_view after) {
    const Found found = state.Scan(kOne, prefix, limit, after)[0];
    return Cat(found.key, " ", found.name);
  };
  EXPECT_EQ(scan("p", 5, ""), "1 p 5  4");
  EXPECT_EQ(scan("p", 5, ""), "1 p 5  4");
  EXPECT_EQ(scan("p", 5, "x"), "1 p 5 x 5");
  EXPECT_EQ(scan("p", 6, "x"), "1 p 6 x 6");
  EXPECT_EQ(scan("q", 6, "x"), "1 q 6 x 7");
  state.Forget();
  EXPECT_EQ(state.Lookup(kOne, "a"), "1 a 8");
  EXPECT_EQ(scan("q", 6, "x"), "1 q 6 x 9");
}

TEST(RememberingState, IsBounded) {
  Asked asked;
  RememberingState state(asked);
  for (size_t i = 0; i <= RememberingState::kMost; ++i) state.Lookup(kOne, Cat(i));
  const int before = asked.times;
  state.Lookup(kOne, "0");
  EXPECT_EQ(asked.times, before + 1);
}

}  // namespace
}  // namespace trialog::view
