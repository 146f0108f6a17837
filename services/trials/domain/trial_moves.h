// Decisions that move a trial from state to state. FAILED_PRECONDITION: ILLEGAL_MOVE where the state has no such move.
#pragma once

#include "absl/status/statusor.h"
#include "platform/command/decision.h"
#include "trialog/event/v1/sealed.pb.h"
#include "trialog/trials/v1/trial.pb.h"

namespace trialog::trials {

// By those who run the trial.
absl::StatusOr<Decision> SubmitTrial(const view::State&, const Context&, const v1::SubmitTrialRequest&,
                                     const event::v1::SealedPart&);

// By a trial researcher in whose scope the trial is and who had no hand in the draft: OWN_DRAFT otherwise.
absl::StatusOr<Decision> ApproveTrial(const view::State&, const Context&, const v1::ApproveTrialRequest&,
                                      const event::v1::SealedPart&);
absl::StatusOr<Decision> RejectTrial(const view::State&, const Context&, const v1::RejectTrialRequest&,
                                     const event::v1::SealedPart&);

// By those who run the trial. Suspension and termination need a reason.
absl::StatusOr<Decision> ActivateTrial(const view::State&, const Context&, const v1::ActivateTrialRequest&,
                                       const event::v1::SealedPart&);
absl::StatusOr<Decision> SuspendTrial(const view::State&, const Context&, const v1::SuspendTrialRequest&,
                                      const event::v1::SealedPart&);
absl::StatusOr<Decision> ResumeTrial(const view::State&, const Context&, const v1::ResumeTrialRequest&,
                                     const event::v1::SealedPart&);
absl::StatusOr<Decision> TerminateTrial(const view::State&, const Context&, const v1::TerminateTrialRequest&,
                                        const event::v1::SealedPart&);
absl::StatusOr<Decision> ArchiveTrial(const view::State&, const Context&, const v1::ArchiveTrialRequest&,
                                      const event::v1::SealedPart&);

// By data managers. Unlocking needs a reason. A terminated trial is never unfrozen: TRIAL_TERMINATED.
absl::StatusOr<Decision> FreezeTrial(const view::State&, const Context&, const v1::FreezeTrialRequest&,
                                     const event::v1::SealedPart&);
absl::StatusOr<Decision> UnfreezeTrial(const view::State&, const Context&, const v1::UnfreezeTrialRequest&,
                                       const event::v1::SealedPart&);
absl::StatusOr<Decision> LockTrial(const view::State&, const Context&, const v1::LockTrialRequest&,
                                   const event::v1::SealedPart&);
absl::StatusOr<Decision> UnlockTrial(const view::State&, const Context&, const v1::UnlockTrialRequest&,
                                     const event::v1::SealedPart&);

}  // namespace trialog::trials
