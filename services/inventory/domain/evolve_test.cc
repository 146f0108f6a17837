#include "services/inventory/domain/evolve.h"

#include "services/inventory/domain/access.h"
#include "services/inventory/domain/derived.h"
#include "services/inventory/domain/invariants.h"
#include "services/inventory/domain/testing.h"
#include "trialog/options.pb.h"

namespace trialog::inventory {
namespace {

using testing::IsEmpty;
using testing::Not;

TEST(Evolve, TakesEveryKindOnAnEmptyState) {
  const auto& kinds = *v1::InventoryEvent::descriptor()->FindOneofByName("kind");
  for (int i = 0; i < kinds.field_count(); ++i) {
    view::ChangeSet state(view::EmptyState());
    v1::InventoryEvent event;
    event.GetReflection()->MutableMessage(&event, kinds.field(i));
    Evolve(state, event);
    EXPECT_TRUE(kinds.field(i)->message_type()->options().GetExtension(public_event)) << kinds.field(i)->name();
  }
  view::ChangeSet state(view::EmptyState());
  Evolve(state, v1::InventoryEvent());
  EXPECT_TRUE(state.empty());
}

using BiobankTest = InventoryTest;

TEST_F(BiobankTest, AssignedProvidersAndOnlyTheySeeWhatItHolds) {
  AddSample("s1");
  Context provider = As("paul", ROLE_PROVIDER, kOrganization);
  const view::RowPtr row = state.Find(kSamples, SampleName("s1"));
  EXPECT_FALSE(MaySee(provider.principal, state, kSamples, SampleName("s1"), *row, ""));
  v1::AssignProviderRequest request;
  request.set_name(kBiobank);
  request.set_provider(UserName("paul"));
  EXPECT_THAT(AssignProvider(state, Technician(), request, {}), Refuses("NOT_YOUR_BIOBANK"));
  Given(AssignProvider(state, Manager(), request, {}));
  EXPECT_THAT(AssignProvider(state, Manager(), request, {})->events, IsEmpty());
  EXPECT_TRUE(MaySee(provider.principal, state, kSamples, SampleName("s1"), *row, ""));
  v1::UnassignProviderRequest undo;
  undo.set_name(kBiobank);
  undo.set_provider(UserName("paul"));
  Given(UnassignProvider(state, Manager(), undo, {}));
  EXPECT_FALSE(MaySee(provider.principal, state, kSamples, SampleName("s1"), *row, ""));
}

TEST_F(BiobankTest, PatientsSeeTheirOwnSamplesAndStockOnly) {
  auto sealed = Sealing(v1::Sample::kPatientFieldNumber);
  sealed.add_keys()->set_index(std::string(kPatientLookup));
  sealed.mutable_keys(0)->set_mac("mac");
  Given(CreateSample(state, Technician(), NewSample("s1", "BB-1"), sealed));
  AddSample("s2");
  AddItem("i1", "s1", "freezer", Amount(1));
  AddItem("i2", "s2", "freezer", Amount(1));
  const Principal patient = As("pat", ROLE_PARTICIPANT, kOrganization).principal;
  const auto sees = [&](const view::Table& table, const std::string& name, std::string_view mac) {
    return MaySee(patient, state, table, name, *state.Find(table, name), mac);
  };
  EXPECT_TRUE(sees(kSamples, SampleName("s1"), "mac"));
  EXPECT_TRUE(sees(kInventoryItems, ItemName("i1"), "mac"));
  EXPECT_TRUE(sees(kStockMovements, MovementName(ItemName("i1"), 1), "mac"));
  EXPECT_FALSE(sees(kSamples, SampleName("s2"), "mac"));
  EXPECT_FALSE(sees(kInventoryItems, ItemName("i2"), "mac"));
  EXPECT_FALSE(sees(kSamples, SampleName("s1"), ""));
  EXPECT_FALSE(sees(kBiobanks, kBiobank, "mac"));
}

TEST_F(BiobankTest, AnalystsAndStrangersSeeNothing) {
  AddSample("s1");
  const view::RowPtr row = state.Find(kSamples, SampleName("s1"));
  for (const Principal& principal :
       {As("ann", ROLE_ANALYST, kOrganization).principal, Stranger().principal, Principal()}) {
    EXPECT_FALSE(MaySee(principal, state, kSamples, SampleName("s1"), *row, ""));
  }
  EXPECT_TRUE(MaySee(As("tina", ROLE_ANALYST, kOrganization).principal, state, kSamples, SampleName("s1"), *row, ""));
}

TEST_F(BiobankTest, UpdateNeedsEtagAndKeepsProviders) {
  v1::UpdateBiobankRequest request;
  request.mutable_biobank()->set_name(kBiobank);
  request.mutable_biobank()->set_location("Building 2");
  EXPECT_THAT(UpdateBiobank(state, Manager(), request, {}), Refuses("ETAG_REQUIRED"));
  request.mutable_biobank()->set_etag("\"1\"");
  Given(UpdateBiobank(state, Manager(), request, {}));
  EXPECT_EQ(state.Get<v1::Biobank>(kBiobanks, kBiobank)->display_name(), "Main biobank");
  request.mutable_biobank()->set_etag("\"2\"");
  request.mutable_biobank()->set_responsible_person("organizations/other/users/x");
  EXPECT_THAT(UpdateBiobank(state, Manager(), request, {}), Refuses("BAD_NAME"));
}

TEST_F(BiobankTest, CapacityCannotGoBelowWhatALocationHolds) {
  AddSample("s1");
  AddSample("s2");
  AddItem("i1", "s1", "freezer", Amount(1));
  AddItem("i2", "s2", "freezer", Amount(1));
  v1::UpdateStorageLocationRequest request;
  request.mutable_storage_location()->set_name(LocationName("freezer"));
  request.mutable_storage_location()->set_capacity(1);
  request.mutable_storage_location()->set_etag("\"1\"");
  EXPECT_THAT(UpdateStorageLocation(state, Manager(), request, {}), Refuses("CAPACITY_BELOW_COUNT"));
  v1::StorageLocation shown = *state.Get<v1::StorageLocation>(kStorageLocations, LocationName("freezer"));
  EXPECT_EQ(shown.current_count(), 0);
  AddDerived(state, shown);
  EXPECT_EQ(shown.current_count(), 2);
}

TEST_F(BiobankTest, ABrokenBalanceIsFoundByTheInvariants) {
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
