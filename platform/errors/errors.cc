#include "platform/errors/errors.h"

#include "absl/strings/cord.h"
#include "google/rpc/error_details.pb.h"
#include "platform/text/text.h"

namespace trialog {
namespace {

// No type of a message: it is never one of the details that travel.
constexpr std::string_view kHiddenMark = "trialog/hidden", kOwnerMark = "trialog/owner";

template <typename Detail>
void Attach(absl::Status& status, const Detail& detail) {
  status.SetPayload("type.googleapis.com/" + Detail::descriptor()->full_name(), absl::Cord(detail.SerializeAsString()));
}

}  // namespace

absl::Status Refuse(absl::StatusCode code, std::string_view reason, std::string_view message) {
  absl::Status status(code, ToAbsl(message));
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(reason));
  info.set_domain(std::string(kErrorDomain));
  Attach(status, info);
  return status;
}

absl::Status BadField(std::string_view field, std::string_view reason, std::string_view message) {
  return BadFields(reason, {{std::string(field), std::string(message)}});
}

absl::Status BadFields(std::string_view reason, const std::vector<FieldViolation>& violations) {
  std::string text;
  google::rpc::BadRequest bad;
  for (const FieldViolation& v : violations) {
    Append(text, text.empty() ? "" : "; ", v.field, ": ", v.message);
    auto* violation = bad.add_field_violations();
    violation->set_field(v.field);
    violation->set_description(v.message);
  }
  absl::Status status = Refuse(absl::StatusCode::kInvalidArgument, reason, text);
  Attach(status, bad);
  return status;
}

absl::Status BrokenRule(std::string_view reason, std::string_view subject, std::string_view message) {
  absl::Status status = Refuse(absl::StatusCode::kFailedPrecondition, reason, message);
  google::rpc::PreconditionFailure failure;
  auto* violation = failure.add_violations();
  violation->set_type(std::string(reason));
  violation->set_subject(std::string(subject));
  violation->set_description(std::string(message));
  Attach(status, failure);
  return status;
}

absl::Status NotFound(std::string_view what) {
  return Refuse(absl::StatusCode::kNotFound, "NOT_FOUND",
                Cat("no such ", what, ", or it is not yours to see; check the name"));
}

absl::Status NotVisible(bool exists, std::string_view what) {
  absl::Status status = NotFound(what);
  if (exists) status.SetPayload(ToAbsl(kHiddenMark), absl::Cord());
  return status;
}

bool IsRefusal(const absl::Status& status) {
  if (status.ok()) return false;
  return absl::IsPermissionDenied(status) || status.GetPayload(ToAbsl(kHiddenMark)).has_value();
}

absl::Status OwnedElsewhere(std::string_view address) {
  absl::Status status = RetryLater(absl::StatusCode::kUnavailable, "OWNER_CHANGED",
                                   "another process writes for this organisation; repeat with the same request_id",
                                   absl::Milliseconds(50));
  status.SetPayload(ToAbsl(kOwnerMark), absl::Cord(ToAbsl(address)));
  return status;
}

std::string OwnerAddressOf(const absl::Status& status) {
  const auto address = status.GetPayload(ToAbsl(kOwnerMark));
  return address ? std::string(*address) : std::string();
}

absl::Status WithoutMark(absl::Status status) {
  status.ErasePayload(ToAbsl(kHiddenMark));
  status.ErasePayload(ToAbsl(kOwnerMark));
  return status;
}

absl::Status Denied(std::string_view reason, std::string_view message) {
  return Refuse(absl::StatusCode::kPermissionDenied, reason, message);
}

absl::Status StaleEtag(std::string_view name) {
  return Refuse(absl::StatusCode::kAborted, "ETAG_MISMATCH",
                Cat(name, " has changed since it was read; read it again and repeat with its new etag"));
}

absl::Status RetryLater(absl::StatusCode code, std::string_view reason, std::string_view message,
                        absl::Duration after) {
  absl::Status status = Refuse(code, reason, message);
  google::rpc::RetryInfo retry;
  const int64_t nanos = absl::ToInt64Nanoseconds(after);
  retry.mutable_retry_delay()->set_seconds(nanos / 1'000'000'000);
  retry.mutable_retry_delay()->set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
  Attach(status, retry);
  return status;
}

std::string ReasonOf(const absl::Status& status) {
  auto payload = status.GetPayload("type.googleapis.com/google.rpc.ErrorInfo");
  google::rpc::ErrorInfo info;
  if (!payload || !info.ParseFromString(std::string(*payload))) return "";
  return info.reason();
}

}  // namespace trialog
