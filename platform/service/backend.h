// A running service: its domain on a log, its store, its owner, and the handlers that join them to the server frame.
// What differs between resources is in ResourceType and the decisions; what is the same is here, once.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/command/owner.h"
#include "platform/rpc/call.h"
#include "platform/rpc/client.h"
#include "platform/rpc/frame.h"
#include "platform/rpc/page_token.h"
#include "platform/sealing/data_keys.h"
#include "platform/service/access_budget.h"
#include "platform/service/resource.h"
#include "platform/service/sight.h"
#include "platform/service/watch_hub.h"
#include "platform/view/store.h"
#include "trialog/event/v1/peer.pb.h"

namespace trialog::service {

// What a command is about, known before it is decided.
struct Target {
  std::string organization;  // Id.
  std::string name;          // The record, existing or to be created.
  // The personal fields that the command states, as a resource with only them set; null when there are none.
  std::unique_ptr<google::protobuf::Message> personal;
  std::string key_subject;
  // An update: the numbers of the personal fields that it sets or clears. Empty: those that are set.
  std::vector<int> patched = {};
  // Why the command cannot be carried out even if its decision allows it: the decision is asked all the same, so that
  // the answer is no hint to those whom a rule refuses.
  absl::Status instead = absl::OkStatus();
};

// The target of a command that states personal fields of a record which is not there: nothing can be sealed for it. The
// decision says so, in its own words and after its own rules.
Target WithoutRow(Target target);

// Finds the target of a request and completes the request (fills an empty id). Refuses bad names.
using Aim = std::function<absl::StatusOr<Target>(google::protobuf::Message& request, const Principal& principal)>;

// Answers a command that succeeded; the default renders the first name of the outcome as the method's resource.
using Answer = std::function<void(std::shared_ptr<rpc::Call> call, const Outcome& outcome)>;

// Answers a command that was refused; the default finishes the call with the status.
using Refused = std::function<void(std::shared_ptr<rpc::Call> call, const absl::Status& status)>;

struct BackendOptions {
  OwnerOptions owner;
  int partitions = log::kPartitions;  // Of the service's own topic.
  std::string request_key;            // HMAC key for fingerprints of requests; the same in all replicas of a service.
  bool claim_at_start = false;
  // A client of another process of this service, by its address; null: there is no other.
  std::function<std::shared_ptr<const rpc::Client>(const std::string& address)> peer = nullptr;
  // How long the access lasts that a stream was opened with. Each null where it never ends. Thread safe.
  struct Access {
    // Grows when what a user may do has changed.
    std::function<uint64_t(std::string_view user)> epoch_of;
    // Until when it lasts if the epoch stays the same, as TokenAuthenticator::HoldsUntil says.
    std::function<absl::StatusOr<absl::Time>(std::string_view token, const Principal& caller)> holds_until;
  };
  Access access;
  // Calls back once callers are known up to `offset` of the organisation's partition of this service's own log: set
  // where the service's commands change who may call (auth). Commands are answered after it. Null elsewhere. Thread
  // safe.
  std::function<void(std::string_view organization, int64_t offset, std::function<void(absl::Status)> done)>
      callers_known;
};

// The call that something is done for, as access records name it.
struct Via {
  explicit Via(const rpc::CallInfo& call)
      : method(call.method_name()), trace(call.traceparent()), deadline(call.deadline()) {}
  // Nobody waits for what is recorded: the call is answered before, or is a stream that goes on.
  Via Unhurried() &&;
  std::string method;   // Full name.
  std::string trace;    // W3C traceparent; may be empty.
  absl::Time deadline;  // Of the call, which is answered once it is recorded.
};

class Backend {
 public:
  // All references outlive the backend; `keys` may be null for a service without personal fields.
  Backend(const Domain& domain, Runtime& runtime, log::Log& log, std::unique_ptr<view::Store> store,
          sealing::KeyProvider* keys, const rpc::TokenSigner& tokens, BackendOptions options);
  ~Backend();

  // ---- Registration: before Start. Methods are full names, "trialog.inventory.v1.SampleService/GetSample". ----

  void Get(std::string_view method, const ResourceType& type);
  // Another view of the record named: `show` makes the answer from the resource without its personal fields.
  using Show = std::function<std::unique_ptr<google::protobuf::Message>(
      const view::State& state, const google::protobuf::Message& resource, const view::Row& row)>;
  void GetVia(std::string_view method, const ResourceType& type, Show show);
  // The versions of the record named, newest first. The answer is a page of a message with version, record_time, actor,
  // changed_fields, event_id and the resource as it was; or of the resource itself, where it tells its own version.
  void History(std::string_view method, const ResourceType& type);
  // Lists from `source`; null: children of the request's parent by name.
  void List(std::string_view method, const ResourceType& type, ChooseSource source);
  // Streams `type`'s records below the request's parent.
  void Watch(std::string_view method, const ResourceType& type, ChooseSource source);
  // The same for records of several types in one stream; a filter names fields that all of them declare.
  struct Watched {
    const ResourceType* type;
    ChooseSource source;
  };
  void WatchAll(std::string_view method, std::vector<Watched> watched);
  // parent, resource and *_id as in AIP-133.
  void Create(std::string_view method, const ResourceType& type, DecideRequest decide);
  // A resource with its name, and update_mask, as in AIP-134.
  void Update(std::string_view method, const ResourceType& type, DecideRequest decide);
  // A custom method on `name` (AIP-136). Personal fields of the request go to the resource's fields of the same name.
  // The answer is the record of `type`, or of `answer_type` when that is another.
  void Act(std::string_view method, const ResourceType& type, DecideRequest decide, Answer answer = nullptr);
  // The service's EventService: its public events, all of them for our own services. `may_see` says which of them
  // another caller gets; null: none.
  using MaySeeEvent = bool (*)(const Principal& principal, const event::v1::PublicEvent& event);
  void Subscribe(std::string_view method, MaySeeEvent may_see);
  // What these three aim at, for a CommandMethod that is nearly one of them.
  Aim AimToCreate(const ResourceType& type);
  Aim AimToUpdate(const ResourceType& type);
  Aim AimToAct(const ResourceType& type);
  // Anything else that is a command. A target, or a key subject, of another organisation than the caller's is
  // NOT_FOUND.
  void CommandMethod(std::string_view method, const ResourceType& type, Aim aim, DecideRequest decide,
                     Answer answer = nullptr);
  // Anything else.
  // What List registers, for a method that lists several kinds of record.
  rpc::UnaryHandler ListHandler(std::string_view method, const ResourceType& type, ChooseSource source);
  void Unary(std::string_view method, rpc::UnaryHandler handler) {
    handlers_.Unary(std::string(method), std::move(handler));
  }
  void Stream(std::string_view method, rpc::StreamHandler handler) {
    handlers_.Stream(std::string(method), std::move(handler));
  }

  rpc::Handlers& handlers() { return handlers_; }

  // ---- Running. ----

  absl::Status Start();
  // Until `deadline` at most, or a little more.
  void Drain(absl::Time deadline);

  // Metrics of log, owner and access records. Thread safe.
  void Collect(telemetry::Metrics& metrics) const;

  const BackendOptions& options() const { return options_; }
  const Domain& domain() const { return domain_; }
  Runtime& runtime() { return runtime_; }
  log::Log& log() { return log_; }
  view::Store& store() { return *store_; }
  Owner& owner() { return owner_; }
  WatchHub& watches() { return watches_; }
  // What reads the log for subscriptions, and may wait for it: nothing else does.
  const std::shared_ptr<Executor>& subscriptions() const { return subscriptions_; }
  const rpc::TokenSigner& tokens() const { return tokens_; }
  sealing::KeyProvider* keys() { return keys_; }
  int PartitionOf(std::string_view organization) const { return log::PartitionOf(organization, owner_.partitions); }

  // The principal of a call, with what the record rules need beside it (the keyed hash of the caller's own patient).
  using WithPrincipal = std::function<void(absl::StatusOr<std::shared_ptr<const Principal>>)>;
  // UNAVAILABLE a little before `deadline`, as GetKeys.
  void CompletePrincipal(std::shared_ptr<const Principal> principal, absl::Time deadline, WithPrincipal done);

  // Runs the command of one call, as CommandMethod does: for a handler that prepared something of its own for the call
  // (a hash, a token). `type` says how personal fields are sealed. Secrets and personal fields are taken out of the
  // request.
  void Run(std::shared_ptr<rpc::Call> call, const ResourceType& type, Aim aim, DecideRequest decide,
           Answer answer = nullptr, Refused refused = nullptr);

  // Runs `read` with the completed principal once the position that the caller asks for is folded; a strict read where
  // everything that was acknowledged before it is. Another organisation's records are refused with NOT_FOUND.
  void WhenReadable(std::shared_ptr<rpc::ServerCall> call, std::string_view resource_name,
                    std::function<void(std::shared_ptr<const Principal>)> read);

  // The offset that a request's as_of means; INT64_MAX, the present, when it is not set.
  int64_t AsOf(int partition, const google::protobuf::Message& request) const;

  // Rows of one organisation as the caller sees them: names, etags, times, personal fields, derived fields. With
  // `record`, unsealing is recorded in the log before `done` is called; if that cannot be written the answer is the
  // error.
  struct Seen {
    const ResourceType* type;
    std::string name;
    view::RowPtr row;
    // Numbers of the personal fields shown to the caller; not set: the type is asked.
    std::optional<std::vector<int>> shown = std::nullopt;
  };
  using Rendered = std::function<void(absl::StatusOr<std::vector<std::shared_ptr<google::protobuf::Message>>>)>;
  void Render(std::shared_ptr<const Principal> principal, const rpc::CallInfo& call, bool record,
              std::vector<Seen> rows, Rendered done);

  // The record as of an outcome, as the call's answer. When the outcome is given once more and the caller may no longer
  // see the record, its name alone.
  void AnswerWithRecord(std::shared_ptr<rpc::Call> call, const ResourceType& type, const Outcome& outcome,
                        std::string_view name);

  // Keys as KeyProvider gives them, or why there are none: after five seconds, and a little before `deadline`, at the
  // latest. `keys()` must not be null.
  void GetKeys(sealing::KeyRequest request, absl::Time deadline, sealing::KeyProvider::KeysCallback done);

  // Seals personal values and makes their look-up keys; creates the data key when there is none. UNAVAILABLE,
  // KEYS_UNAVAILABLE, a little before `deadline`.
  using Sealed = std::function<void(absl::StatusOr<event::v1::SealedPart>)>;
  void Seal(const ResourceType& type, const Target& target, absl::Time deadline, Sealed done);

  // Appends these access records (at least one) of personal fields shown, as Sight gives them; the status is that of
  // one that could not be written. `done` may be null.
  void RecordShown(const Principal& principal, const Via& via, std::vector<event::v1::Access> accesses,
                   std::function<void(absl::Status)> done);
  // Appends an access record for a call: shown, refused, or a failed sign-in. `done` may be null.
  void RecordAccess(const Principal& principal, Via via, event::v1::Access access, std::string_view entity,
                    std::function<void(absl::Status)> done);
  // Asks the process that owns a partition, as `status` says, what this one cannot do itself. `done` gets `status` when
  // it says nothing of that, or there is no way to ask; it is called before `deadline`.
  template <typename Response>
  void AskOwner(const absl::Status& status, std::string_view method, const google::protobuf::Message& request,
                absl::Time deadline, std::function<void(absl::StatusOr<Response>)> done) {
    const auto peer = OwnerNamedBy(status);
    if (peer == nullptr) return done(status);
    peer->CallAsync<Response>(PeerMethod(method), request, ToPeer(deadline), std::move(done));
  }
  // For a handler that looks at an organisation's records (an id) before it submits what it is about, and refuses by
  // what it sees: `handle` runs where the organisation is written for, with all that was acknowledged before the call
  // came; elsewhere the call is passed on, or ends. Where there are rivals, on the executor of reads.
  void AtOwner(std::shared_ptr<rpc::Call> call, std::string organization, std::function<void()> handle);
  // The same, and nobody else wrote for it since the call came: `handle` runs, on the owner's executor, once the log
  // says so.
  void AtConfirmedOwner(std::shared_ptr<rpc::ServerCall> call, std::string organization, std::function<void()> handle);
  // PERMISSION_DENIED, NOT_A_PEER, unless another process of this service asks.
  absl::Status CheckIsPeer(const Principal& principal) const;
  // Serves RecordAccess of a PeerService, which other processes of this service ask for what they show.
  void RecordForPeers(std::string_view method);
  // A known caller's call was refused by an access rule: the frame reports those that end so (IsRefusal), lists and
  // watches those that show nothing because of it. So many a minute and caller are recorded.
  void RecordRefusal(const Principal& principal, const rpc::CallInfo& call);
  // A sign-in at an organisation that exists failed. So many a minute and organisation are recorded.
  void RecordFailedSignIn(std::string_view organization, const rpc::CallInfo& call);

  // Submits a decision that no request asked for (a reaction, a timer). Thread safe.
  void SubmitInternal(std::string organization, std::string method, Occasion occasion, DecideFn decide,
                      std::function<void(absl::StatusOr<Outcome>)> done);

  struct CommandSpec;
  struct ListSpec;
  struct WatchSpec;

 private:
  // The process that a status names as the owner (OwnedElsewhere); null: none that could be asked.
  std::shared_ptr<const rpc::Client> OwnerNamedBy(const absl::Status& status) const;
  std::string PeerMethod(std::string_view name) const;
  rpc::ClientOptions ToPeer(absl::Time deadline) const;
  void AppendAccess(event::v1::RecordAccessRequest request, Via via, std::function<void(absl::Status)> done);
  // As GetKeys.
  void GetLookupKey(const std::string& organization, absl::Time deadline, sealing::KeyProvider::LookupKeyCallback done);
  // Whether the caller would see this version of a record, and the record as it stands.
  bool MaySeeNow(const ResourceType& type, const Principal& principal, int partition, std::string_view name,
                 const view::Row& row) const;
  void RunCommand(std::shared_ptr<rpc::Call> call, std::shared_ptr<const CommandSpec> spec);
  void SubmitCall(std::shared_ptr<rpc::Call> call, std::shared_ptr<const CommandSpec> spec, Principal principal,
                  const Target& target, event::v1::SealedPart sealed, std::string request_key, std::string request_mac);
  // Records an access that ended so, unless `key` has had its share of this minute: then it is counted in a later one.
  void RecordBounded(const std::string& key, event::v1::Access::Outcome outcome, const Principal& principal, Via via,
                     const std::string& entity);
  void SettleLater();
  // The kind of record that this name is of, among those served here; null when it is none of them.
  const ResourceType* TypeOf(std::string_view name) const;
  void Serve(const ResourceType& type);
  // Whether a list below the request's parent, of which nothing is shown, is refused by the record rule rather than
  // empty: it names one record, below which the caller may not look and sees nothing.
  bool RefusesList(const ListSpec& spec, const Principal& principal, std::string_view parent,
                   const ListSource& source) const;
  void AnswerGet(const std::shared_ptr<rpc::Call>& call, const ResourceType& type,
                 std::shared_ptr<const Principal> principal);
  void AnswerHistory(const std::shared_ptr<rpc::Call>& call, const ResourceType& type,
                     std::shared_ptr<const Principal> principal);
  void AnswerList(const std::shared_ptr<rpc::Call>& call, const ListSpec& spec,
                  std::shared_ptr<const Principal> principal);

  const Domain& domain_;
  Runtime& runtime_;
  log::Log& log_;
  sealing::KeyProvider* const keys_;
  const rpc::TokenSigner& tokens_;
  const BackendOptions options_;
  std::vector<const ResourceType*> types_;  // Served; complete before Start.
  std::unique_ptr<view::Store> store_;
  Owner owner_;
  rpc::Handlers handlers_;

  AccessBudget refusals_;
  std::atomic<bool> settling_ = false;  // What waits in it will be looked at.

  // Shared with answers that may come after this has ended.
  using Counts = std::array<std::atomic<int64_t>, event::v1::Access::Outcome_ARRAYSIZE>;
  const std::shared_ptr<Counts> accesses_recorded_ = std::make_shared<Counts>();
  std::atomic<int64_t> accesses_withheld_ = 0;  // Counted in a later access record instead.

  WatchHub watches_;
  // Last: its tasks use the others. Shared for as long as the hub posts to it.
  std::shared_ptr<Executor> subscriptions_;
};

}  // namespace trialog::service
