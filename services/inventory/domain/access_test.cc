#include "services/inventory/domain/access.h"

#include "services/inventory/domain/testing.h"

namespace trialog::inventory {
namespace {

using testing::IsEmpty;

using AccessTest = InventoryTest;

TEST_F(AccessTest, AssignedProvidersAndOnlyTheySeeWhatItHolds) {
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

TEST_F(AccessTest, PatientsSeeTheirOwnSamplesAndStockOnly) {
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

TEST_F(AccessTest, AnalystsAndStrangersSeeNothing) {
  AddSample("s1");
  const view::RowPtr row = state.Find(kSamples, SampleName("s1"));
  for (const Principal& principal :
       {As("ann", ROLE_ANALYST, kOrganization).principal, Stranger().principal, Principal()}) {
    EXPECT_FALSE(MaySee(principal, state, kSamples, SampleName("s1"), *row, ""));
  }
  EXPECT_TRUE(MaySee(As("tina", ROLE_ANALYST, kOrganization).principal, state, kSamples, SampleName("s1"), *row, ""));
}

}  // namespace
}  // namespace trialog::inventory
