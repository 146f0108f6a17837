#include "services/trials/domain/trial_moves.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/trials/domain/access_clinical.h"
#include "services/trials/domain/care_relation.h"
#include "services/trials/domain/checks.h"
#include "services/trials/domain/etag.h"
#include "services/trials/domain/tables_clinical.h"
#include "services/trials/domain/trial_states.h"

namespace trialog::trials {
namespace {

using event::v1::SealedPart;
using enum TrialAction;

// Who makes a move.
enum class By { kItsResearchers, kSecondResearcher, kDataManager };

By WhoMakes(TrialAction action) {
  switch (action) {
    case kApprove:
    case kReject:
      return By::kSecondResearcher;
    case kFreeze:
    case kUnfreeze:
    case kLock:
    case kUnlock:
      return By::kDataManager;
    case kSubmit:
    case kActivate:
    case kSuspend:
    case kResume:
    case kTerminate:
    case kArchive:
      return By::kItsResearchers;
  }
  return By::kItsResearchers;
}

bool NeedsReason(TrialAction action) {
  return action == kReject || action == kSuspend || action == kTerminate || action == kUnlock;
}

absl::Status CheckAuthority(const view::State& state, const Principal& principal, const v1::Trial& trial,
                            TrialAction action) {
  switch (WhoMakes(action)) {
    case By::kItsResearchers:
      if (RunsTrial(principal, state, trial.name())) return absl::OkStatus();
      return Denied("NOT_YOUR_TRIAL", "only the researchers of the trial may do this");
    case By::kDataManager:
      if (principal.Has(ROLE_DATA_MANAGER, trial.name())) return absl::OkStatus();
      return Denied("NOT_DATA_MANAGER", "only a data manager of the trial may do this");
    case By::kSecondResearcher:
      break;
  }
  if (!principal.Has(ROLE_TRIAL_RESEARCHER, trial.name()) || principal.user().empty()) {
    return Denied("NOT_A_RESEARCHER", "only a trial researcher may do this");
  }
  const auto& drafters = trial.drafters();
  if (principal.user() == trial.creator() ||
      std::find(drafters.begin(), drafters.end(), principal.user()) != drafters.end()) {
    return Denied("OWN_DRAFT", "have a researcher judge it who had no hand in the draft");
  }
  return absl::OkStatus();
}

absl::Status CheckMove(const v1::Trial& trial, TrialAction action) {
  if (!After(TrialMoves(), trial.state(), action)) {
    return BrokenRule("ILLEGAL_MOVE", trial.name(),
                      Cat("a trial cannot do this in ", v1::TrialState_Name(trial.state())));
  }
  if (trial.has_terminate_time() && (action == kUnfreeze || action == kTerminate)) {
    return BrokenRule("TRIAL_TERMINATED", trial.name(), "the trial was ended early; it can only be cleaned and locked");
  }
  return absl::OkStatus();
}

// One move as one event; `fill` adds what the kind holds besides trial and reason.
template <typename Kind, typename Request, typename Fill>
absl::StatusOr<Decision> Decide(const view::State& state, const Context& context, const Request& request,
                                const SealedPart& sealed, TrialAction action, Kind* (v1::TrialsEvent::*mutable_kind)(),
                                Fill fill) {
  const view::RowPtr row = state.Find(kTrials, request.name());
  if (!row || !MaySeeClinical(context.principal, state, kTrials, request.name(), *row)) {
    return NotVisible(row != nullptr, "trial");
  }
  const auto& trial = row->As<v1::Trial>();
  TRIALOG_RETURN_IF_ERROR(CheckAuthority(state, context.principal, trial, action));
  TRIALOG_RETURN_IF_ERROR(CheckEtag(request.name(), *row, request.etag()));
  TRIALOG_RETURN_IF_ERROR(CheckMove(trial, action));
  if (NeedsReason(action) && !HasPersonal(sealed, v1::Trial::kStateReasonFieldNumber)) {
    return BadField("state_reason", "REQUIRED", "say why");
  }
  Kind kind;
  kind.set_trial(request.name());
  if constexpr (requires { kind.mutable_sealed(); }) *kind.mutable_sealed() = sealed;
  fill(kind, trial);
  Decision decision = Answering(request.name());
  Emit(decision, request.name(), mutable_kind, std::move(kind));
  return decision;
}

constexpr auto kNothingMore = [](auto&, const v1::Trial&) {};
constexpr auto kTellResearchers = [](auto& kind, const v1::Trial& trial) {
  *kind.mutable_researchers() = trial.researchers();
};

}  // namespace

absl::StatusOr<Decision> SubmitTrial(const view::State& state, const Context& context,
                                     const v1::SubmitTrialRequest& request, const SealedPart& sealed) {
  return Decide(state, context, request, sealed, kSubmit, &v1::TrialsEvent::mutable_trial_submitted,
                [&](v1::TrialSubmitted& kind, const v1::Trial&) { kind.set_submitted_by(context.principal.user()); });
}

absl::StatusOr<Decision> ApproveTrial(const view::State& state, const Context& context,
                                      const v1::ApproveTrialRequest& request, const SealedPart& sealed) {
  return Decide(state, context, request, sealed, kApprove, &v1::TrialsEvent::mutable_trial_approved,
                [&](v1::TrialApproved& kind, const v1::Trial& trial) {
                  kind.set_approved_by(context.principal.user());
                  kTellResearchers(kind, trial);
                });
}

absl::StatusOr<Decision> RejectTrial(const view::State& state, const Context& context,
                                     const v1::RejectTrialRequest& request, const SealedPart& sealed) {
  return Decide(state, context, request, sealed, kReject, &v1::TrialsEvent::mutable_trial_rejected, kTellResearchers);
}

absl::StatusOr<Decision> ActivateTrial(const view::State& state, const Context& context,
                                       const v1::ActivateTrialRequest& request, const SealedPart& sealed) {
  return Decide(state, context, request, sealed, kActivate, &v1::TrialsEvent::mutable_trial_activated, kNothingMore);
}

absl::StatusOr<Decision> SuspendTrial(const view::State& state, const Context& context,
                                      const v1::SuspendTrialRequest& request, const SealedPart& sealed) {
  return Decide(state, context, request, sealed, kSuspend, &v1::TrialsEvent::mutable_trial_suspended, kNothingMore);
}

absl::StatusOr<Decision> ResumeTrial(const view::State& state, const Context& context,
                                     const v1::ResumeTrialRequest& request, const SealedPart& sealed) {
  return Decide(state, context, request, sealed, kResume, &v1::TrialsEvent::mutable_trial_resumed, kNothingMore);
}

absl::StatusOr<Decision> TerminateTrial(const view::State& state, const Context& context,
                                        const v1::TerminateTrialRequest& request, const SealedPart& sealed) {
  return Decide(state, context, request, sealed, kTerminate, &v1::TrialsEvent::mutable_trial_terminated, kNothingMore);
}

absl::StatusOr<Decision> ArchiveTrial(const view::State& state, const Context& context,
                                      const v1::ArchiveTrialRequest& request, const SealedPart& sealed) {
  return Decide(state, context, request, sealed, kArchive, &v1::TrialsEvent::mutable_trial_archived, kNothingMore);
}

absl::StatusOr<Decision> FreezeTrial(const view::State& state, const Context& context,
                                     const v1::FreezeTrialRequest& request, const SealedPart& sealed) {
  return Decide(state, context, request, sealed, kFreeze, &v1::TrialsEvent::mutable_trial_frozen, kNothingMore);
}

absl::StatusOr<Decision> UnfreezeTrial(const view::State& state, const Context& context,
                                       const v1::UnfreezeTrialRequest& request, const SealedPart& sealed) {
  return Decide(state, context, request, sealed, kUnfreeze, &v1::TrialsEvent::mutable_trial_unfrozen, kNothingMore);
}

absl::StatusOr<Decision> LockTrial(const view::State& state, const Context& context,
                                   const v1::LockTrialRequest& request, const SealedPart& sealed) {
  return Decide(state, context, request, sealed, kLock, &v1::TrialsEvent::mutable_trial_locked, kNothingMore);
}

absl::StatusOr<Decision> UnlockTrial(const view::State& state, const Context& context,
                                     const v1::UnlockTrialRequest& request, const SealedPart& sealed) {
  return Decide(state, context, request, sealed, kUnlock, &v1::TrialsEvent::mutable_trial_unlocked, kNothingMore);
}

}  // namespace trialog::trials
