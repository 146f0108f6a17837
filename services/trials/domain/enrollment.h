// Decisions about subjects and their consent.
#pragma once

#include "absl/status/statusor.h"
#include "platform/command/decision.h"
#include "trialog/event/v1/sealed.pb.h"
#include "trialog/trials/v1/enrollment.pb.h"

namespace trialog::trials {

// By the patient's staff, into an ACTIVE trial, an active patient once, with consent GIVEN (a CANDIDATE without).
// FAILED_PRECONDITION: TRIAL_NOT_ACTIVE, PATIENT_INACTIVE, CONSENT_MISSING. ALREADY_EXISTS: ALREADY_ENROLLED.
absl::StatusOr<Decision> EnrollSubject(const view::State& state, const Context& context,
                                       const v1::EnrollSubjectRequest& request, const event::v1::SealedPart& sealed);

// By the patient's staff. Leaving the trial needs a reason, taking part a consent in force.
absl::StatusOr<Decision> TransitionSubject(const view::State& state, const Context& context,
                                           const v1::TransitionSubjectRequest& request,
                                           const event::v1::SealedPart& sealed);

// By the patient's staff.
absl::StatusOr<Decision> RecordConsent(const view::State& state, const Context& context,
                                       const v1::RecordConsentRequest& request, const event::v1::SealedPart& sealed);

// By the patient or the patient's staff, in every state of the trial: it is the person's right (GDPR 7(3)). Where data
// may still change the subject is WITHDRAWN by it.
absl::StatusOr<Decision> WithdrawConsent(const view::State& state, const Context& context,
                                         const v1::WithdrawConsentRequest& request,
                                         const event::v1::SealedPart& sealed);

}  // namespace trialog::trials
