// The flows of the two trial applications, arrow by arrow, through a real server.
#include "services/trials/app/trials_app.h"

#include "gmock/gmock.h"
#include "services/trials/app/trials_server.h"

namespace trialog::trials {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

google::type::Date Day(int year, int month, int day) {
  google::type::Date date;
  date.set_year(year);
  date.set_month(month);
  date.set_day(day);
  return date;
}

google::protobuf::Timestamp At(int64_t seconds) {
  google::protobuf::Timestamp time;
  time.set_seconds(seconds);
  return time;
}

class MedicationFlow : public TrialsServer {
 protected:
  MedicationFlow() { GivenPatients(); }

  std::string Prepared(std::string_view id, const google::type::Date& date) {
    v1::CreateMedicationDistributionRequest request;
    request.set_parent(patient);
    request.set_medication_distribution_id(std::string(id));
    request.mutable_medication_distribution()->set_medication_name("Carboplatin");
    request.mutable_medication_distribution()->set_dose("450 mg");
    *request.mutable_medication_distribution()->mutable_distribution_date() = date;
    return Do<v1::MedicationDistribution>("provider", "MedicationService/CreateMedicationDistribution", request).name();
  }
  v1::MedicationDistribution Finalize(const std::string& name) {
    return Name<v1::MedicationDistribution, v1::FinalizeMedicationDistributionRequest>(
        "provider", "MedicationService/FinalizeMedicationDistribution", name);
  }
  std::string Ordered(std::string_view id) {
    v1::CreateMedicationOrderRequest request;
    request.set_parent(patient);
    request.set_medication_order_id(std::string(id));
    request.mutable_medication_order()->set_medication_name("Carboplatin");
    request.mutable_medication_order()->set_dose("450 mg");
    request.mutable_medication_order()->set_frequency("once a day");
    request.mutable_medication_order()->set_instructions("with water");
    return Do<v1::MedicationOrder>("provider", "MedicationService/CreateMedicationOrder", request).name();
  }
};

TEST_F(MedicationFlow, ThePatientReadsTheOwnProfile) {
  const auto profile =
      Below<v1::GetMyProfileResponse, v1::GetMyProfileRequest>("patient", "PatientService/GetMyProfile", kOrg);
  EXPECT_EQ(profile.patient().name(), patient);
  EXPECT_EQ(profile.patient().display_name(), "Ada Quintessa Marbleworth");
  EXPECT_EQ(profile.patient().medical_record_number(), "MRN-4711-Q");
  EXPECT_EQ(profile.patient().date_of_birth().year(), 1951);
  EXPECT_FALSE(profile.has_researcher());
}

TEST_F(MedicationFlow, ThePatientListsOwnDistributionsLatestFirst) {
  const std::string early = Prepared("a", Day(2025, 1, 5)), late = Prepared("b", Day(2025, 3, 5)),
                    middle = Prepared("c", Day(2025, 2, 5));
  for (const auto& name : {early, late, middle}) Finalize(name);
  Prepared("d", Day(2025, 4, 5));  // Not the patient's yet.
  const auto list = Below<v1::ListMedicationDistributionsResponse, v1::ListMedicationDistributionsRequest>(
      "patient", "MedicationService/ListMedicationDistributions", patient);
  std::vector<std::string> names;
  for (const auto& each : list.medication_distributions()) names.push_back(each.name());
  EXPECT_THAT(names, ElementsAre(late, middle, early));
}

TEST_F(MedicationFlow, ThePatientLogsAdherenceAndReadsTheSummary) {
  const std::string distribution = Prepared("a", Day(2025, 1, 5));
  Finalize(distribution);
  v1::LogAdherenceRequest log;
  log.set_parent(patient);
  log.mutable_adherence_log()->set_distribution(distribution);
  *log.mutable_adherence_log()->mutable_planned_time() = At(1'736'150'400);
  *log.mutable_adherence_log()->mutable_track_time() = At(1'736'150'460);
  const auto logged = Do<v1::AdherenceLog>("patient", "MedicationService/LogAdherence", log);
  EXPECT_EQ(logged.adherence_state(), v1::AdherenceLog::ADHERENCE_STATE_ON_TIME);

  v1::RecordProtocolAdherenceRequest protocol;
  protocol.set_parent(patient);
  protocol.set_protocol_id("diet");
  protocol.set_adherence_state(v1::ProtocolAdherence::ADHERENCE_STATE_PARTIALLY_ADHERENT);
  Do<v1::ProtocolAdherence>("patient", "MedicationService/RecordProtocolAdherence", protocol);
  protocol.set_adherence_state(v1::ProtocolAdherence::ADHERENCE_STATE_ADHERENT);
  Do<v1::ProtocolAdherence>("patient", "MedicationService/RecordProtocolAdherence", protocol);

  const auto logs = Below<v1::ListAdherenceLogsResponse, v1::ListAdherenceLogsRequest>(
      "provider", "MedicationService/ListAdherenceLogs", patient);
  EXPECT_THAT(logs.adherence_logs(), SizeIs(1));
  const auto protocols = Below<v1::ListProtocolAdherencesResponse, v1::ListProtocolAdherencesRequest>(
      "provider", "MedicationService/ListProtocolAdherences", patient);
  ASSERT_THAT(protocols.protocol_adherences(), SizeIs(1));
  EXPECT_EQ(protocols.protocol_adherences(0).adherence_state(), v1::ProtocolAdherence::ADHERENCE_STATE_ADHERENT);

  v1::GetAdherenceSummaryRequest ask;
  ask.set_parent(patient);
  *ask.mutable_end_date() = Day(2025, 1, 20);
  const auto summary = Do<v1::AdherenceSummary>("patient", "MedicationService/GetAdherenceSummary", ask);
  ASSERT_THAT(summary.medications(), SizeIs(1));
  EXPECT_EQ(summary.medications(0).on_time_doses(), 1);
}

TEST_F(MedicationFlow, FinalizingADistributionAlertsThePatientWhoAcknowledgesBoth) {
  auto alerts = WatchAlerts("patient");
  const std::string name = Prepared("a", Day(2025, 1, 5));
  Finalize(name);
  const auto alert = alerts.Next();
  EXPECT_EQ(alert.kind(), v1::CHANGE_KIND_CREATE);
  EXPECT_EQ(alert.notification().kind(), v1::NOTIFICATION_KIND_DISTRIBUTION_AVAILABLE);
  EXPECT_EQ(alert.notification().resource(), name);

  const auto taken = Name<v1::MedicationDistribution, v1::AcknowledgeMedicationDistributionRequest>(
      "patient", "MedicationService/AcknowledgeMedicationDistribution", name);
  EXPECT_EQ(taken.state(), v1::MedicationDistribution::STATE_ACKNOWLEDGED);
  const auto seen = Name<v1::Notification, v1::AcknowledgeNotificationRequest>(
      "patient", "NotificationService/AcknowledgeNotification", alert.name());
  EXPECT_TRUE(seen.has_acknowledge_time());
  EXPECT_EQ(alerts.Next().kind(), v1::CHANGE_KIND_UPDATE);
  const auto list = Below<v1::ListNotificationsResponse, v1::ListNotificationsRequest>(
      "patient", "NotificationService/ListNotifications", User("patient"));
  EXPECT_THAT(list.notifications(), SizeIs(1));
}

TEST_F(MedicationFlow, AnOrderIsActivatedAnnotatedAndAcknowledgedAndOneStreamTellsOfAllMedication) {
  auto medication = Watch<v1::WatchMedicationResponse, v1::WatchMedicationRequest>(
      "patient", "MedicationService/WatchMedication", patient);
  EXPECT_EQ(medication.Initial(), 0);
  const std::string name = Ordered("o1");
  Name<v1::MedicationOrder, v1::ActivateMedicationOrderRequest>("provider", "MedicationService/ActivateMedicationOrder",
                                                                name);
  const auto entered = medication.Next();  // A draft is not the patient's to see.
  EXPECT_EQ(entered.kind(), v1::CHANGE_KIND_ENTER);
  EXPECT_EQ(entered.medication_order().instructions(), "with water");

  v1::AddFeedbackRequest feedback;
  feedback.set_name(name);
  feedback.set_feedback("take it in the morning");
  const auto noted = Do<v1::AddFeedbackResponse>("provider", "MedicationService/AddFeedback", feedback);
  EXPECT_EQ(noted.medication_order().feedback(), "take it in the morning");
  EXPECT_EQ(medication.Next().medication_order().feedback(), "take it in the morning");

  const auto acknowledged = Name<v1::MedicationOrder, v1::AcknowledgeMedicationOrderRequest>(
      "patient", "MedicationService/AcknowledgeMedicationOrder", name);
  EXPECT_TRUE(acknowledged.has_acknowledge_time());
  medication.Next();
  Finalize(Prepared("a", Day(2025, 1, 5)));
  EXPECT_EQ(medication.Next().medication_distribution().medication_name(), "Carboplatin");
  const auto orders = Below<v1::ListMedicationOrdersResponse, v1::ListMedicationOrdersRequest>(
      "patient", "MedicationService/ListMedicationOrders", patient);
  EXPECT_THAT(orders.medication_orders(), SizeIs(1));
}

TEST_F(MedicationFlow, AMessageToTheClinicianArrivesLiveAndIsRead) {
  const std::string thread = Cat(kOrg, "/threads/018f4e7c-0000-7000-8000-000000000001");
  auto messages = Watch<v1::WatchMessagesResponse, v1::WatchMessagesRequest>(
      "provider", "MessagingService/WatchMessages", Cat(kOrg, "/threads/-"));
  EXPECT_EQ(messages.Initial(), 0);
  auto alerts = WatchAlerts("provider");
  v1::SendMessageRequest send;
  send.set_parent(thread);
  send.add_recipients(User("provider"));
  send.mutable_message()->set_body("May I take it with milk?");
  const auto sent = Do<v1::Message>("patient", "MessagingService/SendMessage", send);
  EXPECT_EQ(sent.body(), "May I take it with milk?");
  EXPECT_EQ(sent.state(), v1::Message::STATE_SENT);
  EXPECT_EQ(messages.Next().message().body(), "May I take it with milk?");
  EXPECT_EQ(alerts.Next().notification().thread(), thread);

  Name<v1::Message, v1::MarkDeliveredRequest>("provider", "MessagingService/MarkDelivered", sent.name());
  const auto read = Name<v1::Message, v1::MarkReadRequest>("provider", "MessagingService/MarkRead", sent.name());
  EXPECT_EQ(read.state(), v1::Message::STATE_READ);
  EXPECT_TRUE(read.read());

  v1::EditMessageRequest edit;
  *edit.mutable_message() = read;
  edit.mutable_message()->set_body("May I take it with soy milk?");
  edit.mutable_update_mask()->add_paths("body");
  const auto edited = Do<v1::Message>("patient", "MessagingService/EditMessage", edit);
  EXPECT_EQ(edited.body(), "May I take it with soy milk?");
  EXPECT_EQ(edited.version(), 2);
  const auto threads =
      Below<v1::ListThreadsResponse, v1::ListThreadsRequest>("provider", "MessagingService/ListThreads", kOrg);
  ASSERT_THAT(threads.threads(), SizeIs(1));
  const auto list =
      Below<v1::ListMessagesResponse, v1::ListMessagesRequest>("provider", "MessagingService/ListMessages", thread);
  EXPECT_THAT(list.messages(), SizeIs(1));
}

TEST_F(MedicationFlow, PreferencesMuteAKindOfNoticeAndAreEmptyBeforeTheyAreSet) {
  const std::string name = Cat(User("patient"), "/notificationPreferences");
  auto preferences = Name<v1::NotificationPreferences, v1::GetPreferencesRequest>(
      "patient", "NotificationService/GetPreferences", name);
  EXPECT_EQ(preferences.etag(), "\"0\"");
  v1::UpdatePreferencesRequest update;
  *update.mutable_preferences() = preferences;
  update.mutable_preferences()->add_muted_kinds(v1::NOTIFICATION_KIND_MEDICATION_ORDER_ACTIVE);
  update.mutable_preferences()->set_language("de-CH");
  update.mutable_update_mask()->add_paths("muted_kinds");
  update.mutable_update_mask()->add_paths("language");
  const auto set = Do<v1::NotificationPreferences>("patient", "NotificationService/UpdatePreferences", update);
  EXPECT_EQ(set.language(), "de-CH");

  auto alerts = WatchAlerts("patient");
  Name<v1::MedicationOrder, v1::ActivateMedicationOrderRequest>("provider", "MedicationService/ActivateMedicationOrder",
                                                                Ordered("o1"));
  Finalize(Prepared("a", Day(2025, 1, 5)));
  EXPECT_EQ(alerts.Next().notification().kind(), v1::NOTIFICATION_KIND_DISTRIBUTION_AVAILABLE);
}

class CaptureFlow : public TrialsServer {};

TEST_F(CaptureFlow, ATrialIsApprovedByAnotherResearcherOnly) {
  v1::CreateTrialRequest create;
  create.set_parent(kOrg);
  create.set_trial_id("t");
  create.mutable_trial()->set_title("Lung");
  create.mutable_trial()->set_study_type(v1::STUDY_TYPE_OBSERVATIONAL);
  Do<v1::Trial>("researcher", "TrialService/CreateTrial", create);
  Name<v1::Trial, v1::SubmitTrialRequest>("researcher", "TrialService/SubmitTrial", trial);
  v1::ApproveTrialRequest approve;
  approve.set_name(trial);
  EXPECT_EQ(ReasonOf(Try<v1::Trial>("researcher", "TrialService/ApproveTrial", approve).status()), "OWN_DRAFT");
  const auto approved = Do<v1::Trial>("reviewer", "TrialService/ApproveTrial", approve);
  EXPECT_EQ(approved.state(), v1::TRIAL_STATE_APPROVED);
  EXPECT_EQ(approved.approved_by(), User("reviewer"));
  EXPECT_TRUE(approved.has_approve_time());
}

TEST_F(CaptureFlow, AParticipantListsActiveTrialsWithoutWhatIsInternal) {
  GivenPatients();
  GivenActiveTrial();
  const auto list = Below<v1::ListTrialsResponse, v1::ListTrialsRequest>("patient", "TrialService/ListTrials", kOrg);
  ASSERT_THAT(list.trials(), SizeIs(1));
  EXPECT_EQ(list.trials(0).title(), "Lung");
  EXPECT_TRUE(list.trials(0).researchers().empty());
  EXPECT_TRUE(list.trials(0).approved_by().empty());
  const auto whole = Name<v1::Trial, v1::GetTrialRequest>("researcher", "TrialService/GetTrial", trial);
  EXPECT_FALSE(whole.researchers().empty());
}

TEST_F(CaptureFlow, CapturesAreListedLatestFirstAndTheLatestComesWithItsResearcher) {
  GivenSubject();
  v1::CreateResearcherRequest profile;
  profile.set_parent(kOrg);
  profile.mutable_researcher()->set_user(User("researcher"));
  profile.mutable_researcher()->set_expertise("Oncology");
  profile.mutable_researcher()->set_contact("room 12");
  Do<v1::Researcher>("researcher", "ResearcherService/CreateResearcher", profile);
  for (const auto& [id, time] : {std::pair("a", 100), std::pair("b", 300), std::pair("c", 200)}) {
    auto request = NewCapture(id, Cat("weight of ", id));
    *request.mutable_data_capture()->mutable_track_time() = At(1'900'000'000 + time - 200'000'000);
    Do<v1::DataCapture>("provider", "DataCaptureService/CreateDataCapture", request);
  }
  for (const std::string& parent : {trial, Cat(kOrg, "/trials/-")}) {
    const auto list = Below<v1::ListDataCapturesResponse, v1::ListDataCapturesRequest>(
        "patient", "DataCaptureService/ListDataCaptures", parent);
    std::vector<std::string> ids;
    for (const auto& capture : list.data_captures()) ids.emplace_back(IdOf(capture.name()));
    EXPECT_THAT(ids, ElementsAre("b", "c", "a"));
    EXPECT_EQ(list.data_captures(0).data_value(0).value().text(), "weight of b");
  }
  const auto latest = Below<v1::GetLatestDataCaptureResponse, v1::GetLatestDataCaptureRequest>(
      "researcher", "DataCaptureService/GetLatestDataCapture", trial);
  EXPECT_EQ(IdOf(latest.data_capture().name()), "b");
  ASSERT_THAT(latest.researchers(), SizeIs(1));
  EXPECT_EQ(latest.researchers(0).contact(), "room 12");
}

TEST_F(CaptureFlow, FinalizingACaptureAlertsTheParticipantWhoAcknowledges) {
  GivenSubject();
  auto alerts = WatchAlerts("patient");
  const auto capture =
      Do<v1::DataCapture>("provider", "DataCaptureService/CreateDataCapture", NewCapture("d", "stable"));
  Name<v1::DataCapture, v1::FinalizeDataCaptureRequest>("provider", "DataCaptureService/FinalizeDataCapture",
                                                        capture.name());
  const auto alert = alerts.Next();
  EXPECT_EQ(alert.notification().kind(), v1::NOTIFICATION_KIND_DATA_CAPTURE_RECORDED);
  EXPECT_EQ(alert.notification().resource(), capture.name());
  const auto acknowledged = Name<v1::DataCapture, v1::AcknowledgeDataCaptureRequest>(
      "patient", "DataCaptureService/AcknowledgeDataCapture", capture.name());
  EXPECT_EQ(acknowledged.state(), v1::DATA_CAPTURE_STATE_ACKNOWLEDGED);
}

TEST_F(CaptureFlow, AnAmendmentNeedsAReasonAndEachVersionIsKept) {
  GivenSubject();
  const auto capture =
      Do<v1::DataCapture>("provider", "DataCaptureService/CreateDataCapture", NewCapture("d", "typed wrong"));
  v1::AmendDataCaptureRequest amend;
  *amend.mutable_data_capture() = capture;
  amend.mutable_data_capture()->mutable_data_value(0)->mutable_value()->set_text("typed right");
  amend.mutable_update_mask()->add_paths("data_value");
  EXPECT_EQ(ReasonOf(Try<v1::DataCapture>("provider", "DataCaptureService/AmendDataCapture", amend).status()),
            "REQUIRED");
  amend.mutable_data_capture()->set_amend_reason("typing error");
  const auto amended = Do<v1::DataCapture>("provider", "DataCaptureService/AmendDataCapture", amend);
  EXPECT_EQ(amended.version(), 2);
  EXPECT_EQ(amended.data_value(0).value().text(), "typed right");
  const auto history = Name<v1::GetDataCaptureHistoryResponse, v1::GetDataCaptureHistoryRequest>(
      "provider", "DataCaptureService/GetDataCaptureHistory", capture.name());
  ASSERT_GE(history.data_captures_size(), 2);
  EXPECT_EQ(history.data_captures(0).amend_reason(), "typing error");
  EXPECT_EQ(history.data_captures(0).version(), 2);
  EXPECT_EQ(history.data_captures(1).version(), 1);
  EXPECT_EQ(history.data_captures(1).data_value(0).value().text(), "typed wrong");
}

TEST_F(CaptureFlow, APublishedTrialEventAlertsParticipantsWhoAcknowledge) {
  GivenSubject();
  auto alerts = WatchAlerts("patient");
  v1::PublishTrialEventRequest publish;
  publish.set_parent(trial);
  publish.mutable_trial_event()->set_title("Second phase begins");
  publish.mutable_trial_event()->set_body("In May.");
  const auto event = Do<v1::TrialEvent>("researcher", "TrialService/PublishTrialEvent", publish);
  EXPECT_EQ(alerts.Next().notification().resource(), event.name());
  auto list =
      Below<v1::ListTrialEventsResponse, v1::ListTrialEventsRequest>("patient", "TrialService/ListTrialEvents", trial);
  ASSERT_THAT(list.trial_events(), SizeIs(1));
  EXPECT_EQ(list.trial_events(0).title(), "Second phase begins");
  EXPECT_FALSE(list.trial_events(0).acknowledged());
  const auto acknowledged = Name<v1::TrialEvent, v1::AcknowledgeTrialEventRequest>(
      "patient", "TrialService/AcknowledgeTrialEvent", event.name());
  EXPECT_TRUE(acknowledged.acknowledged());
}

TEST_F(CaptureFlow, FinalValuesLeaveBySubjectKeyForCustodiansOnly) {
  GivenSubject();
  const auto capture =
      Do<v1::DataCapture>("provider", "DataCaptureService/CreateDataCapture", NewCapture("d", "ph.ecog 1"));
  Do<v1::DataCapture>("provider", "DataCaptureService/CreateDataCapture", NewCapture("draft", "not final"));
  Name<v1::DataCapture, v1::FinalizeDataCaptureRequest>("provider", "DataCaptureService/FinalizeDataCapture",
                                                        capture.name());
  v1::ExportCodedCapturesRequest request;
  request.set_parent(trial);
  const auto read = [&](std::string_view who) {
    auto reader = Stream("DataCaptureService/ExportCodedCaptures", who, request);
    std::vector<v1::ExportCodedCapturesResponse> subjects;
    for (v1::ExportCodedCapturesResponse subject; reader->Read(subject);) subjects.push_back(subject);
    return std::pair(reader->Finish(), subjects);
  };
  const auto [status, subjects] = read("custodian");
  EXPECT_TRUE(status.ok()) << status;
  ASSERT_THAT(subjects, SizeIs(1));
  EXPECT_FALSE(subjects[0].subject_key().empty());
  ASSERT_THAT(subjects[0].captures(), SizeIs(1));
  EXPECT_EQ(subjects[0].captures(0).data_value(0).value().text(), "ph.ecog 1");
  EXPECT_EQ(subjects[0].ShortDebugString().find("patients/"), std::string::npos);
  EXPECT_EQ(read("researcher").first.code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(CaptureFlow, ARestartRepeatsNoNoticeAndLosesNone) {
  GivenSubject();
  const auto capture =
      Do<v1::DataCapture>("provider", "DataCaptureService/CreateDataCapture", NewCapture("d", "stable"));
  auto alerts = WatchAlerts("patient");
  Name<v1::DataCapture, v1::FinalizeDataCaptureRequest>("provider", "DataCaptureService/FinalizeDataCapture",
                                                        capture.name());
  const std::string first = alerts.Next().name();
  Close();
  Open();
  const auto second =
      Do<v1::DataCapture>("provider", "DataCaptureService/CreateDataCapture", NewCapture("e", "stable"));
  auto again = Watch<v1::WatchNotificationsResponse, v1::WatchNotificationsRequest>(
      "patient", "NotificationService/WatchNotifications", User("patient"));
  EXPECT_EQ(again.Initial(), 1);
  Name<v1::DataCapture, v1::FinalizeDataCaptureRequest>("provider", "DataCaptureService/FinalizeDataCapture",
                                                        second.name());
  EXPECT_EQ(again.Next().notification().resource(), second.name());
  const auto list = Below<v1::ListNotificationsResponse, v1::ListNotificationsRequest>(
      "patient", "NotificationService/ListNotifications", User("patient"));
  EXPECT_THAT(list.notifications(), SizeIs(2));
  EXPECT_EQ(list.notifications(1).name(), first);
}

}  // namespace
}  // namespace trialog::trials
