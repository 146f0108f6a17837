#include "platform/service/stream_access.h"

#include <set>
#include <utility>

#include "platform/errors/errors.h"
#include "platform/sealing/digest.h"
#include "platform/text/text.h"

namespace trialog::service {

absl::Status AccessChanged() {
  return Refuse(absl::StatusCode::kAborted, "WATCH_ACCESS_CHANGED",
                "what you may see has changed; list again and watch from there, or subscribe again from the last "
                "resume token");
}

std::string AccessDigest(const Principal& principal) {
  std::set<std::string> grants;
  for (const Grant& grant : principal.grants) grants.insert(Cat(static_cast<int>(grant.role), " ", grant.scope));
  std::string bytes;
  sealing::AppendLengthPrefixed(bytes, principal.user());
  sealing::AppendLengthPrefixed(bytes, principal.patient);
  for (const std::string& grant : grants) sealing::AppendLengthPrefixed(bytes, grant);
  return sealing::Sha256(bytes).substr(0, 16);
}

absl::Status StreamAccess::Check() {
  if (stream_.cancelled()) return absl::CancelledError("the caller has gone");
  const Principal& caller = stream_.principal();
  const auto& [epoch_of, holds_until] = backend_.options().access;
  if (epoch_of && !caller.internal && epoch_of(caller.user()) != caller.access_epoch) return AccessChanged();
  if (!holds_until) return absl::OkStatus();
  const absl::Time now = backend_.runtime().Now();
  if (now >= until_) {
    const auto until = holds_until(stream_.opening_token(), caller);
    if (!until.ok()) return until.status();
    if (*until <= now) return AccessChanged();
    until_ = *until;
  }
  if (until_ != absl::InfiniteFuture()) LookAt(until_);
  return absl::OkStatus();
}

void StreamAccess::LookAt(absl::Time time) {
  if (std::exchange(*waiting_, true)) return;
  executor_.After(time - backend_.runtime().Now(), [waiting = waiting_, look = look_] {
    *waiting = false;
    look();
  });
}

}  // namespace trialog::service
