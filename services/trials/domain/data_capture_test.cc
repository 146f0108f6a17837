#include "services/trials/domain/data_capture.h"

#include "services/trials/domain/clinical_world.h"

namespace trialog::trials {
namespace {

class DataCaptureTest : public ClinicalWorld {
 protected:
  v1::DataCapture Capture() const { return Now<v1::DataCapture>(kDataCaptures, capture); }

  auto Amend(const Principal& who, const event::v1::SealedPart& sealed, const std::string& name = {}) {
    v1::AmendDataCaptureRequest request;
    request.mutable_data_capture()->set_name(name.empty() ? capture : name);
    request.mutable_data_capture()->set_etag(Etag(kDataCaptures, request.data_capture().name()));
    request.mutable_update_mask()->add_paths("data_value");
    return Do(who, AmendDataCapture, request, sealed);
  }
  void MoveSubject(v1::SubjectState to) {
    v1::TransitionSubjectRequest request;
    request.set_name(subject);
    request.set_state(to);
    ASSERT_TRUE(Do(provider, TransitionSubject, request, SubjectReason()).ok());
  }
};

TEST_F(DataCaptureTest, BeginsAsADraftOfVersionOne) {
  GivenCapture(false);
  const auto created = Capture();
  EXPECT_EQ(created.state(), v1::DATA_CAPTURE_STATE_DRAFT);
  EXPECT_EQ(created.version(), 1);
  EXPECT_EQ(created.patient(), patient);
  EXPECT_EQ(created.captured_by(), User("provider"));
  EXPECT_EQ(created.track_time().seconds(), created.record_time().seconds());
  EXPECT_EQ(state.Find(kDataCaptures, capture)->sealed.fields_size(), 1);
  EXPECT_THAT(Do(provider, CreateDataCapture, NewCapture(), Values()), Refuses("DATA_CAPTURE_EXISTS"));
}

TEST_F(DataCaptureTest, GoesFromDraftToAcknowledged) {
  GivenCapture(false);
  EXPECT_THAT(Move(provider, FinalizeDataCapture, capture), Refuses("ILLEGAL_MOVE"));
  ASSERT_TRUE(Move(coordinator, SubmitDataCapture, capture).ok());
  EXPECT_THAT(Move(participant, AcknowledgeDataCapture, capture), Refuses("ILLEGAL_MOVE"));
  ASSERT_TRUE(Move(provider, FinalizeDataCapture, capture).ok());
  EXPECT_EQ(Capture().finalized_by(), User("provider"));
  EXPECT_EQ(Move(participant, AcknowledgeDataCapture, capture)->events.size(), 1u);
  EXPECT_TRUE(Capture().has_acknowledge_time());
  EXPECT_TRUE(Move(participant, AcknowledgeDataCapture, capture)->events.empty());
}

TEST_F(DataCaptureTest, IsNotSubmittedEmpty) {
  GivenSubject();
  EXPECT_THAT(Do(provider, CreateDataCapture, NewCapture("d", true)), Refuses("EMPTY_CAPTURE"));
  ASSERT_TRUE(Do(provider, CreateDataCapture, NewCapture()).ok());
  EXPECT_THAT(Move(provider, SubmitDataCapture, capture), Refuses("EMPTY_CAPTURE"));
  ASSERT_TRUE(Amend(provider, Values()).ok());
  EXPECT_TRUE(Move(provider, SubmitDataCapture, capture).ok());
}

TEST_F(DataCaptureTest, ADraftIsAmendedInPlaceWithoutReason) {
  GivenCapture(false);
  ASSERT_TRUE(Amend(provider, Values()).ok());
  EXPECT_EQ(Capture().version(), 2);
  EXPECT_EQ(Capture().state(), v1::DATA_CAPTURE_STATE_DRAFT);
}

TEST_F(DataCaptureTest, WhatWasSubmittedIsAmendedOnlyWithAReason) {
  GivenCapture();
  EXPECT_THAT(Amend(provider, Values()), Refuses("REQUIRED"));
  ASSERT_TRUE(Amend(provider, ValuesWithReason()).ok());
  EXPECT_EQ(Capture().version(), 2);
  EXPECT_EQ(Capture().state(), v1::DATA_CAPTURE_STATE_SUBMITTED);
}

TEST_F(DataCaptureTest, AnAmendmentReopensAFinalCaptureAndClearsItsAcknowledgement) {
  GivenFinalCapture();
  ASSERT_TRUE(Move(participant, AcknowledgeDataCapture, capture).ok());
  EXPECT_THAT(Amend(provider, Values()), Refuses("REQUIRED"));
  ASSERT_TRUE(Amend(provider, ValuesWithReason()).ok());
  const auto amended = Capture();
  EXPECT_EQ(amended.state(), v1::DATA_CAPTURE_STATE_SUBMITTED);
  EXPECT_EQ(amended.version(), 2);
  EXPECT_FALSE(amended.has_acknowledge_time());
  EXPECT_EQ(amended.finalized_by(), "");
  EXPECT_TRUE(Move(provider, FinalizeDataCapture, capture).ok());
}

TEST_F(DataCaptureTest, AnAmendmentNeedsEtagAndMaskAndLeavesValues) {
  GivenCapture();
  v1::AmendDataCaptureRequest request;
  request.mutable_data_capture()->set_name(capture);
  EXPECT_THAT(Do(provider, AmendDataCapture, request, ValuesWithReason()), Refuses("REQUIRED"));
  request.mutable_update_mask()->add_paths("data_value");
  EXPECT_THAT(Do(provider, AmendDataCapture, request, ValuesWithReason()), Refuses("ETAG_REQUIRED"));
  request.mutable_data_capture()->set_etag("\"1\"");
  EXPECT_THAT(Do(provider, AmendDataCapture, request, ValuesWithReason()), Refuses("ETAG_MISMATCH"));
  request.mutable_data_capture()->set_etag(Etag(kDataCaptures, capture));
  auto removal = SealedWith({v1::DataCapture::kAmendReasonFieldNumber});
  removal.add_fields()->set_number(v1::DataCapture::kDataValueFieldNumber);
  EXPECT_THAT(Do(provider, AmendDataCapture, request, removal), Refuses("EMPTY_CAPTURE"));
  request.mutable_update_mask()->add_paths("state");
  EXPECT_THAT(Do(provider, AmendDataCapture, request, ValuesWithReason()), Refuses("FIELD_NOT_CHANGEABLE"));
}

TEST_F(DataCaptureTest, AnAmendmentMayMoveItsTimeAndItsPlaceInTheOrder) {
  GivenCapture();
  v1::AmendDataCaptureRequest request;
  request.mutable_data_capture()->set_name(capture);
  request.mutable_data_capture()->set_etag(Etag(kDataCaptures, capture));
  request.mutable_update_mask()->add_paths("track_time");
  const auto reason = SealedWith({v1::DataCapture::kAmendReasonFieldNumber});
  EXPECT_THAT(Do(provider, AmendDataCapture, request, reason), Refuses("REQUIRED"));
  request.mutable_data_capture()->mutable_track_time()->set_seconds(5'000'000'000);
  EXPECT_THAT(Do(provider, AmendDataCapture, request, reason), Refuses("IN_FUTURE"));
  request.mutable_data_capture()->mutable_track_time()->set_seconds(1'000'000'000);
  ASSERT_TRUE(Do(provider, AmendDataCapture, request, reason).ok());
  EXPECT_EQ(Capture().track_time().seconds(), 1'000'000'000);
  ASSERT_TRUE(Do(provider, CreateDataCapture, NewCapture("newer"), Values()).ok());
  const auto listed = state.Scan(kCapturesByTrial, view::GroupPrefix(trial), 10);
  ASSERT_EQ(listed.size(), 2u);
  EXPECT_EQ(listed[0].name, trial + "/dataCaptures/newer");
  EXPECT_EQ(listed[1].name, capture);
}

TEST_F(DataCaptureTest, ParticipantsEnterTheirOwnReportsAndChangeThemUntilFinal) {
  GivenCapture();
  ASSERT_TRUE(Do(participant, CreateDataCapture, NewCapture("own", true), Values()).ok());
  const std::string own = trial + "/dataCaptures/own";
  EXPECT_TRUE(Amend(participant, ValuesWithReason(), own).ok());
  EXPECT_THAT(Amend(participant, ValuesWithReason()), Refuses("NOT_YOUR_CAPTURE"));
  EXPECT_THAT(Move(participant, FinalizeDataCapture, own), Refuses("NOT_A_CLINICIAN"));
  ASSERT_TRUE(Move(provider, FinalizeDataCapture, own).ok());
  EXPECT_THAT(Amend(participant, ValuesWithReason(), own), Refuses("NOT_YOUR_CAPTURE"));
  EXPECT_THAT(Do(other_participant, CreateDataCapture, NewCapture("x"), Values()), Refuses("NOT_FOUND"));
}

TEST_F(DataCaptureTest, IsEnteredAndFinalizedOnlyByThoseWhoMay) {
  GivenCapture();
  for (const Principal& who : {researcher, data_manager, monitor}) {
    EXPECT_THAT(Do(who, CreateDataCapture, NewCapture("x"), Values()), Refuses("NOT_STAFF"));
    EXPECT_THAT(Amend(who, ValuesWithReason()), Refuses("NOT_YOUR_CAPTURE"));
    EXPECT_THAT(Move(who, SubmitDataCapture, capture), Refuses("NOT_YOUR_CAPTURE"));
    EXPECT_THAT(Move(who, FinalizeDataCapture, capture), Refuses("NOT_A_CLINICIAN"));
    EXPECT_THAT(Move(who, AcknowledgeDataCapture, capture), Refuses("NOT_THE_PATIENT"));
  }
  for (const Principal& who : {coordinator, investigator}) {
    EXPECT_THAT(Move(who, FinalizeDataCapture, capture), Refuses("NOT_A_CLINICIAN"));
  }
  EXPECT_THAT(Move(provider, AcknowledgeDataCapture, capture), Refuses("NOT_THE_PATIENT"));
  for (const Principal& who :
       {other_provider, other_coordinator, second_researcher, other_participant, custodian, administrator}) {
    EXPECT_THAT(Do(who, CreateDataCapture, NewCapture("x"), Values()), Refuses("NOT_FOUND"));
    EXPECT_THAT(Amend(who, ValuesWithReason()), Refuses("NOT_FOUND"));
    EXPECT_THAT(Move(who, FinalizeDataCapture, capture), Refuses("NOT_FOUND"));
  }
}

TEST_F(DataCaptureTest, AFrozenOrLockedTrialTakesNoEntry) {
  GivenFinalCapture();
  ASSERT_TRUE(Do(provider, CreateDataCapture, NewCapture("draft"), Values()).ok());
  ASSERT_TRUE(Do(provider, CreateDataCapture, NewCapture("final", true), Values()).ok());
  ASSERT_TRUE(Move(provider, FinalizeDataCapture, trial + "/dataCaptures/final").ok());
  ASSERT_TRUE(Move(data_manager, FreezeTrial, trial).ok());
  const auto refuses_entry = [&] {
    EXPECT_THAT(Do(provider, CreateDataCapture, NewCapture("x"), Values()), Refuses("TRIAL_NOT_OPEN"));
    EXPECT_THAT(Amend(provider, ValuesWithReason()), Refuses("TRIAL_NOT_OPEN"));
    EXPECT_THAT(Move(provider, SubmitDataCapture, trial + "/dataCaptures/draft"), Refuses("TRIAL_NOT_OPEN"));
    EXPECT_THAT(Move(provider, FinalizeDataCapture, trial + "/dataCaptures/draft"), Refuses("TRIAL_NOT_OPEN"));
  };
  refuses_entry();
  EXPECT_TRUE(Move(participant, AcknowledgeDataCapture, capture).ok());
  ASSERT_TRUE(Move(data_manager, LockTrial, trial).ok());
  refuses_entry();
  EXPECT_THAT(Move(participant, AcknowledgeDataCapture, trial + "/dataCaptures/final"), Refuses("TRIAL_NOT_OPEN"));
}

TEST_F(DataCaptureTest, AboutTheDeceasedStaffAloneEnter) {
  GivenSubject();
  MoveSubject(v1::SUBJECT_STATE_DECEASED);
  EXPECT_TRUE(Do(provider, CreateDataCapture, NewCapture("d", true), Values()).ok());
  EXPECT_THAT(Do(participant, CreateDataCapture, NewCapture("x", true), Values()), Refuses("SUBJECT_NOT_OPEN"));
}

TEST_F(DataCaptureTest, AfterAWithdrawalOnlyWhatLiesBeforeItIsEntered) {
  GivenSubject();
  ASSERT_TRUE(Move(participant, WithdrawConsent, subject).ok());
  EXPECT_THAT(Do(provider, CreateDataCapture, NewCapture(), Values()), Refuses("SUBJECT_NOT_OPEN"));
  auto earlier = NewCapture();
  earlier.mutable_data_capture()->mutable_track_time()->set_seconds(1'600'000'000);
  EXPECT_TRUE(Do(provider, CreateDataCapture, earlier, Values()).ok());
}

TEST_F(DataCaptureTest, NeedsAConsentInForceWhileTheSubjectTakesPart) {
  GivenSubject();
  v1::RecordConsentRequest expired;
  expired.set_name(subject);
  expired.mutable_consent()->set_state(v1::CONSENT_STATE_EXPIRED);
  expired.mutable_consent()->set_form_version("1.0");
  ASSERT_TRUE(Do(provider, RecordConsent, expired).ok());
  EXPECT_THAT(Do(provider, CreateDataCapture, NewCapture(), Values()), Refuses("CONSENT_MISSING"));
}

TEST_F(DataCaptureTest, TheLatestIsTheOneTheCallerMaySeeWithItsResearchers) {
  GivenCapture();
  v1::CreateResearcherRequest profile;
  profile.set_parent(kOrg);
  profile.set_researcher_id("r");
  profile.mutable_researcher()->set_user(User("researcher"));
  ASSERT_TRUE(Do(researcher, CreateResearcher, profile).ok());
  auto older = NewCapture("older");
  older.mutable_data_capture()->mutable_track_time()->set_seconds(1'000'000'000);
  ASSERT_TRUE(Do(provider, CreateDataCapture, older, Values()).ok());
  EXPECT_EQ(*LatestCapture(state, participant, trial, ""), capture);
  EXPECT_EQ(*LatestCapture(state, researcher, trial, patient), capture);
  EXPECT_THAT(LatestCapture(state, other_provider, trial, ""), Refuses("NOT_FOUND"));
  EXPECT_THAT(LatestCapture(state, researcher, trial, other_patient), Refuses("NOT_FOUND"));
  // Refused by a rule, which the caller cannot tell, or merely none that is theirs.
  EXPECT_TRUE(IsRefusal(LatestCapture(state, second_researcher, trial, "").status()));
  EXPECT_FALSE(IsRefusal(LatestCapture(state, other_provider, trial, "").status()));
  EXPECT_FALSE(IsRefusal(LatestCapture(state, researcher, trial, other_patient).status()));
  EXPECT_THAT(ResearchersOf(state, trial), testing::ElementsAre(Cat(kOrg, "/researchers/r")));
}

// The captures of a trial, with so many of another patient before them.
class Crowded final : public view::State {
 public:
  Crowded(const view::State& real, size_t others, std::string_view patient) : real_(real), others_(others) {
    auto capture = std::make_shared<v1::DataCapture>();
    capture->set_patient(std::string(patient));
    auto row = std::make_shared<view::Row>();
    row->resource = std::move(capture);
    other_ = std::move(row);
  }
  view::RowPtr Find(const view::Table& table, std::string_view name) const override {
    return table.id == kDataCaptures.id && HasPrefix(IdOf(name), "other-") ? other_ : real_.Find(table, name);
  }
  std::vector<view::Found> Scan(const view::Index& index, std::string_view prefix, size_t limit,
                                std::string_view after) const override {
    if (index.id != kCapturesByTrial.id) return real_.Scan(index, prefix, limit, after);
    std::vector<view::Found> found;
    const std::string trial(prefix.substr(0, prefix.find('\0')));
    for (size_t i = after.empty() ? 0 : std::stoul(std::string(after)) + 1; i < others_ && found.size() < limit; ++i) {
      found.push_back({Cat(i), Cat(trial, "/dataCaptures/other-", i)});
    }
    if (found.size() == limit) return found;
    for (view::Found& mine : real_.Scan(index, prefix, limit, "")) found.push_back(std::move(mine));
    return found;
  }
  std::optional<std::string> Lookup(const view::Index& index, std::string_view key) const override {
    return real_.Lookup(index, key);
  }
  int64_t Count(const view::Index& index, std::string_view key) const override { return real_.Count(index, key); }

 private:
  const view::State& real_;
  const size_t others_;
  view::RowPtr other_;
};

TEST_F(DataCaptureTest, TheLatestIsLookedForAmongSoManyAndNoMore) {
  GivenCapture();
  const Crowded few(state, 19'999, other_patient), many(state, 20'000, other_patient);
  EXPECT_EQ(*LatestCapture(few, provider, trial, ""), capture);
  EXPECT_THAT(LatestCapture(many, provider, trial, ""), Refuses("TOO_MANY_CAPTURES"));
  EXPECT_EQ(*LatestCapture(many, provider, trial, patient), capture);
  // Who may not list the trial's captures learns nothing of how many there are.
  EXPECT_TRUE(IsRefusal(LatestCapture(many, second_researcher, trial, "").status()));
}

TEST_F(DataCaptureTest, TheCodedExportHoldsFinalDataAndNoIdentity) {
  GivenFinalCapture();
  auto older = NewCapture("older", true);
  older.mutable_data_capture()->mutable_track_time()->set_seconds(1'000'000'000);
  ASSERT_TRUE(Do(provider, CreateDataCapture, older, Values()).ok());
  auto coded = CodedSubject(state, subject);
  EXPECT_EQ(coded.subject_key(), Now<v1::Subject>(kSubjects, subject).subject_key());
  EXPECT_EQ(coded.consent_state(), v1::CONSENT_STATE_GIVEN);
  ASSERT_EQ(coded.captures_size(), 1);
  ASSERT_TRUE(Move(provider, FinalizeDataCapture, trial + "/dataCaptures/older").ok());
  coded = CodedSubject(state, subject);
  ASSERT_EQ(coded.captures_size(), 2);
  EXPECT_EQ(coded.captures(0).data_capture(), trial + "/dataCaptures/older");
  EXPECT_EQ(coded.SerializeAsString().find("patients/"), std::string::npos);
  EXPECT_EQ(coded.SerializeAsString().find("users/"), std::string::npos);
  ASSERT_TRUE(Amend(provider, ValuesWithReason()).ok());
  EXPECT_EQ(CodedSubject(state, subject).captures_size(), 1);
}

}  // namespace
}  // namespace trialog::trials
