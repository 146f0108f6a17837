#include "services/auth/app/signers.h"

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "platform/view/times.h"
#include "services/auth/app/sealed_secret.h"
#include "services/auth/domain/tables.h"

namespace trialog::auth {
namespace {

constexpr char kPublishMethod[] = "trialog.auth.PublishSigningKey";
constexpr size_t kMaxOpened = 10'000;

absl::Status KeyLost() {
  return Refuse(absl::StatusCode::kInternal, "SIGNING_KEY_LOST", "the key that signs access tokens does not open");
}

// Whether a key that ends later than `current` was published already.
bool HasSuccessor(const view::State& state, std::string_view organization, const v1::SigningKey& current,
                  const google::protobuf::Timestamp& now) {
  for (const view::RowPtr& row : KeysToAccept(state, organization, now)) {
    if (FromProto(row->As<v1::SigningKey>().end_time()) > FromProto(current.end_time())) return true;
  }
  return false;
}

}  // namespace

void Signers::Find(const std::string& organization, Done done) {
  const absl::Time now = backend_.runtime().Now();
  const view::State& state = backend_.store().partition(backend_.PartitionOf(organization));
  const auto signer = SignerAt(state, organization, trialog::ToProto(now));
  const bool ends_soon = signer && FromProto(signer->key->end_time()) - now < kSuccessorLead;
  if (signer && !(ends_soon && !HasSuccessor(state, organization, *signer->key, trialog::ToProto(now)))) {
    return Open(organization, std::move(done));
  }
  Publish(organization, signer ? now + kSigningNotice : now,
          [this, organization, done = std::move(done), have_one = signer.has_value()](const absl::Status& status) {
            // A successor that could not be published is tried again at the next sign-in.
            if (!status.ok() && !have_one) return done(status);
            Open(organization, done);
          });
}

void Signers::Publish(const std::string& organization, absl::Time start, Published done) {
  {
    absl::MutexLock lock(&mutex_);
    auto& waiting = publishing_[organization];
    waiting.push_back(std::move(done));
    if (waiting.size() > 1) return;
  }
  backend_.keys()->GetKeys({organization, {OrganizationName(organization)}, {}, true},
                           [this, organization, start](absl::StatusOr<std::vector<sealing::DataKey>> keys) {
                             if (!keys.ok()) return FinishPublishing(organization, keys.status());
                             if (keys->front().state != sealing::DataKey::State::kPresent) {
                               return FinishPublishing(organization, KeyLost());
                             }
                             SubmitKey(organization, start, keys->front());
                           });
}

void Signers::SubmitKey(const std::string& organization, absl::Time start, const sealing::DataKey& key) {
  const sealing::SigningKey pair = sealing::SigningKey::Generate();
  SigningKeyInput input;
  input.kid = pair.jwk().kid;
  input.x = pair.jwk().x;
  input.y = pair.jwk().y;
  std::string pem = pair.ToPem();
  input.private_key = SealSecret(pem, Cat(OrganizationName(organization), "/signingKeys/", input.kid), kPrivateKeyField,
                                 key, backend_.runtime());
  sealing::Wipe(pem);
  input.start_time = trialog::ToProto(start);
  input.end_time = trialog::ToProto(start + kSigningPeriod);
  backend_.SubmitInternal(
      organization, kPublishMethod, std::nullopt,
      [input](const view::State& state, const Context& context) { return PublishSigningKey(state, context, input); },
      [this, organization](absl::StatusOr<Outcome> outcome) {
        const auto& known = backend_.options().callers_known;
        if (!outcome.ok() || !known) return FinishPublishing(organization, outcome.status());
        known(organization, outcome->offset,
              [this, organization](const absl::Status& status) { FinishPublishing(organization, status); });
      });
}

void Signers::FinishPublishing(const std::string& organization, const absl::Status& status) {
  std::vector<Published> waiting;
  {
    absl::MutexLock lock(&mutex_);
    waiting = std::move(publishing_[organization]);
    publishing_.erase(organization);
  }
  for (const Published& done : waiting) done(status);
}

void Signers::Open(const std::string& organization, Done done) {
  const view::State& state = backend_.store().partition(backend_.PartitionOf(organization));
  auto signer = SignerAt(state, organization, trialog::ToProto(backend_.runtime().Now()));
  if (!signer) return done(KeyLost());
  const std::string name = signer->key->name();
  {
    absl::ReleasableMutexLock lock(&mutex_);
    if (auto it = opened_.find(name); it != opened_.end()) {
      auto key = it->second;
      lock.Release();
      return done(std::move(key));
    }
  }
  backend_.keys()->GetKeys({organization, {}, {signer->private_key.key_id()}, false},
                           [this, name, sealed = signer->private_key,
                            done = std::move(done)](absl::StatusOr<std::vector<sealing::DataKey>> keys) {
                             if (!keys.ok()) return done(keys.status());
                             auto pem = OpenSecret(sealed, name, kPrivateKeyField, keys->front());
                             if (!pem) return done(KeyLost());
                             auto key = sealing::SigningKey::FromPem(*pem);
                             sealing::Wipe(*pem);
                             if (!key.ok()) return done(KeyLost());
                             auto shared = std::make_shared<const sealing::SigningKey>(*std::move(key));
                             {
                               absl::MutexLock lock(&mutex_);
                               if (opened_.size() >= kMaxOpened) opened_.clear();
                               opened_[name] = shared;
                             }
                             done(std::shared_ptr<const sealing::SigningKey>(std::move(shared)));
                           });
}

}  // namespace trialog::auth
