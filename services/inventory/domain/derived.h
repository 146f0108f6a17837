// Fields that are not stored but looked up when a record is shown.
#pragma once

#include "platform/view/state.h"
#include "trialog/inventory/v1/inventory_item.pb.h"
#include "trialog/inventory/v1/storage.pb.h"

namespace trialog::inventory {

// Sets current_count.
void AddDerived(const view::State& state, v1::StorageLocation& location);
// Sets sample_state.
void AddDerived(const view::State& state, v1::InventoryItem& item);
// The same for a resource of any table of inventory; one without derived fields stays as it is.
void AddDerivedFields(const view::State& state, const view::Table& table, google::protobuf::Message& resource);

}  // namespace trialog::inventory
