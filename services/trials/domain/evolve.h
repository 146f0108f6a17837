// The fold of the trials service: applies one event to the rows. Total: it never refuses, logs or calls out.
#pragma once

#include "platform/command/decision.h"
#include "platform/view/state.h"
#include "trialog/trials/v1/events.pb.h"

namespace trialog::trials {

void Evolve(view::ChangeSet& state, const v1::TrialsEvent& event);

// The service as the platform needs to know it.
const Domain& TrialsDomain();

}  // namespace trialog::trials
