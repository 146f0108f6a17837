// The life of a data capture.
#pragma once

#include <span>

#include "services/trials/domain/transitions.h"
#include "trialog/trials/v1/data_capture.pb.h"

namespace trialog::trials {

enum class CaptureAction { kSubmit, kFinalize, kAcknowledge, kAmend };

inline std::span<const Transition<v1::DataCaptureState, CaptureAction>> CaptureMoves() {
  using enum CaptureAction;
  static constexpr Transition<v1::DataCaptureState, CaptureAction> kMoves[] = {
      {v1::DATA_CAPTURE_STATE_DRAFT, kSubmit, v1::DATA_CAPTURE_STATE_SUBMITTED},
      {v1::DATA_CAPTURE_STATE_SUBMITTED, kFinalize, v1::DATA_CAPTURE_STATE_FINALIZED},
      {v1::DATA_CAPTURE_STATE_FINALIZED, kAcknowledge, v1::DATA_CAPTURE_STATE_ACKNOWLEDGED},
      {v1::DATA_CAPTURE_STATE_DRAFT, kAmend, v1::DATA_CAPTURE_STATE_DRAFT},
      {v1::DATA_CAPTURE_STATE_SUBMITTED, kAmend, v1::DATA_CAPTURE_STATE_SUBMITTED},
      {v1::DATA_CAPTURE_STATE_FINALIZED, kAmend, v1::DATA_CAPTURE_STATE_SUBMITTED},
      {v1::DATA_CAPTURE_STATE_ACKNOWLEDGED, kAmend, v1::DATA_CAPTURE_STATE_SUBMITTED},
  };
  return kMoves;
}

// Final: completed by a clinician and not being amended.
inline bool IsFinal(v1::DataCaptureState state) {
  return state == v1::DATA_CAPTURE_STATE_FINALIZED || state == v1::DATA_CAPTURE_STATE_ACKNOWLEDGED;
}

}  // namespace trialog::trials
