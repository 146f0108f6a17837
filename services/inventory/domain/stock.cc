#include "services/inventory/domain/stock.h"

#include <algorithm>
#include <array>

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/inventory/domain/access.h"
#include "services/inventory/domain/checks.h"
#include "services/inventory/domain/quantity.h"
#include "services/inventory/domain/sample.h"
#include "services/inventory/domain/sample_states.h"
#include "services/inventory/domain/storage.h"
#include "services/inventory/domain/tables.h"
#include "services/inventory/domain/update.h"
#include "trialog/inventory/v1/events.pb.h"

namespace trialog::inventory {
namespace {

constexpr std::array<std::string_view, 2> kUpdatableItemFields = {"notes", "location_text"};
constexpr std::array<std::string_view, 1> kMovementReason = {"movement_reason"};
constexpr std::array<std::string_view, 2> kReasonAndPlace = {"movement_reason", "location_text"};

// An item and its sample, as a movement finds them.
struct Stock {
  view::RowPtr item_row;
  view::RowPtr sample_row;

  const v1::InventoryItem& item() const { return item_row->As<v1::InventoryItem>(); }
  const v1::Sample& sample() const { return sample_row->As<v1::Sample>(); }
  std::string NextMovement(int64_t ahead = 1) const {
    return MovementName(item().name(), item().movement_count() + ahead);
  }
};

absl::StatusOr<Stock> FindStock(const view::State& state, const Context& context, const std::string& name,
                                std::string_view etag) {
  auto item = FindForChange(state, context, MayHandleStock, kInventoryItems, name);
  if (!item.ok()) return item.status();
  if (absl::Status checked = CheckEtag(etag, EtagIs::kOptional, **item, name); !checked.ok()) return checked;
  Stock stock{*std::move(item), nullptr};
  stock.sample_row = state.Find(kSamples, stock.item().sample());
  if (!stock.sample_row) return NotFound("sample");
  return stock;
}

absl::Status CheckAtHand(const v1::Sample& sample) {
  if (IsAtHand(sample.state())) return absl::OkStatus();
  return BrokenRule("SAMPLE_NOT_AT_HAND", sample.name(),
                    Cat("the sample is ", v1::SampleState_Name(sample.state()), "; receive it first"));
}

bool HasExpired(const v1::Sample& sample, const google::protobuf::Timestamp& now) {
  return sample.has_expire_time() && view::OrderedTime(sample.expire_time()) <= view::OrderedTime(now);
}

absl::Status CheckIssuable(const v1::Sample& sample, const google::protobuf::Timestamp& now) {
  if (sample.state() != v1::SAMPLE_STATE_STORED) {
    return BrokenRule("SAMPLE_NOT_STORED", sample.name(),
                      Cat("the sample is ", v1::SampleState_Name(sample.state()), "; only STORED ones are issued"));
  }
  if (HasExpired(sample, now)) return BrokenRule("SAMPLE_EXPIRED", sample.name(), "the sample has expired");
  if (sample.freeze_thaw_limit() > 0 && sample.freeze_thaw_count() > sample.freeze_thaw_limit()) {
    return BrokenRule("FREEZE_THAW_LIMIT", sample.name(), "the sample was thawed more often than it may be");
  }
  return absl::OkStatus();
}

// A location that one more item fits into, in the biobank.
absl::Status CheckRoom(const view::State& state, const std::string& location_name) {
  const auto location = state.Get<v1::StorageLocation>(kStorageLocations, location_name);
  if (!location) return NotFound("storage location");
  if (CurrentCount(state, location_name) < location->capacity()) return absl::OkStatus();
  return BrokenRule("LOCATION_FULL", location_name, "the location is full; choose another one");
}

absl::Status CheckLocation(const view::State& state, std::string_view field, const std::string& location,
                           std::string_view biobank) {
  if (ParentOf(location) != biobank || !NameMatches(kStorageLocations.pattern, location)) {
    return BadField(field, "BAD_NAME", "a storage location of the same biobank");
  }
  return state.Find(kStorageLocations, location) ? absl::OkStatus() : NotFound("storage location");
}

absl::Status CheckPlaceIsFree(const view::State& state, std::string_view sample, const std::string& location) {
  if (!state.Lookup(kItemByPlace, PlaceKey(sample, location))) return absl::OkStatus();
  return Refuse(absl::StatusCode::kAlreadyExists, "ALREADY_AT_LOCATION",
                "the sample has an item at this location; adjust or return that one");
}

absl::Status CheckAmount(std::string_view field, const Quantity& quantity) {
  if (absl::Status checked = CheckQuantity(field, quantity); !checked.ok()) return checked;
  return quantity.units() > 0 ? absl::OkStatus() : BadField(field, "BAD_QUANTITY", "the amount must be more than 0");
}

event::v1::SealedPart ItemPatch(std::span<const std::string_view> fields, const Stock& stock,
                                const event::v1::SealedPart& sealed) {
  return SealedPatch(fields, *v1::InventoryItem::descriptor(), sealed, stock.item_row->sealed);
}

// Sets `sealed` of an event kind; one without personal fields has none, which keeps movements small.
template <typename Kind>
void SetSealed(Kind& kind, event::v1::SealedPart patch) {
  if (!patch.fields().empty() || !patch.keys().empty()) *kind.mutable_sealed() = std::move(patch);
}

// Adds what the sample becomes when an item of it goes from `before` to `after`: DEPLETED with the last of its stock,
// STORED when there is some again. Other states stay.
void FollowStock(const view::State& state, const Stock& stock, const Quantity& before, const Quantity& after,
                 Decision& decision) {
  const bool emptied = before.units() > 0 && after.units() == 0;
  const bool refilled = before.units() == 0 && after.units() > 0;
  if (!emptied && !refilled) return;
  if (emptied && state.Count(kStockedItemsBySample, stock.item().sample()) > 1) return;
  const v1::SampleState to = emptied ? v1::SAMPLE_STATE_DEPLETED : v1::SAMPLE_STATE_STORED;
  const SampleMove* move = FindSampleMove(stock.sample().state(), to);
  if (!move || move->by != MoveBy::kStock) return;
  decision.Add(stock.sample().name(), SampleMovedTo(to, *stock.sample_row, {}));
  // A sample is never DEPLETED with stock, between the events of a record either.
  if (refilled) std::rotate(decision.events.begin(), decision.events.end() - 1, decision.events.end());
}

v1::InventoryEvent Adjusted(std::string movement, const Quantity& change, const Quantity& balance,
                            v1::AdjustmentCause cause, event::v1::SealedPart patch) {
  v1::InventoryEvent event;
  auto& adjusted = *event.mutable_stock_adjusted();
  adjusted.set_movement(std::move(movement));
  *adjusted.mutable_change() = change;
  *adjusted.mutable_balance() = balance;
  adjusted.set_cause(cause);
  SetSealed(adjusted, std::move(patch));
  return event;
}

v1::InventoryEvent Moved(std::string movement, const std::string& location, event::v1::SealedPart patch) {
  v1::InventoryEvent event;
  auto& moved = *event.mutable_stock_moved();
  moved.set_movement(std::move(movement));
  moved.set_location(location);
  SetSealed(moved, std::move(patch));
  return event;
}

absl::Status CheckReceipt(const view::State& state, const v1::InventoryItem& item, const std::string& biobank) {
  if (ParentOf(item.sample()) != biobank || !NameMatches(kSamples.pattern, item.sample())) {
    return BadField("inventory_item.sample", "BAD_NAME", "a sample of the same biobank");
  }
  if (absl::Status checked = CheckLocation(state, "inventory_item.location", item.location(), biobank); !checked.ok()) {
    return checked;
  }
  if (absl::Status checked = CheckAmount("inventory_item.quantity", item.quantity()); !checked.ok()) return checked;
  if (state.Find(kInventoryItems, item.name())) {
    return Refuse(absl::StatusCode::kAlreadyExists, "INVENTORY_ITEM_EXISTS", "choose another inventory_item_id");
  }
  if (absl::Status checked = CheckPlaceIsFree(state, item.sample(), item.location()); !checked.ok()) return checked;
  return CheckRoom(state, item.location());
}

// Stock may come in for a sample that is stored, or that placing it stores.
bool IsStorable(v1::SampleState state) {
  if (state == v1::SAMPLE_STATE_STORED || state == v1::SAMPLE_STATE_QUARANTINED) return true;
  return state == v1::SAMPLE_STATE_RECEIVED || state == v1::SAMPLE_STATE_PROCESSED ||
         state == v1::SAMPLE_STATE_RETURNED;
}

}  // namespace

absl::StatusOr<Decision> ReceiveStock(const view::State& state, const Context& context,
                                      const v1::ReceiveStockRequest& request, const event::v1::SealedPart& sealed) {
  const auto biobank = FindForChange(state, context, MayHandleStock, kBiobanks, request.parent());
  if (!biobank.ok()) return biobank.status();

  v1::InventoryItem item;
  item.set_uid(request.inventory_item_id().empty() ? context.NewId() : request.inventory_item_id());
  item.set_name(Cat(request.parent(), "/inventoryItems/", item.uid()));
  item.set_sample(request.inventory_item().sample());
  item.set_location(request.inventory_item().location());
  *item.mutable_quantity() = request.inventory_item().quantity();
  *item.mutable_issued_quantity() = ZeroOf(item.quantity());
  *item.mutable_record_time() = context.record_time;
  item.set_movement_count(1);
  item.set_creator(context.principal.user());

  if (absl::Status checked = CheckNewName("inventory_item_id", item.name(), kInventoryItems.pattern); !checked.ok()) {
    return checked;
  }
  if (absl::Status checked = CheckReceipt(state, item, request.parent()); !checked.ok()) return checked;
  const view::RowPtr sample_row = state.Find(kSamples, item.sample());
  if (!sample_row) return NotFound("sample");
  const v1::SampleState before = sample_row->As<v1::Sample>().state();
  if (!IsStorable(before)) {
    return BrokenRule("SAMPLE_NOT_STORABLE", item.sample(),
                      Cat("stock cannot come in while the sample is ", v1::SampleState_Name(before)));
  }

  Decision decision{.events = {}, .names = {item.name()}};
  v1::InventoryEvent event;
  SetSealed(*event.mutable_stock_received(), sealed);
  *event.mutable_stock_received()->mutable_inventory_item() = item;
  decision.Add(item.name(), std::move(event));
  if (before != v1::SAMPLE_STATE_STORED && before != v1::SAMPLE_STATE_QUARANTINED) {
    decision.Add(item.sample(), SampleMovedTo(v1::SAMPLE_STATE_STORED, *sample_row, {}));
  }
  return decision;
}

absl::StatusOr<Decision> MoveStock(const view::State& state, const Context& context,
                                   const v1::MoveStockRequest& request, const event::v1::SealedPart& sealed) {
  const auto stock = FindStock(state, context, request.name(), request.etag());
  if (!stock.ok()) return stock.status();
  const v1::InventoryItem& item = stock->item();
  if (absl::Status checked = CheckLocation(state, "location", request.location(), BiobankOf(item.name()));
      !checked.ok()) {
    return checked;
  }
  if (absl::Status checked = CheckAtHand(stock->sample()); !checked.ok()) return checked;

  const Quantity before = item.quantity();
  Quantity after = before;
  Quantity change = ZeroOf(before);
  if (request.has_counted_quantity()) {
    if (absl::Status checked = CheckQuantity("counted_quantity", request.counted_quantity()); !checked.ok()) {
      return checked;
    }
    const auto difference = Subtract(request.counted_quantity(), before);
    if (!difference.ok()) return difference.status();
    change = *difference;
    if (change.units() != 0) after = request.counted_quantity();
  }
  const bool moves = request.location() != item.location();
  const bool counts = change.units() != 0;
  Decision decision{.events = {}, .names = {item.name()}};
  if (!moves && !counts) return decision;

  if (moves) {
    if (absl::Status checked = CheckPlaceIsFree(state, item.sample(), request.location()); !checked.ok())
      return checked;
  }
  if (after.units() > 0 && (moves || before.units() == 0)) {
    if (absl::Status checked = CheckRoom(state, request.location()); !checked.ok()) return checked;
  }
  // The order in which no location holds more than it takes, in between either: what is empty moves.
  const bool count_first = counts && after.units() == 0;
  const auto add_count = [&](int64_t ahead) {
    decision.Add(item.name(), Adjusted(stock->NextMovement(ahead), change, after, v1::ADJUSTMENT_CAUSE_COUNT,
                                       ItemPatch(kMovementReason, *stock, sealed)));
  };
  if (counts && (count_first || !moves)) add_count(1);
  if (moves) {
    decision.Add(item.name(), Moved(stock->NextMovement(count_first ? 2 : 1), request.location(),
                                    ItemPatch(kReasonAndPlace, *stock, sealed)));
    if (counts && !count_first) add_count(2);
  }
  FollowStock(state, *stock, before, after, decision);
  return decision;
}

absl::StatusOr<Decision> AdjustStock(const view::State& state, const Context& context,
                                     const v1::AdjustStockRequest& request, const event::v1::SealedPart& sealed) {
  const auto stock = FindStock(state, context, request.name(), request.etag());
  if (!stock.ok()) return stock.status();
  const v1::InventoryItem& item = stock->item();
  const Quantity& counted = request.counted_quantity();
  if (absl::Status checked = CheckQuantity("counted_quantity", counted); !checked.ok()) return checked;
  if (!v1::AdjustmentCause_IsValid(request.cause()) || request.cause() == v1::ADJUSTMENT_CAUSE_UNSPECIFIED) {
    return BadField("cause", "BAD_ENUM", "say what is corrected");
  }
  if (request.cause() == v1::ADJUSTMENT_CAUSE_OTHER &&
      !HasSealed(sealed, v1::InventoryItem::kMovementReasonFieldNumber)) {
    return BadField("movement_reason", "REASON_REQUIRED", "say in words what is corrected");
  }
  if (absl::Status checked = CheckAtHand(stock->sample()); !checked.ok()) return checked;
  const auto change = Subtract(counted, item.quantity());
  if (!change.ok()) return change.status();

  Decision decision{.events = {}, .names = {item.name()}};
  if (change->units() == 0) return decision;
  if (item.quantity().units() == 0) {
    if (absl::Status checked = CheckRoom(state, item.location()); !checked.ok()) return checked;
  }
  decision.Add(item.name(), Adjusted(stock->NextMovement(), *change, counted, request.cause(),
                                     ItemPatch(kMovementReason, *stock, sealed)));
  FollowStock(state, *stock, item.quantity(), counted, decision);
  return decision;
}

absl::StatusOr<Decision> IssueStock(const view::State& state, const Context& context,
                                    const v1::IssueStockRequest& request, const event::v1::SealedPart& sealed) {
  const auto stock = FindStock(state, context, request.name(), request.etag());
  if (!stock.ok()) return stock.status();
  const v1::InventoryItem& item = stock->item();
  if (absl::Status checked = CheckAmount("quantity", request.quantity()); !checked.ok()) return checked;
  const auto balance = Subtract(item.quantity(), request.quantity());
  if (!balance.ok()) return balance.status();
  if (absl::Status checked = CheckIssuable(stock->sample(), context.record_time); !checked.ok()) return checked;
  if (balance->units() < 0) {
    return BrokenRule("OVER_ISSUE", item.name(), "less than that is in stock; nothing was issued");
  }
  const auto issued = Add(item.issued_quantity(), request.quantity());
  if (!issued.ok()) return issued.status();

  Decision decision{.events = {}, .names = {item.name()}};
  v1::InventoryEvent event;
  auto& kind = *event.mutable_stock_issued();
  kind.set_movement(stock->NextMovement());
  *kind.mutable_change() = request.quantity();
  kind.mutable_change()->set_units(-request.quantity().units());
  *kind.mutable_balance() = *balance;
  *kind.mutable_issued() = *issued;
  SetSealed(kind, ItemPatch(kMovementReason, *stock, sealed));
  decision.Add(item.name(), std::move(event));
  FollowStock(state, *stock, item.quantity(), *balance, decision);
  return decision;
}

absl::StatusOr<Decision> ReturnStock(const view::State& state, const Context& context,
                                     const v1::ReturnStockRequest& request, const event::v1::SealedPart& sealed) {
  const auto stock = FindStock(state, context, request.name(), request.etag());
  if (!stock.ok()) return stock.status();
  const v1::InventoryItem& item = stock->item();
  if (absl::Status checked = CheckAmount("quantity", request.quantity()); !checked.ok()) return checked;
  const auto issued = Subtract(item.issued_quantity(), request.quantity());
  if (!issued.ok()) return issued.status();
  if (issued->units() < 0) return BrokenRule("OVER_RETURN", item.name(), "less than that is out");
  const auto balance = Add(item.quantity(), request.quantity());
  if (!balance.ok()) return balance.status();
  if (absl::Status checked = CheckAtHand(stock->sample()); !checked.ok()) return checked;
  if (item.quantity().units() == 0) {
    if (absl::Status checked = CheckRoom(state, item.location()); !checked.ok()) return checked;
  }

  Decision decision{.events = {}, .names = {item.name()}};
  v1::InventoryEvent event;
  auto& kind = *event.mutable_stock_returned();
  kind.set_movement(stock->NextMovement());
  *kind.mutable_change() = request.quantity();
  *kind.mutable_balance() = *balance;
  *kind.mutable_issued() = *issued;
  SetSealed(kind, ItemPatch(kMovementReason, *stock, sealed));
  decision.Add(item.name(), std::move(event));
  FollowStock(state, *stock, item.quantity(), *balance, decision);
  return decision;
}

absl::StatusOr<Decision> UpdateInventoryItem(const view::State& state, const Context& context,
                                             const v1::UpdateInventoryItemRequest& request,
                                             const event::v1::SealedPart& sealed) {
  const v1::InventoryItem& wanted = request.inventory_item();
  const auto row = FindForChange(state, context, MayHandleStock, kInventoryItems, wanted.name());
  if (!row.ok()) return row.status();
  if (absl::Status checked = CheckEtag(wanted.etag(), EtagIs::kRequired, **row, wanted.name()); !checked.ok()) {
    return checked;
  }
  const auto fields = FieldsToUpdate(request.update_mask(), kUpdatableItemFields, wanted, sealed);
  if (!fields.ok()) return fields.status();

  Decision decision{.events = {}, .names = {wanted.name()}};
  event::v1::SealedPart patch = SealedPatch(*fields, *v1::InventoryItem::descriptor(), sealed, (*row)->sealed);
  if (patch.fields().empty()) return decision;
  v1::InventoryEvent event;
  event.mutable_inventory_item_updated()->set_inventory_item(wanted.name());
  *event.mutable_inventory_item_updated()->mutable_sealed() = std::move(patch);
  decision.Add(wanted.name(), std::move(event));
  return decision;
}

}  // namespace trialog::inventory
