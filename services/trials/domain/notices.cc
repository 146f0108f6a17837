#include "services/trials/domain/notices.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "google/protobuf/util/time_util.h"
#include "platform/text/text.h"
#include "services/trials/domain/access_care.h"
#include "services/trials/domain/adherence.h"
#include "services/trials/domain/concerns.h"
#include "services/trials/domain/notice_handlers.h"
#include "services/trials/domain/tables_care.h"
#include "services/trials/domain/tables_clinical.h"
#include "trialog/trials/v1/clinical_events.pb.h"
#include "trialog/trials/v1/enrollment.pb.h"
#include "trialog/trials/v1/events.pb.h"
#include "trialog/trials/v1/patient.pb.h"

namespace trialog::trials {
namespace {

void OnActivated(const v1::MedicationOrderActivated& event, Notices& notices) {
  const bool is_new = event.from_state() == v1::MedicationOrder::STATE_DRAFT;
  notices.TellPatient(
      ParentOf(event.name()),
      is_new ? v1::NOTIFICATION_KIND_MEDICATION_ORDER_ACTIVE : v1::NOTIFICATION_KIND_MEDICATION_ORDER_CHANGED,
      event.name());
}

void OnHeld(const v1::MedicationOrderHeld& event, Notices& notices) {
  notices.TellPatient(ParentOf(event.name()), v1::NOTIFICATION_KIND_MEDICATION_ORDER_CHANGED, event.name());
}

void OnStopped(const v1::MedicationOrderStopped& event, Notices& notices) {
  notices.TellPatient(ParentOf(event.name()), v1::NOTIFICATION_KIND_MEDICATION_ORDER_CHANGED, event.name());
}

void OnFeedback(const v1::FeedbackAdded& event, Notices& notices) {
  const view::Table* table = FeedbackTable(event.name());
  const view::RowPtr row = table ? notices.state.Find(*table, event.name()) : nullptr;
  if (!row || !IsShownToPatient(*table, *row)) return;
  notices.TellPatient(ParentOf(event.name()), v1::NOTIFICATION_KIND_FEEDBACK_ADDED, event.name());
}

void OnDistributionFinalized(const v1::MedicationDistributionFinalized& event, Notices& notices) {
  notices.TellPatient(ParentOf(event.name()), v1::NOTIFICATION_KIND_DISTRIBUTION_AVAILABLE, event.name());
}

void OnCaptureFinalized(const v1::DataCaptureFinalized& event, Notices& notices) {
  notices.TellPatient(event.patient(), v1::NOTIFICATION_KIND_DATA_CAPTURE_RECORDED, event.data_capture());
}

void OnMessageSent(const v1::MessageSent& event, Notices& notices) {
  for (const std::string& user : event.message().recipients()) {
    notices.Tell(user, v1::NOTIFICATION_KIND_MESSAGE_RECEIVED, event.message().name(), event.message().thread());
  }
}

void TellBoth(const v1::Appointment& appointment, v1::NotificationKind kind, Notices& notices) {
  notices.TellPatient(appointment.patient(), kind, appointment.name());
  notices.Tell(appointment.provider(), kind, appointment.name());
}

void OnBooked(const v1::AppointmentBooked& event, Notices& notices) {
  TellBoth(event.appointment(), v1::NOTIFICATION_KIND_APPOINTMENT_BOOKED, notices);
}

void OnRescheduled(const v1::AppointmentRescheduled& event, Notices& notices) {
  const auto appointment = notices.state.Get<v1::Appointment>(kAppointments, event.name());
  if (appointment) TellBoth(*appointment, v1::NOTIFICATION_KIND_APPOINTMENT_RESCHEDULED, notices);
}

void OnCancelled(const v1::AppointmentCancelled& event, Notices& notices) {
  const auto appointment = notices.state.Get<v1::Appointment>(kAppointments, event.name());
  if (appointment) TellBoth(*appointment, v1::NOTIFICATION_KIND_APPOINTMENT_CANCELLED, notices);
}

// A trial may have more participants than fit into one record: a page goes over at most kMaxNotices of them.
void OnTrialEvent(const v1::TrialEventPublished& event, Notices& notices) {
  const std::string& name = event.trial_event().name();
  const auto subjects =
      notices.state.Scan(kSubjectsByTrial, view::GroupPrefix(ParentOf(name)), kMaxNotices, notices.after);
  for (const auto& found : subjects) {
    const auto subject = notices.state.Get<v1::Subject>(kSubjects, found.name);
    if (!subject || subject->has_exit_time()) continue;
    notices.TellPatient(subject->patient(), v1::NOTIFICATION_KIND_TRIAL_EVENT_PUBLISHED, name);
  }
  if (subjects.size() == kMaxNotices) notices.page.next = subjects.back().key;
}

const NoticeHandlers& OwnHandlers() {
  static const auto* const handlers = new NoticeHandlers{
      HandlerOf<v1::MedicationOrderActivated, OnActivated>(),
      HandlerOf<v1::MedicationOrderHeld, OnHeld>(),
      HandlerOf<v1::MedicationOrderStopped, OnStopped>(),
      HandlerOf<v1::FeedbackAdded, OnFeedback>(),
      HandlerOf<v1::MedicationDistributionFinalized, OnDistributionFinalized>(),
      HandlerOf<v1::DataCaptureFinalized, OnCaptureFinalized>(),
      HandlerOf<v1::MessageSent, OnMessageSent>(),
      HandlerOf<v1::AppointmentBooked, OnBooked>(),
      HandlerOf<v1::AppointmentRescheduled, OnRescheduled>(),
      HandlerOf<v1::AppointmentCancelled, OnCancelled>(),
      HandlerOf<v1::TrialEventPublished, OnTrialEvent>(),
  };
  return *handlers;
}

}  // namespace

void Notices::Tell(std::string_view user, v1::NotificationKind kind, std::string_view resource,
                   std::string_view thread) {
  if (user.empty() || user == cause.caller().name() || OrganizationOf(user) != cause.organization()) return;
  const auto preferences =
      state.Get<v1::NotificationPreferences>(kNotificationPreferences, Cat(user, "/notificationPreferences"));
  if (preferences && std::count(preferences->muted_kinds().begin(), preferences->muted_kinds().end(), kind)) return;
  v1::NotificationCreated notice;
  notice.set_name(Cat(user, "/notifications/", UuidText(EventId("trials.notice", user, cause.event_id(), kind))));
  notice.set_recipient(std::string(user));
  notice.set_kind(kind);
  notice.set_resource(std::string(resource));
  notice.set_thread(std::string(thread));
  *notice.mutable_expire_time() = cause.record_time();
  notice.mutable_expire_time()->set_seconds(cause.record_time().seconds() + kNoticeLifetimeSeconds);
  notice.set_cause_event(UuidText(cause.event_id()));
  page.notices.push_back(std::move(notice));
}

void Notices::TellPatient(std::string_view patient, v1::NotificationKind kind, std::string_view resource) {
  if (const auto row = state.Get<v1::Patient>(kPatients, patient)) Tell(row->user(), kind, resource);
}

void Notices::TellAll(const std::vector<std::string>& users, v1::NotificationKind kind, std::string_view resource) {
  auto user = std::upper_bound(users.begin(), users.end(), after);
  for (size_t gone_over = 0; user != users.end() && gone_over < kMaxNotices; ++user, ++gone_over) {
    Tell(*user, kind, resource);
  }
  if (user != users.end()) page.next = *std::prev(user);
}

std::vector<std::string_view> NoticeCauses() {
  std::set<std::string_view> types;
  for (const auto* handlers : {&OwnHandlers(), &ForeignNoticeHandlers()}) {
    for (const auto& [type, handler] : *handlers) types.insert(type);
  }
  for (const std::string_view type : ConcernCauses()) types.insert(type);
  return {types.begin(), types.end()};
}

NoticePage NoticesFor(const event::v1::PublicEvent& cause, const view::State& state, std::string_view after) {
  Notices notices(cause, state, after);
  for (const auto* handlers : {&OwnHandlers(), &ForeignNoticeHandlers()}) {
    if (const auto handler = handlers->find(cause.type()); handler != handlers->end()) {
      handler->second(cause.payload(), notices);
    }
  }
  return std::move(notices.page);
}

NoticesDecision CreateNotices(const view::State& state, const Context& context, const event::v1::PublicEvent& cause,
                              std::string_view after) {
  NoticesDecision result;
  if (cause.organization() != context.organization) return result;
  KeepConcerns(cause, state, result.decision);
  NoticePage page = NoticesFor(cause, state, after);
  for (auto& notice : page.notices) {
    if (notice.expire_time() <= context.record_time || state.Find(kNotifications, notice.name())) continue;
    const std::string name = notice.name();
    v1::TrialsEvent event;
    *event.mutable_notification_created() = std::move(notice);
    result.decision.Add(name, std::move(event));
    result.decision.names.push_back(name);
  }
  result.next = std::move(page.next);
  return result;
}

}  // namespace trialog::trials
