// What inventory's events mean for its rows.
#pragma once

#include "platform/command/decision.h"
#include "trialog/inventory/v1/events.pb.h"

namespace trialog::inventory {

// Applies one event. Total: it never refuses, logs or calls out; what an event names and is not there is left alone.
void Evolve(view::ChangeSet& state, const v1::InventoryEvent& event);

// Inventory as the platform needs to know it.
const Domain& InventoryDomain();

}  // namespace trialog::inventory
