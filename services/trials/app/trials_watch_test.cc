// Live queries with many readers, slow ones and broken ones: each change once and in order, to each what is theirs, and
// a record of who saw it.
#include <random>
#include <thread>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "services/trials/app/trials_server.h"

namespace trialog::trials {
namespace {

constexpr char kWatchPatients[] = "trialog.trials.v1.PatientService/WatchPatients";

class Watching : public TrialsServer {
 protected:
  void SetUp() override { GivenPatients(); }

  // Writes the number of the change, and more if asked, into a field of the patient that is sealed.
  void Change(int number, size_t more = 0) {
    v1::UpdatePatientRequest update;
    update.mutable_patient()->set_name(patient);
    if (etag_.empty())
      etag_ = Name<v1::Patient, v1::GetPatientRequest>("provider", "PatientService/GetPatient", patient).etag();
    update.mutable_patient()->set_etag(etag_);
    update.mutable_patient()->set_contact(Cat(number, " ", std::string(more, '.')));
    update.mutable_update_mask()->add_paths("contact");
    etag_ = Do<v1::Patient>("provider", "PatientService/UpdatePatient", update).etag();
  }

  std::unique_ptr<rpc::AnyReader> Open(std::string_view who, const std::string& resume_token = "",
                                       const std::string& filter = "") {
    v1::WatchPatientsRequest request;
    request.set_parent(kOrg);
    request.set_resume_token(resume_token);
    request.set_filter(filter);
    return Stream("PatientService/WatchPatients", who, request);
  }

  // The numbers of the changes in an answer.
  static std::vector<int> Numbers(const v1::WatchPatientsResponse& answer) {
    std::vector<int> numbers;
    for (const auto& change : answer.changes()) numbers.push_back(std::atoi(change.patient().contact().c_str()));
    return numbers;
  }
  // The next changes, in whole answers until there are `count`.
  static std::vector<int> Take(rpc::AnyReader& reader, size_t count) {
    std::vector<int> taken;
    v1::WatchPatientsResponse answer;
    while (taken.size() < count && reader.Read(answer)) {
      for (int number : Numbers(answer)) taken.push_back(number);
    }
    EXPECT_GE(taken.size(), count) << reader.Finish();
    return taken;
  }
  static std::vector<int> UpTo(int last, int first = 1) {
    std::vector<int> all;
    for (int number = first; number <= last; ++number) all.push_back(number);
    return all;
  }
  // Reads what there was when the stream began; the token to go on with from there.
  static std::string AwaitStart(rpc::AnyReader& reader) {
    v1::WatchPatientsResponse answer;
    while (reader.Read(answer)) {
      if (answer.initial_done()) return answer.resume_token();
    }
    ADD_FAILURE() << reader.Finish();
    return "";
  }

  size_t SightsRecorded() { return Shown(kWatchPatients).size(); }

 private:
  std::string etag_;
};

TEST_F(Watching, AHundredStreamsSeeEachChangeOnceAndInOrder) {
  constexpr int kStreams = 100, kChanges = 40;
  std::vector<std::unique_ptr<rpc::AnyReader>> readers;
  for (int i = 0; i < kStreams; ++i) readers.push_back(Open("provider"));
  for (auto& reader : readers) AwaitStart(*reader);
  for (int number = 1; number <= kChanges; ++number) Change(number);
  for (auto& reader : readers) EXPECT_EQ(Take(*reader, kChanges), UpTo(kChanges));
}

TEST_F(Watching, AReaderWhoIsSlowHoldsUpNobodyAndMissesNothing) {
  constexpr int kChanges = 120;
  constexpr size_t kMore = 16 << 10;  // More than gRPC and the stream hold for the slow one.
  auto slow = Open("provider"), fast = Open("provider");
  AwaitStart(*slow);
  AwaitStart(*fast);
  std::thread writer([&] {
    for (int number = 1; number <= kChanges; ++number) Change(number, kMore);
  });
  EXPECT_EQ(Take(*fast, kChanges), UpTo(kChanges));
  writer.join();
  EXPECT_EQ(Take(*slow, kChanges), UpTo(kChanges));
}

TEST_F(Watching, AStreamThatIsBrokenAndResumedAnywhereGoesOnWhereItStood) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(Cat("seed ", seed));
  std::mt19937 random(seed);
  constexpr int kChanges = 150;
  auto reader = Open("provider");
  AwaitStart(*reader);
  v1::WatchPatientsResponse answer;
  std::thread writer([&] {
    for (int number = 1; number <= kChanges; ++number) Change(number);
  });
  std::vector<int> seen;
  int breaks = 0;
  while (seen.size() < kChanges) {
    ASSERT_TRUE(reader->Read(answer)) << reader->Finish();
    for (int number : Numbers(answer)) seen.push_back(number);
    if (random() % 4 != 0) continue;
    reader->Cancel();
    reader = Open("provider", answer.resume_token());
    ++breaks;
  }
  writer.join();
  EXPECT_EQ(seen, UpTo(kChanges));
  EXPECT_GT(breaks, 0);
}

TEST_F(Watching, ATokenIsGivenWhenAllThatStoodIsTold) {
  constexpr size_t kMore = 16 << 10;
  constexpr int kPatients = 40;  // More than one answer holds.
  for (int i = 0; i < kPatients; ++i) {
    auto create = NewPatient(Cat("more-", i), "", Cat("MRN-", i));
    create.mutable_patient()->set_contact(std::string(kMore, '.'));
    Do<v1::Patient>("provider", "PatientService/CreatePatient", create);
  }
  auto reader = Open("provider");
  v1::WatchPatientsResponse answer;
  int told = 0, answers = 0;
  do {
    ASSERT_TRUE(reader->Read(answer)) << reader->Finish();
    EXPECT_EQ(answer.resume_token().empty(), !answer.initial_done());
    told += answer.changes_size();
    ++answers;
  } while (!answer.initial_done());
  EXPECT_EQ(told, kPatients + 1);
  EXPECT_GT(answers, 1);
}

TEST_F(Watching, AnOldTokenGivesAllThatHappenedSince) {
  auto reader = Open("provider");
  const std::string token = AwaitStart(*reader);
  for (int number = 1; number <= 30; ++number) Change(number);
  EXPECT_EQ(Take(*reader, 30), UpTo(30));
  reader->Cancel();
  for (int number = 31; number <= 60; ++number) Change(number);
  auto resumed = Open("provider", token), other = Open("provider", token);
  EXPECT_EQ(Take(*resumed, 60), UpTo(60));
  EXPECT_EQ(Take(*other, 60), UpTo(60));
}

TEST_F(Watching, EachCallerSeesOfTheSameChangesWhatIsTheirs) {
  GivenActiveTrial();
  auto whole = Watch<v1::WatchTrialsResponse, v1::WatchTrialsRequest>("researcher", "TrialService/WatchTrials", kOrg);
  auto part = Watch<v1::WatchTrialsResponse, v1::WatchTrialsRequest>("patient", "TrialService/WatchTrials", kOrg);
  auto patients = Open("provider"), others = Open("second-provider");
  EXPECT_EQ(whole.Initial(), 1);
  EXPECT_EQ(part.Initial(), 1);
  AwaitStart(*patients);
  AwaitStart(*others);

  v1::SuspendTrialRequest suspend;
  suspend.set_name(trial);
  suspend.set_state_reason("a count of safety reports");
  Do<v1::Trial>("researcher", "TrialService/SuspendTrial", suspend);
  EXPECT_EQ(whole.Next().kind(), v1::CHANGE_KIND_UPDATE);
  const auto left = part.Next();  // Participants see active trials only.
  EXPECT_EQ(left.kind(), v1::CHANGE_KIND_LEAVE);
  EXPECT_EQ(left.name(), trial);
  EXPECT_FALSE(left.has_trial());

  Name<v1::Trial, v1::ResumeTrialRequest>("researcher", "TrialService/ResumeTrial", trial);
  const auto resumed = whole.Next();
  EXPECT_EQ(resumed.kind(), v1::CHANGE_KIND_UPDATE);
  EXPECT_FALSE(resumed.trial().researchers().empty());
  const auto entered = part.Next();
  EXPECT_EQ(entered.kind(), v1::CHANGE_KIND_ENTER);
  EXPECT_EQ(entered.trial().title(), "Lung");
  EXPECT_TRUE(entered.trial().researchers().empty());
  EXPECT_TRUE(entered.trial().approved_by().empty());

  // Another's patient is not there at all; the own one is, and what is sealed of it can be read.
  Change(1);
  EXPECT_EQ(Take(*patients, 1), UpTo(1));
  v1::UpdatePatientRequest update;
  update.mutable_patient()->set_name(other_patient);
  update.mutable_patient()->set_etag(
      Name<v1::Patient, v1::GetPatientRequest>("second-provider", "PatientService/GetPatient", other_patient).etag());
  update.mutable_patient()->set_contact("2");
  update.mutable_update_mask()->add_paths("contact");
  Do<v1::Patient>("second-provider", "PatientService/UpdatePatient", update);
  EXPECT_EQ(Take(*others, 1), UpTo(2, 2));
}

TEST_F(Watching, WhoMayNoLongerSeeARecordIsToldThatItLeft) {
  auto patients = Open("provider");
  AwaitStart(*patients);
  v1::UnassignProviderRequest unassign;
  unassign.set_name(patient);
  unassign.set_user(User("provider"));
  Try<v1::Patient>("provider", "PatientService/UnassignProvider", unassign).status().IgnoreError();  // Theirs no more.
  v1::WatchPatientsResponse answer;
  ASSERT_TRUE(patients->Read(answer)) << patients->Finish();
  ASSERT_EQ(answer.changes_size(), 1);
  EXPECT_EQ(answer.changes(0).kind(), v1::CHANGE_KIND_LEAVE);
  EXPECT_EQ(answer.changes(0).name(), patient);
  EXPECT_FALSE(answer.changes(0).has_patient());
}

TEST_F(Watching, TheSightOfPersonalFieldsIsRecordedOnceForEachStreamAndMinute) {
  const size_t before = SightsRecorded();
  auto first = Open("provider");
  AwaitStart(*first);
  EXPECT_EQ(SightsRecorded(), before + 1);
  auto second = Open("provider");
  AwaitStart(*second);
  EXPECT_EQ(SightsRecorded(), before + 2);
  for (int number = 1; number <= 20; ++number) Change(number);
  EXPECT_EQ(Take(*first, 20), UpTo(20));
  EXPECT_EQ(Take(*second, 20), UpTo(20));
  EXPECT_EQ(SightsRecorded(), before + 2);
  // Who sees nothing personal leaves no record.
  auto nothing = Open("provider", "", "active = false");
  AwaitStart(*nothing);
  Change(21);
  EXPECT_EQ(Take(*first, 1), UpTo(21, 21));
  EXPECT_EQ(SightsRecorded(), before + 2);
}

TEST_F(Watching, WhatIsShownAfterTheRecordOfTheMinuteIsNamedWhenTheStreamEnds) {
  auto reader = Open("provider");
  AwaitStart(*reader);
  const size_t before = SightsRecorded();
  Do<v1::Patient>("provider", "PatientService/CreatePatient", NewPatient("late", "", "MRN-4713-Q"));
  Change(1);
  EXPECT_EQ(Take(*reader, 2), (std::vector<int>{0, 1}));
  EXPECT_EQ(SightsRecorded(), before);
  const int partition = log::PartitionOf("o");
  absl::Notification recorded;
  host_->backend().watches().WhenFolded(partition, host_->backend().store().next_offset(partition),
                                        absl::Now() + absl::Minutes(1), [&](const absl::Status& folded) {
                                          EXPECT_TRUE(folded.ok()) << folded;
                                          recorded.Notify();
                                        });
  reader->Cancel();
  recorded.WaitForNotification();
  const auto sights = Shown(kWatchPatients);
  ASSERT_EQ(sights.size(), before + 1);
  EXPECT_THAT(sights.back().subjects(), testing::ElementsAre(Cat(kOrg, "/patients/late"), patient));
  EXPECT_EQ(sights.back().count(), 2);
}

TEST_F(Watching, WhatStreamsHaveShownIsRecordedBeforeTheServiceLeaves) {
  auto reader = Open("provider");
  AwaitStart(*reader);
  const size_t before = SightsRecorded();
  Change(1);
  EXPECT_EQ(Take(*reader, 1), UpTo(1));
  Leave();
  EXPECT_EQ(SightsRecorded(), before + 1);
}

// Who gives and takes access to what is about a patient or a trial, and does not change itself.
class Naming : public TrialsServer {
 protected:
  void SetUp() override {
    GivenSubject();
    Do<v1::DataCapture>("provider", "DataCaptureService/CreateDataCapture", NewCapture("c", "text"));
  }
  void Assign(std::string_view who, std::string_view by) {
    v1::AssignProviderRequest request;
    request.set_name(patient);
    request.mutable_provider()->set_user(User(who));
    Do<v1::Patient>(by, "PatientService/AssignProvider", request);
  }
  void Unassign(std::string_view who, std::string_view by) {
    v1::UnassignProviderRequest request;
    request.set_name(patient);
    request.set_user(User(who));
    Do<v1::Patient>(by, "PatientService/UnassignProvider", request);
  }
  auto Captures(std::string_view who, const std::string& resume_token = "") {
    return Watch<v1::WatchDataCapturesResponse, v1::WatchDataCapturesRequest>(
        who, "DataCaptureService/WatchDataCaptures", trial, resume_token);
  }
};

constexpr char kAccessChanged[] = "WATCH_ACCESS_CHANGED";

TEST_F(Naming, AClinicianWhoIsAssignedOrNoLongerSoListsAgain) {
  auto medication = Watch<v1::WatchMedicationResponse, v1::WatchMedicationRequest>(
      "provider", "MedicationService/WatchMedication", patient);
  auto appointments = Watch<v1::WatchAppointmentsResponse, v1::WatchAppointmentsRequest>(
      "provider", "SchedulingService/WatchAppointments", kOrg);
  auto subjects =
      Watch<v1::WatchSubjectsResponse, v1::WatchSubjectsRequest>("provider", "EnrollmentService/WatchSubjects", trial);
  auto captures = Captures("provider"), others = Captures("coordinator"), to_be = Captures("second-provider");
  EXPECT_EQ(medication.Initial(), 0);
  EXPECT_EQ(appointments.Initial(), 0);
  EXPECT_EQ(subjects.Initial(), 1);
  EXPECT_EQ(captures.Initial(), 1);
  EXPECT_EQ(others.Initial(), 1);
  EXPECT_EQ(to_be.Initial(), 0);

  Assign("second-provider", "provider");
  EXPECT_EQ(to_be.End(), kAccessChanged);
  EXPECT_EQ(Captures("second-provider", to_be.resume_token()).End(), kAccessChanged);  // Nor by going on from before.
  auto assigned = Captures("second-provider");
  EXPECT_EQ(assigned.Initial(), 1);

  Unassign("provider", "second-provider");
  EXPECT_EQ(medication.End(), kAccessChanged);
  EXPECT_EQ(appointments.End(), kAccessChanged);
  EXPECT_EQ(subjects.End(), kAccessChanged);
  EXPECT_EQ(captures.End(), kAccessChanged);
  EXPECT_EQ(Captures("provider").Initial(), 0);

  // Whose access stays the same goes on.
  Do<v1::DataCapture>("second-provider", "DataCaptureService/CreateDataCapture", NewCapture("d", "text"));
  EXPECT_EQ(IdOf(others.Next().name()), "d");
  EXPECT_EQ(IdOf(assigned.Next().name()), "d");
}

TEST_F(Naming, AResearcherOfATrialOrNoLongerSoListsAgain) {
  const auto change = [&](std::vector<std::string> researchers) {
    v1::UpdateTrialRequest update;
    update.mutable_trial()->set_name(trial);
    update.mutable_trial()->set_etag(
        Name<v1::Trial, v1::GetTrialRequest>("researcher", "TrialService/GetTrial", trial).etag());
    for (const std::string& id : researchers) update.mutable_trial()->add_researchers(User(id));
    update.mutable_update_mask()->add_paths("researchers");
    Do<v1::Trial>("researcher", "TrialService/UpdateTrial", update);
  };
  auto before = Captures("reviewer"), own = Captures("researcher");
  EXPECT_EQ(before.Initial(), 0);
  EXPECT_EQ(own.Initial(), 1);
  change({"researcher", "reviewer"});
  EXPECT_EQ(before.End(), kAccessChanged);
  auto during = Captures("reviewer");
  EXPECT_EQ(during.Initial(), 1);
  change({"researcher"});
  EXPECT_EQ(during.End(), kAccessChanged);
  Do<v1::DataCapture>("provider", "DataCaptureService/CreateDataCapture", NewCapture("d", "text"));
  EXPECT_EQ(IdOf(own.Next().name()), "d");
}

TEST_F(Naming, APatientsFirstRecordEndsNoStream) {
  auto captures = Captures("provider");
  EXPECT_EQ(captures.Initial(), 1);
  Do<v1::Patient>("provider", "PatientService/CreatePatient", NewPatient("r", "", "MRN-4713-Q"));
  Do<v1::DataCapture>("provider", "DataCaptureService/CreateDataCapture", NewCapture("d", "text"));
  EXPECT_EQ(IdOf(captures.Next().name()), "d");
}

}  // namespace
}  // namespace trialog::trials
