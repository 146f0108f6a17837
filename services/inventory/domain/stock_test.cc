#include "services/inventory/domain/stock.h"

#include "services/inventory/domain/invariants.h"
#include "services/inventory/domain/testing.h"
#include "services/inventory/domain/update.h"

namespace trialog::inventory {
namespace {

using testing::IsEmpty;

class StockTest : public InventoryTest {
 protected:
  absl::StatusOr<Decision> Issue(std::string_view id, const Quantity& quantity) {
    v1::IssueStockRequest request;
    request.set_name(ItemName(id));
    *request.mutable_quantity() = quantity;
    return IssueStock(state, Technician(), request, {});
  }
  absl::StatusOr<Decision> Return(std::string_view id, const Quantity& quantity) {
    v1::ReturnStockRequest request;
    request.set_name(ItemName(id));
    *request.mutable_quantity() = quantity;
    return ReturnStock(state, Technician(), request, {});
  }
  absl::StatusOr<Decision> Move(std::string_view id, std::string_view to, const Quantity* counted = nullptr) {
    v1::MoveStockRequest request;
    request.set_name(ItemName(id));
    request.set_location(LocationName(to));
    if (counted) *request.mutable_counted_quantity() = *counted;
    return MoveStock(state, Technician(), request, {});
  }
  absl::StatusOr<Decision> Adjust(std::string_view id, const Quantity& counted,
                                  v1::AdjustmentCause cause = v1::ADJUSTMENT_CAUSE_COUNT) {
    v1::AdjustStockRequest request;
    request.set_name(ItemName(id));
    *request.mutable_counted_quantity() = counted;
    request.set_cause(cause);
    return AdjustStock(state, Technician(), request, {});
  }
  absl::StatusOr<Decision> Receive(std::string_view id, std::string_view sample, std::string_view location,
                                   const Quantity& quantity) {
    return ReceiveStock(state, Technician(), Receipt(id, sample, location, quantity), {});
  }
  void TearDown() override { EXPECT_THAT(CheckInvariants(state), IsEmpty()); }
};

TEST_F(StockTest, ReceiptPutsAnItemAtItsLocationAndStoresTheSample) {
  AddSample("s1", v1::SAMPLE_STATE_PROCESSED);
  AddItem("i1", "s1", "freezer", Amount(15, 1));
  EXPECT_EQ(SampleRow("s1").state(), v1::SAMPLE_STATE_STORED);
  EXPECT_EQ(CurrentCount(state, LocationName("freezer")), 1);
  EXPECT_EQ(state.Find(kStockMovements, MovementName(ItemName("i1"), 1))->As<v1::StockMovement>().kind(),
            v1::StockMovement::KIND_RECEIPT);
}

TEST_F(StockTest, ReceiptIsRefusedWhenTheLocationIsFullOrHasTheSample) {
  AddSample("s1");
  AddSample("s2");
  AddSample("s3");
  AddItem("i1", "s1", "freezer", Amount(1));
  EXPECT_THAT(Receive("i2", "s1", "freezer", Amount(1)), Refuses("ALREADY_AT_LOCATION"));
  EXPECT_THAT(Receive("i1", "s2", "freezer", Amount(1)), Refuses("INVENTORY_ITEM_EXISTS"));
  AddItem("i2", "s2", "freezer", Amount(1));
  EXPECT_THAT(Receive("i3", "s3", "freezer", Amount(1)), Refuses("LOCATION_FULL"));
}

TEST_F(StockTest, ReceiptIsRefusedForBadFieldsAndSamplesThatCannotBeStored) {
  AddSample("s1");
  EXPECT_THAT(Receive("i1", "s1", "freezer", Amount(0)), Refuses("BAD_QUANTITY"));
  EXPECT_THAT(Receive("i1", "none", "freezer", Amount(1)), Refuses("NOT_FOUND"));
  EXPECT_THAT(Receive("i1", "s1", "none", Amount(1)), Refuses("NOT_FOUND"));
  auto elsewhere = Receipt("i1", "s1", "freezer", Amount(1));
  elsewhere.mutable_inventory_item()->set_location("organizations/demo/biobanks/other/storageLocations/x");
  EXPECT_THAT(ReceiveStock(state, Technician(), elsewhere, {}), Refuses("BAD_NAME"));
  PutSampleInState("s1", v1::SAMPLE_STATE_BLOCKED);
  EXPECT_THAT(Receive("i1", "s1", "freezer", Amount(1)), Refuses("SAMPLE_NOT_STORABLE"));
}

TEST_F(StockTest, IssueTakesFromStockAndTheLastOfItDepletesTheSample) {
  AddSample("s1");
  AddItem("i1", "s1", "freezer", Amount(2));
  AddItem("i2", "s1", "rack", Amount(1));
  Given(Issue("i1", Amount(15, 1)));
  EXPECT_EQ(Compare(ItemRow("i1").quantity(), Amount(5, 1)), 0);
  Given(Issue("i1", Amount(5, 1)));
  EXPECT_EQ(SampleRow("s1").state(), v1::SAMPLE_STATE_STORED);
  EXPECT_EQ(CurrentCount(state, LocationName("freezer")), 0);
  Given(Issue("i2", Amount(1)));
  EXPECT_EQ(SampleRow("s1").state(), v1::SAMPLE_STATE_DEPLETED);
}

TEST_F(StockTest, IssueOfMoreThanIsThereIsRefusedNotCut) {
  AddSample("s1");
  AddItem("i1", "s1", "freezer", Amount(2));
  EXPECT_THAT(Issue("i1", Amount(2'000'000'001, 9)), Refuses("OVER_ISSUE"));
  EXPECT_THAT(Issue("i1", Amount(1, 0, "uL")), Refuses("UNIT_MISMATCH"));
  EXPECT_THAT(Issue("i1", Amount(0)), Refuses("BAD_QUANTITY"));
  EXPECT_THAT(Issue("none", Amount(1)), Refuses("NOT_FOUND"));
}

TEST_F(StockTest, IssueIsRefusedInEveryStateButStored) {
  AddSample("s1");
  AddItem("i1", "s1", "freezer", Amount(2));
  for (int in = 1; in <= v1::SampleState_MAX; ++in) {
    if (in == v1::SAMPLE_STATE_STORED) continue;
    PutSampleInState("s1", static_cast<v1::SampleState>(in));
    EXPECT_THAT(Issue("i1", Amount(1)), Refuses("SAMPLE_NOT_STORED")) << in;
  }
  PutSampleInState("s1", v1::SAMPLE_STATE_STORED);
}

TEST_F(StockTest, IssueIsRefusedFromTheMomentOfExpiryOn) {
  auto request = NewSample("s1", "BB-1");
  request.mutable_sample()->mutable_expire_time()->set_seconds(1'800'000'000);
  Given(CreateSample(state, Technician(), request, {}));
  AddItem("i1", "s1", "freezer", Amount(2));
  EXPECT_TRUE(Issue("i1", Amount(1)).ok());
  Context late = Technician();
  late.record_time.set_seconds(1'800'000'000);
  v1::IssueStockRequest issue;
  issue.set_name(ItemName("i1"));
  *issue.mutable_quantity() = Amount(1);
  EXPECT_THAT(IssueStock(state, late, issue, {}), Refuses("SAMPLE_EXPIRED"));
}

TEST_F(StockTest, ReturnUndoesAnIssueByANewMovement) {
  AddSample("s1");
  AddItem("i1", "s1", "freezer", Amount(2));
  Given(Issue("i1", Amount(2)));
  EXPECT_THAT(Return("i1", Amount(3)), Refuses("OVER_RETURN"));
  Given(Return("i1", Amount(2)));
  EXPECT_EQ(ItemRow("i1").movement_count(), 3);
  EXPECT_EQ(ItemRow("i1").issued_quantity().units(), 0);
  EXPECT_EQ(SampleRow("s1").state(), v1::SAMPLE_STATE_STORED);
}

TEST_F(StockTest, ReturnIsRefusedWhenItsPlaceIsTakenMeanwhile) {
  for (std::string_view sample : {"s1", "s2", "s3"}) AddSample(sample);
  AddItem("i1", "s1", "freezer", Amount(1));
  Given(Issue("i1", Amount(1)));
  AddItem("i2", "s2", "freezer", Amount(1));
  AddItem("i3", "s3", "freezer", Amount(1));
  EXPECT_THAT(Return("i1", Amount(1)), Refuses("LOCATION_FULL"));
  EXPECT_THAT(Adjust("i1", Amount(1)), Refuses("LOCATION_FULL"));
}

TEST_F(StockTest, MoveToTheSamePlaceIsAlreadySo) {
  AddSample("s1");
  AddItem("i1", "s1", "freezer", Amount(2));
  const Quantity counted = Amount(20, 1);
  EXPECT_THAT(Move("i1", "freezer")->events, IsEmpty());
  EXPECT_THAT(Move("i1", "freezer", &counted)->events, IsEmpty());
}

TEST_F(StockTest, MoveTakesTheItemAndItsCountAlong) {
  AddSample("s1");
  AddItem("i1", "s1", "freezer", Amount(2));
  const Quantity counted = Amount(1);
  Given(Move("i1", "rack", &counted));
  EXPECT_EQ(ItemRow("i1").location(), LocationName("rack"));
  EXPECT_EQ(ItemRow("i1").quantity().units(), 1);
  EXPECT_EQ(ItemRow("i1").movement_count(), 3);
  EXPECT_EQ(CurrentCount(state, LocationName("freezer")), 0);
  EXPECT_EQ(CurrentCount(state, LocationName("rack")), 1);
}

TEST_F(StockTest, MoveIsRefusedToAFullLocationUnlessNothingIsLeftToMove) {
  for (std::string_view sample : {"s1", "s2", "s3"}) AddSample(sample);
  AddItem("i1", "s1", "freezer", Amount(1));
  AddItem("i2", "s2", "rack", Amount(1));
  AddItem("i3", "s3", "rack", Amount(1));
  EXPECT_THAT(Move("i1", "rack"), Refuses("LOCATION_FULL"));
  const Quantity none = Amount(0);
  Given(Move("i1", "rack", &none));
  EXPECT_EQ(SampleRow("s1").state(), v1::SAMPLE_STATE_DEPLETED);
}

TEST_F(StockTest, MoveAndAdjustNeedTheSampleAtHand) {
  AddSample("s1");
  AddItem("i1", "s1", "freezer", Amount(1));
  PutSampleInState("s1", v1::SAMPLE_STATE_LOST);
  EXPECT_THAT(Move("i1", "rack"), Refuses("SAMPLE_NOT_AT_HAND"));
  EXPECT_THAT(Adjust("i1", Amount(3)), Refuses("SAMPLE_NOT_AT_HAND"));
}

TEST_F(StockTest, AdjustSetsWhatWasCounted) {
  AddSample("s1");
  AddItem("i1", "s1", "freezer", Amount(1));
  Given(Adjust("i1", Amount(3)));
  EXPECT_EQ(ItemRow("i1").quantity().units(), 3);
  EXPECT_THAT(Adjust("i1", Amount(3))->events, IsEmpty());
  EXPECT_THAT(Adjust("i1", Amount(1), v1::ADJUSTMENT_CAUSE_OTHER), Refuses("REASON_REQUIRED"));
  EXPECT_THAT(Adjust("i1", Amount(1), v1::ADJUSTMENT_CAUSE_UNSPECIFIED), Refuses("BAD_ENUM"));
}

TEST_F(StockTest, AStaleEtagIsRefused) {
  AddSample("s1");
  AddItem("i1", "s1", "freezer", Amount(3));
  v1::IssueStockRequest request;
  request.set_name(ItemName("i1"));
  request.set_etag("\"1\"");
  *request.mutable_quantity() = Amount(1);
  Given(IssueStock(state, Technician(), request, {}));
  EXPECT_THAT(IssueStock(state, Technician(), request, {}), Refuses("ETAG_MISMATCH"));
}

TEST_F(StockTest, NoCommandOfAStrangerIsTaken) {
  AddSample("s1");
  AddItem("i1", "s1", "freezer", Amount(3));
  v1::IssueStockRequest issue;
  issue.set_name(ItemName("i1"));
  EXPECT_THAT(IssueStock(state, Stranger(), issue, {}), Refuses("NOT_YOUR_BIOBANK"));
  issue.set_name(ItemName("none"));
  EXPECT_THAT(IssueStock(state, Stranger(), issue, {}), Refuses("NOT_YOUR_BIOBANK"));
  EXPECT_THAT(ReceiveStock(state, Stranger(), Receipt("i2", "s1", "rack", Amount(1)), {}), Refuses("NOT_YOUR_BIOBANK"));
}

TEST_F(StockTest, UpdateChangesOnlyNotesAndPlaceInWords) {
  AddSample("s1");
  AddItem("i1", "s1", "freezer", Amount(3));
  v1::UpdateInventoryItemRequest request;
  request.mutable_inventory_item()->set_name(ItemName("i1"));
  request.mutable_inventory_item()->set_etag("\"1\"");
  Given(UpdateInventoryItem(state, Technician(), request, Sealing(v1::InventoryItem::kNotesFieldNumber)));
  EXPECT_TRUE(HasSealed(state.Find(kInventoryItems, ItemName("i1"))->sealed, v1::InventoryItem::kNotesFieldNumber));
  request.mutable_inventory_item()->set_etag("\"2\"");
  request.mutable_update_mask()->add_paths("quantity");
  EXPECT_THAT(UpdateInventoryItem(state, Technician(), request, {}), Refuses("BAD_UPDATE_MASK"));
}

TEST_F(StockTest, MovementsAreSmallInTheLog) {
  const std::string uuid = Technician().NewId();
  AddSample("s1");
  AddItem(uuid, "s1", "freezer", Amount(2'500, 3));
  for (const auto& decision : {Issue(uuid, Amount(250, 3)), Move(uuid, "rack"), Adjust(uuid, Amount(2))}) {
    EXPECT_LE(decision->events.at(0).body->ByteSizeLong(), 250u);
  }
}

TEST_F(StockTest, ItemsAreListedLastUpdatedFirst) {
  AddSample("s1");
  AddSample("s2");
  AddItem("i1", "s1", "freezer", Amount(3));
  AddItem("i2", "s2", "freezer", Amount(3));
  Given(Issue("i1", Amount(1)));
  const auto found = state.Scan(kItemsByUpdate, view::GroupPrefix(kBiobank), 10);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].name, ItemName("i1"));
}

}  // namespace
}  // namespace trialog::inventory
