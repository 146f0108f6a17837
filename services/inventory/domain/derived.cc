#include "services/inventory/domain/derived.h"

#include "services/inventory/domain/storage.h"
#include "services/inventory/domain/tables.h"
#include "trialog/inventory/v1/sample.pb.h"

namespace trialog::inventory {

void AddDerived(const view::State& state, v1::StorageLocation& location) {
  location.set_current_count(CurrentCount(state, location.name()));
}

void AddDerived(const view::State& state, v1::InventoryItem& item) {
  const auto sample = state.Get<v1::Sample>(kSamples, item.sample());
  if (sample) item.set_sample_state(sample->state());
}

void AddDerivedFields(const view::State& state, const view::Table& table, google::protobuf::Message& resource) {
  if (table.id == kStorageLocations.id) AddDerived(state, static_cast<v1::StorageLocation&>(resource));
  if (table.id == kInventoryItems.id) AddDerived(state, static_cast<v1::InventoryItem&>(resource));
}

}  // namespace trialog::inventory
