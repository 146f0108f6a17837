#include "services/trials/domain/evolve_clinical.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "platform/command/decision.h"
#include "platform/command/evolving.h"
#include "platform/text/text.h"
#include "services/trials/domain/checks.h"
#include "services/trials/domain/subject_states.h"
#include "services/trials/domain/tables_clinical.h"

namespace trialog::trials {
namespace {

using event::v1::SealedPart;

// Without a reason of its own a move clears the last one: the reason shown is that of the state shown.
SealedPart ReasonOnly(const SealedPart& sealed, int reason_field) {
  SealedPart patch = sealed;
  if (!HasPersonal(patch, reason_field)) patch.add_fields()->set_number(reason_field);
  return patch;
}

template <typename Change>
void MoveTrial(view::ChangeSet& state, std::string_view name, v1::TrialState to, const SealedPart& sealed,
               Change change) {
  AmendRow<v1::Trial>(state, kTrials, name, ReasonOnly(sealed, v1::Trial::kStateReasonFieldNumber),
                      [&](v1::Trial& trial) {
                        trial.set_state(to);
                        change(trial);
                      });
}

void MoveTrial(view::ChangeSet& state, std::string_view name, v1::TrialState to, const SealedPart& sealed = {}) {
  MoveTrial(state, name, to, sealed, [](v1::Trial&) {});
}

void AddDrafter(v1::Trial& trial, const std::string& user) {
  if (user.empty()) return;
  if (std::find(trial.drafters().begin(), trial.drafters().end(), user) == trial.drafters().end()) {
    trial.add_drafters(user);
  }
}

// The consent that was in force no longer is.
void PutConsentAway(v1::Subject& subject) {
  v1::Consent& past = *subject.add_past_consents();
  past = subject.consent();
  if (past.state() == v1::CONSENT_STATE_GIVEN) past.set_state(v1::CONSENT_STATE_SUPERSEDED);
}

template <typename Change>
void ModifyCapture(view::ChangeSet& state, std::string_view name, Change change) {
  AmendRow<v1::DataCapture>(state, kDataCaptures, name, {}, change);
}

}  // namespace

void Evolve(view::ChangeSet& state, const v1::PatientCreated& event) {
  CreateRow(state, kPatients, event.patient(), event.sealed());
}

void Evolve(view::ChangeSet& state, const v1::PatientUpdated& event) {
  AmendRow<v1::Patient>(state, kPatients, event.patient().name(), event.sealed(),
                        [&](v1::Patient& patient) { CopyFields(event.patient(), patient, event.paths()); });
}

void Evolve(view::ChangeSet& state, const v1::ProviderAssigned& event) {
  AmendRow<v1::Patient>(state, kPatients, event.patient(), {}, [&](v1::Patient& patient) {
    for (auto& provider : *patient.mutable_providers()) {
      if (provider.user() != event.provider().user()) continue;
      provider = event.provider();
      return;
    }
    *patient.add_providers() = event.provider();
  });
}

void Evolve(view::ChangeSet& state, const v1::ProviderUnassigned& event) {
  AmendRow<v1::Patient>(state, kPatients, event.patient(), {}, [&](v1::Patient& patient) {
    auto& all = *patient.mutable_providers();
    all.erase(std::remove_if(all.begin(), all.end(), [&](const auto& p) { return p.user() == event.user(); }),
              all.end());
  });
}

void Evolve(view::ChangeSet& state, const v1::ResearcherCreated& event) {
  CreateRow(state, kResearchers, event.researcher(), event.sealed());
}

void Evolve(view::ChangeSet& state, const v1::ResearcherUpdated& event) {
  AmendRow<v1::Researcher>(
      state, kResearchers, event.researcher().name(), event.sealed(),
      [&](v1::Researcher& researcher) { CopyFields(event.researcher(), researcher, event.paths()); });
}

void Evolve(view::ChangeSet& state, const v1::TrialCreated& event) { CreateRow(state, kTrials, event.trial()); }

void Evolve(view::ChangeSet& state, const v1::TrialUpdated& event) {
  AmendRow<v1::Trial>(state, kTrials, event.trial().name(), {}, [&](v1::Trial& trial) {
    CopyFields(event.trial(), trial, event.paths());
    AddDrafter(trial, event.drafter());
  });
}

void Evolve(view::ChangeSet& state, const v1::TrialSubmitted& event) {
  MoveTrial(state, event.trial(), v1::TRIAL_STATE_IN_REVIEW, {},
            [&](v1::Trial& trial) { AddDrafter(trial, event.submitted_by()); });
}

void Evolve(view::ChangeSet& state, const v1::TrialApproved& event) {
  MoveTrial(state, event.trial(), v1::TRIAL_STATE_APPROVED, {}, [&](v1::Trial& trial) {
    trial.set_approved_by(event.approved_by());
    *trial.mutable_approve_time() = state.context().record_time;
  });
}

void Evolve(view::ChangeSet& state, const v1::TrialRejected& event) {
  MoveTrial(state, event.trial(), v1::TRIAL_STATE_DRAFT, event.sealed());
}

void Evolve(view::ChangeSet& state, const v1::TrialActivated& event) {
  MoveTrial(state, event.trial(), v1::TRIAL_STATE_ACTIVE);
}

void Evolve(view::ChangeSet& state, const v1::TrialSuspended& event) {
  MoveTrial(state, event.trial(), v1::TRIAL_STATE_SUSPENDED, event.sealed());
}

void Evolve(view::ChangeSet& state, const v1::TrialResumed& event) {
  MoveTrial(state, event.trial(), v1::TRIAL_STATE_ACTIVE);
}

void Evolve(view::ChangeSet& state, const v1::TrialFrozen& event) {
  MoveTrial(state, event.trial(), v1::TRIAL_STATE_FROZEN);
}

void Evolve(view::ChangeSet& state, const v1::TrialUnfrozen& event) {
  MoveTrial(state, event.trial(), v1::TRIAL_STATE_ACTIVE, event.sealed());
}

void Evolve(view::ChangeSet& state, const v1::TrialLocked& event) {
  MoveTrial(state, event.trial(), v1::TRIAL_STATE_LOCKED);
}

void Evolve(view::ChangeSet& state, const v1::TrialUnlocked& event) {
  MoveTrial(state, event.trial(), v1::TRIAL_STATE_FROZEN, event.sealed());
}

void Evolve(view::ChangeSet& state, const v1::TrialTerminated& event) {
  MoveTrial(state, event.trial(), v1::TRIAL_STATE_TERMINATED, event.sealed(),
            [&](v1::Trial& trial) { *trial.mutable_terminate_time() = state.context().record_time; });
}

void Evolve(view::ChangeSet& state, const v1::TrialArchived& event) {
  MoveTrial(state, event.trial(), v1::TRIAL_STATE_ARCHIVED);
}

void Evolve(view::ChangeSet& state, const v1::TrialEventPublished& event) {
  CreateRow(state, kTrialEvents, event.trial_event(), event.sealed());
}

void Evolve(view::ChangeSet& state, const v1::TrialEventAcknowledged& event) {
  v1::TrialEventAcknowledgment acknowledgment;
  acknowledgment.set_name(AcknowledgmentName(event.trial_event(), event.patient()));
  acknowledgment.set_trial_event(event.trial_event());
  acknowledgment.set_patient(event.patient());
  *acknowledgment.mutable_acknowledge_time() = state.context().record_time;
  CreateRow(state, kTrialEventAcknowledgments, acknowledgment);
}

void Evolve(view::ChangeSet& state, const v1::SubjectEnrolled& event) { CreateRow(state, kSubjects, event.subject()); }

void Evolve(view::ChangeSet& state, const v1::SubjectTransitioned& event) {
  AmendRow<v1::Subject>(
      state, kSubjects, event.subject(), ReasonOnly(event.sealed(), v1::Subject::kStateReasonFieldNumber),
      [&](v1::Subject& subject) {
        subject.set_state(event.to());
        if (IsExit(event.to())) *subject.mutable_exit_time() = state.context().record_time;
        // A new screening needs a new consent.
        if (event.to() == v1::SUBJECT_STATE_SCREEN_FAILED && subject.consent().state() == v1::CONSENT_STATE_GIVEN) {
          subject.mutable_consent()->set_state(v1::CONSENT_STATE_EXPIRED);
          *subject.mutable_consent()->mutable_record_time() = state.context().record_time;
        }
      });
}

void Evolve(view::ChangeSet& state, const v1::ConsentRecorded& event) {
  AmendRow<v1::Subject>(state, kSubjects, event.subject(), {}, [&](v1::Subject& subject) {
    if (event.replaces() && subject.has_consent()) PutConsentAway(subject);
    *subject.mutable_consent() = event.consent();
  });
}

void Evolve(view::ChangeSet& state, const v1::ConsentWithdrawn& event) {
  AmendRow<v1::Subject>(state, kSubjects, event.subject(), event.sealed(), [&](v1::Subject& subject) {
    v1::Consent& consent = *subject.mutable_consent();
    *consent.mutable_record_time() = state.context().record_time;
    if (event.tiers().empty()) {
      consent.set_state(v1::CONSENT_STATE_WITHDRAWN);
      return;
    }
    for (auto& tier : *consent.mutable_tiers()) {
      if (std::find(event.tiers().begin(), event.tiers().end(), tier.tier()) != event.tiers().end()) {
        tier.set_granted(false);
      }
    }
  });
}

void Evolve(view::ChangeSet& state, const v1::DataCaptureCreated& event) {
  CreateRow(state, kDataCaptures, event.data_capture(), event.sealed());
}

void Evolve(view::ChangeSet& state, const v1::DataCaptureAmended& event) {
  AmendRow<v1::DataCapture>(state, kDataCaptures, event.data_capture(), event.sealed(), [&](v1::DataCapture& capture) {
    v1::DataCapture changed;
    if (event.has_track_time()) *changed.mutable_track_time() = event.track_time();
    if (event.has_occur_time()) *changed.mutable_occur_time() = event.occur_time();
    CopyFields(changed, capture, event.paths());
    capture.set_version(event.version());
    capture.set_state(event.state());
    capture.clear_finalized_by();
    capture.clear_finalize_time();
    capture.clear_acknowledge_time();
  });
}

void Evolve(view::ChangeSet& state, const v1::DataCaptureSubmitted& event) {
  ModifyCapture(state, event.data_capture(),
                [](v1::DataCapture& capture) { capture.set_state(v1::DATA_CAPTURE_STATE_SUBMITTED); });
}

void Evolve(view::ChangeSet& state, const v1::DataCaptureFinalized& event) {
  ModifyCapture(state, event.data_capture(), [&](v1::DataCapture& capture) {
    capture.set_state(v1::DATA_CAPTURE_STATE_FINALIZED);
    capture.set_finalized_by(event.finalized_by());
    *capture.mutable_finalize_time() = state.context().record_time;
  });
}

void Evolve(view::ChangeSet& state, const v1::DataCaptureAcknowledged& event) {
  ModifyCapture(state, event.data_capture(), [&](v1::DataCapture& capture) {
    capture.set_state(v1::DATA_CAPTURE_STATE_ACKNOWLEDGED);
    *capture.mutable_acknowledge_time() = state.context().record_time;
  });
}

}  // namespace trialog::trials
