// The state machines of auth's resources. A move that is not in a machine's one table is refused by decisions.
#pragma once

#include "trialog/auth/v1/invitation.pb.h"
#include "trialog/auth/v1/service_account.pb.h"
#include "trialog/auth/v1/session.pb.h"
#include "trialog/auth/v1/user.pb.h"

namespace trialog::auth {

// INVITED → ACTIVE ⇄ LOCKED; ACTIVE → DISABLED, and never back (21 CFR 11.100(a): an account is one person's for ever).
bool MayMove(v1::User::State from, v1::User::State to);
// ACTIVE → DISABLED.
bool MayMove(v1::ServiceAccount::State from, v1::ServiceAccount::State to);
// ACTIVE → REVOKED.
bool MayMove(v1::ServiceAccountKey::State from, v1::ServiceAccountKey::State to);
// ACTIVE → ENDED.
bool MayMove(v1::Session::State from, v1::Session::State to);
// OPEN → USED.
bool MayMove(v1::Invitation::State from, v1::Invitation::State to);

}  // namespace trialog::auth
