// What the events of care mean for its rows: one small total function a kind. What an event names and is not there is
// left alone; nothing is refused, logged or called.
#pragma once

#include "platform/view/state.h"
#include "trialog/trials/v1/care_events.pb.h"

namespace trialog::trials {

void Evolve(view::ChangeSet& state, const v1::MedicationOrderCreated& event);
void Evolve(view::ChangeSet& state, const v1::MedicationOrderActivated& event);
void Evolve(view::ChangeSet& state, const v1::MedicationOrderHeld& event);
void Evolve(view::ChangeSet& state, const v1::MedicationOrderStopped& event);
void Evolve(view::ChangeSet& state, const v1::MedicationOrderAcknowledged& event);
void Evolve(view::ChangeSet& state, const v1::FeedbackAdded& event);
void Evolve(view::ChangeSet& state, const v1::MedicationDistributionPrepared& event);
void Evolve(view::ChangeSet& state, const v1::MedicationDistributionFinalized& event);
void Evolve(view::ChangeSet& state, const v1::MedicationDistributionAcknowledged& event);
void Evolve(view::ChangeSet& state, const v1::MedicationDistributionReturned& event);
void Evolve(view::ChangeSet& state, const v1::AdherenceLogged& event);
void Evolve(view::ChangeSet& state, const v1::ProtocolAdherenceRecorded& event);
void Evolve(view::ChangeSet& state, const v1::ThreadStarted& event);
void Evolve(view::ChangeSet& state, const v1::MessageSent& event);
void Evolve(view::ChangeSet& state, const v1::MessageEdited& event);
void Evolve(view::ChangeSet& state, const v1::MessageDelivered& event);
void Evolve(view::ChangeSet& state, const v1::MessageRead& event);
void Evolve(view::ChangeSet& state, const v1::AppointmentBooked& event);
void Evolve(view::ChangeSet& state, const v1::AppointmentRescheduled& event);
void Evolve(view::ChangeSet& state, const v1::AppointmentCancelled& event);
void Evolve(view::ChangeSet& state, const v1::AppointmentCheckedIn& event);
void Evolve(view::ChangeSet& state, const v1::AppointmentCompleted& event);
void Evolve(view::ChangeSet& state, const v1::AppointmentMarkedNoShow& event);
void Evolve(view::ChangeSet& state, const v1::NotificationCreated& event);
void Evolve(view::ChangeSet& state, const v1::NotificationAcknowledged& event);
void Evolve(view::ChangeSet& state, const v1::NotificationPreferencesUpdated& event);
void Evolve(view::ChangeSet& state, const v1::ConcernChanged& event);
void Evolve(view::ChangeSet& state, const v1::ConcernRoleAdded& event);
void Evolve(view::ChangeSet& state, const v1::ConcernRoleRemoved& event);

}  // namespace trialog::trials
