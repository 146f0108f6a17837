// Decisions about biobanks and the providers assigned to them. Only biobank managers.
#pragma once

#include "absl/status/statusor.h"
#include "platform/command/decision.h"
#include "trialog/inventory/v1/biobank.pb.h"

namespace trialog::inventory {

// Most providers that one biobank may have.
inline constexpr int kMaxProviders = 1'000;

// Refused: BIOBANK_EXISTS and bad fields. A biobank has no personal fields; the sealed part is empty in all of these.
absl::StatusOr<Decision> CreateBiobank(const view::State& state, const Context& context,
                                       const v1::CreateBiobankRequest& request, const event::v1::SealedPart& sealed);

// Refused: ETAG_REQUIRED, ETAG_MISMATCH, BAD_UPDATE_MASK and bad fields.
absl::StatusOr<Decision> UpdateBiobank(const view::State& state, const Context& context,
                                       const v1::UpdateBiobankRequest& request, const event::v1::SealedPart& sealed);

// Nothing changes for a provider who is assigned already. Refused: TOO_MANY_PROVIDERS.
absl::StatusOr<Decision> AssignProvider(const view::State& state, const Context& context,
                                        const v1::AssignProviderRequest& request, const event::v1::SealedPart& sealed);

// Nothing changes for one who is not assigned.
absl::StatusOr<Decision> UnassignProvider(const view::State& state, const Context& context,
                                          const v1::UnassignProviderRequest& request,
                                          const event::v1::SealedPart& sealed);

}  // namespace trialog::inventory
