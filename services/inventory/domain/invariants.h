// What holds in inventory after every event, however it came about. For simulation, fault runs and `trialogctl verify`.
#pragma once

#include <string>
#include <vector>

#include "platform/view/state.h"

namespace trialog::inventory {

// Says what does not hold, one sentence a finding (resource names only, at most `limit`); empty when all holds:
// - mass balance: an item's stock is the sum of its movements, which are numbered without a gap, each with the balance
//   that follows; neither stock nor what is out is ever negative;
// - capacity: no location holds more than it takes, and its count is that of the items found there;
// - uniqueness: no identifier twice in an organization, no two items of a sample at one location;
// - references: an item's sample and location are there, and a DEPLETED sample has no stock.
// Reads whole tables through the indexes of tables.h, so the time grows with the number of movements.
std::vector<std::string> CheckInvariants(const view::State& state, size_t limit = 100);

}  // namespace trialog::inventory
