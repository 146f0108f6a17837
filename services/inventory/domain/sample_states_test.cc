#include "services/inventory/domain/sample_states.h"

#include <set>
#include <string>

#include "gtest/gtest.h"
#include "platform/text/text.h"
#include "services/inventory/domain/testing.h"

namespace trialog::inventory {
namespace {

std::string ShortName(int state) {
  return v1::SampleState_Name(static_cast<v1::SampleState>(state)).substr(std::string("SAMPLE_STATE_").size());
}

// Written down from the field's state machine, apart from the table under test.
std::set<std::string> LegalMoves() {
  std::set<std::string> moves = {
      "PLANNED>COLLECTED",    "PLANNED>NOT_COLLECTED", "PLANNED>MISSED",       "COLLECTED>RECEIVED",
      "RECEIVED>PROCESSED",   "RECEIVED>STORED",       "RECEIVED>QUARANTINED", "RECEIVED>REJECTED",
      "PROCESSED>STORED",     "STORED>CHECKED_OUT",    "CHECKED_OUT>STORED",   "STORED>RESERVED",
      "RESERVED>STORED",      "STORED>IN_TRANSIT",     "RESERVED>IN_TRANSIT",  "IN_TRANSIT>RECEIVED",
      "IN_TRANSIT>LOST",      "CHECKED_OUT>LOST",      "RESERVED>DISTRIBUTED", "DISTRIBUTED>RETURNED",
      "RETURNED>STORED",      "STORED>QUARANTINED",    "QUARANTINED>STORED",   "STORED>DEPLETED",
      "RESERVED>DEPLETED",    "CHECKED_OUT>DEPLETED",  "DEPLETED>STORED",      "STORED>DISPOSED",
      "QUARANTINED>DISPOSED", "DEPLETED>DISPOSED",     "REJECTED>DISPOSED",    "BLOCKED>DISPOSED"};
  for (int state = v1::SampleState_MIN; state <= v1::SampleState_MAX; ++state) {
    const bool blockable = state != v1::SAMPLE_STATE_UNSPECIFIED && state != v1::SAMPLE_STATE_BLOCKED &&
                           state != v1::SAMPLE_STATE_DISTRIBUTED && state != v1::SAMPLE_STATE_DISPOSED;
    if (blockable) moves.insert(ShortName(state) + ">BLOCKED");
  }
  return moves;
}

TEST(SampleStates, AllowExactlyTheListedMovesOfAllPairs) {
  const std::set<std::string> legal = LegalMoves();
  for (int from = v1::SampleState_MIN; from <= v1::SampleState_MAX; ++from) {
    for (int to = v1::SampleState_MIN; to <= v1::SampleState_MAX; ++to) {
      const std::string move = Cat(ShortName(from), ">", ShortName(to));
      const bool found =
          FindSampleMove(static_cast<v1::SampleState>(from), static_cast<v1::SampleState>(to)) != nullptr;
      EXPECT_EQ(found, legal.count(move) == 1) << move;
    }
  }
  EXPECT_EQ(SampleMoves().size(), legal.size());
}

using TransitionSampleTest = InventoryTest;

TEST_F(TransitionSampleTest, FollowsTheTableFromEveryStateToEveryOther) {
  AddSample("s1");
  const auto reason = Sealing(v1::Sample::kStateReasonFieldNumber);
  for (int from = 1; from <= v1::SampleState_MAX; ++from) {
    for (int to = 1; to <= v1::SampleState_MAX; ++to) {
      PutSampleInState("s1", static_cast<v1::SampleState>(from));
      v1::TransitionSampleRequest request;
      request.set_name(SampleName("s1"));
      request.set_state(static_cast<v1::SampleState>(to));
      const auto decision =
          TransitionSample(state, to == v1::SAMPLE_STATE_BLOCKED ? Manager() : Technician(), request, reason);
      const auto* move = FindSampleMove(static_cast<v1::SampleState>(from), static_cast<v1::SampleState>(to));
      const std::string expected = from == to                     ? ""
                                   : !move                        ? "ILLEGAL_MOVE"
                                   : move->by != MoveBy::kRequest ? "MOVE_NEEDS_PROCESS"
                                                                  : "";
      EXPECT_EQ(ReasonOf(decision.status()), expected) << ShortName(from) << " > " << ShortName(to);
      if (decision.ok()) {
        EXPECT_EQ(decision->events.size(), from == to ? 0u : 1u);
        Given(decision);
        EXPECT_EQ(SampleRow("s1").state(), to);
      }
    }
  }
}

}  // namespace
}  // namespace trialog::inventory
