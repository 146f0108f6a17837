// Data keys from auth's KeyService, for the services that are not auth.
#pragma once

#include <memory>
#include <string>

#include "platform/rpc/client.h"
#include "platform/sealing/data_keys.h"

namespace trialog::service {

// Thread safe. Before SetChannel every request is UNAVAILABLE.
class RemoteKeyProvider final : public sealing::KeyProvider {
 public:
  // `service` is the caller's own identity.
  explicit RemoteKeyProvider(std::string service) : service_(std::move(service)) {}

  // Once, before requests come.
  void SetChannel(std::shared_ptr<grpc::Channel> channel);
  void GetKeys(sealing::KeyRequest request, KeysCallback done) override;
  void GetLookupKey(std::string organization, LookupKeyCallback done) override;

 private:
  rpc::ClientOptions Options() const;

  const std::string service_;
  std::unique_ptr<rpc::Client> client_;
};

}  // namespace trialog::service
