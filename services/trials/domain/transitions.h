// A state machine as one table of its legal moves; whatever is not listed is refused (21 CFR 11.10(f)).
#pragma once

#include <optional>
#include <span>

namespace trialog::trials {

template <typename State, typename Action>
struct Transition {
  State from;
  Action action;
  State to;
};

// Where `action` leads from `from`; none when the table does not list it.
template <typename State, typename Action>
std::optional<State> After(std::span<const Transition<State, Action>> moves, State from, Action action) {
  for (const auto& move : moves) {
    if (move.from == from && move.action == action) return move.to;
  }
  return std::nullopt;
}

}  // namespace trialog::trials
