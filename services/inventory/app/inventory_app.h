// Inventory as a service: which method serves which resource, and which decision answers which command.
#pragma once

#include "platform/service/host.h"

namespace trialog::inventory {

service::Definition InventoryDefinition();

}  // namespace trialog::inventory
