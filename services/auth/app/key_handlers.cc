// Keys: the public ones that verify access tokens, and for Trialog's own services those that seal.
#include "google/protobuf/empty.pb.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/auth/app/handlers.h"
#include "services/auth/app/resource_types.h"
#include "trialog/auth/v1/key.pb.h"

namespace trialog::auth {
namespace {

void AddKey(const sealing::DataKey& key, v1::GetDataKeysResponse& response) {
  if (key.state == sealing::DataKey::State::kMissing) return;
  v1::DataKey& added = *response.add_keys();
  added.set_key_id(key.id);
  added.set_subject(key.subject);
  if (key.state == sealing::DataKey::State::kErased) {
    added.set_destroyed(true);
  } else {
    added.set_key(std::string(key.key.bytes()));
  }
}

void FinishWithKey(const CallPtr& call, const absl::StatusOr<sealing::LookupKeyMaterial>& key) {
  if (!key.ok()) return call->Finish(key.status());
  v1::GetLookupKeyResponse response;
  response.set_epoch(static_cast<uint32_t>(key->epoch));
  response.set_key(std::string(key->key.bytes()));
  call->Finish(response);
}

}  // namespace

void Handlers::RegisterKeys() {
  backend_->Unary("trialog.auth.v1.AuthService/ListSigningKeys", [this](CallPtr call) {
    auto organization = OrganizationIn("parent", call->Request<v1::ListSigningKeysRequest>().parent());
    if (!organization.ok()) return call->Finish(organization.status());
    std::vector<service::Backend::Seen> rows;
    for (view::RowPtr& row : KeysToAccept(StateOf(*organization), *organization, Now())) {
      rows.push_back({&kSigningKeyType, row->As<v1::SigningKey>().name(), row});
    }
    backend_->Render(call->shared_principal(), *call, false, std::move(rows), [call](auto shown) {
      if (!shown.ok()) return call->Finish(shown.status());
      v1::ListSigningKeysResponse response;
      for (const auto& key : *shown) *response.add_keys() = static_cast<const v1::SigningKey&>(*key);
      call->Finish(response);
    });
  });

  backend_->Unary("trialog.auth.v1.KeyService/GetDataKeys", [this](CallPtr call) {
    const auto& request = call->Request<v1::GetDataKeysRequest>();
    auto organization = OrganizationIn("organization", request.organization());
    if (!organization.ok()) return call->Finish(organization.status());
    sealing::KeyRequest wanted;
    wanted.organization = *std::move(organization);
    wanted.subjects.assign(request.subjects().begin(), request.subjects().end());
    wanted.key_ids.assign(request.key_ids().begin(), request.key_ids().end());
    wanted.create = request.create_missing();
    key_provider_->GetKeys(std::move(wanted), [call](absl::StatusOr<std::vector<sealing::DataKey>> keys) {
      if (!keys.ok()) return call->Finish(keys.status());
      v1::GetDataKeysResponse response;
      for (const sealing::DataKey& key : *keys) AddKey(key, response);
      call->Finish(response);
    });
  });

  backend_->Unary("trialog.auth.v1.KeyService/GetLookupKey", [this](CallPtr call) {
    const auto& request = call->Request<v1::GetLookupKeyRequest>();
    auto organization = OrganizationIn("organization", request.organization());
    if (!organization.ok()) return call->Finish(organization.status());
    if (request.epoch() == 0) {
      return key_provider_->GetLookupKey(*organization, [call](auto key) { FinishWithKey(call, std::move(key)); });
    }
    key_executor_->Post([this, call, organization = *organization, epoch = request.epoch()] {
      FinishWithKey(call, parts_.keys->GetLookupKey(organization, epoch));
    });
  });

  backend_->Unary("trialog.auth.v1.KeyService/DestroyDataKey", [this](CallPtr call) {
    const auto& request = call->Request<v1::DestroyDataKeyRequest>();
    auto organization = OrganizationIn("organization", request.organization());
    if (!organization.ok()) return call->Finish(organization.status());
    if (OrganizationOf(request.subject()) != *organization) {
      return call->Finish(BadField("subject", "BAD_NAME", "must be a record of the organisation"));
    }
    key_executor_->Post([this, call, subject = request.subject()] {
      absl::Status destroyed = parts_.keys->Destroy(subject);
      if (destroyed.ok() && parts_.key_destroyed) parts_.key_destroyed(subject);
      destroyed.ok() ? call->Finish(google::protobuf::Empty()) : call->Finish(destroyed);
    });
  });
}

}  // namespace trialog::auth
