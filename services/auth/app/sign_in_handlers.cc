// Signing up, in and on.
#include "google/protobuf/util/time_util.h"
#include "platform/errors/errors.h"
#include "platform/sealing/digest.h"
#include "platform/text/text.h"
#include "platform/view/times.h"
#include "services/auth/app/handlers.h"
#include "services/auth/app/resource_types.h"
#include "services/auth/domain/invitation.h"
#include "services/auth/domain/service_account.h"
#include "services/auth/domain/session.h"
#include "services/auth/domain/sign_up.h"
#include "services/auth/domain/tables.h"
#include "trialog/auth/v1/credential.pb.h"
#include "trialog/auth/v1/organization.pb.h"

namespace trialog::auth {
namespace {

using google::protobuf::Message;

// Of a method whose command has no personal fields of its own.
service::Aim AimAt(std::string organization, std::string name) {
  return [=](Message&, const Principal&) -> absl::StatusOr<service::Target> {
    return service::Target{organization, name, nullptr, ""};
  };
}

RefreshSecrets Hashes(const SecretToken& token) {
  return {sealing::Sha256(token.family), sealing::Sha256(token.secret)};
}

void SetTokens(const std::string& access, absl::Time expires, const std::string& refresh,
               const google::protobuf::Timestamp& refresh_expires, v1::SessionTokens& tokens) {
  tokens.set_access_token(access);
  *tokens.mutable_access_token_expire_time() = trialog::ToProto(expires);
  tokens.set_refresh_token(refresh);
  *tokens.mutable_refresh_token_expire_time() = refresh_expires;
}

// The answer of whichever method it was.
void FinishSignedIn(const CallPtr& call, v1::Identity identity, v1::SessionTokens tokens) {
  const auto answer = [&](auto response) {
    *response.mutable_identity() = std::move(identity);
    *response.mutable_tokens() = std::move(tokens);
    call->Finish(response);
  };
  if (call->method().output_type() == v1::SignUpResponse::descriptor()) return answer(v1::SignUpResponse());
  answer(v1::LoginResponse());
}

// The organisation that a token names; none for what is no token.
std::string InToken(std::string_view kind, const std::string& text) {
  const auto token = DecodeToken(kind, text);
  return token ? std::string(OrganizationOf(token->name)) : std::string();
}

}  // namespace

void Handlers::RegisterSignIn() {
  // All but WhoAmI look first and then submit: a replica that has not yet read of an invitation would refuse it.
  const auto at_owner = [this](std::string_view method, void (Handlers::*handler)(CallPtr),
                               std::string (*organization)(const CallPtr&)) {
    backend_->Unary(method, [this, handler, organization](CallPtr call) {
      backend_->AtOwner(call, organization(call), [this, handler, call] { (this->*handler)(call); });
    });
  };
  at_owner("trialog.auth.v1.AuthService/SignUp", &Handlers::SignUp,
           [](const CallPtr& call) { return std::string(IdOf(call->Request<v1::SignUpRequest>().organization())); });
  at_owner("trialog.auth.v1.AuthService/Login", &Handlers::Login,
           [](const CallPtr& call) { return std::string(IdOf(call->Request<v1::LoginRequest>().organization())); });
  at_owner("trialog.auth.v1.AuthService/RefreshToken", &Handlers::RefreshToken, [](const CallPtr& call) {
    return InToken(kRefreshTokenKind, call->Request<v1::RefreshTokenRequest>().refresh_token());
  });
  at_owner("trialog.auth.v1.AuthService/ChangePassword", &Handlers::ChangePassword,
           [](const CallPtr& call) { return call->principal().organization; });
  at_owner("trialog.auth.v1.ServiceAccountService/IssueServiceToken", &Handlers::IssueServiceToken,
           [](const CallPtr& call) {
             return InToken(kServiceKeyKind, call->Request<v1::IssueServiceTokenRequest>().key_secret());
           });
  backend_->Unary("trialog.auth.v1.AuthService/WhoAmI", [this](CallPtr call) { WhoAmI(std::move(call)); });
}

void Handlers::Login(CallPtr call) {
  const absl::Time arrived = backend_->runtime().Now();
  auto& request = call->Request<v1::LoginRequest>();
  auto organization = OrganizationIn("organization", request.organization());
  if (!organization.ok()) return call->Finish(organization.status());
  const bool by_email = request.identifier_case() == v1::LoginRequest::kEmail;
  const std::string identifier = by_email ? request.email() : request.username();
  const auto password = std::make_shared<const Secret>(std::move(*request.mutable_password()));
  FindAccount(*organization, by_email ? kEmailLookup : kUsernameLookup, identifier,
              [=, this, organization = *organization](absl::StatusOr<std::optional<SignInCandidate>> candidate) {
                if (!candidate.ok()) return call->Finish(candidate.status());
                CheckPassword(*candidate, password,
                              [=, this, candidate = *candidate](absl::StatusOr<PasswordCheck> check) {
                                if (!check.ok()) return call->Finish(check.status());
                                if (!candidate) return RefuseSignIn(call, arrived, organization, SignInRefused());
                                SubmitLogin(call, arrived, *candidate, *check);
                              });
              });
}

void Handlers::SubmitLogin(CallPtr call, absl::Time arrived, const SignInCandidate& candidate, PasswordCheck check) {
  const std::string organization(OrganizationOf(candidate.user));
  SecretToken refresh{"", NewSecret(backend_->runtime()), NewSecret(backend_->runtime())};
  LoginInput input{candidate.user, check, Hashes(refresh)};
  backend_->Run(
      call, kSessionType, AimAt(organization, candidate.user),
      [input](const view::State& state, const Context& context, const Message&, const event::v1::SealedPart&) {
        return auth::Login(state, context, input);
      },
      [=, this](CallPtr call, const Outcome& outcome) {
        if (outcome.names.empty()) return RefuseSignIn(call, arrived, organization, SignInRefused());
        AnswerSignedIn(call, outcome.names, refresh);
      },
      [=, this](CallPtr call, const absl::Status& status) { RefuseSignIn(call, arrived, organization, status); });
}

void Handlers::RefuseSignIn(CallPtr call, absl::Time arrived, std::string_view organization,
                            const absl::Status& status) {
  const bool refused = absl::IsUnauthenticated(status) || absl::IsPermissionDenied(status);
  if (!refused) return call->Finish(status);
  if (OrganizationExists(organization)) backend_->RecordFailedSignIn(organization, *call);
  const absl::Duration left = arrived + parts_.refusal_time - backend_->runtime().Now();
  workers_->After(std::max(left, absl::ZeroDuration()), [call, status] { call->Finish(status); });
}

void Handlers::AnswerSignedIn(CallPtr call, const std::vector<std::string>& names, SecretToken refresh) {
  const std::string& session = names.at(0);
  const std::string& user = names.at(1);
  refresh.name = session;
  event::v1::Caller caller;
  caller.set_kind(event::v1::Caller::KIND_USER);
  caller.set_name(user);
  caller.set_session(std::string(IdOf(session)));
  const view::State& state = StateOf(OrganizationOf(user));
  auto found = PrincipalOf(state, caller, Now());
  auto row = state.Get<v1::Session>(kSessions, session);
  if (!found || !row) return call->Finish(SessionEnded());  // Ended meanwhile.
  const auto principal = std::make_shared<const Principal>(*std::move(found));
  MintToken(user, caller.session(), [=, this](absl::StatusOr<AccessToken> access) {
    if (!access.ok()) return call->Finish(access.status());
    v1::SessionTokens tokens;
    SetTokens(access->token, access->expires, EncodeToken(kRefreshTokenKind, refresh), row->idle_expire_time(), tokens);
    if (call->method().output_type() == v1::RefreshTokenResponse::descriptor()) {
      v1::RefreshTokenResponse response;
      *response.mutable_tokens() = std::move(tokens);
      return call->Finish(response);
    }
    RenderIdentity(principal, *call, [call, tokens](absl::StatusOr<v1::Identity> identity) {
      if (!identity.ok()) return call->Finish(identity.status());
      FinishSignedIn(call, *std::move(identity), tokens);
    });
  });
}

void Handlers::SignUp(CallPtr call) {
  const absl::Time arrived = backend_->runtime().Now();
  auto& request = call->Request<v1::SignUpRequest>();
  auto organization = OrganizationIn("organization", request.organization());
  if (!organization.ok()) return call->Finish(organization.status());
  const auto password = std::make_shared<const Secret>(std::move(*request.mutable_password()));
  const view::State& state = StateOf(*organization);
  std::string invitation, token_sha256;
  std::string user_id = request.user_id();
  // Asked before anything is hashed or a key made: the decision asks again.
  if (!request.invitation_token().empty()) {
    const auto token = DecodeToken(kInvitationTokenKind, request.invitation_token());
    token_sha256 = token ? sealing::Sha256(token->secret) : "";
    auto credential = token ? state.Get<v1::Credential>(kInvitationCredentials, CredentialName(token->name)) : nullptr;
    auto invited = token ? state.Get<v1::Invitation>(kInvitations, token->name) : nullptr;
    if (!credential || !invited || OrganizationOf(token->name) != *organization ||
        !sealing::ConstantTimeEqual(credential->token().token_sha256(), token_sha256)) {
      return RefuseSignIn(call, arrived, *organization, InvitationInvalid());
    }
    invitation = token->name;
    if (!invited->user().empty() && user_id.empty()) user_id = IdOf(invited->user());
  } else {
    auto settings = state.Get<v1::Organization>(kOrganizations, request.organization());
    if (!settings || !settings->open_sign_up()) return RefuseSignIn(call, arrived, *organization, SignUpClosed());
  }
  if (user_id.empty()) user_id = NewId();
  const std::string user = Cat(request.organization(), "/users/", user_id);
  if (!NameMatches(kUsers.pattern, user)) {
    return call->Finish(BadField("user_id", "BAD_ID", "1 to 63 letters, digits or . _ ~ -"));
  }
  HashPassword(user, password, call->deadline(), [=, this](absl::StatusOr<event::v1::Sealed> hash) {
    if (!hash.ok()) return call->Finish(hash.status());
    SubmitSignUp(call, arrived, user, invitation, token_sha256, *std::move(hash));
  });
}

void Handlers::SubmitSignUp(CallPtr call, absl::Time arrived, std::string user, std::string invitation,
                            std::string token_sha256, event::v1::Sealed hash) {
  const std::string organization(OrganizationOf(user));
  SecretToken refresh{"", NewSecret(backend_->runtime()), NewSecret(backend_->runtime())};
  SignUpInput input{invitation, token_sha256, std::move(hash), Hashes(refresh)};
  backend_->Run(
      call, kUserType,
      [organization, user](Message& message, const Principal&) -> absl::StatusOr<service::Target> {
        auto& request = static_cast<v1::SignUpRequest&>(message);
        request.set_user_id(std::string(IdOf(user)));
        return service::Target{organization, user, std::make_unique<v1::User>(request.user()), user};
      },
      [input](const view::State& state, const Context& context, const Message& request,
              const event::v1::SealedPart& sealed) {
        return auth::SignUp(state, context, static_cast<const v1::SignUpRequest&>(request), sealed, input);
      },
      [=, this](CallPtr call, const Outcome& outcome) { AnswerSignedIn(call, outcome.names, refresh); },
      [=, this](CallPtr call, const absl::Status& status) { RefuseSignIn(call, arrived, organization, status); });
}

void Handlers::RefreshToken(CallPtr call) {
  const absl::Time arrived = backend_->runtime().Now();
  const auto token = DecodeToken(kRefreshTokenKind, call->Request<v1::RefreshTokenRequest>().refresh_token());
  if (!token || !NameMatches(kSessions.pattern, token->name)) return call->Finish(SessionEnded());
  const std::string organization(OrganizationOf(token->name));
  if (!OrganizationExists(organization)) return call->Finish(SessionEnded());
  SecretToken next{token->name, token->family, NewSecret(backend_->runtime())};
  RefreshInput input{token->name, Hashes(*token), sealing::Sha256(next.secret)};
  backend_->Run(
      call, kSessionType, AimAt(organization, token->name),
      [input](const view::State& state, const Context& context, const Message&, const event::v1::SealedPart&) {
        return auth::RefreshToken(state, context, input);
      },
      [=, this](CallPtr call, const Outcome& outcome) {
        if (outcome.names.empty()) return RefuseSignIn(call, arrived, organization, SessionEnded());
        AnswerSignedIn(call, outcome.names, next);
      },
      [=, this](CallPtr call, const absl::Status& status) { RefuseSignIn(call, arrived, organization, status); });
}

void Handlers::IssueServiceToken(CallPtr call) {
  const absl::Time arrived = backend_->runtime().Now();
  const auto token = DecodeToken(kServiceKeyKind, call->Request<v1::IssueServiceTokenRequest>().key_secret());
  const std::string organization(token ? OrganizationOf(token->name) : "");
  const auto account =
      AccountOfKey(StateOf(organization), token ? token->name : "", token ? sealing::Sha256(token->secret) : "", Now());
  if (!account.ok()) return RefuseSignIn(call, arrived, organization, account.status());
  MintToken(*account, "", [call](absl::StatusOr<AccessToken> access) {
    if (!access.ok()) return call->Finish(access.status());
    v1::IssueServiceTokenResponse response;
    response.set_access_token(access->token);
    *response.mutable_expire_time() = trialog::ToProto(access->expires);
    call->Finish(response);
  });
}

}  // namespace trialog::auth
