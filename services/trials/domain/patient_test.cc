#include "services/trials/domain/patient.h"

#include "services/trials/domain/clinical_world.h"

namespace trialog::trials {
namespace {

using PatientTest = ClinicalWorld;

v1::UpdatePatientRequest Update(const std::string& name, const std::string& etag, std::vector<std::string> paths) {
  v1::UpdatePatientRequest request;
  request.mutable_patient()->set_name(name);
  request.mutable_patient()->set_etag(etag);
  for (auto& path : paths) request.mutable_update_mask()->add_paths(std::move(path));
  return request;
}

TEST_F(PatientTest, IsCreatedActiveAndAssignedToTheProviderWhoDidSo) {
  auto request = NewPatient("p", "participant");
  request.mutable_patient()->set_display_name("in the clear by mistake");
  const auto decision = Do(provider, CreatePatient, request, PatientPart("mac p"));
  ASSERT_TRUE(decision.ok()) << decision.status();
  EXPECT_THAT(decision->names, testing::ElementsAre(patient));
  const auto created = Now<v1::Patient>(kPatients, patient);
  EXPECT_TRUE(created.active());
  EXPECT_EQ(created.uid(), "p");
  EXPECT_EQ(created.display_name(), "");
  ASSERT_EQ(created.providers_size(), 1);
  EXPECT_EQ(created.providers(0).user(), User("provider"));
  EXPECT_EQ(state.Find(kPatients, patient)->sealed.fields_size(), 2);
  EXPECT_EQ(state.Count(kPatientsByProvider, User("provider")), 1);
  EXPECT_EQ(state.Lookup(kPatientByUser, User("participant")), patient);
}

TEST_F(PatientTest, IsCreatedWithoutProviderByASite) {
  ASSERT_TRUE(Do(coordinator, CreatePatient, NewPatient("p"), PatientPart("mac p")).ok());
  EXPECT_EQ(Now<v1::Patient>(kPatients, patient).providers_size(), 0);
}

TEST_F(PatientTest, IsNotCreatedOutsideTheCallersScope) {
  for (const Principal& who : {other_coordinator, researcher, participant, data_manager, monitor, administrator}) {
    EXPECT_THAT(Do(who, CreatePatient, NewPatient("p"), PatientPart("mac p")), Refuses("NOT_IN_SCOPE"));
  }
}

TEST_F(PatientTest, IsNotCreatedInAnotherOrganization) {
  auto request = NewPatient("p");
  request.set_parent("organizations/elsewhere");
  EXPECT_THAT(Do(provider, CreatePatient, request, PatientPart("mac p")), Refuses("BAD_NAME"));
}

TEST_F(PatientTest, NeedsRecordNumberAndName) {
  EXPECT_THAT(Do(provider, CreatePatient, NewPatient("p"), {}), Refuses("REQUIRED"));
  EXPECT_THAT(
      Do(provider, CreatePatient, NewPatient("p"), SealedWith({v1::Patient::kMedicalRecordNumberFieldNumber}, "mac")),
      Refuses("REQUIRED"));
  EXPECT_THAT(Do(provider, CreatePatient, NewPatient("p"), PatientPart("")), Refuses("REQUIRED"));
}

TEST_F(PatientTest, HasARecordNumberNobodyElseHas) {
  GivenPatient();
  EXPECT_THAT(Do(provider, CreatePatient, NewPatient("q"), PatientPart("mac p")), Refuses("MRN_TAKEN"));
  EXPECT_TRUE(Do(provider, CreatePatient, NewPatient("q"), PatientPart("mac q")).ok());
}

TEST_F(PatientTest, SharesAccountAndIdWithNobody) {
  GivenPatient();
  EXPECT_THAT(Do(provider, CreatePatient, NewPatient("q", "participant"), PatientPart("mac q")), Refuses("USER_TAKEN"));
  EXPECT_THAT(Do(provider, CreatePatient, NewPatient("p"), PatientPart("mac q")), Refuses("PATIENT_EXISTS"));
  EXPECT_THAT(Do(provider, CreatePatient, NewPatient("p q"), PatientPart("mac q")), Refuses("BAD_ID"));
}

TEST_F(PatientTest, ChangesOnlyWhatTheMaskNames) {
  GivenPatient();
  auto request = Update(patient, Etag(kPatients, patient), {"contact", "active"});
  request.mutable_patient()->set_primary_clinic("organizations/o/sites/south");
  const auto part = SealedWith({v1::Patient::kContactFieldNumber, v1::Patient::kDisplayNameFieldNumber},
                               "a key that is not asked for");
  const auto before = state.Find(kPatients, patient)->sealed;
  ASSERT_TRUE(Do(provider, UpdatePatient, request, part).ok());
  const auto row = state.Find(kPatients, patient);
  EXPECT_FALSE(row->As<v1::Patient>().active());
  EXPECT_EQ(row->As<v1::Patient>().primary_clinic(), kClinic);
  EXPECT_EQ(row->sealed.fields_size(), 3);
  EXPECT_EQ(row->sealed.keys(0).mac(), before.keys(0).mac());
}

TEST_F(PatientTest, LosesAPersonalFieldThatIsNamedWithoutValueButNotItsName) {
  GivenPatient();
  ASSERT_TRUE(
      Do(provider, UpdatePatient, Update(patient, "\"1\"", {"contact"}), SealedWith({v1::Patient::kContactFieldNumber}))
          .ok());
  EXPECT_EQ(state.Find(kPatients, patient)->sealed.fields_size(), 3);
  ASSERT_TRUE(Do(provider, UpdatePatient, Update(patient, "\"2\"", {"contact"})).ok());
  EXPECT_EQ(state.Find(kPatients, patient)->sealed.fields_size(), 2);
  EXPECT_THAT(Do(provider, UpdatePatient, Update(patient, "\"3\"", {"display_name"})), Refuses("REQUIRED"));
}

TEST_F(PatientTest, NeedsTheEtagOfWhatWasRead) {
  GivenPatient();
  const auto part = SealedWith({v1::Patient::kContactFieldNumber});
  EXPECT_THAT(Do(provider, UpdatePatient, Update(patient, "", {"contact"}), part), Refuses("ETAG_REQUIRED"));
  EXPECT_THAT(Do(provider, UpdatePatient, Update(patient, "\"9\"", {"contact"}), part), Refuses("ETAG_MISMATCH"));
  EXPECT_THAT(Do(provider, UpdatePatient, Update(patient, "\"1\"", {}), part), Refuses("REQUIRED"));
  EXPECT_THAT(Do(provider, UpdatePatient, Update(patient, "\"1\"", {"providers"}), part),
              Refuses("FIELD_NOT_CHANGEABLE"));
}

TEST_F(PatientTest, FreesItsOldRecordNumberAndMayNotTakeOneThatIsHeld) {
  GivenPatient();
  ASSERT_TRUE(Do(provider, CreatePatient, NewPatient("q"), PatientPart("mac q")).ok());
  const auto mrn = [&](std::string_view mac) {
    return Do(provider, UpdatePatient, Update(patient, Etag(kPatients, patient), {"medical_record_number"}),
              SealedWith({v1::Patient::kMedicalRecordNumberFieldNumber}, mac));
  };
  EXPECT_THAT(mrn("mac q"), Refuses("MRN_TAKEN"));
  EXPECT_TRUE(mrn("mac p").ok());  // Its own.
  EXPECT_TRUE(mrn("mac r").ok());
  EXPECT_FALSE(state.Lookup(kPatientByMrn, MrnKey(kOrg, "mac p")));
  EXPECT_THAT(mrn(""), Refuses("REQUIRED"));
}

TEST_F(PatientTest, ChangesOwnContactAndPreferencesAndNothingElse) {
  GivenPatient();
  const auto part = SealedWith({v1::Patient::kContactFieldNumber});
  EXPECT_TRUE(Do(participant, UpdatePatient, Update(patient, "\"1\"", {"contact"}), part).ok());
  EXPECT_THAT(Do(participant, UpdatePatient, Update(patient, "\"2\"", {"active"}), part),
              Refuses("FIELD_NOT_CHANGEABLE"));
  EXPECT_THAT(Do(other_participant, UpdatePatient, Update(patient, "\"2\"", {"contact"}), part), Refuses("NOT_FOUND"));
}

TEST_F(PatientTest, IsNotChangedByAResearcherWhoSeesIt) {
  GivenSubject();
  EXPECT_THAT(Do(researcher, UpdatePatient, Update(patient, "\"1\"", {"contact"})), Refuses("NOT_STAFF"));
  EXPECT_THAT(Do(second_researcher, UpdatePatient, Update(patient, "\"1\"", {"contact"})), Refuses("NOT_FOUND"));
}

TEST_F(PatientTest, GetsAndLosesProviders) {
  GivenPatient();
  v1::AssignProviderRequest assign;
  assign.set_name(patient);
  assign.mutable_provider()->set_user(User("other-provider"));
  EXPECT_THAT(Do(other_provider, AssignProvider, assign), Refuses("NOT_FOUND"));
  EXPECT_THAT(Do(participant, AssignProvider, assign), Refuses("NOT_STAFF"));
  ASSERT_EQ(Do(coordinator, AssignProvider, assign)->events.size(), 1u);
  EXPECT_TRUE(Do(coordinator, AssignProvider, assign)->events.empty());
  assign.mutable_provider()->set_site(kClinic);
  ASSERT_EQ(Do(coordinator, AssignProvider, assign)->events.size(), 1u);
  EXPECT_EQ(Now<v1::Patient>(kPatients, patient).providers_size(), 2);

  v1::UnassignProviderRequest unassign;
  unassign.set_name(patient);
  unassign.set_user(User("other-provider"));
  ASSERT_EQ(Do(other_provider, UnassignProvider, unassign)->events.size(), 1u);
  EXPECT_THAT(Do(other_provider, UnassignProvider, unassign), Refuses("NOT_FOUND"));
  EXPECT_TRUE(Do(provider, UnassignProvider, unassign)->events.empty());
  assign.mutable_provider()->set_user("somebody");
  EXPECT_THAT(Do(provider, AssignProvider, assign), Refuses("BAD_NAME"));
}

TEST_F(PatientTest, IsCaredForByATeamOfAtMostAHundred) {
  GivenPatient();
  v1::AssignProviderRequest assign;
  assign.set_name(patient);
  for (int i = 1; i < 100; ++i) {
    assign.mutable_provider()->set_user(User(Cat("provider-", i)));
    ASSERT_TRUE(Do(provider, AssignProvider, assign).ok());
  }
  assign.mutable_provider()->set_user(User("one-more"));
  EXPECT_THAT(Do(provider, AssignProvider, assign), Refuses("TOO_MANY_PROVIDERS"));
}

TEST_F(PatientTest, AResearcherHasOneProfileOfTheirOwn) {
  v1::CreateResearcherRequest request;
  request.set_parent(kOrg);
  request.set_researcher_id("r");
  request.mutable_researcher()->set_user(User("researcher"));
  EXPECT_THAT(Do(second_researcher, CreateResearcher, request), Refuses("NOT_YOUR_PROFILE"));
  ASSERT_TRUE(Do(researcher, CreateResearcher, request).ok());
  request.set_researcher_id("r2");
  EXPECT_THAT(Do(researcher, CreateResearcher, request), Refuses("RESEARCHER_EXISTS"));
  EXPECT_THAT(Do(administrator, CreateResearcher, request), Refuses("NOT_YOUR_PROFILE"));

  v1::UpdateResearcherRequest update;
  update.mutable_researcher()->set_name(Cat(kOrg, "/researchers/r"));
  update.mutable_researcher()->set_etag("\"1\"");
  update.mutable_researcher()->set_institution("Mayo");
  update.mutable_update_mask()->add_paths("institution");
  EXPECT_THAT(Do(second_researcher, UpdateResearcher, update), Refuses("NOT_YOUR_PROFILE"));
  EXPECT_THAT(Do(participant, UpdateResearcher, update), Refuses("NOT_FOUND"));
  ASSERT_TRUE(Do(researcher, UpdateResearcher, update).ok());
  EXPECT_THAT(Do(researcher, UpdateResearcher, update), Refuses("ETAG_MISMATCH"));
  EXPECT_EQ(Now<v1::Researcher>(kResearchers, update.researcher().name()).institution(), "Mayo");
}

}  // namespace
}  // namespace trialog::trials
