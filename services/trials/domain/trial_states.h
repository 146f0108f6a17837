// The life of a trial: its legal moves, and what may be done in each state.
#pragma once

#include <span>

#include "services/trials/domain/transitions.h"
#include "trialog/trials/v1/trial.pb.h"

namespace trialog::trials {

enum class TrialAction {
  kSubmit,
  kApprove,
  kReject,
  kActivate,
  kSuspend,
  kResume,
  kFreeze,
  kUnfreeze,
  kLock,
  kUnlock,
  kTerminate,
  kArchive,
};

// An action leads to the same state from wherever it is legal.
std::span<const Transition<v1::TrialState, TrialAction>> TrialMoves();

// What goes on in a trial besides its own moves.
enum class TrialActivity {
  kEnroll,         // Take in, screen and allot subjects.
  kTreat,          // Dose.
  kFollowUp,       // Move subjects on, record consent, enter, change and finalize captures.
  kAcknowledge,    // Participants take note of captures.
  kPublishEvents,  // Tell participants.
};

bool TrialAllows(v1::TrialState state, TrialActivity activity);

}  // namespace trialog::trials
