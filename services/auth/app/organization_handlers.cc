// Organisations and invitations to them.
#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "platform/errors/errors.h"
#include "platform/sealing/digest.h"
#include "platform/sealing/encoding.h"
#include "platform/text/text.h"
#include "services/auth/app/handlers.h"
#include "services/auth/app/resource_types.h"
#include "services/auth/domain/invitation.h"
#include "services/auth/domain/organization.h"
#include "services/auth/domain/tables.h"

namespace trialog::auth {
namespace {

using google::protobuf::Message;

absl::Status InitTokenInvalid() {
  return Denied("INIT_TOKEN_INVALID", "give the one-time token that `trialogctl init` wrote on the server");
}

// The SHA-256 that the operator's file gives; empty when there is no file, others may read it, or it holds nothing of
// ours.
std::string ReadInitTokenHash(const std::string& path) {
  constexpr size_t kMaxBytes = 256;
  struct stat info;
  if (path.empty() || stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode) || (info.st_mode & 077) != 0) return "";
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxBytes, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  absl::StripAsciiWhitespace(&text);
  if (text.empty()) return "";
  if (auto hash = sealing::FromHex(text); hash && hash->size() == sealing::kSha256Size) return *hash;
  std::string hash = sealing::Sha256(text);
  sealing::Wipe(text);
  return hash;
}

}  // namespace

void Handlers::RegisterOrganizations() {
  service::Backend& backend = *backend_;
  backend.Unary("trialog.auth.v1.OrganizationService/CreateOrganization",
                [this](CallPtr call) { CreateOrganization(std::move(call)); });
  backend.Get("trialog.auth.v1.OrganizationService/GetOrganization", kOrganizationType);
  backend.Unary("trialog.auth.v1.OrganizationService/ListOrganizations",
                [this](CallPtr call) { ListOrganizations(std::move(call)); });
  backend.Unary("trialog.auth.v1.PeerService/SpendInitToken", [this](CallPtr call) { SpendTokenForPeer(call); });
  backend.Update("trialog.auth.v1.OrganizationService/UpdateOrganization", kOrganizationType,
                 service::Typed<v1::UpdateOrganizationRequest>(UpdateOrganization));
  backend.Unary("trialog.auth.v1.OrganizationService/CreateInvitation",
                [this](CallPtr call) { CreateInvitation(std::move(call)); });
}

void Handlers::CreateOrganization(CallPtr call) {
  auto& request = call->Request<v1::CreateOrganizationRequest>();
  const auto token = std::make_shared<const Secret>(std::move(*request.mutable_init_token()));
  const auto password = std::make_shared<const Secret>(std::move(*request.mutable_password()));
  if (!NameMatches(kOrganizations.pattern, OrganizationName(request.organization_id()))) {
    return call->Finish(BadField("organization_id", "ID_MALFORMED", "1 to 63 letters, digits, '.', '_', '~', '-'"));
  }
  // The file is read where blocking is allowed.
  absl::Status accepted = workers_->Run([=, this] { CheckInitToken(call, token, password); });
  if (!accepted.ok()) call->Finish(accepted);
}

void Handlers::CheckInitToken(CallPtr call, SecretPtr token, SecretPtr password) {
  const std::string expected = ReadInitTokenHash(parts_.init_token_file);
  const std::string presented = sealing::Sha256(token->text());
  if (expected.empty() || !sealing::ConstantTimeEqual(expected, presented)) return call->Finish(InitTokenInvalid());
  const auto& request = call->Request<v1::CreateOrganizationRequest>();
  if (absl::Status unspent = CheckUnspent(presented, request.organization_id()); !unspent.ok()) {
    return call->Finish(unspent);
  }
  const std::string id = request.administrator_id().empty() ? NewId() : request.administrator_id();
  const std::string administrator = Cat(OrganizationName(request.organization_id()), "/users/", id);
  if (!NameMatches(kUsers.pattern, administrator)) {
    return call->Finish(BadField("administrator_id", "ID_MALFORMED", "1 to 63 letters, digits, '.', '_', '~', '-'"));
  }
  if (request.administrator().username().empty() && request.administrator().email().empty()) {
    return call->Finish(BadField("administrator", "IDENTIFIER_REQUIRED", "give a user name or an e-mail address"));
  }
  const absl::Status fit = CheckNewOrganization(StateOf(request.organization_id()), request);
  // A repeat of the same request (AIP-155) gets its first answer from the organisation's own partition.
  const bool exists = absl::IsAlreadyExists(fit);
  if (!fit.ok() && !exists) return call->Finish(fit);
  HashPassword(administrator, password, call->deadline(), [=, this](absl::StatusOr<event::v1::Sealed> hash) {
    if (!hash.ok()) return call->Finish(hash.status());
    auto make = [=, this, hash = *std::move(hash)](const absl::Status& spent) {
      if (!spent.ok()) return call->Finish(spent);
      SubmitOrganization(call, presented, administrator, hash);
    };
    exists ? make(absl::OkStatus()) : SpendToken(call, presented, std::string(OrganizationOf(administrator)), make);
  });
}

absl::Status Handlers::CheckUnspent(std::string_view token_sha256, std::string_view organization) const {
  // What was spent before tokens were kept in one partition stands in that of the organisation that it made.
  for (int partition = 0; partition < backend_->owner().partitions; ++partition) {
    const auto spent = backend_->store().partition(partition).Lookup(kSpentInitTokens, InitTokenId(token_sha256));
    if (spent && OrganizationOf(*spent) != organization) return InitTokenUsed();
  }
  return absl::OkStatus();
}

// Tokens and the organisation stand in two partitions, which two processes may own: the one that serves the call asks
// the other.
void Handlers::SpendToken(const CallPtr& call, std::string token_sha256, std::string organization,
                          std::function<void(const absl::Status&)> done) {
  v1::SpendInitTokenRequest request;
  request.set_organization(OrganizationName(organization));
  request.set_token_sha256(token_sha256);
  request.set_trace(std::string(call->traceparent()));
  const auto elsewhere = [this, request = std::move(request), deadline = call->deadline(),
                          done = std::move(done)](const absl::Status& spent) {
    if (OwnerAddressOf(spent).empty()) return done(spent);
    backend_->AskOwner<v1::SpendInitTokenResponse>(spent, "SpendInitToken", request, deadline,
                                                   [done](const auto& answer) { done(WithoutMark(answer.status())); });
  };
  SubmitSpending(call, std::move(token_sha256), std::move(organization), std::string(call->traceparent()), elsewhere);
}

void Handlers::SpendTokenForPeer(const CallPtr& call) {
  const auto& request = call->Request<v1::SpendInitTokenRequest>();
  if (absl::Status peer = backend_->CheckIsPeer(call->principal()); !peer.ok()) return call->Finish(peer);
  auto organization = OrganizationIn("organization", request.organization());
  if (!organization.ok()) return call->Finish(organization.status());
  if (request.token_sha256().size() != sealing::kSha256Size)
    return call->Finish(BadField("token_sha256", "HASH_MALFORMED", "must have 32 bytes"));
  SubmitSpending(call, request.token_sha256(), *std::move(organization), request.trace(),
                 [call](const absl::Status& spent) {
                   spent.ok() ? call->Finish(v1::SpendInitTokenResponse()) : call->Finish(WithoutMark(spent));
                 });
}

void Handlers::SubmitSpending(const CallPtr& call, std::string token_sha256, std::string organization,
                              std::string trace, std::function<void(const absl::Status&)> done) {
  auto command = std::make_unique<Command>();  // Of no organisation: there is none yet.
  command->method = "trialog.auth.v1.OrganizationService/CreateOrganization";
  command->principal = call->principal();
  command->trace = std::move(trace);
  command->deadline = call->deadline();
  command->decide = [token_sha256 = std::move(token_sha256), organization = std::move(organization)](
                        const view::State& state, const Context& context) {
    return SpendInitToken(state, context, organization, token_sha256);
  };
  command->done = [done = std::move(done)](const absl::StatusOr<Outcome>& spent) { done(spent.status()); };
  backend_->owner().Submit(std::move(command));
}

void Handlers::SubmitOrganization(CallPtr call, std::string token_sha256, std::string administrator,
                                  event::v1::Sealed hash) {
  const std::string organization(OrganizationOf(administrator));
  CreateOrganizationInput input{std::move(token_sha256), std::move(hash)};
  backend_->Run(
      call, kUserType,
      [organization, administrator](Message& message, const Principal&) -> absl::StatusOr<service::Target> {
        auto& request = static_cast<v1::CreateOrganizationRequest&>(message);
        request.set_administrator_id(std::string(IdOf(administrator)));
        return service::Target{organization, administrator, std::make_unique<v1::User>(request.administrator()),
                               administrator};
      },
      [input](const view::State& state, const Context& context, const Message& request,
              const event::v1::SealedPart& sealed) {
        return auth::CreateOrganization(state, context, static_cast<const v1::CreateOrganizationRequest&>(request),
                                        sealed, input);
      },
      [this, organization](CallPtr call, const Outcome& outcome) {
        // Its signing key is there before anyone signs in; one that could not be published is made at the first
        // sign-in.
        signers_->Find(organization, [this, call, outcome](const auto&) {
          backend_->AnswerWithRecord(call, kOrganizationType, outcome, outcome.names.at(0));
        });
      });
}

void Handlers::ListOrganizations(CallPtr call) {
  if (const std::string& token = call->Request<v1::ListOrganizationsRequest>().page_token(); !token.empty()) {
    // One page has them all, so no token is one of ours.
    const rpc::TokenScope scope{rpc::TokenKind::kPage, call->method_name(), "", "", ""};
    return call->Finish(backend_->tokens().Open(scope, token).status());
  }
  const std::string name = OrganizationName(call->principal().organization);
  backend_->WhenReadable(call, name, [this, call, name](std::shared_ptr<const Principal> principal) {
    const view::State& state = StateOf(principal->organization);
    view::RowPtr row = state.Find(kOrganizations, name);
    if (!row || !kOrganizationType.may_see(*principal, state, name, *row)) {
      return call->Finish(v1::ListOrganizationsResponse());
    }
    backend_->Render(principal, *call, true, {{&kOrganizationType, name, row}}, [call](auto shown) {
      if (!shown.ok()) return call->Finish(shown.status());
      v1::ListOrganizationsResponse response;
      *response.add_organizations() = static_cast<const v1::Organization&>(*shown->front());
      call->Finish(response);
    });
  });
}

void Handlers::CreateInvitation(CallPtr call) {
  SecretToken token{"", "", NewSecret(backend_->runtime())};
  auto hash = sealing::Sha256(token.secret);
  backend_->Run(
      call, kInvitationType,
      [this](Message& message, const Principal&) -> absl::StatusOr<service::Target> {
        auto& request = static_cast<v1::CreateInvitationRequest&>(message);
        auto organization = OrganizationIn("parent", request.parent());
        if (!organization.ok()) return organization.status();
        if (request.invitation_id().empty()) request.set_invitation_id(NewId());
        const std::string name = Cat(request.parent(), "/invitations/", request.invitation_id());
        if (!NameMatches(kInvitations.pattern, name)) {
          return BadField("invitation_id", "ID_MALFORMED", "1 to 63 letters, digits, '.', '_', '~', '-'");
        }
        std::unique_ptr<Message> personal;
        if (!request.invitation().email().empty()) personal = std::make_unique<v1::Invitation>(request.invitation());
        return service::Target{*organization, name, std::move(personal), name};
      },
      [hash](const view::State& state, const Context& context, const Message& request,
             const event::v1::SealedPart& sealed) {
        return auth::CreateInvitation(state, context, static_cast<const v1::CreateInvitationRequest&>(request), sealed,
                                      hash);
      },
      [this, token](CallPtr call, const Outcome& outcome) mutable {
        token.name = outcome.names.at(0);
        view::RowPtr row = StateOf(OrganizationOf(token.name)).Find(kInvitations, token.name);
        if (!row) return call->Finish(absl::InternalError("the invitation left no record to show"));
        backend_->Render(call->shared_principal(), *call, true, {{&kInvitationType, token.name, row}},
                         [call, text = EncodeToken(kInvitationTokenKind, token)](auto shown) {
                           if (!shown.ok()) return call->Finish(shown.status());
                           v1::CreateInvitationResponse response;
                           *response.mutable_invitation() = static_cast<const v1::Invitation&>(*shown->front());
                           response.set_invitation_token(text);
                           call->Finish(response);
                         });
      });
}

}  // namespace trialog::auth
