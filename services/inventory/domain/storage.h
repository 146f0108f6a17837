// Decisions about storage locations, and how full they are.
#pragma once

#include "absl/status/statusor.h"
#include "platform/command/decision.h"
#include "trialog/inventory/v1/storage.pb.h"

namespace trialog::inventory {

inline constexpr int64_t kMaxCapacity = 10'000'000;

// Refused: STORAGE_LOCATION_EXISTS and bad fields. A location has no personal fields; the sealed part is empty.
absl::StatusOr<Decision> CreateStorageLocation(const view::State& state, const Context& context,
                                               const v1::CreateStorageLocationRequest& request,
                                               const event::v1::SealedPart& sealed);

// Refused: CAPACITY_BELOW_COUNT, ETAG_REQUIRED, ETAG_MISMATCH, BAD_UPDATE_MASK and bad fields.
absl::StatusOr<Decision> UpdateStorageLocation(const view::State& state, const Context& context,
                                               const v1::UpdateStorageLocationRequest& request,
                                               const event::v1::SealedPart& sealed);

// How many items have stock at a location.
int64_t CurrentCount(const view::State& state, std::string_view location);

// How full a location is; its row has been found and may be seen.
v1::Occupancy OccupancyOf(const view::State& state, const v1::StorageLocation& location);

}  // namespace trialog::inventory
