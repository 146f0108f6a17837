// The simulation finds what it is there to find: each rule that is left out shows within a few seeds.
#include <iostream>

#include "gtest/gtest.h"
#include "platform/text/text.h"
#include "tests/simulation/simulation.h"

namespace trialog::testing {
namespace {

using event::v1::FoldState;
using event::v1::LogRecord;

constexpr uint64_t kSeeds = 50;

void ExpectFound(std::string_view bug, const SimulationOptions& options) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const SimulationResult result = Simulate(seed, options);
    if (result.findings.empty()) continue;
    std::cout << bug << ": found by seed " << seed << ": " << result.findings.front() << std::endl;
    return;
  }
  ADD_FAILURE() << bug << " was not found by seeds 1 to " << kSeeds;
}

// Admission that takes a record of any term and owner for the current owner's.
log::Verdict AdmitAnyTerm(FoldState& state, const LogRecord& record, std::string_view bytes, int64_t offset) {
  if (!record.has_data()) return log::Admit(state, record, bytes, offset);
  LogRecord taken = record;
  taken.mutable_data()->set_term(state.term());
  taken.mutable_data()->set_owner(state.owner());
  return log::Admit(state, taken, bytes, offset);
}

// Admission that takes any sequence number for the next.
log::Verdict AdmitAnySeq(FoldState& state, const LogRecord& record, std::string_view bytes, int64_t offset) {
  if (!record.has_data()) return log::Admit(state, record, bytes, offset);
  LogRecord taken = record;
  taken.mutable_data()->set_seq(state.next_seq());
  return log::Admit(state, taken, bytes, offset);
}

TEST(SimulationFinds, AcknowledgementBeforeTheAppend) {
  ExpectFound("acknowledge before append", {.bugs = {.acknowledge_before_append = true}});
}

TEST(SimulationFinds, AnAdmissionThatDoesNotAskForTheTerm) {
  SimulationOptions options;
  options.bugs.fold.admit = AdmitAnyTerm;
  ExpectFound("no term check", options);
}

TEST(SimulationFinds, AnAdmissionThatDoesNotAskForTheSequenceNumber) {
  SimulationOptions options;
  options.bugs.fold.admit = AdmitAnySeq;
  ExpectFound("seq not checked", options);
}

TEST(SimulationFinds, APositionWrittenApartFromTheRows) {
  ExpectFound("position outside the batch", {.position_apart = true});
}

TEST(SimulationFinds, AForgottenTableOfRequestIds) {
  ExpectFound("dedup forgotten", {.bugs = {.forget_requests = true}});
}

TEST(SimulationFinds, AReportThatIsBelievedWithoutLookingAtItsOffset) {
  ExpectFound("report believed", {.bugs = {.no_offset_check = true}});
}

TEST(Simulation, TheSameSeedGivesTheSameRun) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    const SimulationResult first = Simulate(seed), second = Simulate(seed);
    EXPECT_EQ(first.digest, second.digest) << "seed " << seed;
    EXPECT_EQ(first.counts.ToString(), second.counts.ToString()) << "seed " << seed;
  }
}

TEST(Simulation, ASeedThatFailsFailsAgainInTheSameWay) {
  const SimulationOptions options{.bugs = {.forget_requests = true}};
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const SimulationResult first = Simulate(seed, options);
    if (first.findings.empty()) continue;
    const SimulationResult second = Simulate(seed, options);
    EXPECT_EQ(first.findings, second.findings);
    EXPECT_EQ(first.digest, second.digest);
    return;
  }
  FAIL() << "no seed failed";
}

TEST(Simulation, WhatNeverHappenedIsNamed) {
  SimulationCounts counts;
  EXPECT_NE(counts.NeverHappened().find("late"), std::string::npos);
  for (uint64_t seed = 1; seed <= 3; ++seed) counts += Simulate(seed).counts;
  EXPECT_EQ(counts.NeverHappened().find("commands"), std::string::npos);
}

TEST(Simulation, EachRunHasItsCommandsACrashAndTwoClaims) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const SimulationCounts counts = Simulate(seed).counts;
    EXPECT_GE(counts.commands, 80) << "seed " << seed;
    EXPECT_GE(counts.crashes, 1) << "seed " << seed;
    EXPECT_GE(counts.claims, 2) << "seed " << seed;
  }
}

}  // namespace
}  // namespace trialog::testing
