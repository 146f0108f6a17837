// How auth's state follows from its events.
#pragma once

#include "platform/command/decision.h"
#include "trialog/auth/v1/events.pb.h"

namespace trialog::auth {

// Applies one event. Total: an event about a record that is not there changes nothing.
void Evolve(view::ChangeSet& state, const v1::AuthEvent& event);

// Auth, as the platform needs to know it.
const Domain& AuthDomain();

}  // namespace trialog::auth
