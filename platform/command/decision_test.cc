#include "platform/command/decision.h"

#include "gtest/gtest.h"

namespace trialog {
namespace {

TEST(Names, AreTakenApart) {
  EXPECT_EQ(OrganizationOf("organizations/o/biobanks/b"), "o");
  EXPECT_EQ(OrganizationOf("organizations/o"), "o");
  EXPECT_EQ(OrganizationOf("users/u"), "");
  EXPECT_EQ(ParentOf("organizations/o/biobanks/b"), "organizations/o");
  EXPECT_EQ(ParentOf("organizations/o"), "");
  EXPECT_EQ(IdOf("organizations/o/biobanks/b"), "b");
}

TEST(Names, MatchTheirPatternSegmentBySegment) {
  EXPECT_TRUE(NameMatches("organizations/*/users/*", "organizations/o/users/a-B_9"));
  EXPECT_FALSE(NameMatches("organizations/*/users/*", "organizations/o/users"));
  EXPECT_FALSE(NameMatches("organizations/*/users/*", "organizations/o/users/"));
  EXPECT_FALSE(NameMatches("organizations/*/users/*", "organizations/o/users/a b"));
  EXPECT_FALSE(NameMatches("organizations/*/users/*", "organizations/o/users/" + std::string(64, 'x')));
}

TEST(Principal, AGrantCoversItsScopeAndWhatIsBelow) {
  Principal principal;
  principal.grants = {{ROLE_LAB_TECHNICIAN, "organizations/o/biobanks/b"}};
  EXPECT_TRUE(principal.Has(ROLE_LAB_TECHNICIAN, "organizations/o/biobanks/b"));
  EXPECT_TRUE(principal.Has(ROLE_LAB_TECHNICIAN, "organizations/o/biobanks/b/samples/s"));
  EXPECT_FALSE(principal.Has(ROLE_LAB_TECHNICIAN, "organizations/o/biobanks/b2"));
  EXPECT_FALSE(principal.Has(ROLE_LAB_TECHNICIAN, "organizations/o"));
  EXPECT_FALSE(principal.Has(ROLE_PROVIDER, "organizations/o/biobanks/b"));
}

TEST(Ids, AnEventIdIsRepeatedAndAUuidOfVersion8) {
  const std::string id = EventId("inventory", "o", std::string(16, 'c'), 0);
  EXPECT_EQ(id, EventId("inventory", "o", std::string(16, 'c'), 0));
  EXPECT_NE(id, EventId("inventory", "o", std::string(16, 'c'), 1));
  EXPECT_NE(EventId("ab", "c", "", 0), EventId("a", "bc", "", 0));
  EXPECT_EQ(UuidText(id)[14], '8');
}

TEST(Ids, AUuidV7SortsByTime) {
  const std::string a = UuidText(UuidV7(1, std::string(10, '\xff'))), b = UuidText(UuidV7(2, std::string(10, '\0')));
  EXPECT_LT(a, b);
  EXPECT_EQ(a.size(), 36u);
  EXPECT_EQ(a[14], '7');
}

TEST(Ids, ACommandDrawsTheSameIdsAgain) {
  Context context;
  context.command_id = std::string(16, 'x');
  EXPECT_EQ(context.NewId(1), context.NewId(1));
  EXPECT_NE(context.NewId(1), context.NewId(2));
}

TEST(MergeSealed, ReplacesAndRemovesByField) {
  event::v1::SealedPart base, patch;
  auto* one = base.add_fields();
  one->set_number(1);
  one->mutable_value()->set_key_id("old");
  auto* two = base.add_fields();
  two->set_number(2);
  two->mutable_value()->set_key_id("kept");
  auto* again = patch.add_fields();
  again->set_number(1);
  auto* three = patch.add_fields();
  three->set_number(3);
  three->mutable_value()->set_key_id("new");
  const auto merged = MergeSealed(base, patch);
  ASSERT_EQ(merged.fields_size(), 2);
  EXPECT_EQ(merged.fields(0).value().key_id(), "kept");
  EXPECT_EQ(merged.fields(1).number(), 3);
}

}  // namespace
}  // namespace trialog
