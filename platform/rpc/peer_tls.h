// The certificates of peers, for both ends of a connection. Internal to platform/rpc.
#pragma once

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <memory>

#include "platform/rpc/peers.h"

namespace trialog::rpc {

// Reads the files, and reads them again when they change.
std::shared_ptr<grpc::experimental::CertificateProviderInterface> PeerCertificates(const PeerFiles& files);

}  // namespace trialog::rpc
