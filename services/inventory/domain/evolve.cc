#include "services/inventory/domain/evolve.h"

#include <algorithm>

#include "platform/command/evolving.h"
#include "services/inventory/domain/tables.h"

namespace trialog::inventory {
namespace {

void PutMovement(view::ChangeSet& state, v1::StockMovement movement) {
  const std::string name = movement.name();
  state.Put(kStockMovements, name, std::make_shared<v1::StockMovement>(std::move(movement)));
}

// A movement of an item that is there: the item's new stock, its number and time, and the movement's own row.
template <typename Kind, typename Change>
void ApplyMovement(view::ChangeSet& state, v1::StockMovement::Kind what, const Kind& kind, Change change) {
  const std::string item_name(ItemOf(kind.movement()));
  v1::StockMovement movement;
  movement.set_name(kind.movement());
  movement.set_kind(what);
  const auto before =
      AmendedFrom<v1::InventoryItem>(state, kInventoryItems, item_name, kind.sealed(), [&](v1::InventoryItem& item) {
        item.set_movement_count(MovementNumber(kind.movement()));
        *item.mutable_record_time() = state.context().record_time;
        movement.set_from_location(item.location());
        change(item, movement);
        *movement.mutable_balance() = item.quantity();
        movement.set_to_location(item.location());
      });
  if (before) PutMovement(state, std::move(movement));
}

void Apply(view::ChangeSet& state, const v1::StockReceived& received) {
  const v1::InventoryItem& item = received.inventory_item();
  v1::StockMovement movement;
  movement.set_name(MovementName(item.name(), 1));
  movement.set_kind(v1::StockMovement::KIND_RECEIPT);
  *movement.mutable_change() = item.quantity();
  *movement.mutable_balance() = item.quantity();
  movement.set_to_location(item.location());
  state.Put(kInventoryItems, item.name(), std::make_shared<v1::InventoryItem>(item), received.sealed());
  PutMovement(state, std::move(movement));
}

void Apply(view::ChangeSet& state, const v1::StockMoved& moved) {
  ApplyMovement(state, v1::StockMovement::KIND_MOVE, moved, [&](v1::InventoryItem& item, v1::StockMovement& movement) {
    *movement.mutable_change() = item.quantity();
    movement.mutable_change()->set_units(0);
    item.set_location(moved.location());
  });
}

void Apply(view::ChangeSet& state, const v1::StockAdjusted& adjusted) {
  ApplyMovement(state, v1::StockMovement::KIND_ADJUSTMENT, adjusted,
                [&](v1::InventoryItem& item, v1::StockMovement& movement) {
                  *movement.mutable_change() = adjusted.change();
                  movement.set_cause(adjusted.cause());
                  *item.mutable_quantity() = adjusted.balance();
                });
}

// Issues and returns: stock changes against what is out.
template <typename Kind>
void ApplyIssueOrReturn(view::ChangeSet& state, v1::StockMovement::Kind what, const Kind& kind) {
  ApplyMovement(state, what, kind, [&](v1::InventoryItem& item, v1::StockMovement& movement) {
    *movement.mutable_change() = kind.change();
    *item.mutable_quantity() = kind.balance();
    *item.mutable_issued_quantity() = kind.issued();
  });
}

void Apply(view::ChangeSet& state, const v1::SampleTransitioned& transitioned) {
  AmendRow<v1::Sample>(state, kSamples, transitioned.sample(), transitioned.sealed(), [&](v1::Sample& sample) {
    sample.set_state(transitioned.to_state());
    sample.set_freeze_thaw_count(transitioned.freeze_thaw_count());
  });
}

void Apply(view::ChangeSet& state, const v1::SampleUpdated& updated) {
  AmendRow<v1::Sample>(state, kSamples, updated.sample().name(), updated.sealed(),
                       [&](v1::Sample& sample) { sample = updated.sample(); });
}

void Apply(view::ChangeSet& state, const v1::BiobankProviderAssigned& assigned) {
  AmendRow<v1::Biobank>(state, kBiobanks, assigned.biobank(), {}, [&](v1::Biobank& biobank) {
    biobank.add_providers(assigned.provider());
    auto& providers = *biobank.mutable_providers();
    std::sort(providers.begin(), providers.end());
    providers.erase(std::unique(providers.begin(), providers.end()), providers.end());
  });
}

void Apply(view::ChangeSet& state, const v1::BiobankProviderUnassigned& unassigned) {
  AmendRow<v1::Biobank>(state, kBiobanks, unassigned.biobank(), {}, [&](v1::Biobank& biobank) {
    auto& providers = *biobank.mutable_providers();
    providers.erase(std::remove(providers.begin(), providers.end(), unassigned.provider()), providers.end());
  });
}

template <typename Resource>
void PutWhole(view::ChangeSet& state, const view::Table& table, const Resource& resource,
              const event::v1::SealedPart& sealed = {}) {
  state.Put(table, resource.name(), std::make_shared<Resource>(resource), sealed);
}

}  // namespace

void Evolve(view::ChangeSet& state, const v1::InventoryEvent& event) {
  switch (event.kind_case()) {  // No default: a new kind fails to build here.
    case v1::InventoryEvent::kBiobankCreated:
      return PutWhole(state, kBiobanks, event.biobank_created().biobank());
    case v1::InventoryEvent::kBiobankUpdated:
      return PutWhole(state, kBiobanks, event.biobank_updated().biobank());
    case v1::InventoryEvent::kBiobankProviderAssigned:
      return Apply(state, event.biobank_provider_assigned());
    case v1::InventoryEvent::kBiobankProviderUnassigned:
      return Apply(state, event.biobank_provider_unassigned());
    case v1::InventoryEvent::kStorageLocationCreated:
      return PutWhole(state, kStorageLocations, event.storage_location_created().storage_location());
    case v1::InventoryEvent::kStorageLocationUpdated:
      return PutWhole(state, kStorageLocations, event.storage_location_updated().storage_location());
    case v1::InventoryEvent::kSampleCreated:
      return PutWhole(state, kSamples, event.sample_created().sample(), event.sample_created().sealed());
    case v1::InventoryEvent::kSampleUpdated:
      return Apply(state, event.sample_updated());
    case v1::InventoryEvent::kSampleTransitioned:
      return Apply(state, event.sample_transitioned());
    case v1::InventoryEvent::kStockReceived:
      return Apply(state, event.stock_received());
    case v1::InventoryEvent::kStockMoved:
      return Apply(state, event.stock_moved());
    case v1::InventoryEvent::kStockAdjusted:
      return Apply(state, event.stock_adjusted());
    case v1::InventoryEvent::kStockIssued:
      return ApplyIssueOrReturn(state, v1::StockMovement::KIND_ISSUE, event.stock_issued());
    case v1::InventoryEvent::kStockReturned:
      return ApplyIssueOrReturn(state, v1::StockMovement::KIND_RETURN, event.stock_returned());
    case v1::InventoryEvent::kInventoryItemUpdated:
      AmendRow<v1::InventoryItem>(state, kInventoryItems, event.inventory_item_updated().inventory_item(),
                                  event.inventory_item_updated().sealed(), [](v1::InventoryItem&) {});
      return;
    case v1::InventoryEvent::KIND_NOT_SET:
      return;  // The reader stops at kinds it does not know before they get here.
  }
}

const Domain& InventoryDomain() {
  static const Domain domain{"inventory",
                             &v1::InventoryEvent::default_instance(),
                             {&kBiobanks, &kStorageLocations, &kSamples, &kInventoryItems, &kStockMovements},
                             [](view::ChangeSet& state, const google::protobuf::Message& event) {
                               Evolve(state, static_cast<const v1::InventoryEvent&>(event));
                             }};
  return domain;
}

}  // namespace trialog::inventory
