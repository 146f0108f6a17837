#include "services/inventory/domain/sample.h"

#include "services/inventory/domain/testing.h"
#include "services/inventory/domain/update.h"

namespace trialog::inventory {
namespace {

using CreateSampleTest = InventoryTest;
using UpdateSampleTest = InventoryTest;
using TransitionSampleTest = InventoryTest;

v1::TransitionSampleRequest Transition(std::string_view id, v1::SampleState to) {
  v1::TransitionSampleRequest request;
  request.set_name(SampleName(id));
  request.set_state(to);
  return request;
}

TEST_F(CreateSampleTest, RegistersTheSampleUnderItsName) {
  Given(CreateSample(state, Technician(), NewSample("s1", "BB-1"), {}));
  const v1::Sample sample = SampleRow("s1");
  EXPECT_EQ(sample.state(), v1::SAMPLE_STATE_STORED);
  EXPECT_EQ(sample.creator(), UserName("tina"));
  EXPECT_EQ(sample.biobank(), kBiobank);
  EXPECT_EQ(state.Lookup(kSampleByIdentifier, IdentifierKey("demo", "BB-1")), sample.name());
  EXPECT_EQ(state.Count(kSamplesByBiobank, kBiobank), 1);
}

TEST_F(CreateSampleTest, IsFoundByTheMacOfItsPatientOnly) {
  auto sealed = Sealing(v1::Sample::kPatientFieldNumber);
  sealed.add_keys()->set_index(std::string(kPatientLookup));
  sealed.mutable_keys(0)->set_mac("mac");
  Given(CreateSample(state, Technician(), NewSample("s1", "BB-1"), sealed));
  EXPECT_EQ(state.Count(kSamplesByPatient, "mac"), 1);
  EXPECT_EQ(SampleRow("s1").patient(), "");
}

TEST_F(CreateSampleTest, IgnoresWhatTheCallerMayNotSet) {
  auto request = NewSample("s1", "BB-1");
  request.mutable_sample()->set_creator(UserName("mallory"));
  request.mutable_sample()->set_freeze_thaw_count(7);
  request.mutable_sample()->set_etag("\"9\"");
  Given(CreateSample(state, Technician(), request, {}));
  EXPECT_EQ(SampleRow("s1").creator(), UserName("tina"));
  EXPECT_EQ(SampleRow("s1").freeze_thaw_count(), 0u);
  EXPECT_EQ(SampleRow("s1").etag(), "");
}

TEST_F(CreateSampleTest, IsRefusedWhenTheIdentifierOrTheIdIsTaken) {
  AddSample("s1");
  EXPECT_THAT(CreateSample(state, Technician(), NewSample("s2", "BB-s1"), {}), Refuses("IDENTIFIER_TAKEN"));
  EXPECT_THAT(CreateSample(state, Technician(), NewSample("s1", "BB-2"), {}), Refuses("SAMPLE_EXISTS"));
}

TEST_F(CreateSampleTest, IsRefusedForBadFields) {
  EXPECT_THAT(CreateSample(state, Technician(), NewSample("s1", ""), {}), Refuses("FIELD_REQUIRED"));
  EXPECT_THAT(CreateSample(state, Technician(), NewSample("s1", std::string(129, 'x')), {}), Refuses("FIELD_TOO_LONG"));
  EXPECT_THAT(CreateSample(state, Technician(), NewSample("s1", "a\nb"), {}), Refuses("FIELD_NOT_PRINTABLE"));
  EXPECT_THAT(CreateSample(state, Technician(), NewSample("s 1", "BB-1"), {}), Refuses("BAD_ID"));
  auto request = NewSample("s1", "BB-1");
  request.mutable_sample()->set_state(v1::SAMPLE_STATE_DISPOSED);
  EXPECT_THAT(CreateSample(state, Technician(), request, {}), Refuses("BAD_INITIAL_STATE"));
}

TEST_F(CreateSampleTest, IsRefusedInAnothersBiobankAndInNone) {
  EXPECT_THAT(CreateSample(state, Stranger(), NewSample("s1", "BB-1"), {}), Refuses("NOT_YOUR_BIOBANK"));
  auto request = NewSample("s1", "BB-1");
  request.set_parent("organizations/demo/biobanks/none");
  const Context everywhere = As("tom", ROLE_LAB_TECHNICIAN, kOrganization);
  EXPECT_THAT(CreateSample(state, everywhere, request, {}), Refuses("NOT_FOUND"));
  EXPECT_THAT(CreateSample(state, Technician(), request, {}), Refuses("NOT_YOUR_BIOBANK"));
}

TEST_F(CreateSampleTest, IsATechniciansWorkNotAManagers) {
  EXPECT_THAT(CreateSample(state, Manager(), NewSample("s1", "BB-1"), {}), Refuses("NOT_YOUR_BIOBANK"));
}

TEST_F(UpdateSampleTest, ChangesOnlyWhatTheMaskNames) {
  AddSample("s1");
  v1::UpdateSampleRequest request;
  request.mutable_sample()->set_name(SampleName("s1"));
  request.mutable_sample()->set_etag("\"1\"");
  request.mutable_sample()->set_tracking("T-1");
  request.mutable_sample()->set_identifier("ignored");
  request.mutable_update_mask()->add_paths("tracking");
  Given(UpdateSample(state, Technician(), request, {}));
  EXPECT_EQ(SampleRow("s1").tracking(), "T-1");
  EXPECT_EQ(SampleRow("s1").identifier(), "BB-s1");
  EXPECT_THAT(UpdateSample(state, Technician(), request, {}), Refuses("ETAG_MISMATCH"));
  request.mutable_sample()->set_etag("\"2\"");
  EXPECT_TRUE(UpdateSample(state, Technician(), request, {})->events.empty());
}

TEST_F(UpdateSampleTest, RemovesASealedFieldThatIsNamedAndEmpty) {
  Given(CreateSample(state, Technician(), NewSample("s1", "BB-1"),
                     Sealing(v1::Sample::kHandlingInstructionsFieldNumber)));
  v1::UpdateSampleRequest request;
  request.mutable_sample()->set_name(SampleName("s1"));
  request.mutable_sample()->set_etag("\"1\"");
  request.mutable_update_mask()->add_paths("handling_instructions");
  Given(UpdateSample(state, Technician(), request, {}));
  EXPECT_EQ(state.Find(kSamples, SampleName("s1"))->sealed.fields_size(), 0);
}

TEST_F(UpdateSampleTest, IsRefusedWithoutEtagForUnknownPathsAndTakenIdentifiers) {
  AddSample("s1");
  AddSample("s2");
  v1::UpdateSampleRequest request;
  request.mutable_sample()->set_name(SampleName("s1"));
  EXPECT_THAT(UpdateSample(state, Technician(), request, {}), Refuses("ETAG_REQUIRED"));
  request.mutable_sample()->set_etag("\"1\"");
  request.mutable_update_mask()->add_paths("state");
  EXPECT_THAT(UpdateSample(state, Technician(), request, {}), Refuses("BAD_UPDATE_MASK"));
  request.clear_update_mask();
  request.mutable_sample()->set_identifier("BB-s2");
  EXPECT_THAT(UpdateSample(state, Technician(), request, {}), Refuses("IDENTIFIER_TAKEN"));
  EXPECT_THAT(UpdateSample(state, Stranger(), request, {}), Refuses("NOT_YOUR_BIOBANK"));
}

TEST_F(TransitionSampleTest, NeedsAReasonWhereTheStateCallsForOne) {
  AddSample("s1");
  EXPECT_THAT(TransitionSample(state, Technician(), Transition("s1", v1::SAMPLE_STATE_QUARANTINED), {}),
              Refuses("REASON_REQUIRED"));
}

TEST_F(TransitionSampleTest, LeavesBlockingToManagers) {
  AddSample("s1");
  const auto reason = Sealing(v1::Sample::kStateReasonFieldNumber);
  EXPECT_THAT(TransitionSample(state, Technician(), Transition("s1", v1::SAMPLE_STATE_BLOCKED), reason),
              Refuses("MANAGER_NEEDED"));
  EXPECT_THAT(TransitionSample(state, Manager(), Transition("s1", v1::SAMPLE_STATE_QUARANTINED), reason),
              Refuses("TECHNICIAN_NEEDED"));
  EXPECT_TRUE(TransitionSample(state, Manager(), Transition("s1", v1::SAMPLE_STATE_BLOCKED), reason).ok());
}

TEST_F(TransitionSampleTest, CountsAFreezeThawCycleWhenAReturnedSampleIsStored) {
  AddSample("s1");
  PutSampleInState("s1", v1::SAMPLE_STATE_RETURNED);
  Given(TransitionSample(state, Technician(), Transition("s1", v1::SAMPLE_STATE_STORED), {}));
  EXPECT_EQ(SampleRow("s1").freeze_thaw_count(), 1u);
}

TEST_F(TransitionSampleTest, DropsTheReasonOfTheFormerState) {
  AddSample("s1");
  Given(TransitionSample(state, Technician(), Transition("s1", v1::SAMPLE_STATE_QUARANTINED),
                         Sealing(v1::Sample::kStateReasonFieldNumber)));
  EXPECT_TRUE(HasSealed(state.Find(kSamples, SampleName("s1"))->sealed, v1::Sample::kStateReasonFieldNumber));
  Given(TransitionSample(state, Technician(), Transition("s1", v1::SAMPLE_STATE_STORED), {}));
  EXPECT_FALSE(HasSealed(state.Find(kSamples, SampleName("s1"))->sealed, v1::Sample::kStateReasonFieldNumber));
}

}  // namespace
}  // namespace trialog::inventory
