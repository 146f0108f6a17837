#include "services/trials/domain/tables_care.h"

#include "platform/command/decision.h"
#include "platform/text/text.h"
#include "services/trials/domain/appointment.h"
#include "services/trials/domain/calendar.h"
#include "services/trials/domain/checks.h"
#include "services/trials/domain/tables_clinical.h"
#include "trialog/trials/v1/concern.pb.h"
#include "trialog/trials/v1/messaging.pb.h"
#include "trialog/trials/v1/notification.pb.h"
#include "trialog/trials/v1/scheduling.pb.h"

namespace trialog::trials {
namespace {

using view::IndexSink;
using view::Row;

void IndexMedicationOrder(const Row& row, std::string_view name, IndexSink& sink) {
  sink.Add(kMedicationOrdersByPatient, NewestFirst(ParentOf(name), row.meta.create_time()));
}

void IndexMedicationDistribution(const Row& row, std::string_view name, IndexSink& sink) {
  const auto& distribution = row.As<v1::MedicationDistribution>();
  google::protobuf::Timestamp midnight;
  midnight.set_seconds(DayNumber(distribution.distribution_date()) * kSecondsPerDay);
  sink.Add(kMedicationDistributionsByPatient, NewestFirst(ParentOf(name), midnight));
}

void IndexAdherenceLog(const Row& row, std::string_view name, IndexSink& sink) {
  const auto& log = row.As<v1::AdherenceLog>();
  sink.Add(kAdherenceLogsByPatient, NewestFirst(ParentOf(name), log.track_time()));
  sink.Add(kDosesByPatient, OldestFirst(ParentOf(name), DoseTime(log)));
  if (log.has_planned_time()) sink.AddUnique(kDoseByPlan, PlannedDoseKey(log.distribution(), log.planned_time()));
}

void IndexProtocolAdherence(const Row&, std::string_view name, IndexSink& sink) {
  sink.Add(kProtocolAdherencesByPatient, ParentOf(name));
}

void IndexThread(const Row& row, std::string_view, IndexSink& sink) {
  const auto& thread = row.As<v1::Thread>();
  for (const auto& member : thread.members()) {
    sink.Add(kThreadsByMember, NewestFirst(member, thread.last_message_time()));
  }
}

void IndexMessage(const Row& row, std::string_view, IndexSink& sink) {
  const auto& message = row.As<v1::Message>();
  sink.Add(kMessagesByThread, NewestFirst(message.thread(), message.send_time()));
  sink.Add(kMessagesByMember, NewestFirst(message.sender(), message.send_time()));
  for (const auto& recipient : message.recipients()) {
    sink.Add(kMessagesByMember, NewestFirst(recipient, message.send_time()));
  }
}

void IndexAppointment(const Row& row, std::string_view name, IndexSink& sink) {
  const auto& appointment = row.As<v1::Appointment>();
  if (TakesTime(appointment.state())) {
    sink.AddUnique(kBusy, BusyKey(appointment.provider(), appointment.end_time()));
    sink.AddUnique(kBusy, BusyKey(appointment.patient(), appointment.end_time()));
  }
  sink.Add(kAppointmentsByOrganization, NewestFirst(ParentOf(name), appointment.start_time()));
  sink.Add(kAppointmentsByProvider, NewestFirst(appointment.provider(), appointment.start_time()));
  sink.Add(kAppointmentsByPatient, NewestFirst(appointment.patient(), appointment.start_time()));
}

void IndexNotification(const Row& row, std::string_view name, IndexSink& sink) {
  const auto& notice = row.As<v1::Notification>();
  // That is by the time of what it tells: several are made at once, and later than that.
  sink.Add(kNotificationsByRecipient, NewestFirst(ParentOf(name), notice.expire_time()));
  if (notice.has_acknowledge_time()) return;
  sink.Add(kOpenNotices, OpenNoticeKey(ParentOf(name), notice.kind(), notice.resource()));
}

void IndexConcernRole(const Row& row, std::string_view, IndexSink& sink) {
  const auto& role = row.As<v1::ConcernRole>();
  sink.Add(kConcernRolesByScope, ScopeKey(role.role(), role.scope()));
  sink.Add(kConcernRolesByUser, role.user());
}

}  // namespace

const view::Table kMedicationOrders{50, "organizations/*/patients/*/medicationOrders/*",
                                    &v1::MedicationOrder::default_instance(), IndexMedicationOrder};
const view::Table kMedicationDistributions{51, "organizations/*/patients/*/medicationDistributions/*",
                                           &v1::MedicationDistribution::default_instance(),
                                           IndexMedicationDistribution};
const view::Table kAdherenceLogs{52, "organizations/*/patients/*/adherenceLogs/*",
                                 &v1::AdherenceLog::default_instance(), IndexAdherenceLog};
const view::Table kProtocolAdherences{53, "organizations/*/patients/*/protocolAdherences/*",
                                      &v1::ProtocolAdherence::default_instance(), IndexProtocolAdherence};
const view::Table kThreads{54, "organizations/*/threads/*", &v1::Thread::default_instance(), IndexThread};
const view::Table kMessages{55, "organizations/*/threads/*/messages/*", &v1::Message::default_instance(), IndexMessage};
const view::Table kAppointments{56, "organizations/*/appointments/*", &v1::Appointment::default_instance(),
                                IndexAppointment};
const view::Table kNotifications{57, "organizations/*/users/*/notifications/*", &v1::Notification::default_instance(),
                                 IndexNotification};
const view::Table kNotificationPreferences{58, "organizations/*/users/*/notificationPreferences",
                                           &v1::NotificationPreferences::default_instance(), nullptr};
const view::Table kConcerns{59, "organizations/*/concerns/*", &v1::Concern::default_instance(), nullptr};
const view::Table kConcernRoles{60, "organizations/*/concernRoles/*", &v1::ConcernRole::default_instance(),
                                IndexConcernRole};

const std::vector<const view::Table*>& CareTables() {
  static const auto* const tables = new std::vector<const view::Table*>{&kMedicationOrders,
                                                                        &kMedicationDistributions,
                                                                        &kAdherenceLogs,
                                                                        &kProtocolAdherences,
                                                                        &kThreads,
                                                                        &kMessages,
                                                                        &kAppointments,
                                                                        &kNotifications,
                                                                        &kNotificationPreferences,
                                                                        &kConcerns,
                                                                        &kConcernRoles};
  return *tables;
}

std::string OpenNoticeKey(std::string_view user, v1::NotificationKind kind, std::string_view resource) {
  return Cat(user, "/", static_cast<int>(kind), "/", resource);
}

std::string ScopeKey(Role role, std::string_view scope) { return Cat(static_cast<int>(role), "/", scope); }

std::string OldestFirst(std::string_view group, const google::protobuf::Timestamp& time) {
  return view::GroupPrefix(group).append(view::OrderedTime(time));
}

const google::protobuf::Timestamp& DoseTime(const v1::AdherenceLog& log) {
  return log.has_planned_time() ? log.planned_time() : log.track_time();
}

std::string PlannedDoseKey(std::string_view distribution, const google::protobuf::Timestamp& planned_time) {
  return OldestFirst(distribution, planned_time);
}

std::string BusyKey(std::string_view who, const google::protobuf::Timestamp& end_time) {
  return OldestFirst(who, end_time);
}

}  // namespace trialog::trials
