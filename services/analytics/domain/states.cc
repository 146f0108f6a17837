#include "services/analytics/domain/states.h"

#include <algorithm>

namespace trialog::analytics {
namespace {

using Version = v1::DatasetVersion;
using v1::Analysis;
using v1::Cohort;

constexpr std::pair<Version::State, Version::State> kVersionMoves[] = {
    {Version::STATE_DRAFT, Version::STATE_PUBLISHED},
    {Version::STATE_PUBLISHED, Version::STATE_SUPERSEDED},
    {Version::STATE_PUBLISHED, Version::STATE_RETRACTED},
};

constexpr std::pair<Cohort::State, Cohort::State> kCohortMoves[] = {
    {Cohort::STATE_DRAFT, Cohort::STATE_FROZEN},
    {Cohort::STATE_FROZEN, Cohort::STATE_RETIRED},
};

constexpr std::pair<Analysis::State, Analysis::State> kAnalysisMoves[] = {
    {Analysis::STATE_REQUESTED, Analysis::STATE_QUEUED},
    {Analysis::STATE_REQUESTED, Analysis::STATE_CANCELLED},
    {Analysis::STATE_QUEUED, Analysis::STATE_RUNNING},
    {Analysis::STATE_QUEUED, Analysis::STATE_CANCELLED},
    {Analysis::STATE_RUNNING, Analysis::STATE_SUCCEEDED},
    {Analysis::STATE_RUNNING, Analysis::STATE_FAILED},
    {Analysis::STATE_RUNNING, Analysis::STATE_CANCELLED},
    {Analysis::STATE_RUNNING, Analysis::STATE_QUEUED},  // Its worker was lost.
    {Analysis::STATE_SUCCEEDED, Analysis::STATE_RELEASED},
    {Analysis::STATE_SUCCEEDED, Analysis::STATE_WITHHELD},
};

template <typename State>
bool Contains(Moves<State> moves, State from, State to) {
  return std::find(moves.begin(), moves.end(), std::pair(from, to)) != moves.end();
}

}  // namespace

Moves<Version::State> VersionMoves() { return kVersionMoves; }
Moves<Cohort::State> CohortMoves() { return kCohortMoves; }
Moves<Analysis::State> AnalysisMoves() { return kAnalysisMoves; }

bool MayMove(Version::State from, Version::State to) { return Contains(VersionMoves(), from, to); }
bool MayMove(Cohort::State from, Cohort::State to) { return Contains(CohortMoves(), from, to); }
bool MayMove(Analysis::State from, Analysis::State to) { return Contains(AnalysisMoves(), from, to); }

}  // namespace trialog::analytics
