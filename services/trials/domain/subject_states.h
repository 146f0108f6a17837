// The way of a subject through a trial, and of a consent.
#pragma once

#include <span>
#include <vector>

#include "trialog/trials/v1/enrollment.pb.h"
#include "trialog/trials/v1/trial.pb.h"

namespace trialog::trials {

// A step, and the study types in which it is legal. Every type: empty.
struct SubjectMove {
  v1::SubjectState from;
  v1::SubjectState to;
  std::vector<v1::StudyType> only_in;
};
const std::vector<SubjectMove>& SubjectMoves();
bool SubjectMayMove(v1::StudyType study_type, v1::SubjectState from, v1::SubjectState to);

// Left before the planned end; the reason is a must.
bool IsExit(v1::SubjectState state);
// From SCREENING up to FOLLOW_UP: takes part.
bool IsInTrial(v1::SubjectState state);

struct ConsentMove {
  v1::ConsentState from;  // UNSPECIFIED: nothing was recorded for this form version yet.
  v1::ConsentState to;
};
std::span<const ConsentMove> ConsentMoves();
bool ConsentMayMove(v1::ConsentState from, v1::ConsentState to);

}  // namespace trialog::trials
