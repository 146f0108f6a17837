#include "platform/rpc/resource.h"

#include "gtest/gtest.h"
#include "platform/errors/errors.h"
#include "trialog/test/v1/echo.pb.h"

namespace trialog::rpc {
namespace {

using google::protobuf::FieldMask;
using test::v1::Item;

FieldMask Mask(std::initializer_list<const char*> paths) {
  FieldMask mask;
  for (const char* path : paths) mask.add_paths(path);
  return mask;
}

Item Stored() {
  Item item;
  item.set_name("items/1");
  item.set_etag("e1");
  item.set_origin("bed 5");
  item.set_label("old");
  item.set_note("old note");
  item.mutable_amount()->set_units(1);
  item.mutable_amount()->set_unit("mL");
  item.add_tags("a");
  item.set_box("b7");
  return item;
}

TEST(UpdateMask, ChangesWhatItNamesAndNothingElse) {
  Item item = Stored(), change;
  change.set_label("new");
  change.set_note("not named");
  change.mutable_amount()->set_units(2);
  change.add_tags("b");
  ASSERT_TRUE(ApplyUpdateMask(item, change, Mask({"label", "label", "amount.units", "tags"})).ok());
  Item expected = Stored();
  expected.set_label("new");
  expected.mutable_amount()->set_units(2);
  expected.set_tags(0, "b");
  EXPECT_EQ(item.SerializeAsString(), expected.SerializeAsString());
}

TEST(UpdateMask, ClearsAFieldThatIsNamedButNotGiven) {
  Item item = Stored();
  ASSERT_TRUE(ApplyUpdateMask(item, Item(), Mask({"note", "amount", "tags"})).ok());
  EXPECT_EQ(item.note(), "");
  EXPECT_FALSE(item.has_amount());
  EXPECT_EQ(item.tags_size(), 0);
}

TEST(UpdateMask, WhenEmptyMeansTheFieldsThatAreSet) {
  Item item = Stored(), change;
  change.set_name("items/2");
  change.set_etag("e9");
  change.set_origin("elsewhere");
  change.set_label("new");
  ASSERT_TRUE(ApplyUpdateMask(item, change, {}).ok());
  Item expected = Stored();
  expected.set_label("new");
  EXPECT_EQ(item.SerializeAsString(), expected.SerializeAsString());
  ASSERT_TRUE(ApplyUpdateMask(item, Item(), {}).ok());
  EXPECT_EQ(item.SerializeAsString(), expected.SerializeAsString());
}

TEST(UpdateMask, WithAStarReplacesAllThatCallersMayChange) {
  Item item = Stored(), change;
  change.set_label("new");
  ASSERT_TRUE(ApplyUpdateMask(item, change, Mask({"*"})).ok());
  EXPECT_EQ(item.name(), "items/1");
  EXPECT_EQ(item.origin(), "bed 5");
  EXPECT_EQ(item.label(), "new");
  EXPECT_EQ(item.note(), "");
  EXPECT_EQ(item.keeping_case(), Item::KEEPING_NOT_SET);
}

TEST(UpdateMask, RefusesWhatCallersCannotChangeAndChangesNothing) {
  for (const char* path : {"name", "etag", "create_time", "origin", "nowhere", "amount.part.units", "amount.nowhere",
                           "label.x", "parts.units", "tags.x", "", ".", "*.label"}) {
    Item item = Stored(), change;
    change.set_label("new");
    EXPECT_EQ(ReasonOf(ApplyUpdateMask(item, change, Mask({"label", path}))), "BAD_UPDATE_MASK") << path;
    EXPECT_EQ(item.SerializeAsString(), Stored().SerializeAsString());
  }
}

TEST(Etag, MustBeGivenAndCurrent) {
  EXPECT_TRUE(CheckEtag("e1", "e1", "items/1").ok());
  EXPECT_EQ(ReasonOf(CheckEtag("", "e1", "items/1")), "ETAG_REQUIRED");
  const absl::Status stale = CheckEtag("e0", "e1", "items/1");
  EXPECT_EQ(stale.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ReasonOf(stale), "ETAG_MISMATCH");
}

}  // namespace
}  // namespace trialog::rpc
