// What must hold of a service's log, of every store folded from it and of what its clients were told. One checker for
// the simulation, the fault runs and `trialogctl verify`.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "platform/command/command.h"
#include "platform/command/fold.h"
#include "platform/log/log.h"
#include "platform/view/store.h"

namespace trialog {

// What clients know; kept on their side, so that a server cannot forget it.
struct ClientJournal {
  // Every OK that a request got, in order.
  std::map<std::string, std::vector<Outcome>> acknowledged;
  // Requests of which every attempt was refused: none may have had an effect.
  std::set<std::string> refused;
  // Requests that were ever sent; empty: not known, so not checked.
  std::set<std::string> sent;
};

struct CheckOptions {
  const Domain* domain = nullptr;
  log::Log* log = nullptr;
  int partitions = log::kPartitions;
  // Folded to the log's end.
  std::vector<const view::Store*> stores;
  // Empty; the log is folded into it from zero. Null: no comparison with a replay.
  view::Store* replay = nullptr;
  // What the domain says of a partition's state; null: nothing.
  std::function<std::vector<std::string>(const view::State&)> invariants;
  const ClientJournal* journal = nullptr;
  FoldRules rules;  // For planted bugs.
};

// Says what does not hold, one sentence a finding, at most 100; empty when all holds:
// - the log can be read and folded, and raised no alarm: no term is skipped and every admitted record was decided on
// the
//   admitted record before it;
// - no request was admitted twice within the time that request ids are remembered, and none that was never sent;
// - an acknowledged request was admitted, once, at the offset and with the names that each answer to it gave;
// - a request that was only ever refused was not admitted;
// - each store stands at the log's end, holds the domain's invariants, and equals a replay from zero, byte for byte.
std::vector<std::string> Check(const CheckOptions& options);

}  // namespace trialog
