#include "services/inventory/domain/invariants.h"

#include "services/inventory/domain/testing.h"

namespace trialog::inventory {
namespace {

using testing::IsEmpty;
using testing::Not;
using InvariantsTest = InventoryTest;

TEST_F(InvariantsTest, ABrokenBalanceIsFoundByTheInvariants) {
  AddSample("s1");
  AddItem("i1", "s1", "freezer", Amount(5));
  EXPECT_THAT(CheckInvariants(state), IsEmpty());
  v1::InventoryEvent event;
  event.mutable_stock_adjusted()->set_movement(MovementName(ItemName("i1"), 2));
  *event.mutable_stock_adjusted()->mutable_change() = Amount(-1);
  *event.mutable_stock_adjusted()->mutable_balance() = Amount(5);
  Evolve(state, event);
  EXPECT_THAT(CheckInvariants(state), Not(IsEmpty()));
}

}  // namespace
}  // namespace trialog::inventory
