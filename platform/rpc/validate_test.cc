#include "platform/rpc/validate.h"

#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"
#include "platform/errors/errors.h"
#include "trialog/test/v1/echo.pb.h"

namespace trialog::rpc {
namespace {

using test::v1::CreateItemRequest;
using test::v1::Item;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

template <typename Request>
absl::Status Check(Request& request) {
  return Validator(*Request::descriptor()).Check(request);
}

// The paths that a check complains about.
std::vector<std::string> BadPaths(const absl::Status& status) {
  std::vector<std::string> paths;
  if (status.ok()) return paths;
  EXPECT_EQ(ReasonOf(status), "INVALID_REQUEST");
  google::rpc::BadRequest bad;
  EXPECT_TRUE(bad.ParseFromString(std::string(*status.GetPayload("type.googleapis.com/google.rpc.BadRequest"))));
  for (const auto& violation : bad.field_violations()) paths.push_back(violation.field());
  return paths;
}

CreateItemRequest Good() {
  CreateItemRequest request;
  request.mutable_item()->set_label("x");
  return request;
}

TEST(Validator, PassesAGoodRequest) {
  auto request = Good();
  EXPECT_TRUE(Check(request).ok());
}

TEST(Validator, NamesEachRequiredFieldThatIsMissing) {
  CreateItemRequest request;
  EXPECT_THAT(BadPaths(Check(request)), ElementsAre("item"));
  request.mutable_item()->mutable_amount()->set_units(1);
  request.mutable_item()->add_parts()->set_unit("mL");
  request.mutable_item()->add_parts();
  EXPECT_THAT(BadPaths(Check(request)), ElementsAre("item.label", "item.amount.unit", "item.parts[1].unit"));
}

TEST(Validator, OfAnUpdateAsksOnlyForRequiredFieldsThatTheMaskNames) {
  test::v1::UpdateItemRequest request;
  request.mutable_item()->set_note("n");
  EXPECT_THAT(BadPaths(Check(request)), ElementsAre("item.label"));
  request.mutable_update_mask()->add_paths("note");
  EXPECT_THAT(BadPaths(Check(request)), IsEmpty());
  request.mutable_update_mask()->add_paths("label");
  EXPECT_THAT(BadPaths(Check(request)), ElementsAre("item.label"));
}

TEST(Validator, ClearsWhatOnlyTheServerSetsButKeepsNameAndEtag) {
  auto request = Good();
  request.mutable_item()->set_name("items/1");
  request.mutable_item()->set_etag("e1");
  request.mutable_item()->mutable_create_time()->set_nanos(-1);
  EXPECT_TRUE(Check(request).ok());
  EXPECT_FALSE(request.item().has_create_time());
  EXPECT_EQ(request.item().name(), "items/1");
  EXPECT_EQ(request.item().etag(), "e1");
}

TEST(Validator, BoundsTextsByWhatTheyAre) {
  auto request = Good();
  Item& item = *request.mutable_item();
  item.set_label(std::string(1024, 'x'));
  item.set_note(std::string(64 * 1024, 'x'));
  EXPECT_TRUE(Check(request).ok());
  item.set_label(std::string(1025, 'x'));
  item.set_note(std::string(64 * 1024 + 1, 'x'));
  item.add_tags("fine");
  item.add_tags(std::string(1025, 'x'));
  item.set_image(std::string(4 * 1024 * 1024 + 1, 'x'));
  EXPECT_THAT(BadPaths(Check(request)), ElementsAre("item.label", "item.note", "item.tags[1]", "item.image"));
}

TEST(Validator, BoundsListsAndNesting) {
  auto request = Good();
  for (int i = 0; i < 10'001; ++i) request.mutable_item()->add_tags("t");
  EXPECT_THAT(BadPaths(Check(request)), ElementsAre("item.tags"));

  auto deep = Good();
  auto* amount = deep.mutable_item()->mutable_amount();
  for (int i = 0; i < 40; ++i) {
    amount->set_unit("mL");
    amount = amount->mutable_part();
  }
  const auto paths = BadPaths(Check(deep));
  ASSERT_EQ(paths.size(), 1u);
  EXPECT_EQ(std::count(paths[0].begin(), paths[0].end(), '.'), 31);
}

TEST(Validator, RefusesEnumNumbersTimesAndDatesThatDoNotExist) {
  auto request = Good();
  Item& item = *request.mutable_item();
  item.set_state(static_cast<test::v1::ItemState>(99));
  item.mutable_occur_time()->set_seconds(253'402'300'800);
  item.mutable_expiry_date()->set_year(2023);
  item.mutable_expiry_date()->set_month(2);
  item.mutable_expiry_date()->set_day(29);
  EXPECT_THAT(BadPaths(Check(request)), ElementsAre("item.state", "item.occur_time", "item.expiry_date"));
  item.set_state(test::v1::ITEM_STATE_USED);
  item.mutable_occur_time()->set_seconds(253'402'300'799);
  item.mutable_expiry_date()->set_year(2024);
  EXPECT_TRUE(Check(request).ok());
}

TEST(Validator, RefusesANegativePageSize) {
  test::v1::ListItemsRequest request;
  request.set_page_size(-1);
  EXPECT_THAT(BadPaths(Check(request)), ElementsAre("page_size"));
}

TEST(Validator, DropsUnknownFieldsAtEveryDepth) {
  auto request = Good();
  auto unknown = [](google::protobuf::Message& m) { m.GetReflection()->MutableUnknownFields(&m)->AddVarint(777, 1); };
  unknown(request);
  unknown(*request.mutable_item());
  unknown(*request.mutable_item()->mutable_occur_time());
  EXPECT_TRUE(Check(request).ok());
  auto expected = Good();
  expected.mutable_item()->mutable_occur_time();
  EXPECT_EQ(request.SerializeAsString(), expected.SerializeAsString());
}

TEST(Validator, NamesAtMostSixteenFaults) {
  auto request = Good();
  for (int i = 0; i < 100; ++i) request.mutable_item()->add_parts();
  EXPECT_EQ(BadPaths(Check(request)).size(), kMaxViolations);
}

}  // namespace
}  // namespace trialog::rpc
