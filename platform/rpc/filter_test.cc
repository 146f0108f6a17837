#include "platform/rpc/filter.h"

#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "trialog/test/v1/echo.pb.h"

namespace trialog::rpc {
namespace {

using test::v1::Item;
using ::testing::HasSubstr;

const std::vector<std::string_view>& Declared() {
  // "note" and "amount.remark" are declared although they are personal: that must not help.
  static const auto* declared = new std::vector<std::string_view>{
      "label", "state", "amount", "amount.units", "create_time",   "expiry_date", "tags", "active",
      "rank",  "size",  "weight", "note",         "amount.remark", "image",       "parts"};
  return *declared;
}

absl::StatusOr<Filter> Parse(std::string_view text) { return Filter::Parse(text, *Item::descriptor(), Declared()); }

Item Sample() {
  Item item;
  item.set_label("blood \"A\"");
  item.set_state(test::v1::ITEM_STATE_STORED);
  item.mutable_amount()->set_units(5);
  item.mutable_create_time()->set_seconds(1'714'521'600);  // 2024-05-01T00:00:00Z
  item.mutable_create_time()->set_nanos(500'000'000);
  item.mutable_expiry_date()->set_year(2030);
  item.mutable_expiry_date()->set_month(2);
  item.mutable_expiry_date()->set_day(28);
  item.add_tags("cold");
  item.add_tags("fresh");
  item.set_active(true);
  item.set_rank(-3);
  item.set_size(18'446'744'073'709'551'615u);
  item.set_weight(1.5);
  return item;
}

TEST(Filter, MatchesWhatItSays) {
  const Item item = Sample();
  for (std::string_view yes : {"",
                               "   ",
                               "label = \"blood \\\"A\\\"\"",
                               "label='blood \"A\"'",
                               "label != x",
                               "label > a",
                               "state = ITEM_STATE_STORED",
                               "state != ITEM_STATE_USED",
                               "amount.units >= 5",
                               "amount.units < 6",
                               "create_time > 2024-05-01T00:00:00Z",
                               "create_time < \"2024-05-01T02:00:00.6+02:00\"",
                               "expiry_date = 2030-02-28",
                               "expiry_date > 2029-12-31",
                               "tags:cold",
                               "tags:*",
                               "active = true",
                               "rank = -3",
                               "rank < 0",
                               "size = 18446744073709551615",
                               "weight > 1.25",
                               "amount:*",
                               "NOT active = false",
                               "-active=false",
                               "(rank = 1 OR rank = -3) AND active = true",
                               "NOT (rank = 1 AND active = true)"})
    EXPECT_TRUE(Parse(yes).value().Matches(item)) << yes;
  for (std::string_view no :
       {"label = blood", "state = ITEM_STATE_USED", "amount.units > 5", "create_time <= 2024-05-01T00:00:00Z",
        "tags:warm", "active != true", "rank > 0", "NOT rank = -3", "expiry_date < 2030-02-28"})
    EXPECT_FALSE(Parse(no).value().Matches(item)) << no;
}

TEST(Filter, BindsOrTighterThanAnd) {
  Item item;
  item.set_active(true);
  item.set_rank(1);
  // (rank = 2 AND active) OR active would hold; rank = 2 AND (active OR active) does not.
  EXPECT_FALSE(Parse("rank = 2 AND active = true OR active = true").value().Matches(item));
}

TEST(Filter, FindsNothingInAnAbsentMessage) {
  const Item empty;
  for (std::string_view text :
       {"amount.units = 0", "amount.units != 1", "create_time < 2030-01-01T00:00:00Z", "amount:*", "tags:*"})
    EXPECT_FALSE(Parse(text).value().Matches(empty)) << text;
  EXPECT_TRUE(Parse("NOT amount:*").value().Matches(empty));
}

TEST(Filter, RefusesFieldsThatArePersonalUndeclaredOrUnknownInTheSameWords) {
  for (std::string_view path :
       {"note", "amount.remark", "shelf", "nowhere", "amount.part.units", "label.size", "image"}) {
    const auto parsed = Parse(Cat("active = true AND ", path, " = \"x\""));
    ASSERT_FALSE(parsed.ok()) << path;
    EXPECT_EQ(ReasonOf(parsed.status()), "BAD_FILTER");
    EXPECT_THAT(std::string(parsed.status().message()),
                HasSubstr(Cat("at character 19: '", path, "' cannot be filtered on")));
  }
}

TEST(Filter, RefusesWhatIsNoFilter) {
  for (std::string_view text : {"label",
                                "label =",
                                "= x",
                                "label = \"open",
                                "label = \"open\\",
                                "(label = x",
                                "label = x)",
                                "label = x label = y",
                                "AND",
                                "label = x AND",
                                "NOT",
                                "label ! x",
                                "state = STORED",
                                "state > ITEM_STATE_USED",
                                "active > true",
                                "active = yes",
                                "rank = 3000000000",
                                "rank = 1.5",
                                "size = -1",
                                "create_time = yesterday",
                                "create_time > infinite-future",
                                "expiry_date = 2030-02-30",
                                "expiry_date = 2030-2-3",
                                "tags = cold",
                                "amount = 5",
                                "weight = nan",
                                "label = x OR",
                                "()",
                                "label = *"}) {
    const auto parsed = Parse(text);
    EXPECT_EQ(ReasonOf(parsed.status()), "BAD_FILTER") << text;
  }
}

TEST(Filter, BoundsLengthDepthAndComparisons) {
  EXPECT_EQ(ReasonOf(Parse("label = \"" + std::string(kMaxFilterBytes, 'x') + "\"").status()), "BAD_FILTER");
  const auto nested = [](int depth) { return std::string(depth, '(') + "rank = 1" + std::string(depth, ')'); };
  EXPECT_TRUE(Parse(nested(kMaxFilterDepth)).ok());
  EXPECT_EQ(ReasonOf(Parse(nested(kMaxFilterDepth + 1)).status()), "BAD_FILTER");
  std::string many = "rank=1";
  for (int i = 1; i < kMaxFilterComparisons; ++i) many += " OR rank=1";
  EXPECT_TRUE(Parse(many).ok());
  EXPECT_EQ(ReasonOf(Parse(many + " OR rank=1").status()), "BAD_FILTER");
}

TEST(Filter, TellsAnIndexWhatEveryMatchHas) {
  const Filter filter =
      *Parse("label = \"a\" AND state = ITEM_STATE_USED AND (rank = 7 AND active = true) AND size = 1 OR size = 2");
  EXPECT_EQ(filter.EqualityOn("label"), "a");
  EXPECT_EQ(filter.EqualityOn("state"), "ITEM_STATE_USED");
  EXPECT_EQ(filter.EqualityOn("rank"), "7");
  EXPECT_EQ(filter.EqualityOn("active"), "true");
  EXPECT_EQ(filter.EqualityOn("size"), std::nullopt);
  EXPECT_EQ(Parse("NOT label = a")->EqualityOn("label"), std::nullopt);
  EXPECT_EQ(Filter().EqualityOn("label"), std::nullopt);
}

TEST(Filter, HoldsOnAnyBytes) {
  constexpr uint32_t kSeed = 20240501;
  SCOPED_TRACE(Cat("seed ", kSeed));
  std::mt19937 random(kSeed);
  const std::vector<std::string> pieces = {"label", "rank",  "amount.units", "tags", "=",   "!=", "<",  ">=", ":", "*",
                                           "(",     ")",     "AND",          "OR",   "NOT", "-",  "\"", "'",  " ", "1",
                                           "true",  "2030-", "\\",           "."};
  const Item item = Sample();
  int parsed = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::string text;
    for (int n = static_cast<int>(random() % 12); n >= 0; --n)
      random() % 8 == 0 ? text += static_cast<char>(random())
                        : text += pieces[random() % pieces.size()] + (random() % 2 ? " " : "");
    const auto filter = Parse(text);
    if (!filter.ok()) {
      ASSERT_EQ(ReasonOf(filter.status()), "BAD_FILTER");
      continue;
    }
    ++parsed;
    // A filter and its negation never agree.
    const auto negated = Parse("NOT (" + text + ")");
    if (filter->empty() || !negated.ok()) continue;
    ASSERT_NE(filter->Matches(item), negated->Matches(item)) << text;
  }
  EXPECT_GT(parsed, 50) << "the pieces should make some filters";
}

}  // namespace
}  // namespace trialog::rpc
