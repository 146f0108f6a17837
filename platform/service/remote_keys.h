// Data keys from auth's KeyService, for the services that are not auth.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "platform/rpc/client.h"
#include "platform/sealing/data_keys.h"

namespace trialog::service {

// Why there are no keys where auth, or what it keeps them in, does not answer: UNAVAILABLE with RetryInfo.
absl::Status KeysUnavailable();

// Thread safe. Until it is told where auth is every request is UNAVAILABLE.
class RemoteKeyProvider final : public sealing::KeyProvider {
 public:
  // `service` is the caller's own identity.
  explicit RemoteKeyProvider(std::string service) : service_(std::move(service)) {}

  // Who answers for an organisation (its id); null: nobody at present.
  using Route = std::function<std::shared_ptr<const rpc::Client>(std::string_view organization)>;
  // Each once, before requests come.
  void SetRoute(Route route) { route_ = std::move(route); }
  void SetChannel(std::shared_ptr<grpc::Channel> channel);
  void GetKeys(sealing::KeyRequest request, KeysCallback done) override;
  void GetLookupKey(std::string organization, LookupKeyCallback done) override;

 private:
  rpc::ClientOptions Options() const;

  const std::string service_;
  Route route_;
};

}  // namespace trialog::service
