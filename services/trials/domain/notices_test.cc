#include "services/trials/domain/notices.h"

#include "services/trials/domain/access_care.h"
#include "services/trials/domain/notices_testing.h"
#include "services/trials/domain/notification.h"
#include "trialog/options.pb.h"

namespace trialog::trials {
namespace {

class NoticesTest : public NoticesWorld {
 protected:
  static event::v1::PublicEvent Finalized() {
    v1::MedicationDistributionFinalized event;
    event.set_name("organizations/o/patients/p/medicationDistributions/d");
    return Public(event, kProvider);
  }
  absl::StatusOr<Decision> Mute(v1::NotificationKind kind, const std::string& etag) {
    v1::UpdatePreferencesRequest request;
    request.mutable_preferences()->set_name(std::string(kPatientUser) + "/notificationPreferences");
    request.mutable_preferences()->set_etag(etag);
    request.mutable_preferences()->add_muted_kinds(kind);
    request.mutable_update_mask()->add_paths("muted_kinds");
    return UpdatePreferences(state_, By(Patient()), request, {});
  }
};

TEST_F(NoticesTest, FinalizedDistributionAlertsThePatientWithIdsOnly) {
  const auto page = NoticesFor(Finalized(), state_);
  ASSERT_EQ(page.notices.size(), 1u);
  EXPECT_TRUE(page.next.empty());
  const auto& notice = page.notices[0];
  EXPECT_EQ(notice.recipient(), kPatientUser);
  EXPECT_EQ(notice.kind(), v1::NOTIFICATION_KIND_DISTRIBUTION_AVAILABLE);
  EXPECT_EQ(notice.resource(), "organizations/o/patients/p/medicationDistributions/d");
  EXPECT_EQ(notice.expire_time().seconds(), kNow + kNoticeLifetimeSeconds);
  EXPECT_TRUE(NameMatches(kNotifications.pattern, notice.name()));
}

TEST_F(NoticesTest, EachCauseTellsWhomItConcerns) {
  using testing::ElementsAre;
  const std::string patient(kPatientUser), provider(kProvider);
  v1::DataCaptureFinalized capture;
  capture.set_patient(kPatient);
  capture.set_data_capture("organizations/o/trials/t/dataCaptures/c");
  EXPECT_THAT(Told(Public(capture)), ElementsAre(patient + " DATA_CAPTURE_RECORDED"));

  v1::MedicationOrderActivated activated;
  activated.set_name("organizations/o/patients/p/medicationOrders/m");
  activated.set_from_state(v1::MedicationOrder::STATE_DRAFT);
  EXPECT_THAT(Told(Public(activated)), ElementsAre(patient + " MEDICATION_ORDER_ACTIVE"));
  activated.set_from_state(v1::MedicationOrder::STATE_ON_HOLD);
  EXPECT_THAT(Told(Public(activated)), ElementsAre(patient + " MEDICATION_ORDER_CHANGED"));
  v1::MedicationOrderHeld held;
  held.set_name(activated.name());
  EXPECT_THAT(Told(Public(held)), ElementsAre(patient + " MEDICATION_ORDER_CHANGED"));
  v1::MedicationOrderStopped stopped;
  stopped.set_name(activated.name());
  EXPECT_THAT(Told(Public(stopped)), ElementsAre(patient + " MEDICATION_ORDER_CHANGED"));

  v1::MessageSent sent;
  sent.mutable_message()->add_recipients(kProvider);
  sent.mutable_message()->set_thread("organizations/o/threads/t");
  EXPECT_THAT(Told(Public(sent, kPatientUser)), ElementsAre(provider + " MESSAGE_RECEIVED"));
  EXPECT_EQ(NoticesFor(Public(sent), state_).notices[0].thread(), "organizations/o/threads/t");

  v1::AppointmentBooked booked;
  booked.mutable_appointment()->set_name("organizations/o/appointments/a");
  booked.mutable_appointment()->set_patient(kPatient);
  booked.mutable_appointment()->set_provider(kProvider);
  EXPECT_THAT(Told(Public(booked)), ElementsAre(patient + " APPOINTMENT_BOOKED", provider + " APPOINTMENT_BOOKED"));
  EXPECT_THAT(Told(Public(booked, kProvider)), ElementsAre(patient + " APPOINTMENT_BOOKED")) << "not who did it";
  v1::TrialsEvent event;
  *event.mutable_appointment_booked() = booked;
  Given(event);
  v1::AppointmentRescheduled moved;
  moved.set_name("organizations/o/appointments/a");
  EXPECT_THAT(Told(Public(moved, kProvider)), ElementsAre(patient + " APPOINTMENT_RESCHEDULED"));
  v1::AppointmentCancelled cancelled;
  cancelled.set_name(moved.name());
  EXPECT_THAT(Told(Public(cancelled, kProvider)), ElementsAre(patient + " APPOINTMENT_CANCELLED"));

  v1::TrialEventPublished published;
  published.mutable_trial_event()->set_name("organizations/o/trials/t/trialEvents/e");
  EXPECT_THAT(Told(Public(published)), ElementsAre(patient + " TRIAL_EVENT_PUBLISHED"));
}

TEST_F(NoticesTest, FeedbackOnAnUnseenDraftIsNotTold) {
  v1::TrialsEvent created;
  auto& order = *created.mutable_medication_order_created()->mutable_medication_order();
  order.set_name("organizations/o/patients/p/medicationOrders/m");
  order.set_state(v1::MedicationOrder::STATE_DRAFT);
  Given(created);
  v1::FeedbackAdded feedback;
  feedback.set_name(order.name());
  EXPECT_TRUE(Told(Public(feedback)).empty());
  v1::TrialsEvent activated;
  activated.mutable_medication_order_activated()->set_name(order.name());
  Given(activated);
  EXPECT_EQ(Told(Public(feedback)).size(), 1u);
}

TEST_F(NoticesTest, WhatIsNotThereOrDoesNotParseTellsNobody) {
  event::v1::PublicEvent cause = Finalized();
  cause.set_payload("\xff");
  EXPECT_TRUE(Told(cause).empty());
  cause.set_type("trialog.inventory.v1.Unknown");
  EXPECT_TRUE(Told(cause).empty());
  for (const std::string_view type : NoticeCauses()) {
    cause.set_type(std::string(type));
    cause.set_payload("");
    EXPECT_TRUE(Told(cause).empty()) << type;
  }
}

TEST_F(NoticesTest, EveryCauseIsAPublicEvent) {
  for (const std::string_view type : NoticeCauses()) {
    const auto* kind = google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(std::string(type));
    ASSERT_TRUE(kind) << type;
    EXPECT_TRUE(kind->options().GetExtension(public_event)) << type;
  }
}

TEST_F(NoticesTest, RepeatedReactionCreatesNothingNew) {
  const auto first = CreateNotices(state_, By(Principal()), Finalized()).decision;
  EXPECT_TRUE(first.events.empty()) << "a context of no organization";
  const Context timer = Reacting();
  const std::string name = Do(CreateNotices(state_, timer, Finalized()).decision);
  EXPECT_EQ(state_.Get<v1::Notification>(kNotifications, name)->recipient(), kPatientUser);
  EXPECT_TRUE(CreateNotices(state_, timer, Finalized()).decision.events.empty());
}

TEST_F(NoticesTest, LargeTrialIsToldInPagesThatMissAndRepeatNobody) {
  const size_t participants = 2 * kMaxNotices + 7;
  for (size_t i = 1; i < participants; ++i) {
    const std::string id = Cat("n", i);
    AddPatient(Cat("organizations/o/patients/", id), Cat("organizations/o/users/", id), {});
    v1::TrialsEvent enrolled;
    auto& subject = *enrolled.mutable_subject_enrolled()->mutable_subject();
    subject.set_name(Cat("organizations/o/trials/t/subjects/", id));
    subject.set_patient(Cat("organizations/o/patients/", id));
    subject.set_trial("organizations/o/trials/t");
    subject.set_subject_key(id);
    Given(enrolled);
  }
  v1::TrialEventPublished published;
  published.mutable_trial_event()->set_name("organizations/o/trials/t/trialEvents/e");
  const Context timer = Reacting();
  std::set<std::string> told;
  std::string after;
  int pages = 0;
  do {
    auto result = CreateNotices(state_, timer, Public(published), after);
    EXPECT_LE(result.decision.events.size(), kMaxNotices);
    for (const auto& name : result.decision.names) EXPECT_TRUE(told.insert(name).second) << name;
    Apply(TrialsDomain(), timer, result.decision, state_);
    after = result.next;
    ++pages;
  } while (!after.empty() && pages < 10);
  EXPECT_EQ(told.size(), participants);
  EXPECT_EQ(pages, 3);
}

TEST_F(NoticesTest, MutedKindIsNotTold) {
  EXPECT_THAT(Mute(v1::NOTIFICATION_KIND_DISTRIBUTION_AVAILABLE, ""), Refuses("ETAG_REQUIRED"));
  EXPECT_THAT(Mute(v1::NOTIFICATION_KIND_DISTRIBUTION_AVAILABLE, "\"1\""), Refuses("ETAG_MISMATCH"));
  EXPECT_THAT(Mute(v1::NOTIFICATION_KIND_UNSPECIFIED, "\"0\""), Refuses("BAD_KIND"));
  Do(Mute(v1::NOTIFICATION_KIND_DISTRIBUTION_AVAILABLE, "\"0\""));
  EXPECT_TRUE(Told(Finalized()).empty());
  Do(Mute(v1::NOTIFICATION_KIND_MESSAGE_RECEIVED, "\"1\""));
  EXPECT_EQ(Told(Finalized()).size(), 1u);
}

TEST_F(NoticesTest, PreferencesAreTheUsersOwnAndKeepWhatTheMaskLeavesOut) {
  v1::UpdatePreferencesRequest request;
  request.mutable_preferences()->set_name(std::string(kPatientUser) + "/notificationPreferences");
  request.mutable_preferences()->set_etag("\"0\"");
  request.mutable_update_mask()->add_paths("contacts");
  EXPECT_EQ(UpdatePreferences(state_, By(OtherPatient()), request, {}).status().code(), absl::StatusCode::kNotFound);
  using Preferences = v1::NotificationPreferences;
  const std::string name = Do(UpdatePreferences(
      state_, By(Patient()), request, Sealed({Preferences::kContactsFieldNumber, Preferences::kLanguageFieldNumber})));
  ASSERT_EQ(state_.Find(kNotificationPreferences, name)->sealed.fields_size(), 1) << "the language was not in the mask";
  Do(Mute(v1::NOTIFICATION_KIND_FEEDBACK_ADDED, "\"1\""));
  EXPECT_EQ(state_.Find(kNotificationPreferences, name)->sealed.fields_size(), 1) << "contacts stay";
  request.clear_update_mask();
  request.mutable_preferences()->set_etag("\"2\"");
  EXPECT_THAT(UpdatePreferences(state_, By(Patient()), request, {}), Refuses("REQUIRED"));
}

TEST_F(NoticesTest, NoticeIsSeenAndAcknowledgedByItsUserAndReadByTheNotifier) {
  const Context timer = Reacting();
  const std::string name = Do(CreateNotices(state_, timer, Finalized()).decision);
  const Principal notifier = Person("organizations/o/serviceAccounts/n", ROLE_NOTIFIER);
  const auto sees = [&](const Principal& principal) {
    return MaySeeCare(principal, state_, kNotifications, name, *state_.Find(kNotifications, name));
  };
  EXPECT_TRUE(sees(Patient()));
  EXPECT_TRUE(sees(notifier));
  for (const auto& principal : {OtherPatient(), Provider(), Coordinator(), Foreigner(), Principal()}) {
    EXPECT_FALSE(sees(principal)) << principal.user();
  }
  v1::AcknowledgeNotificationRequest request;
  request.set_name(name);
  EXPECT_EQ(AcknowledgeNotification(state_, By(Provider()), request).status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(AcknowledgeNotification(state_, By(notifier), request), Refuses("NOT_RECIPIENT"));
  Do(AcknowledgeNotification(state_, By(Patient()), request));
  EXPECT_TRUE(state_.Get<v1::Notification>(kNotifications, name)->has_acknowledge_time());
  EXPECT_TRUE(AcknowledgeNotification(state_, By(Patient()), request)->events.empty());
}

// Every kind of this service, empty or about nothing, folds without effect on anything else.
TEST_F(NoticesTest, EvolveIsTotal) {
  const auto* oneof = v1::TrialsEvent::descriptor()->oneof_decl(0);
  for (int i = 0; i < oneof->field_count(); ++i) {
    v1::TrialsEvent event;
    event.GetReflection()->MutableMessage(&event, oneof->field(i));
    Given(event);
  }
  EXPECT_TRUE(state_.Find(kPatients, kPatient));
}

TEST(CareKinds, OfThePublicStreamHoldNoPersonalFieldOutsideTheSealedPart) {
  const auto* oneof = v1::TrialsEvent::descriptor()->oneof_decl(0);
  int kinds = 0;
  for (int i = 0; i < oneof->field_count(); ++i) {
    if (oneof->field(i)->number() < 100) continue;
    ++kinds;
    const auto* kind = oneof->field(i)->message_type();
    for (int f = 0; f < kind->field_count(); ++f) {
      EXPECT_FALSE(kind->field(f)->options().GetExtension(personal)) << kind->field(f)->full_name();
    }
  }
  EXPECT_EQ(kinds, 29);
}

}  // namespace
}  // namespace trialog::trials
