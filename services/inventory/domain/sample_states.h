// The states of a sample and the legal moves between them: one table (sequence of steps as in 21 CFR 11.10(f)).
#pragma once

#include <span>

#include "trialog/inventory/v1/sample.pb.h"

namespace trialog::inventory {

// What brings a move about.
enum class MoveBy {
  kRequest,  // TransitionSample.
  kStock,    // What happens to its stock: used up, or back again.
  kProcess,  // A process with rules of its own: a reservation with its end, a disposal with a second person's approval.
};

struct SampleMove {
  v1::SampleState from;
  v1::SampleState to;
  MoveBy by;
};

// Every legal move, each once.
std::span<const SampleMove> SampleMoves();

// The move, or null when it is not legal.
const SampleMove* FindSampleMove(v1::SampleState from, v1::SampleState to);

// A new sample may be registered in any state up to STORED (existing stock).
bool MayBeRegisteredIn(v1::SampleState state);

// Whether it is at the biobank, so that its stock can be moved and counted.
bool IsAtHand(v1::SampleState state);

// Whether coming to this state needs a reason in words.
bool NeedsReason(v1::SampleState to);

}  // namespace trialog::inventory
