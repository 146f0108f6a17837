// The one mapper between absl::Status and what travels: a gRPC status whose `grpc-status-details-bin` trailer is a
// google.rpc.Status (AIP-193, the gRPC richer error model).
#pragma once

#include <cstddef>

#include "absl/status/status.h"

namespace grpc {
class Status;
}

namespace trialog::rpc {

// Bound of the serialised google.rpc.Status: in base64 it must fit the 8 KiB of headers that gRPC clients accept.
inline constexpr size_t kMaxDetailBytes = 4096;
// Longer messages are cut, at a character's boundary.
inline constexpr size_t kMaxMessageBytes = 1024;

// Whether `status` is a fault of ours whose text is not for callers: kInternal, kUnknown or kDataLoss without
// ErrorInfo.
bool IsFault(const absl::Status& status);

// `status` as a caller may see it: a fault becomes INTERNAL with a generic text, a record that a rule hides looks as if
// it were not there, anything else stays.
absl::Status ForCaller(const absl::Status& status);

// `status` must be ForCaller's. ErrorInfo goes first; details that would pass kMaxDetailBytes are left out.
grpc::Status ToGrpc(const absl::Status& status);

// The reverse, for clients: the details become payloads again. Details that do not parse are left out; a code that
// gRPC does not define becomes kUnknown.
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace trialog::rpc
