#include "services/trials/domain/evolve.h"

#include "services/trials/domain/evolve_care.h"
#include "services/trials/domain/evolve_clinical.h"
#include "services/trials/domain/tables_care.h"
#include "services/trials/domain/tables_clinical.h"

namespace trialog::trials {

void Evolve(view::ChangeSet& state, const v1::TrialsEvent& event) {
  switch (event.kind_case()) {
    case v1::TrialsEvent::kPatientCreated:
      return Evolve(state, event.patient_created());
    case v1::TrialsEvent::kPatientUpdated:
      return Evolve(state, event.patient_updated());
    case v1::TrialsEvent::kProviderAssigned:
      return Evolve(state, event.provider_assigned());
    case v1::TrialsEvent::kProviderUnassigned:
      return Evolve(state, event.provider_unassigned());
    case v1::TrialsEvent::kResearcherCreated:
      return Evolve(state, event.researcher_created());
    case v1::TrialsEvent::kResearcherUpdated:
      return Evolve(state, event.researcher_updated());
    case v1::TrialsEvent::kTrialCreated:
      return Evolve(state, event.trial_created());
    case v1::TrialsEvent::kTrialUpdated:
      return Evolve(state, event.trial_updated());
    case v1::TrialsEvent::kTrialSubmitted:
      return Evolve(state, event.trial_submitted());
    case v1::TrialsEvent::kTrialApproved:
      return Evolve(state, event.trial_approved());
    case v1::TrialsEvent::kTrialRejected:
      return Evolve(state, event.trial_rejected());
    case v1::TrialsEvent::kTrialActivated:
      return Evolve(state, event.trial_activated());
    case v1::TrialsEvent::kTrialSuspended:
      return Evolve(state, event.trial_suspended());
    case v1::TrialsEvent::kTrialResumed:
      return Evolve(state, event.trial_resumed());
    case v1::TrialsEvent::kTrialFrozen:
      return Evolve(state, event.trial_frozen());
    case v1::TrialsEvent::kTrialUnfrozen:
      return Evolve(state, event.trial_unfrozen());
    case v1::TrialsEvent::kTrialLocked:
      return Evolve(state, event.trial_locked());
    case v1::TrialsEvent::kTrialUnlocked:
      return Evolve(state, event.trial_unlocked());
    case v1::TrialsEvent::kTrialTerminated:
      return Evolve(state, event.trial_terminated());
    case v1::TrialsEvent::kTrialArchived:
      return Evolve(state, event.trial_archived());
    case v1::TrialsEvent::kTrialEventPublished:
      return Evolve(state, event.trial_event_published());
    case v1::TrialsEvent::kTrialEventAcknowledged:
      return Evolve(state, event.trial_event_acknowledged());
    case v1::TrialsEvent::kSubjectEnrolled:
      return Evolve(state, event.subject_enrolled());
    case v1::TrialsEvent::kSubjectTransitioned:
      return Evolve(state, event.subject_transitioned());
    case v1::TrialsEvent::kConsentRecorded:
      return Evolve(state, event.consent_recorded());
    case v1::TrialsEvent::kConsentWithdrawn:
      return Evolve(state, event.consent_withdrawn());
    case v1::TrialsEvent::kDataCaptureCreated:
      return Evolve(state, event.data_capture_created());
    case v1::TrialsEvent::kDataCaptureAmended:
      return Evolve(state, event.data_capture_amended());
    case v1::TrialsEvent::kDataCaptureSubmitted:
      return Evolve(state, event.data_capture_submitted());
    case v1::TrialsEvent::kDataCaptureFinalized:
      return Evolve(state, event.data_capture_finalized());
    case v1::TrialsEvent::kDataCaptureAcknowledged:
      return Evolve(state, event.data_capture_acknowledged());
    case v1::TrialsEvent::kMedicationOrderCreated:
      return Evolve(state, event.medication_order_created());
    case v1::TrialsEvent::kMedicationOrderActivated:
      return Evolve(state, event.medication_order_activated());
    case v1::TrialsEvent::kMedicationOrderHeld:
      return Evolve(state, event.medication_order_held());
    case v1::TrialsEvent::kMedicationOrderStopped:
      return Evolve(state, event.medication_order_stopped());
    case v1::TrialsEvent::kMedicationOrderAcknowledged:
      return Evolve(state, event.medication_order_acknowledged());
    case v1::TrialsEvent::kFeedbackAdded:
      return Evolve(state, event.feedback_added());
    case v1::TrialsEvent::kMedicationDistributionPrepared:
      return Evolve(state, event.medication_distribution_prepared());
    case v1::TrialsEvent::kMedicationDistributionFinalized:
      return Evolve(state, event.medication_distribution_finalized());
    case v1::TrialsEvent::kMedicationDistributionAcknowledged:
      return Evolve(state, event.medication_distribution_acknowledged());
    case v1::TrialsEvent::kMedicationDistributionReturned:
      return Evolve(state, event.medication_distribution_returned());
    case v1::TrialsEvent::kAdherenceLogged:
      return Evolve(state, event.adherence_logged());
    case v1::TrialsEvent::kProtocolAdherenceRecorded:
      return Evolve(state, event.protocol_adherence_recorded());
    case v1::TrialsEvent::kThreadStarted:
      return Evolve(state, event.thread_started());
    case v1::TrialsEvent::kMessageSent:
      return Evolve(state, event.message_sent());
    case v1::TrialsEvent::kMessageEdited:
      return Evolve(state, event.message_edited());
    case v1::TrialsEvent::kMessageDelivered:
      return Evolve(state, event.message_delivered());
    case v1::TrialsEvent::kMessageRead:
      return Evolve(state, event.message_read());
    case v1::TrialsEvent::kAppointmentBooked:
      return Evolve(state, event.appointment_booked());
    case v1::TrialsEvent::kAppointmentRescheduled:
      return Evolve(state, event.appointment_rescheduled());
    case v1::TrialsEvent::kAppointmentCancelled:
      return Evolve(state, event.appointment_cancelled());
    case v1::TrialsEvent::kAppointmentCheckedIn:
      return Evolve(state, event.appointment_checked_in());
    case v1::TrialsEvent::kAppointmentCompleted:
      return Evolve(state, event.appointment_completed());
    case v1::TrialsEvent::kAppointmentMarkedNoShow:
      return Evolve(state, event.appointment_marked_no_show());
    case v1::TrialsEvent::kNotificationCreated:
      return Evolve(state, event.notification_created());
    case v1::TrialsEvent::kNotificationAcknowledged:
      return Evolve(state, event.notification_acknowledged());
    case v1::TrialsEvent::kNotificationPreferencesUpdated:
      return Evolve(state, event.notification_preferences_updated());
    case v1::TrialsEvent::kConcernChanged:
      return Evolve(state, event.concern_changed());
    case v1::TrialsEvent::kConcernRoleAdded:
      return Evolve(state, event.concern_role_added());
    case v1::TrialsEvent::kConcernRoleRemoved:
      return Evolve(state, event.concern_role_removed());
    case v1::TrialsEvent::KIND_NOT_SET:
      return;  // The reader refuses unknown kinds before they get here.
  }
}

namespace {

std::vector<const view::Table*> AllTables() {
  std::vector<const view::Table*> tables = ClinicalTables();
  tables.insert(tables.end(), CareTables().begin(), CareTables().end());
  return tables;
}

}  // namespace

const Domain& TrialsDomain() {
  static const auto& domain = *new Domain{
      "trials",
      &v1::TrialsEvent::default_instance(),
      AllTables(),
      [](view::ChangeSet& state, const google::protobuf::Message& event) {
        Evolve(state, static_cast<const v1::TrialsEvent&>(event));
      },
      2,
  };
  return domain;
}

}  // namespace trialog::trials
