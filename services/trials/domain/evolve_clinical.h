// What each event about patients, researchers, trials, subjects and data captures does to the rows: one overload a
// kind. Total: an event about a record that is not there changes nothing.
#pragma once

#include "platform/view/state.h"
#include "trialog/trials/v1/clinical_events.pb.h"

namespace trialog::trials {

void Evolve(view::ChangeSet& state, const v1::PatientCreated& event);
void Evolve(view::ChangeSet& state, const v1::PatientUpdated& event);
void Evolve(view::ChangeSet& state, const v1::ProviderAssigned& event);
void Evolve(view::ChangeSet& state, const v1::ProviderUnassigned& event);
void Evolve(view::ChangeSet& state, const v1::ResearcherCreated& event);
void Evolve(view::ChangeSet& state, const v1::ResearcherUpdated& event);

void Evolve(view::ChangeSet& state, const v1::TrialCreated& event);
void Evolve(view::ChangeSet& state, const v1::TrialUpdated& event);
void Evolve(view::ChangeSet& state, const v1::TrialSubmitted& event);
void Evolve(view::ChangeSet& state, const v1::TrialApproved& event);
void Evolve(view::ChangeSet& state, const v1::TrialRejected& event);
void Evolve(view::ChangeSet& state, const v1::TrialActivated& event);
void Evolve(view::ChangeSet& state, const v1::TrialSuspended& event);
void Evolve(view::ChangeSet& state, const v1::TrialResumed& event);
void Evolve(view::ChangeSet& state, const v1::TrialFrozen& event);
void Evolve(view::ChangeSet& state, const v1::TrialUnfrozen& event);
void Evolve(view::ChangeSet& state, const v1::TrialLocked& event);
void Evolve(view::ChangeSet& state, const v1::TrialUnlocked& event);
void Evolve(view::ChangeSet& state, const v1::TrialTerminated& event);
void Evolve(view::ChangeSet& state, const v1::TrialArchived& event);
void Evolve(view::ChangeSet& state, const v1::TrialEventPublished& event);
void Evolve(view::ChangeSet& state, const v1::TrialEventAcknowledged& event);

void Evolve(view::ChangeSet& state, const v1::SubjectEnrolled& event);
void Evolve(view::ChangeSet& state, const v1::SubjectTransitioned& event);
void Evolve(view::ChangeSet& state, const v1::ConsentRecorded& event);
void Evolve(view::ChangeSet& state, const v1::ConsentWithdrawn& event);

void Evolve(view::ChangeSet& state, const v1::DataCaptureCreated& event);
void Evolve(view::ChangeSet& state, const v1::DataCaptureAmended& event);
void Evolve(view::ChangeSet& state, const v1::DataCaptureSubmitted& event);
void Evolve(view::ChangeSet& state, const v1::DataCaptureFinalized& event);
void Evolve(view::ChangeSet& state, const v1::DataCaptureAcknowledged& event);

}  // namespace trialog::trials
