#include "services/analytics/domain/states.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace trialog::analytics {
namespace {

// Walks all pairs of states; `legal` lists the moves of domain terms, written out here once more.
template <typename State>
void ExpectMoves(const google::protobuf::EnumDescriptor& states, const std::set<std::string>& legal) {
  for (int from = 0; from < states.value_count(); ++from) {
    for (int to = 0; to < states.value_count(); ++to) {
      const std::string move = states.value(from)->name().substr(6) + " " + states.value(to)->name().substr(6);
      EXPECT_EQ(
          MayMove(static_cast<State>(states.value(from)->number()), static_cast<State>(states.value(to)->number())),
          legal.count(move) == 1)
          << move;
    }
  }
}

TEST(DatasetVersionStates, MoveOnlyAsListed) {
  ExpectMoves<v1::DatasetVersion::State>(*v1::DatasetVersion::State_descriptor(),
                                         {"DRAFT PUBLISHED", "PUBLISHED SUPERSEDED", "PUBLISHED RETRACTED"});
}

TEST(CohortStates, MoveOnlyAsListed) {
  ExpectMoves<v1::Cohort::State>(*v1::Cohort::State_descriptor(), {"DRAFT FROZEN", "FROZEN RETIRED"});
}

TEST(AnalysisStates, MoveOnlyAsListed) {
  ExpectMoves<v1::Analysis::State>(
      *v1::Analysis::State_descriptor(),
      {"REQUESTED QUEUED", "REQUESTED CANCELLED", "QUEUED RUNNING", "QUEUED CANCELLED", "RUNNING SUCCEEDED",
       "RUNNING FAILED", "RUNNING CANCELLED", "RUNNING QUEUED", "SUCCEEDED RELEASED", "SUCCEEDED WITHHELD"});
}

}  // namespace
}  // namespace trialog::analytics
