// The server that a command talks to.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "platform/rpc/client.h"

namespace trialog::ctl {

// A client of "host:port", or of one address for each service as Client::Of takes them: by TLS where --server_roots is
// given (its certificate is for --server_name or that address), and known by --client_certificate and --client_key
// where the server asks for one; else in the clear. NOT_FOUND or FAILED_PRECONDITION, with the file, when one of these
// cannot be read or may be read by others; INVALID_ARGUMENT, FLAG_MISSING.
absl::StatusOr<rpc::Client> Connect(const std::string& server);

}  // namespace trialog::ctl
