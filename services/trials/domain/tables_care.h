// The rows kept for medication, messages, appointments and notices, and the keys they are found by. Ids are part of the
// stored format: never renumber. Tables 50–99, indexes 100–199.
#pragma once

#include <string>
#include <string_view>

#include "google/protobuf/timestamp.pb.h"
#include "platform/view/state.h"
#include "trialog/options.pb.h"
#include "trialog/trials/v1/medication.pb.h"
#include "trialog/trials/v1/notification.pb.h"

namespace trialog::trials {

extern const view::Table kMedicationOrders;
extern const view::Table kMedicationDistributions;
extern const view::Table kAdherenceLogs;
extern const view::Table kProtocolAdherences;
extern const view::Table kThreads;
extern const view::Table kMessages;
extern const view::Table kAppointments;
extern const view::Table kNotifications;
extern const view::Table kNotificationPreferences;
extern const view::Table kConcerns;
extern const view::Table kConcernRoles;

// Every table above, for the domain's list.
const std::vector<const view::Table*>& CareTables();

// Patient, time of creation descending → medication orders.
inline constexpr view::Index kMedicationOrdersByPatient{100, "medication_orders_by_patient"};
// Patient, day of distribution descending → medication distributions.
inline constexpr view::Index kMedicationDistributionsByPatient{101, "medication_distributions_by_patient"};
// Patient, track time descending → adherence logs.
inline constexpr view::Index kAdherenceLogsByPatient{102, "adherence_logs_by_patient"};
// Patient, DoseTime → adherence logs, the earliest first.
inline constexpr view::Index kDosesByPatient{103, "doses_by_patient"};
// Unique: PlannedDoseKey → adherence log.
inline constexpr view::Index kDoseByPlan{104, "dose_by_plan"};
// Patient → protocol adherences.
inline constexpr view::Index kProtocolAdherencesByPatient{105, "protocol_adherences_by_patient"};
// User, time of the last message descending → threads the user is a member of.
inline constexpr view::Index kThreadsByMember{106, "threads_by_member"};
// Thread, send time descending → messages.
inline constexpr view::Index kMessagesByThread{107, "messages_by_thread"};
// User, send time descending → messages that the user sent or received.
inline constexpr view::Index kMessagesByMember{108, "messages_by_member"};
// Unique: BusyKey of a provider or a patient → the appointment that takes the time ending there.
inline constexpr view::Index kBusy{109, "busy"};
// Organization, begin descending → appointments.
inline constexpr view::Index kAppointmentsByOrganization{110, "appointments_by_organization"};
// Provider, begin descending → appointments.
inline constexpr view::Index kAppointmentsByProvider{111, "appointments_by_provider"};
// Patient, begin descending → appointments.
inline constexpr view::Index kAppointmentsByPatient{112, "appointments_by_patient"};
// User, expire_time descending → notices: all last as long, so the one of the latest event first.
inline constexpr view::Index kNotificationsByRecipient{113, "notifications_by_recipient"};
// ScopeKey → roles held just there, not below.
inline constexpr view::Index kConcernRolesByScope{114, "concern_roles_by_scope"};
// User → roles that the user holds.
inline constexpr view::Index kConcernRolesByUser{115, "concern_roles_by_user"};

// OpenNoticeKey → notices that were not acknowledged.
inline constexpr view::Index kOpenNotices{116, "open_notices"};

// A user, a kind of notice and what it is about.
std::string OpenNoticeKey(std::string_view user, v1::NotificationKind kind, std::string_view resource);

// A role and what it is held in.
std::string ScopeKey(Role role, std::string_view scope);

// "group, time", the earliest first; the descending indexes above are keyed by NewestFirst. One group is listed with
// Scan(index, GroupPrefix(group)).
std::string OldestFirst(std::string_view group, const google::protobuf::Timestamp& time);

// When a dose counts: its planned time, or the time it was taken when it was not planned.
const google::protobuf::Timestamp& DoseTime(const v1::AdherenceLog& log);

// A planned dose of a distribution is logged at most once.
std::string PlannedDoseKey(std::string_view distribution, const google::protobuf::Timestamp& planned_time);

// Where the time of `who` that ends at `end_time` is found. Times taken from one person never overlap, so their order
// by end is their order by begin, and one seek after a begin finds the only one that may be in the way.
std::string BusyKey(std::string_view who, const google::protobuf::Timestamp& end_time);

}  // namespace trialog::trials
