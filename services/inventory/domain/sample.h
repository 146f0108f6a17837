// Decisions about samples. Biobank managers and laboratory technicians.
#pragma once

#include "absl/status/statusor.h"
#include "platform/command/decision.h"
#include "trialog/inventory/v1/events.pb.h"
#include "trialog/inventory/v1/sample.pb.h"

namespace trialog::inventory {

// Registers a sample. Refused: IDENTIFIER_TAKEN (unique in the organization), SAMPLE_EXISTS, BAD_INITIAL_STATE and bad
// fields.
absl::StatusOr<Decision> CreateSample(const view::State& state, const Context& context,
                                      const v1::CreateSampleRequest& request, const event::v1::SealedPart& sealed);

// Changes what is known of a sample. Refused: IDENTIFIER_TAKEN, ETAG_REQUIRED, ETAG_MISMATCH, BAD_UPDATE_MASK and bad
// fields.
absl::StatusOr<Decision> UpdateSample(const view::State& state, const Context& context,
                                      const v1::UpdateSampleRequest& request, const event::v1::SealedPart& sealed);

// Moves a sample to another state; nothing changes when it is there already. From RETURNED to STORED it has gone
// through one more freeze-thaw cycle. Refused: ILLEGAL_MOVE, MOVE_NEEDS_PROCESS (a legal move that this method does not
// make), MANAGER_NEEDED (to block a sample), TECHNICIAN_NEEDED (for every other move), REASON_REQUIRED, ETAG_MISMATCH.
absl::StatusOr<Decision> TransitionSample(const view::State& state, const Context& context,
                                          const v1::TransitionSampleRequest& request,
                                          const event::v1::SealedPart& sealed);

// The event of a move, for decisions that move a sample along with something else. `sealed` may hold a new
// state_reason; without one the former is removed. The move is legal.
v1::InventoryEvent SampleMovedTo(v1::SampleState to, const view::Row& sample, const event::v1::SealedPart& sealed);

}  // namespace trialog::inventory
