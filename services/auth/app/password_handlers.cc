// Passwords: found, checked and hashed apart from everything else, changed by their owners.
#include "google/protobuf/empty.pb.h"
#include "platform/errors/errors.h"
#include "platform/sealing/password.h"
#include "platform/sealing/secret_key.h"
#include "platform/text/text.h"
#include "services/auth/app/handlers.h"
#include "services/auth/app/identifiers.h"
#include "services/auth/app/resource_types.h"
#include "services/auth/app/sealed_secret.h"
#include "services/auth/domain/tables.h"

namespace trialog::auth {

void Handlers::FindAccount(const std::string& organization, std::string_view index, const std::string& identifier,
                           Then<std::optional<SignInCandidate>> done) {
  // Before a look-up key is asked for: it would be made.
  if (!OrganizationExists(organization)) return done(std::optional<SignInCandidate>());
  backend_->keys()->GetLookupKey(
      organization, [this, organization, index = std::string(index), value = NormalizeIdentifier(identifier),
                     done = std::move(done)](absl::StatusOr<sealing::LookupKeyMaterial> key) {
        if (!key.ok()) return done(key.status());
        event::v1::LookupKey lookup;
        lookup.set_index(index);
        lookup.set_mac(sealing::LookupMac(*key, index, value));
        done(FindByIdentifier(StateOf(organization), organization, lookup));
      });
}

void Handlers::CheckPassword(std::optional<SignInCandidate> candidate, SecretPtr password, Then<PasswordCheck> done) {
  auto check = [this, password, done](std::string stored, uint64_t generation) {
    auto hash = std::make_shared<Secret>(std::move(stored));
    absl::Status accepted = workers_->Run([password, hash, generation, done] {
      const bool right = hash->text().empty() ? sealing::VerifyNoPassword(password->text())
                                              : sealing::VerifyPassword(password->text(), hash->text());
      done(PasswordCheck{right, generation});
    });
    if (!accepted.ok()) done(accepted);
  };
  if (!candidate) return check("", 0);
  sealing::KeyRequest request{
      std::string(OrganizationOf(candidate->user)), {}, {candidate->password_hash.key_id()}, false};
  backend_->keys()->GetKeys(
      std::move(request), [check, done, candidate](absl::StatusOr<std::vector<sealing::DataKey>> keys) {
        if (!keys.ok()) return done(keys.status());
        // Someone erased has no password any more.
        auto stored = OpenSecret(candidate->password_hash, candidate->user, kPasswordHashField, keys->front());
        check(std::move(stored).value_or(""), candidate->generation);
      });
}

void Handlers::HashPassword(const std::string& user, SecretPtr password, absl::Time deadline,
                            Then<event::v1::Sealed> done) {
  absl::Status accepted = workers_->Run([this, user, password, deadline, done] {
    auto hashed = sealing::HashPassword(password->text());
    if (!hashed.ok()) {
      const bool bad = absl::IsInvalidArgument(hashed.status());
      return done(bad ? BadField("password", "PASSWORD_LENGTH",
                                 Cat(sealing::kMinPasswordBytes, " to ", sealing::kMaxPasswordBytes, " bytes"))
                      : hashed.status());
    }
    auto hash = std::make_shared<Secret>(*std::move(hashed));
    backend_->GetKeys(
        {std::string(OrganizationOf(user)), {user}, {}, true}, deadline,
        [this, user, hash, done](absl::StatusOr<std::vector<sealing::DataKey>> keys) {
          if (!keys.ok()) return done(keys.status());
          if (keys->front().state != sealing::DataKey::State::kPresent) {
            return done(BrokenRule("SUBJECT_ERASED", user, "the personal data of this account was erased"));
          }
          done(SealSecret(hash->text(), user, kPasswordHashField, keys->front(), backend_->runtime()));
        });
  });
  if (!accepted.ok()) done(accepted);
}

void Handlers::ChangePassword(CallPtr call) {
  const absl::Time arrived = backend_->runtime().Now();
  auto& request = call->Request<v1::ChangePasswordRequest>();
  const auto current = std::make_shared<const Secret>(std::move(*request.mutable_current_password()));
  const auto next = std::make_shared<const Secret>(std::move(*request.mutable_new_password()));
  const std::string user = call->principal().user();
  const auto candidate = FindByName(StateOf(call->principal().organization), user);
  CheckPassword(candidate, current, [=, this](absl::StatusOr<PasswordCheck> check) {
    if (!check.ok()) return call->Finish(check.status());
    if (!check->right) return SubmitChange(call, arrived, *check, {});  // Counted, and refused.
    HashPassword(user, next, call->deadline(), [=, this](absl::StatusOr<event::v1::Sealed> hash) {
      if (!hash.ok()) return call->Finish(hash.status());
      SubmitChange(call, arrived, *check, *std::move(hash));
    });
  });
}

void Handlers::SubmitChange(CallPtr call, absl::Time arrived, PasswordCheck check, event::v1::Sealed hash) {
  const std::string organization = call->principal().organization;
  backend_->Run(
      call, kUserType,
      [organization](google::protobuf::Message&, const Principal& principal) -> absl::StatusOr<service::Target> {
        return service::Target{organization, principal.user(), nullptr, ""};
      },
      [check, hash](const view::State& state, const Context& context, const google::protobuf::Message&,
                    const event::v1::SealedPart&) {
        return auth::ChangePassword(state, context, ChangePasswordInput{check, hash});
      },
      [=, this](CallPtr call, const Outcome& outcome) {
        if (outcome.names.empty()) return RefuseSignIn(call, arrived, organization, SignInRefused());
        call->Finish(google::protobuf::Empty());
      },
      [=, this](CallPtr call, const absl::Status& status) { RefuseSignIn(call, arrived, organization, status); });
}

}  // namespace trialog::auth
