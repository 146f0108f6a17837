// A state machine as the list of its legal moves: one table a resource, and no other place that knows them.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

namespace trialog::trials {

template <typename State>
struct Move {
  State from;
  State to;
};

// Whether `moves` has the move. Staying is a move only when it is listed.
template <typename State, size_t N>
constexpr bool MayMove(const std::array<Move<State>, N>& moves, State from, State to) {
  return std::any_of(moves.begin(), moves.end(),
                     [&](const Move<State>& move) { return move.from == from && move.to == to; });
}

}  // namespace trialog::trials
