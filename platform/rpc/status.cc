#include "platform/rpc/status.h"

#include <grpcpp/support/status.h>

#include "absl/strings/cord.h"
#include "google/rpc/status.pb.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"

namespace trialog::rpc {
namespace {

constexpr std::string_view kErrorInfoUrl = "type.googleapis.com/google.rpc.ErrorInfo";

static_assert(static_cast<int>(absl::StatusCode::kUnauthenticated) == grpc::UNAUTHENTICATED);
static_assert(static_cast<int>(absl::StatusCode::kCancelled) == grpc::CANCELLED);

std::string Cut(std::string_view text, size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) --bytes;  // Inside a UTF-8 character.
  return std::string(text.substr(0, bytes));
}

// Payloads in the order of their worth to the caller; absl's own order is not defined.
std::vector<std::pair<std::string, std::string>> Details(const absl::Status& status) {
  std::vector<std::pair<std::string, std::string>> details;
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& bytes) {
    details.emplace_back(std::string(url), std::string(bytes));
  });
  std::sort(details.begin(), details.end(), [](const auto& a, const auto& b) {
    const bool a_last = a.first != kErrorInfoUrl, b_last = b.first != kErrorInfoUrl;
    return std::tie(a_last, a.first) < std::tie(b_last, b.first);
  });
  return details;
}

}  // namespace

bool IsFault(const absl::Status& status) {
  const bool ours = absl::IsInternal(status) || absl::IsUnknown(status) || absl::IsDataLoss(status);
  return ours && !status.GetPayload(ToAbsl(kErrorInfoUrl));
}

absl::Status ForCaller(const absl::Status& status) {
  if (!IsFault(status)) return WithoutMark(status);
  return Refuse(absl::StatusCode::kInternal, "INTERNAL",
                "something went wrong on our side; it has been recorded, try again later");
}

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  google::rpc::Status wire;
  wire.set_code(static_cast<int>(status.code()));
  wire.set_message(Cut(FromAbsl(status.message()), kMaxMessageBytes));
  for (auto& [url, bytes] : Details(status)) {
    auto* detail = wire.add_details();
    detail->set_type_url(std::move(url));
    detail->set_value(std::move(bytes));
    if (wire.ByteSizeLong() > kMaxDetailBytes) wire.mutable_details()->RemoveLast();
  }
  return {static_cast<grpc::StatusCode>(wire.code()), wire.message(), wire.SerializeAsString()};
}

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const int code = status.error_code();
  const bool known = code > grpc::OK && code <= grpc::UNAUTHENTICATED;
  absl::Status result(known ? static_cast<absl::StatusCode>(code) : absl::StatusCode::kUnknown,
                      ToAbsl(status.error_message()));
  google::rpc::Status wire;
  if (!wire.ParseFromString(status.error_details())) return result;
  for (const auto& detail : wire.details()) result.SetPayload(detail.type_url(), absl::Cord(detail.value()));
  return result;
}

}  // namespace trialog::rpc
