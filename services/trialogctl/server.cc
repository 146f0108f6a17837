#include "services/trialogctl/server.h"

#include "absl/flags/flag.h"
#include "services/trialogctl/flags.h"
#include "services/trialogctl/secret_files.h"

ABSL_FLAG(std::string, server_roots, "",
          "PEM file with roots that --server's certificate is verified against; empty: in the clear");
ABSL_FLAG(std::string, server_name, "", "Name that --server's certificate is for, where the address is another");
ABSL_FLAG(std::string, client_certificate, "",
          "PEM file with our own certificate and its chain, where --server asks for one");
ABSL_FLAG(std::string, client_key, "", "PEM file of mode 0600 with that certificate's private key");

namespace trialog::ctl {

absl::StatusOr<rpc::Client> Connect(const std::string& server) {
  const std::string roots = absl::GetFlag(FLAGS_server_roots), certificate = absl::GetFlag(FLAGS_client_certificate),
                    key = absl::GetFlag(FLAGS_client_key);
  if (certificate.empty() != key.empty() || (roots.empty() && !key.empty())) {
    return Missing("client_certificate and --client_key both, with --server_roots, or neither");
  }
  if (roots.empty()) return rpc::Client::Of(server);
  rpc::ClientTls tls{.server_name = absl::GetFlag(FLAGS_server_name)};
  auto read = ReadText(roots);
  if (!read.ok()) return read.status();
  tls.server_roots = *std::move(read);
  if (!key.empty()) {
    if (read = ReadText(certificate); !read.ok()) return read.status();
    tls.certificate_chain = *std::move(read);
    if (read = ReadSecretFile(key); !read.ok()) return read.status();
    tls.private_key = *std::move(read);
  }
  return rpc::Client::Of(server, &tls);
}

}  // namespace trialog::ctl
