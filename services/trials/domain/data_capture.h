// Decisions about data captures.
#pragma once

#include "absl/status/statusor.h"
#include "platform/command/decision.h"
#include "trialog/event/v1/sealed.pb.h"
#include "trialog/trials/v1/data_capture.pb.h"

namespace trialog::trials {

// By the patient's staff, and by the patient while taking part. FAILED_PRECONDITION: TRIAL_NOT_OPEN, SUBJECT_NOT_OPEN,
// CONSENT_MISSING, EMPTY_CAPTURE.
absl::StatusOr<Decision> CreateDataCapture(const view::State& state, const Context& context,
                                           const v1::CreateDataCaptureRequest& request,
                                           const event::v1::SealedPart& sealed);

// By the patient's staff; by the patient what the patient entered, until it is final. The etag is required, and from
// SUBMITTED on amend_reason. A final capture becomes SUBMITTED, and its acknowledgement is cleared.
absl::StatusOr<Decision> AmendDataCapture(const view::State& state, const Context& context,
                                          const v1::AmendDataCaptureRequest& request,
                                          const event::v1::SealedPart& sealed);

// As AmendDataCapture.
absl::StatusOr<Decision> SubmitDataCapture(const view::State& state, const Context& context,
                                           const v1::SubmitDataCaptureRequest& request,
                                           const event::v1::SealedPart& sealed);

// By assigned providers, and investigators in whose scope the patient is.
absl::StatusOr<Decision> FinalizeDataCapture(const view::State& state, const Context& context,
                                             const v1::FinalizeDataCaptureRequest& request,
                                             const event::v1::SealedPart& sealed);

// By the patient. Nothing changes when it is already so.
absl::StatusOr<Decision> AcknowledgeDataCapture(const view::State& state, const Context& context,
                                                const v1::AcknowledgeDataCaptureRequest& request,
                                                const event::v1::SealedPart& sealed);

// The latest capture of a trial by track_time that the caller may see, about `patient` unless that is empty; NOT_FOUND
// when there is none. Looks at so many as a list does for one page: INVALID_ARGUMENT, TOO_MANY_CAPTURES, when that was
// not enough and the caller may know of it.
absl::StatusOr<std::string> LatestCapture(const view::State& state, const Principal& principal, std::string_view trial,
                                          std::string_view patient);

// Profiles of a trial's researchers, as far as they have one.
std::vector<std::string> ResearchersOf(const view::State& state, std::string_view trial);

// What ExportCodedCaptures tells of a subject, oldest capture first, all but the values, which are sealed: those of
// captures[i] are in the row of captures[i].data_capture.
v1::ExportCodedCapturesResponse CodedSubject(const view::State& state, std::string_view subject);

}  // namespace trialog::trials
