#include "platform/service/remote_keys.h"

#include <map>

#include "platform/callers/token_authenticator.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "trialog/auth/v1/key.pb.h"

namespace trialog::service {

absl::Status KeysUnavailable() {
  return RetryLater(absl::StatusCode::kUnavailable, "KEYS_UNAVAILABLE", "the key service does not answer; try again",
                    absl::Milliseconds(200));
}

namespace {

// What is no answer of auth's: the connection ended, or nobody answered in time.
absl::Status OrNotConnected(const absl::Status& status) {
  return ReasonOf(status).empty() || absl::IsDeadlineExceeded(status) ? KeysUnavailable() : status;
}

sealing::DataKey ToDataKey(const auth::v1::DataKey& key) {
  sealing::DataKey data_key;
  data_key.id = key.key_id();
  data_key.subject = key.subject();
  if (key.destroyed()) {
    data_key.state = sealing::DataKey::State::kErased;
  } else if (auto bytes = sealing::SecretKey::FromBytes(key.key())) {
    data_key.state = sealing::DataKey::State::kPresent;
    data_key.key = *bytes;
  }
  return data_key;
}

}  // namespace

void RemoteKeyProvider::SetChannel(std::shared_ptr<grpc::Channel> channel) {
  route_ = [client = std::make_shared<const rpc::Client>(std::move(channel))](auto) { return client; };
}

rpc::ClientOptions RemoteKeyProvider::Options() const {
  return {.timeout = absl::Seconds(5), .metadata = {{callers::kServiceMetadata, service_}}};
}

void RemoteKeyProvider::GetKeys(sealing::KeyRequest request, KeysCallback done) {
  const auto client = route_ ? route_(request.organization) : nullptr;
  if (!client) return done(KeysUnavailable());
  auth::v1::GetDataKeysRequest wire;
  wire.set_organization(Cat("organizations/", request.organization));
  for (const auto& subject : request.subjects) wire.add_subjects(subject);
  for (const auto& id : request.key_ids) wire.add_key_ids(id);
  wire.set_create_missing(request.create);
  client->CallAsync<auth::v1::GetDataKeysResponse>(
      "trialog.auth.v1.KeyService/GetDataKeys", wire, Options(),
      [request = std::move(request), done = std::move(done)](absl::StatusOr<auth::v1::GetDataKeysResponse> response) {
        if (!response.ok()) return done(OrNotConnected(response.status()));
        std::map<std::string, sealing::DataKey> by_subject, by_id;
        for (const auto& key : response->keys()) {
          by_subject[key.subject()] = ToDataKey(key);
          by_id[key.key_id()] = ToDataKey(key);
        }
        std::vector<sealing::DataKey> keys;
        for (const auto& subject : request.subjects) keys.push_back(by_subject[subject]);
        for (const auto& id : request.key_ids) keys.push_back(by_id[id]);
        done(std::move(keys));
      });
}

void RemoteKeyProvider::GetLookupKey(std::string organization, LookupKeyCallback done) {
  const auto client = route_ ? route_(organization) : nullptr;
  if (!client) return done(KeysUnavailable());
  auth::v1::GetLookupKeyRequest wire;
  wire.set_organization(Cat("organizations/", organization));
  client->CallAsync<auth::v1::GetLookupKeyResponse>(
      "trialog.auth.v1.KeyService/GetLookupKey", wire, Options(),
      [done = std::move(done)](absl::StatusOr<auth::v1::GetLookupKeyResponse> response) {
        if (!response.ok()) return done(OrNotConnected(response.status()));
        auto bytes = sealing::SecretKey::FromBytes(response->key());
        if (!bytes) return done(absl::InternalError("a look-up key of the wrong size"));
        done(sealing::LookupKeyMaterial{response->epoch(), *bytes});
      });
}

}  // namespace trialog::service
