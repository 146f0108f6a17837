// Decisions about adherence: doses and protocols, logged by the patient, and providers' feedback.
#pragma once

#include "absl/status/statusor.h"
#include "platform/command/decision.h"
#include "trialog/trials/v1/medication.pb.h"

namespace trialog::trials {

// How a dose counts: EXTRA without planned time, ON_TIME when taken within the tolerance (both ends included) of it,
// else LATE. MISSED is never derived: it is said. Times in microseconds.
v1::AdherenceLog::AdherenceState StateOfDose(const v1::AdherenceLog& log,
                                             const v1::MedicationDistribution& distribution);

// Logs one dose. BAD_DISTRIBUTION: not one of this patient's that the caller may see; DISTRIBUTION_NOT_AVAILABLE: not
// finalized; DOSE_ALREADY_LOGGED; CONTRADICTS_TIMES: the stated adherence state does not follow; IN_FUTURE; bad fields.
absl::StatusOr<Decision> LogAdherence(const view::State& state, const Context& context,
                                      const v1::LogAdherenceRequest& request, const event::v1::SealedPart& sealed);

// Says how far a protocol is kept; the same state at the same stated time decides nothing. Bad fields,
// IN_FUTURE.
absl::StatusOr<Decision> RecordProtocolAdherence(const view::State& state, const Context& context,
                                                 const v1::RecordProtocolAdherenceRequest& request);

// Notes something on an order, a dose or a protocol; the former note stays in the history. REQUIRED: no text.
absl::StatusOr<Decision> AddFeedback(const view::State& state, const Context& context,
                                     const v1::AddFeedbackRequest& request, const event::v1::SealedPart& sealed);

// The table of a record that feedback can be given on; null for any other name.
const view::Table* FeedbackTable(std::string_view name);

// The number of the field `feedback` in that table's resource: what AddFeedback's text is sealed under.
int32_t FeedbackFieldNumber(const view::Table& table);

}  // namespace trialog::trials
