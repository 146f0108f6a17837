// Access tokens, and who their bearer is.
#include "google/protobuf/util/time_util.h"
#include "platform/callers/token_authenticator.h"
#include "platform/errors/errors.h"
#include "platform/sealing/access_token.h"
#include "platform/text/text.h"
#include "platform/view/times.h"
#include "services/auth/app/handlers.h"
#include "services/auth/app/resource_types.h"
#include "services/auth/domain/session.h"
#include "services/auth/domain/tables.h"

namespace trialog::auth {
namespace {

absl::Status NoAccount() {
  return Refuse(absl::StatusCode::kUnauthenticated, "ACCOUNT_CLOSED",
                "this account cannot act any more; sign in again");
}

}  // namespace

void Handlers::MintToken(const std::string& account, const std::string& session_id, Then<AccessToken> done) {
  const std::string organization(OrganizationOf(account));
  signers_->Find(organization, [this, account, session_id, organization, done = std::move(done)](
                                   absl::StatusOr<std::shared_ptr<const sealing::SigningKey>> key) {
    if (!key.ok()) return done(key.status());
    sealing::AccessClaims claims;
    claims.issuer = callers::kIssuer;
    claims.audience = callers::kAudience;
    claims.subject = account;
    claims.organization = organization;
    claims.session = session_id;
    claims.kind = session_id.empty() ? sealing::AccessClaims::Kind::kService : sealing::AccessClaims::Kind::kUser;
    // Whoever verifies it has then folded the session, the grants and the key it is signed with.
    claims.position = std::max<int64_t>(0, backend_->store().next_offset(backend_->PartitionOf(organization)) - 1);
    claims.issued = absl::FromUnixSeconds(absl::ToUnixSeconds(backend_->runtime().Now()));
    claims.expires = claims.issued + sealing::kAccessTokenLifetime;
    auto token = sealing::MintAccessToken(claims, **key);
    if (!token.ok()) return done(token.status());
    done(AccessToken{*std::move(token), claims.expires});
  });
}

void Handlers::RenderIdentity(std::shared_ptr<const Principal> principal, const rpc::CallInfo& call,
                              Then<v1::Identity> done) {
  const std::string& account = principal->user();
  const view::State& state = StateOf(principal->organization);
  auto found = Identify(state, account, Now());
  if (!found) return done(NoAccount());
  std::vector<service::Backend::Seen> rows;
  if (found->user) {
    rows.push_back({&kUserType, account, found->user});
    const std::string session = SessionName(account, principal->caller.session());
    view::RowPtr row = state.Find(kSessions, session);
    if (!row) return done(SessionEnded());
    rows.push_back({&kSessionType, session, std::move(row)});
  }
  for (const view::RowPtr& row : found->grants) {
    const std::string& name = row->As<v1::Grant>().name();
    rows.push_back({GrantTypeOf(name), name, row});
  }
  const bool is_user = found->user != nullptr;
  backend_->Render(principal, call, true, std::move(rows),
                   [account, is_user, patient = found->patient, done = std::move(done)](
                       absl::StatusOr<std::vector<std::shared_ptr<google::protobuf::Message>>> shown) {
                     if (!shown.ok()) return done(shown.status());
                     v1::Identity identity;
                     size_t next = 0;
                     if (is_user) {
                       *identity.mutable_user() = static_cast<const v1::User&>(*shown->at(next++));
                       *identity.mutable_session() = static_cast<const v1::Session&>(*shown->at(next++));
                     } else {
                       identity.set_service_account(account);
                     }
                     for (; next < shown->size(); ++next) {
                       *identity.add_grants() = static_cast<const v1::Grant&>(*shown->at(next));
                     }
                     identity.set_patient(patient);
                     done(std::move(identity));
                   });
}

void Handlers::WhoAmI(CallPtr call) {
  if (call->principal().organization.empty()) {
    return call->Finish(
        BrokenRule("NO_ACCOUNT", call->principal().user(), "only an account of an organisation is someone"));
  }
  backend_->WhenReadable(call, call->principal().user(), [this, call](std::shared_ptr<const Principal> principal) {
    RenderIdentity(std::move(principal), *call, [call](absl::StatusOr<v1::Identity> identity) {
      if (!identity.ok()) return call->Finish(identity.status());
      v1::WhoAmIResponse response;
      *response.mutable_identity() = *std::move(identity);
      call->Finish(response);
    });
  });
}

}  // namespace trialog::auth
