// How a refusal is said: an absl::Status whose payloads are the google.rpc details that reach the caller (AIP-193).
// The reason is stable and for machines; the message says what to do and holds no personal data.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace trialog {

// ErrorInfo.domain of every error of ours.
inline constexpr std::string_view kErrorDomain = "trialog";

// A refusal with a stable reason in UPPER_SNAKE_CASE. `code` is not kOk.
absl::Status Refuse(absl::StatusCode code, std::string_view reason, std::string_view message);

// Bad input at `field` (path in the request, for example "sample.identifier"): INVALID_ARGUMENT with a BadRequest
// detail.
absl::Status BadField(std::string_view field, std::string_view reason, std::string_view message);

// Several bad fields in one answer.
struct FieldViolation {
  std::string field;
  std::string message;
};
absl::Status BadFields(std::string_view reason, const std::vector<FieldViolation>& violations);

// A rule of the domain does not hold: FAILED_PRECONDITION with a PreconditionFailure about `subject` (a resource name).
absl::Status BrokenRule(std::string_view reason, std::string_view subject, std::string_view message);

// No such record, or none that the caller may see; the two are one answer. This is the record that is not there.
absl::Status NotFound(std::string_view what);

// The same answer where the caller sees no such record; `exists`: one is there, and a rule keeps it from the caller.
// That is marked for whoever records refusals (IsRefusal). The mark stays in this process: rpc::ForCaller takes it off.
absl::Status NotVisible(bool exists, std::string_view what);

// The caller may not do this. Never a hint whether the record exists.
absl::Status Denied(std::string_view reason, std::string_view message);

// Whether an access rule refused: Denied, or NotVisible of a record that is there.
bool IsRefusal(const absl::Status& status);
// Another process owns the partition that the call needs: UNAVAILABLE, reason OWNER_CHANGED, with RetryInfo. It stands
// at `address`, which is a mark for the frame of this process: it passes the call on (rpc::Frame).
absl::Status OwnedElsewhere(std::string_view address);
// The address of that mark; empty when there is none.
std::string OwnerAddressOf(const absl::Status& status);
// The status without the marks of NotVisible and OwnedElsewhere.
absl::Status WithoutMark(absl::Status status);

// A stale etag: ABORTED, reason ETAG_MISMATCH (AIP-154).
absl::Status StaleEtag(std::string_view name);

// Try again: UNAVAILABLE or RESOURCE_EXHAUSTED with RetryInfo.
absl::Status RetryLater(absl::StatusCode code, std::string_view reason, std::string_view message, absl::Duration after);

// The stable reason of a status made here; empty when it has none.
std::string ReasonOf(const absl::Status& status);

}  // namespace trialog
