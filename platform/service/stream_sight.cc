#include "platform/service/stream_sight.h"

#include <utility>

namespace trialog::service {
namespace {

constexpr absl::Duration kEvery = absl::Minutes(1);

}  // namespace

bool StreamSight::MayShow(Recorded recorded) {
  if (sight_.empty()) return true;
  if (!sight_.full() && SinceLast() < kEvery) return WriteLater(), true;
  Write(std::move(recorded));
  return false;
}

void StreamSight::WriteLater() {
  if (std::exchange(due_, true)) return;
  backend_.watches().After(kEvery - SinceLast(), [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->MinuteIsOver();
  });
}

void StreamSight::MinuteIsOver() {
  due_ = false;
  if (sight_.empty()) return;
  if (SinceLast() < kEvery) return WriteLater();  // One was written early, of much.
  Write([failed = failed_](const absl::Status& recorded) {
    if (!recorded.ok()) failed(recorded);
  });
}

void StreamSight::Write(Recorded recorded) {
  if (sight_.empty()) return;
  last_ = backend_.runtime().Monotonic();
  backend_.RecordShown(*caller_, Via(*stream_).Unhurried(), sight_.Take(),
                       [hold = backend_.watches().Hold(), recorded = std::move(recorded)](const absl::Status& status) {
                         if (recorded) recorded(status);
                       });
}

}  // namespace trialog::service
