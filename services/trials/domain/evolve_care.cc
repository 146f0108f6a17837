#include "services/trials/domain/evolve_care.h"

#include <memory>
#include <set>
#include <string>
#include <utility>

#include "platform/command/decision.h"
#include "platform/command/evolving.h"
#include "services/trials/domain/adherence.h"
#include "services/trials/domain/concerns.h"
#include "services/trials/domain/message.h"
#include "services/trials/domain/tables_care.h"

namespace trialog::trials {
namespace {

using Order = v1::MedicationOrder;
using Distribution = v1::MedicationDistribution;
using v1::Appointment;
using v1::Message;

// The reason of this move; that of an earlier one does not stay.
event::v1::SealedPart ReasonPatch(const event::v1::SealedPart& sealed, int32_t field_number) {
  event::v1::SealedPart patch = sealed;
  if (patch.fields().empty()) patch.add_fields()->set_number(field_number);
  return patch;
}

void MoveOrder(view::ChangeSet& state, const std::string& name, const event::v1::SealedPart& sealed, Order::State to) {
  AmendRow<Order>(state, kMedicationOrders, name, ReasonPatch(sealed, Order::kStateReasonFieldNumber),
                  [&](Order& order) {
                    order.set_state(to);
                    if (to == Order::STATE_ACTIVE && !order.has_activate_time()) {
                      *order.mutable_activate_time() = state.context().record_time;
                    }
                  });
}

void MoveAppointment(view::ChangeSet& state, const std::string& name, const event::v1::SealedPart& sealed,
                     Appointment::State to) {
  AmendRow<Appointment>(state, kAppointments, name, ReasonPatch(sealed, Appointment::kStateReasonFieldNumber),
                        [&](Appointment& appointment) {
                          appointment.set_state(to);
                          if (to == Appointment::STATE_ARRIVED) {
                            *appointment.mutable_arrival_time() = state.context().record_time;
                          }
                        });
}

template <typename Resource>
void SetFeedback(view::ChangeSet& state, const view::Table& table, const v1::FeedbackAdded& event) {
  AmendRow<Resource>(state, table, event.name(), event.sealed(), [&](Resource& resource) {
    resource.set_feedback_provider(event.provider());
    *resource.mutable_feedback_time() = state.context().record_time;
  });
}

// Sets what is not set yet of a receipt, and what follows for the message.
void SetReceipt(view::ChangeSet& state, const std::string& name, const std::string& recipient, bool read) {
  AmendRow<Message>(state, kMessages, name, [&](Message& message) {
    const auto& now = state.context().record_time;
    for (auto& receipt : *message.mutable_receipts()) {
      if (receipt.recipient() != recipient) continue;
      if (!receipt.has_delivery_time()) *receipt.mutable_delivery_time() = now;
      if (read && !receipt.has_read_time()) *receipt.mutable_read_time() = now;
    }
    message.set_state(StateOf(message));
    message.set_read(message.state() == Message::STATE_READ);
    if (message.read() && !message.has_read_time()) *message.mutable_read_time() = now;
  });
}

}  // namespace

void Evolve(view::ChangeSet& state, const v1::MedicationOrderCreated& event) {
  CreateRow(state, kMedicationOrders, event.medication_order(), event.sealed());
}

void Evolve(view::ChangeSet& state, const v1::MedicationOrderActivated& event) {
  MoveOrder(state, event.name(), event.sealed(), Order::STATE_ACTIVE);
}

void Evolve(view::ChangeSet& state, const v1::MedicationOrderHeld& event) {
  MoveOrder(state, event.name(), event.sealed(), Order::STATE_ON_HOLD);
}

void Evolve(view::ChangeSet& state, const v1::MedicationOrderStopped& event) {
  MoveOrder(state, event.name(), event.sealed(), Order::STATE_STOPPED);
}

void Evolve(view::ChangeSet& state, const v1::MedicationOrderAcknowledged& event) {
  AmendRow<Order>(state, kMedicationOrders, event.name(),
                  [&](Order& order) { *order.mutable_acknowledge_time() = state.context().record_time; });
}

void Evolve(view::ChangeSet& state, const v1::FeedbackAdded& event) {
  const view::Table* table = FeedbackTable(event.name());
  if (table == &kMedicationOrders) SetFeedback<Order>(state, *table, event);
  if (table == &kAdherenceLogs) SetFeedback<v1::AdherenceLog>(state, *table, event);
  if (table == &kProtocolAdherences) SetFeedback<v1::ProtocolAdherence>(state, *table, event);
}

void Evolve(view::ChangeSet& state, const v1::MedicationDistributionPrepared& event) {
  CreateRow(state, kMedicationDistributions, event.medication_distribution(), event.sealed());
}

void Evolve(view::ChangeSet& state, const v1::MedicationDistributionFinalized& event) {
  AmendRow<Distribution>(state, kMedicationDistributions, event.name(), [&](Distribution& distribution) {
    distribution.set_state(Distribution::STATE_FINALIZED);
    *distribution.mutable_finalize_time() = state.context().record_time;
  });
}

void Evolve(view::ChangeSet& state, const v1::MedicationDistributionAcknowledged& event) {
  AmendRow<Distribution>(state, kMedicationDistributions, event.name(), [&](Distribution& distribution) {
    distribution.set_state(Distribution::STATE_ACKNOWLEDGED);
    *distribution.mutable_acknowledge_time() = state.context().record_time;
  });
}

void Evolve(view::ChangeSet& state, const v1::MedicationDistributionReturned& event) {
  AmendRow<Distribution>(state, kMedicationDistributions, event.name(),
                         ReasonPatch(event.sealed(), Distribution::kStateReasonFieldNumber),
                         [&](Distribution& distribution) {
                           distribution.set_state(Distribution::STATE_RETURNED);
                           *distribution.mutable_returned_quantity() = event.returned_quantity();
                           *distribution.mutable_return_time() = state.context().record_time;
                         });
}

void Evolve(view::ChangeSet& state, const v1::AdherenceLogged& event) {
  CreateRow(state, kAdherenceLogs, event.adherence_log());
}

void Evolve(view::ChangeSet& state, const v1::ProtocolAdherenceRecorded& event) {
  const auto& said = event.protocol_adherence();
  if (!state.Find(kProtocolAdherences, said.name())) return CreateRow(state, kProtocolAdherences, said);
  AmendRow<v1::ProtocolAdherence>(state, kProtocolAdherences, said.name(), [&](v1::ProtocolAdherence& adherence) {
    adherence.set_adherence_state(said.adherence_state());
    *adherence.mutable_track_time() = said.track_time();
    adherence.set_recorder(said.recorder());
  });
}

void Evolve(view::ChangeSet& state, const v1::ThreadStarted& event) {
  v1::Thread thread = event.thread();
  *thread.mutable_last_message_time() = state.context().record_time;
  CreateRow(state, kThreads, std::move(thread));
}

void Evolve(view::ChangeSet& state, const v1::MessageSent& event) {
  Message message = event.message();
  *message.mutable_send_time() = state.context().record_time;
  AmendRow<v1::Thread>(state, kThreads, message.thread(),
                       [&](v1::Thread& thread) { *thread.mutable_last_message_time() = message.send_time(); });
  CreateRow(state, kMessages, std::move(message), event.sealed());
}

void Evolve(view::ChangeSet& state, const v1::MessageEdited& event) {
  AmendRow<Message>(state, kMessages, event.name(), event.sealed(), [&](Message& message) {
    message.set_version(message.version() + 1);
    *message.mutable_edit_time() = state.context().record_time;
  });
}

void Evolve(view::ChangeSet& state, const v1::MessageDelivered& event) {
  SetReceipt(state, event.name(), event.recipient(), false);
}

void Evolve(view::ChangeSet& state, const v1::MessageRead& event) {
  SetReceipt(state, event.name(), event.recipient(), true);
}

void Evolve(view::ChangeSet& state, const v1::AppointmentBooked& event) {
  CreateRow(state, kAppointments, event.appointment(), event.sealed());
}

void Evolve(view::ChangeSet& state, const v1::AppointmentRescheduled& event) {
  AmendRow<Appointment>(state, kAppointments, event.name(),
                        ReasonPatch(event.sealed(), Appointment::kStateReasonFieldNumber),
                        [&](Appointment& appointment) {
                          *appointment.mutable_start_time() = event.start_time();
                          *appointment.mutable_end_time() = event.end_time();
                        });
}

void Evolve(view::ChangeSet& state, const v1::AppointmentCancelled& event) {
  MoveAppointment(state, event.name(), event.sealed(), Appointment::STATE_CANCELLED);
}

void Evolve(view::ChangeSet& state, const v1::AppointmentCheckedIn& event) {
  MoveAppointment(state, event.name(), {}, Appointment::STATE_ARRIVED);
}

void Evolve(view::ChangeSet& state, const v1::AppointmentCompleted& event) {
  MoveAppointment(state, event.name(), {}, Appointment::STATE_FULFILLED);
}

void Evolve(view::ChangeSet& state, const v1::AppointmentMarkedNoShow& event) {
  MoveAppointment(state, event.name(), {}, Appointment::STATE_NOSHOW);
}

void Evolve(view::ChangeSet& state, const v1::NotificationCreated& event) {
  v1::Notification notification;
  notification.set_name(event.name());
  notification.set_uid(std::string(IdOf(event.name())));
  notification.set_recipient(event.recipient());
  notification.set_kind(event.kind());
  notification.set_resource(event.resource());
  notification.set_thread(event.thread());
  *notification.mutable_expire_time() = event.expire_time();
  notification.set_cause_event(event.cause_event());
  CreateRow(state, kNotifications, std::move(notification));
}

void Evolve(view::ChangeSet& state, const v1::NotificationAcknowledged& event) {
  AmendRow<v1::Notification>(state, kNotifications, event.name(), [&](v1::Notification& notification) {
    *notification.mutable_acknowledge_time() = state.context().record_time;
  });
}

void Evolve(view::ChangeSet& state, const v1::NotificationPreferencesUpdated& event) {
  const view::RowPtr row = state.Find(kNotificationPreferences, event.preferences().name());
  CreateRow(state, kNotificationPreferences, event.preferences(),
            MergeSealed(row ? row->sealed : event::v1::SealedPart(), event.sealed()));
}

void Evolve(view::ChangeSet& state, const v1::ConcernChanged& event) {
  const auto before = ConcernedWith(state, event.record());
  std::set<std::string> users(before.begin(), before.end());
  users.insert(event.added().begin(), event.added().end());
  for (const std::string& user : event.removed()) users.erase(user);
  v1::Concern concern;
  concern.set_name(ConcernName(event.record()));
  concern.set_record(event.record());
  for (const std::string& user : users) concern.add_users(user);
  CreateRow(state, kConcerns, std::move(concern));
}

void Evolve(view::ChangeSet& state, const v1::ConcernRoleAdded& event) {
  CreateRow(state, kConcernRoles, event.concern_role());
}

void Evolve(view::ChangeSet& state, const v1::ConcernRoleRemoved& event) { state.Delete(kConcernRoles, event.name()); }

}  // namespace trialog::trials
