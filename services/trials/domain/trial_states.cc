#include "services/trials/domain/trial_states.h"

namespace trialog::trials {

using enum TrialAction;

std::span<const Transition<v1::TrialState, TrialAction>> TrialMoves() {
  static constexpr Transition<v1::TrialState, TrialAction> kMoves[] = {
      {v1::TRIAL_STATE_DRAFT, kSubmit, v1::TRIAL_STATE_IN_REVIEW},
      {v1::TRIAL_STATE_IN_REVIEW, kApprove, v1::TRIAL_STATE_APPROVED},
      {v1::TRIAL_STATE_IN_REVIEW, kReject, v1::TRIAL_STATE_DRAFT},
      {v1::TRIAL_STATE_APPROVED, kActivate, v1::TRIAL_STATE_ACTIVE},
      {v1::TRIAL_STATE_ACTIVE, kSuspend, v1::TRIAL_STATE_SUSPENDED},
      {v1::TRIAL_STATE_SUSPENDED, kResume, v1::TRIAL_STATE_ACTIVE},
      {v1::TRIAL_STATE_ACTIVE, kFreeze, v1::TRIAL_STATE_FROZEN},
      {v1::TRIAL_STATE_TERMINATED, kFreeze, v1::TRIAL_STATE_FROZEN},
      {v1::TRIAL_STATE_FROZEN, kUnfreeze, v1::TRIAL_STATE_ACTIVE},
      {v1::TRIAL_STATE_FROZEN, kLock, v1::TRIAL_STATE_LOCKED},
      {v1::TRIAL_STATE_ACTIVE, kLock, v1::TRIAL_STATE_LOCKED},
      {v1::TRIAL_STATE_LOCKED, kUnlock, v1::TRIAL_STATE_FROZEN},
      {v1::TRIAL_STATE_LOCKED, kArchive, v1::TRIAL_STATE_ARCHIVED},
      {v1::TRIAL_STATE_DRAFT, kTerminate, v1::TRIAL_STATE_TERMINATED},
      {v1::TRIAL_STATE_IN_REVIEW, kTerminate, v1::TRIAL_STATE_TERMINATED},
      {v1::TRIAL_STATE_APPROVED, kTerminate, v1::TRIAL_STATE_TERMINATED},
      {v1::TRIAL_STATE_ACTIVE, kTerminate, v1::TRIAL_STATE_TERMINATED},
      {v1::TRIAL_STATE_SUSPENDED, kTerminate, v1::TRIAL_STATE_TERMINATED},
      {v1::TRIAL_STATE_FROZEN, kTerminate, v1::TRIAL_STATE_TERMINATED},
  };
  return kMoves;
}

bool TrialAllows(v1::TrialState state, TrialActivity activity) {
  switch (activity) {
    case TrialActivity::kEnroll:
      return state == v1::TRIAL_STATE_ACTIVE;
    case TrialActivity::kTreat:
      return state == v1::TRIAL_STATE_ACTIVE || state == v1::TRIAL_STATE_SUSPENDED;
    case TrialActivity::kFollowUp:
      return state == v1::TRIAL_STATE_ACTIVE || state == v1::TRIAL_STATE_SUSPENDED ||
             state == v1::TRIAL_STATE_TERMINATED;
    case TrialActivity::kAcknowledge:
      return TrialAllows(state, TrialActivity::kFollowUp) || state == v1::TRIAL_STATE_FROZEN;
    case TrialActivity::kPublishEvents:
      return TrialAllows(state, TrialActivity::kAcknowledge) || state == v1::TRIAL_STATE_LOCKED;
  }
  return false;
}

}  // namespace trialog::trials
