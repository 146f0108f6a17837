#include "platform/service/backend.h"

#include "platform/callers/token_authenticator.h"
#include "platform/errors/errors.h"
#include "platform/rpc/resource.h"
#include "platform/service/command_spec.h"
#include "platform/service/remote_keys.h"
#include "platform/text/text.h"

namespace trialog::service {
namespace {

// How long what a call needs of others may take: keys, a record of what it shows.
constexpr absl::Duration kOthersTimeout = absl::Seconds(5);

absl::Status AccessNotRecorded() {
  return RetryLater(absl::StatusCode::kUnavailable, "ACCESS_NOT_RECORDED",
                    "that this was read could not be recorded, so it is not shown; try again", absl::Milliseconds(200));
}

// What comes first: the answer, or the end of the time for it.
template <typename Result>
class FirstOf {
 public:
  explicit FirstOf(std::function<void(Result)> done) : done_(std::move(done)) {}
  void End(Result result) {
    if (!ended_.exchange(true)) std::exchange(done_, nullptr)(std::move(result));
  }
  bool ended() const { return ended_; }

 private:
  std::atomic<bool> ended_ = false;
  std::function<void(Result)> done_;
};

template <typename Result>
void AtLatest(absl::Time deadline, WatchHub& timer, const std::shared_ptr<FirstOf<Result>>& first) {
  if (first->ended()) return;  // Keys are there already, as a rule.
  timer.After(rpc::TimeFor(deadline, kOthersTimeout), [weak = std::weak_ptr(first)] {
    if (const auto late = weak.lock()) late->End(KeysUnavailable());
  });
}

}  // namespace

Backend::Backend(const Domain& domain, Runtime& runtime, log::Log& log, std::unique_ptr<view::Store> store,
                 sealing::KeyProvider* keys, const rpc::TokenSigner& tokens, BackendOptions options)
    : domain_(domain),
      runtime_(runtime),
      log_(log),
      keys_(keys),
      tokens_(tokens),
      options_(std::move(options)),
      store_(std::move(store)),
      owner_(runtime, log, *store_, options_.owner, options_.partitions),
      watches_(runtime, *store_, owner_.partitions),
      subscriptions_(runtime.NewExecutor("subscriptions")) {}

Backend::~Backend() { owner_.Stop(); }

Via Via::Unhurried() && {
  deadline = absl::InfiniteFuture();
  return std::move(*this);
}

absl::Status Backend::Start() { return owner_.Start(options_.claim_at_start); }

void Backend::Drain(absl::Time deadline) {
  refusals_.Settle(absl::InfiniteDuration());
  watches_.Settle();  // Streams that were ended record what they have shown.
  watches_.EndWaiting();
  owner_.Drain(deadline);
}

void Backend::CompletePrincipal(std::shared_ptr<const Principal> principal, absl::Time deadline, WithPrincipal done) {
  if (principal->patient.empty() || keys_ == nullptr) return done(std::move(principal));
  const std::string organization = principal->organization;
  GetLookupKey(organization, deadline,
               [principal, done = std::move(done)](absl::StatusOr<sealing::LookupKeyMaterial> key) {
                 if (!key.ok()) return done(key.status());
                 auto completed = std::make_shared<Principal>(*principal);
                 completed->patient_mac = sealing::LookupMac(*key, "patient", completed->patient);
                 done(std::shared_ptr<const Principal>(std::move(completed)));
               });
}

void Backend::GetKeys(sealing::KeyRequest request, absl::Time deadline, sealing::KeyProvider::KeysCallback done) {
  const auto first = std::make_shared<FirstOf<absl::StatusOr<std::vector<sealing::DataKey>>>>(std::move(done));
  keys_->GetKeys(std::move(request), [first](auto keys) { first->End(std::move(keys)); });
  AtLatest(deadline, watches_, first);
}

void Backend::GetLookupKey(const std::string& organization, absl::Time deadline,
                           sealing::KeyProvider::LookupKeyCallback done) {
  const auto first = std::make_shared<FirstOf<absl::StatusOr<sealing::LookupKeyMaterial>>>(std::move(done));
  keys_->GetLookupKey(organization, [first](auto key) { first->End(std::move(key)); });
  AtLatest(deadline, watches_, first);
}

void Backend::RecordAccess(const Principal& principal, Via via, event::v1::Access access, std::string_view entity,
                           std::function<void(absl::Status)> done) {
  event::v1::RecordAccessRequest request;
  // One of our own services has no organisation: then it is the record's.
  request.set_organization(Cat("organizations/", principal.organization.empty()
                                                     ? OrganizationOf(entity)
                                                     : std::string_view(principal.organization)));
  request.set_trace(std::move(via.trace));
  *request.mutable_caller() = principal.caller;
  access.set_method(via.method);
  const int kind = access.outcome();
  *request.mutable_access() = std::move(access);
  request.set_entity(std::string(entity));
  const auto noted = [counts = accesses_recorded_, kind, done = std::move(done)](const absl::Status& status) {
    if (status.ok()) (*counts)[kind].fetch_add(1, std::memory_order_relaxed);
    if (done) done(status);
  };
  const absl::Time deadline = via.deadline;
  AppendAccess(request, std::move(via), [this, request, deadline, noted](const absl::Status& status) {
    if (OwnerAddressOf(status).empty()) return noted(status);
    AskOwner<event::v1::RecordAccessResponse>(status, "RecordAccess", request, deadline,
                                              [noted](const absl::StatusOr<event::v1::RecordAccessResponse>& recorded) {
                                                // What failed on the way is not passed on once more with the call that
                                                // shows something.
                                                noted(recorded.ok() ? absl::OkStatus() : AccessNotRecorded());
                                              });
  });
}

void Backend::AppendAccess(event::v1::RecordAccessRequest request, Via via, std::function<void(absl::Status)> done) {
  auto command = std::make_unique<Command>();
  command->organization = std::string(OrganizationOf(request.organization()));
  command->method = std::move(via.method);
  command->trace = std::move(*request.mutable_trace());
  command->principal.caller = std::move(*request.mutable_caller());
  command->principal.organization = command->organization;
  command->access = std::move(*request.mutable_access());
  command->access_entity = std::move(*request.mutable_entity());
  command->deadline = std::min(via.deadline, runtime_.Now() + kOthersTimeout);
  command->done = [done = std::move(done)](const absl::StatusOr<Outcome>& outcome) { done(outcome.status()); };
  owner_.Submit(std::move(command));
}

void Backend::AtOwner(std::shared_ptr<rpc::Call> call, std::string organization, std::function<void()> handle) {
  // What no organisation is called has nothing to look at, and no partition: it is refused for its form.
  if (!options_.owner.rivals || !NameMatches("organizations/*", Cat("organizations/", organization))) return handle();
  AtConfirmedOwner(std::move(call), std::move(organization),
                   [this, handle = std::move(handle)] { watches_.Post(handle); });
}

// A refusal is given only once the log shows that its owner was the owner (ADR 25): so this is one.
void Backend::AtConfirmedOwner(std::shared_ptr<rpc::ServerCall> call, std::string organization,
                               std::function<void()> handle) {
  constexpr std::string_view kHere = "DECIDED_HERE";
  auto command = std::make_unique<Command>();
  command->organization = std::move(organization);
  command->method = std::string(call->method_name());
  command->principal = call->principal();
  command->trace = call->traceparent();
  command->deadline = call->deadline();
  // Only who owns the partition decides at all.
  command->decide = [kHere](const view::State&, const Context&) -> absl::StatusOr<Decision> {
    return Refuse(absl::StatusCode::kCancelled, kHere, "");
  };
  command->done = [call, kHere, handle = std::move(handle)](const absl::StatusOr<Outcome>& outcome) {
    ReasonOf(outcome.status()) == kHere ? handle() : call->Finish(outcome.status());
  };
  owner_.Submit(std::move(command));
}

// Not even our other services: each does what is its own.
absl::Status Backend::CheckIsPeer(const Principal& principal) const {
  return principal.caller.name() == domain_.service ? absl::OkStatus() : Denied("NOT_A_PEER", "ask your own service");
}

std::shared_ptr<const rpc::Client> Backend::OwnerNamedBy(const absl::Status& status) const {
  const std::string owner = OwnerAddressOf(status);
  return owner.empty() || !options_.peer ? nullptr : options_.peer(owner);
}

std::string Backend::PeerMethod(std::string_view name) const {
  return Cat("trialog.", domain_.service, ".v1.PeerService/", name);
}

rpc::ClientOptions Backend::ToPeer(absl::Time deadline) const {
  return {.timeout = rpc::TimeFor(deadline, kOthersTimeout),
          .metadata = {{std::string(callers::kServiceMetadata), std::string(domain_.service)}}};
}

void Backend::RecordForPeers(std::string_view method) {
  handlers_.Unary(std::string(method), [this](std::shared_ptr<rpc::Call> call) {
    auto& request = call->Request<event::v1::RecordAccessRequest>();
    if (absl::Status peer = CheckIsPeer(call->principal()); !peer.ok()) return call->Finish(peer);
    if (!NameMatches("organizations/*", request.organization())) {
      return call->Finish(BadField("organization", "BAD_NAME", "must have the form organizations/*"));
    }
    Via via(*call);
    via.method = request.access().method();  // That shows it.
    AppendAccess(std::move(request), std::move(via), [call](const absl::Status& status) {
      status.ok() ? call->Finish(event::v1::RecordAccessResponse()) : call->Finish(WithoutMark(status));
    });
  });
}

void Backend::RecordBounded(const std::string& key, event::v1::Access::Outcome outcome, const Principal& principal,
                            Via via, const std::string& entity) {
  const auto record = [this, outcome, principal, via, entity](int64_t count) {
    event::v1::Access access;
    access.set_outcome(outcome);
    access.set_count(count);
    // Held, so that a drain waits until it is written.
    RecordAccess(principal, via, std::move(access), entity, [hold = watches_.Hold()](const absl::Status&) {});
  };
  if (const auto stands_for = refusals_.Take(key, runtime_.Monotonic(), record)) return record(*stands_for);
  accesses_withheld_.fetch_add(1, std::memory_order_relaxed);
  SettleLater();
}

void Backend::SettleLater() {
  if (settling_.exchange(true)) return;
  watches_.After(absl::Seconds(61), [this] {
    settling_ = false;
    if (refusals_.Settle(runtime_.Monotonic())) SettleLater();
  });
}

void Backend::RecordRefusal(const Principal& principal, const rpc::CallInfo& call) {
  if (principal.organization.empty()) return;
  const std::string user(principal.user());
  RecordBounded(user, event::v1::Access::OUTCOME_REFUSED, principal, Via(call).Unhurried(), user);
}

void Backend::RecordFailedSignIn(std::string_view organization, const rpc::CallInfo& call) {
  Principal nobody;
  nobody.caller.set_kind(event::v1::Caller::KIND_ANONYMOUS);
  nobody.organization = std::string(organization);
  const std::string entity = Cat("organizations/", organization);
  RecordBounded(entity, event::v1::Access::OUTCOME_SIGN_IN_FAILED, nobody, Via(call).Unhurried(), entity);
}

void Backend::SubmitInternal(std::string organization, std::string method, Occasion occasion, DecideFn decide,
                             std::function<void(absl::StatusOr<Outcome>)> done) {
  auto command = std::make_unique<Command>();
  command->organization = organization;
  command->method = std::move(method);
  command->principal.organization = std::move(organization);
  command->principal.internal = true;
  command->principal.caller.set_kind(occasion.cause ? event::v1::Caller::KIND_SERVICE : event::v1::Caller::KIND_TIMER);
  command->principal.caller.set_name(std::string(domain_.service));
  command->cause = std::move(occasion.cause);
  command->trace = std::move(occasion.trace);
  command->decide = std::move(decide);
  command->done = std::move(done);
  owner_.Submit(std::move(command));
}

}  // namespace trialog::service
