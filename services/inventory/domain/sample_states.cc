#include "services/inventory/domain/sample_states.h"

#include <algorithm>
#include <array>

namespace trialog::inventory {
namespace {

using enum MoveBy;

constexpr auto kMoves = std::to_array<SampleMove>({
    {v1::SAMPLE_STATE_PLANNED, v1::SAMPLE_STATE_COLLECTED, kRequest},
    {v1::SAMPLE_STATE_PLANNED, v1::SAMPLE_STATE_NOT_COLLECTED, kRequest},
    {v1::SAMPLE_STATE_PLANNED, v1::SAMPLE_STATE_MISSED, kRequest},
    {v1::SAMPLE_STATE_COLLECTED, v1::SAMPLE_STATE_RECEIVED, kRequest},
    {v1::SAMPLE_STATE_RECEIVED, v1::SAMPLE_STATE_PROCESSED, kRequest},
    {v1::SAMPLE_STATE_RECEIVED, v1::SAMPLE_STATE_STORED, kRequest},
    {v1::SAMPLE_STATE_RECEIVED, v1::SAMPLE_STATE_QUARANTINED, kRequest},
    {v1::SAMPLE_STATE_RECEIVED, v1::SAMPLE_STATE_REJECTED, kRequest},
    {v1::SAMPLE_STATE_PROCESSED, v1::SAMPLE_STATE_STORED, kRequest},
    {v1::SAMPLE_STATE_STORED, v1::SAMPLE_STATE_CHECKED_OUT, kRequest},
    {v1::SAMPLE_STATE_CHECKED_OUT, v1::SAMPLE_STATE_STORED, kRequest},
    {v1::SAMPLE_STATE_CHECKED_OUT, v1::SAMPLE_STATE_LOST, kRequest},
    {v1::SAMPLE_STATE_STORED, v1::SAMPLE_STATE_RESERVED, kProcess},
    {v1::SAMPLE_STATE_RESERVED, v1::SAMPLE_STATE_STORED, kProcess},
    {v1::SAMPLE_STATE_STORED, v1::SAMPLE_STATE_IN_TRANSIT, kRequest},
    {v1::SAMPLE_STATE_RESERVED, v1::SAMPLE_STATE_IN_TRANSIT, kRequest},
    {v1::SAMPLE_STATE_IN_TRANSIT, v1::SAMPLE_STATE_RECEIVED, kRequest},
    {v1::SAMPLE_STATE_IN_TRANSIT, v1::SAMPLE_STATE_LOST, kRequest},
    {v1::SAMPLE_STATE_RESERVED, v1::SAMPLE_STATE_DISTRIBUTED, kProcess},
    {v1::SAMPLE_STATE_DISTRIBUTED, v1::SAMPLE_STATE_RETURNED, kRequest},
    {v1::SAMPLE_STATE_RETURNED, v1::SAMPLE_STATE_STORED, kRequest},
    {v1::SAMPLE_STATE_STORED, v1::SAMPLE_STATE_QUARANTINED, kRequest},
    {v1::SAMPLE_STATE_QUARANTINED, v1::SAMPLE_STATE_STORED, kRequest},
    // Used up. A quarantined or blocked sample stays what it is, so that stock that turns up again is not free to use.
    {v1::SAMPLE_STATE_STORED, v1::SAMPLE_STATE_DEPLETED, kStock},
    {v1::SAMPLE_STATE_RESERVED, v1::SAMPLE_STATE_DEPLETED, kStock},
    {v1::SAMPLE_STATE_CHECKED_OUT, v1::SAMPLE_STATE_DEPLETED, kStock},
    // An issue is undone by a return: then there is stock again (our choice; the field's lists end at DEPLETED).
    {v1::SAMPLE_STATE_DEPLETED, v1::SAMPLE_STATE_STORED, kStock},
    {v1::SAMPLE_STATE_STORED, v1::SAMPLE_STATE_DISPOSED, kProcess},
    {v1::SAMPLE_STATE_QUARANTINED, v1::SAMPLE_STATE_DISPOSED, kProcess},
    {v1::SAMPLE_STATE_DEPLETED, v1::SAMPLE_STATE_DISPOSED, kProcess},
    {v1::SAMPLE_STATE_REJECTED, v1::SAMPLE_STATE_DISPOSED, kProcess},
    {v1::SAMPLE_STATE_BLOCKED, v1::SAMPLE_STATE_DISPOSED, kProcess},
    // Consent withdrawn: from every state but DISTRIBUTED and DISPOSED.
    {v1::SAMPLE_STATE_PLANNED, v1::SAMPLE_STATE_BLOCKED, kRequest},
    {v1::SAMPLE_STATE_COLLECTED, v1::SAMPLE_STATE_BLOCKED, kRequest},
    {v1::SAMPLE_STATE_RECEIVED, v1::SAMPLE_STATE_BLOCKED, kRequest},
    {v1::SAMPLE_STATE_PROCESSED, v1::SAMPLE_STATE_BLOCKED, kRequest},
    {v1::SAMPLE_STATE_STORED, v1::SAMPLE_STATE_BLOCKED, kRequest},
    {v1::SAMPLE_STATE_QUARANTINED, v1::SAMPLE_STATE_BLOCKED, kRequest},
    {v1::SAMPLE_STATE_IN_TRANSIT, v1::SAMPLE_STATE_BLOCKED, kRequest},
    {v1::SAMPLE_STATE_CHECKED_OUT, v1::SAMPLE_STATE_BLOCKED, kRequest},
    {v1::SAMPLE_STATE_LOST, v1::SAMPLE_STATE_BLOCKED, kRequest},
    {v1::SAMPLE_STATE_NOT_COLLECTED, v1::SAMPLE_STATE_BLOCKED, kRequest},
    {v1::SAMPLE_STATE_MISSED, v1::SAMPLE_STATE_BLOCKED, kRequest},
    {v1::SAMPLE_STATE_REJECTED, v1::SAMPLE_STATE_BLOCKED, kRequest},
    {v1::SAMPLE_STATE_RESERVED, v1::SAMPLE_STATE_BLOCKED, kRequest},
    {v1::SAMPLE_STATE_RETURNED, v1::SAMPLE_STATE_BLOCKED, kRequest},
    {v1::SAMPLE_STATE_DEPLETED, v1::SAMPLE_STATE_BLOCKED, kRequest},
});

}  // namespace

std::span<const SampleMove> SampleMoves() { return kMoves; }

const SampleMove* FindSampleMove(v1::SampleState from, v1::SampleState to) {
  const auto found =
      std::find_if(kMoves.begin(), kMoves.end(), [&](const SampleMove& m) { return m.from == from && m.to == to; });
  return found == kMoves.end() ? nullptr : &*found;
}

bool MayBeRegisteredIn(v1::SampleState state) {
  return state >= v1::SAMPLE_STATE_PLANNED && state <= v1::SAMPLE_STATE_STORED;
}

bool IsAtHand(v1::SampleState state) {
  switch (state) {
    case v1::SAMPLE_STATE_RECEIVED:
    case v1::SAMPLE_STATE_PROCESSED:
    case v1::SAMPLE_STATE_STORED:
    case v1::SAMPLE_STATE_QUARANTINED:
    case v1::SAMPLE_STATE_CHECKED_OUT:
    case v1::SAMPLE_STATE_RESERVED:
    case v1::SAMPLE_STATE_RETURNED:
    case v1::SAMPLE_STATE_REJECTED:
    case v1::SAMPLE_STATE_DEPLETED:
    case v1::SAMPLE_STATE_BLOCKED:
      return true;
    default:
      return false;
  }
}

bool NeedsReason(v1::SampleState to) {
  return to == v1::SAMPLE_STATE_QUARANTINED || to == v1::SAMPLE_STATE_REJECTED || to == v1::SAMPLE_STATE_LOST ||
         to == v1::SAMPLE_STATE_BLOCKED;
}

}  // namespace trialog::inventory
