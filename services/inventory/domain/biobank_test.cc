#include "services/inventory/domain/biobank.h"

#include "services/inventory/domain/derived.h"
#include "services/inventory/domain/testing.h"

namespace trialog::inventory {
namespace {

using BiobankTest = InventoryTest;

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

}  // namespace
}  // namespace trialog::inventory
