#include "services/trials/domain/subject_states.h"

#include <algorithm>

namespace trialog::trials {
namespace {

constexpr v1::SubjectState kInTrial[] = {
    v1::SUBJECT_STATE_SCREENING,  v1::SUBJECT_STATE_ELIGIBLE,     v1::SUBJECT_STATE_ENROLLED,
    v1::SUBJECT_STATE_RANDOMIZED, v1::SUBJECT_STATE_ON_TREATMENT, v1::SUBJECT_STATE_FOLLOW_UP,
};

constexpr v1::SubjectState kExits[] = {
    v1::SUBJECT_STATE_WITHDRAWN,
    v1::SUBJECT_STATE_DISCONTINUED,
    v1::SUBJECT_STATE_LOST_TO_FOLLOW_UP,
    v1::SUBJECT_STATE_DECEASED,
};

std::vector<SubjectMove> AllSubjectMoves() {
  std::vector<SubjectMove> moves = {
      {v1::SUBJECT_STATE_CANDIDATE, v1::SUBJECT_STATE_SCREENING, {}},
      {v1::SUBJECT_STATE_SCREENING, v1::SUBJECT_STATE_ELIGIBLE, {}},
      {v1::SUBJECT_STATE_SCREENING, v1::SUBJECT_STATE_SCREEN_FAILED, {}},
      {v1::SUBJECT_STATE_SCREEN_FAILED, v1::SUBJECT_STATE_SCREENING, {}},
      {v1::SUBJECT_STATE_ELIGIBLE, v1::SUBJECT_STATE_ENROLLED, {}},
      {v1::SUBJECT_STATE_ENROLLED, v1::SUBJECT_STATE_RANDOMIZED, {v1::STUDY_TYPE_RANDOMIZED}},
      {v1::SUBJECT_STATE_RANDOMIZED, v1::SUBJECT_STATE_ON_TREATMENT, {v1::STUDY_TYPE_RANDOMIZED}},
      {v1::SUBJECT_STATE_ENROLLED, v1::SUBJECT_STATE_ON_TREATMENT, {v1::STUDY_TYPE_SINGLE_ARM}},
      {v1::SUBJECT_STATE_ENROLLED, v1::SUBJECT_STATE_FOLLOW_UP, {v1::STUDY_TYPE_OBSERVATIONAL}},
      {v1::SUBJECT_STATE_ON_TREATMENT,
       v1::SUBJECT_STATE_FOLLOW_UP,
       {v1::STUDY_TYPE_RANDOMIZED, v1::STUDY_TYPE_SINGLE_ARM}},
      {v1::SUBJECT_STATE_FOLLOW_UP, v1::SUBJECT_STATE_COMPLETED, {}},
  };
  for (const auto from : kInTrial) {
    for (const auto to : kExits) moves.push_back({from, to, {}});
  }
  return moves;
}

}  // namespace

const std::vector<SubjectMove>& SubjectMoves() {
  static const auto& moves = *new std::vector<SubjectMove>(AllSubjectMoves());
  return moves;
}

bool SubjectMayMove(v1::StudyType study_type, v1::SubjectState from, v1::SubjectState to) {
  return std::any_of(SubjectMoves().begin(), SubjectMoves().end(), [&](const SubjectMove& move) {
    return move.from == from && move.to == to &&
           (move.only_in.empty() ||
            std::find(move.only_in.begin(), move.only_in.end(), study_type) != move.only_in.end());
  });
}

bool IsExit(v1::SubjectState state) {
  return std::find(std::begin(kExits), std::end(kExits), state) != std::end(kExits);
}

bool IsInTrial(v1::SubjectState state) {
  return std::find(std::begin(kInTrial), std::end(kInTrial), state) != std::end(kInTrial);
}

std::span<const ConsentMove> ConsentMoves() {
  static constexpr ConsentMove kMoves[] = {
      {v1::CONSENT_STATE_UNSPECIFIED, v1::CONSENT_STATE_OFFERED},
      // Handed out and decided in one visit.
      {v1::CONSENT_STATE_UNSPECIFIED, v1::CONSENT_STATE_GIVEN},
      {v1::CONSENT_STATE_UNSPECIFIED, v1::CONSENT_STATE_DECLINED},
      {v1::CONSENT_STATE_OFFERED, v1::CONSENT_STATE_GIVEN},
      {v1::CONSENT_STATE_OFFERED, v1::CONSENT_STATE_DECLINED},
      {v1::CONSENT_STATE_GIVEN, v1::CONSENT_STATE_WITHDRAWN},
      {v1::CONSENT_STATE_GIVEN, v1::CONSENT_STATE_EXPIRED},
      {v1::CONSENT_STATE_GIVEN, v1::CONSENT_STATE_SUPERSEDED},
  };
  return kMoves;
}

bool ConsentMayMove(v1::ConsentState from, v1::ConsentState to) {
  const auto moves = ConsentMoves();
  return std::any_of(moves.begin(), moves.end(),
                     [&](const ConsentMove& move) { return move.from == from && move.to == to; });
}

}  // namespace trialog::trials
