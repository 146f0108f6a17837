// trialog-inventory: the inventory service alone.
#include "services/inventory/app/inventory_app.h"
#include "services/single/definition.h"

namespace trialog::single {

const bool kIsAuth = false;

absl::StatusOr<service::Definition> DefinitionOf(const Parts&) { return inventory::InventoryDefinition(); }

}  // namespace trialog::single
