// Decisions about stock: what is received, moved, counted, issued and returned. Biobank managers and laboratory
// technicians.
//
// Each change is a movement with a number of its own, never changed afterwards: an undo is a new movement. Stock is
// never negative, and an item's stock equals the sum of its movements. An item takes a place at its location while it
// has stock.
#pragma once

#include "absl/status/statusor.h"
#include "platform/command/decision.h"
#include "trialog/inventory/v1/inventory_item.pb.h"

namespace trialog::inventory {

// Takes stock of a sample into a location as a new item; a RECEIVED, PROCESSED or RETURNED sample becomes STORED.
// Refused: INVENTORY_ITEM_EXISTS, ALREADY_AT_LOCATION (the sample has an item there), LOCATION_FULL,
// SAMPLE_NOT_STORABLE, bad fields.
absl::StatusOr<Decision> ReceiveStock(const view::State& state, const Context& context,
                                      const v1::ReceiveStockRequest& request, const event::v1::SealedPart& sealed);

// Moves all of an item to another location of its biobank and may set what was counted (a second movement). Nothing
// changes when it is there already and the count agrees. Refused: ALREADY_AT_LOCATION, LOCATION_FULL,
// SAMPLE_NOT_AT_HAND, ETAG_MISMATCH, UNIT_MISMATCH, bad fields.
absl::StatusOr<Decision> MoveStock(const view::State& state, const Context& context,
                                   const v1::MoveStockRequest& request, const event::v1::SealedPart& sealed);

// Sets the stock to what was counted; nothing changes when that is what is known. Refused: LOCATION_FULL (stock that
// turns up again needs a place), SAMPLE_NOT_AT_HAND, REASON_REQUIRED, ETAG_MISMATCH, UNIT_MISMATCH, bad fields.
absl::StatusOr<Decision> AdjustStock(const view::State& state, const Context& context,
                                     const v1::AdjustStockRequest& request, const event::v1::SealedPart& sealed);

// Gives stock out. The last of a sample's stock makes it DEPLETED. Refused: OVER_ISSUE (never cut to what is there),
// SAMPLE_NOT_STORED, SAMPLE_EXPIRED, FREEZE_THAW_LIMIT, QUANTITY_OVERFLOW, ETAG_MISMATCH, UNIT_MISMATCH, bad fields.
absl::StatusOr<Decision> IssueStock(const view::State& state, const Context& context,
                                    const v1::IssueStockRequest& request, const event::v1::SealedPart& sealed);

// Takes back what was issued; a DEPLETED sample becomes STORED. Refused: OVER_RETURN (more than is out), LOCATION_FULL,
// SAMPLE_NOT_AT_HAND, QUANTITY_OVERFLOW, ETAG_MISMATCH, UNIT_MISMATCH, bad fields.
absl::StatusOr<Decision> ReturnStock(const view::State& state, const Context& context,
                                     const v1::ReturnStockRequest& request, const event::v1::SealedPart& sealed);

// Changes notes and the location in words. Refused: ETAG_REQUIRED, ETAG_MISMATCH, BAD_UPDATE_MASK.
absl::StatusOr<Decision> UpdateInventoryItem(const view::State& state, const Context& context,
                                             const v1::UpdateInventoryItemRequest& request,
                                             const event::v1::SealedPart& sealed);

}  // namespace trialog::inventory
