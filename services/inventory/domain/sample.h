// Decisions about samples.
#pragma once

#include "absl/status/statusor.h"
#include "platform/command/decision.h"
#include "trialog/inventory/v1/sample.pb.h"

namespace trialog::inventory {

// Registers a sample. Refused: IDENTIFIER_TAKEN (unique in the organization), SAMPLE_EXISTS, and bad fields.
absl::StatusOr<Decision> CreateSample(const view::State& state, const Context& context,
                                      const v1::CreateSampleRequest& request, const event::v1::SealedPart& sealed);

}  // namespace trialog::inventory
