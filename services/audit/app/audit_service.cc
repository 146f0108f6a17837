#include "services/audit/app/audit_service.h"

#include <algorithm>

#include "platform/errors/errors.h"
#include "platform/rpc/filter.h"
#include "platform/sealing/encoding.h"
#include "platform/service/page.h"
#include "platform/text/text.h"
#include "platform/view/times.h"
#include "services/audit/app/access.h"
#include "services/audit/app/signed_checkpoint.h"
#include "services/audit/tree/proof.h"
#include "services/audit/tree/proof_text.h"

namespace trialog::audit {
namespace {

constexpr int kDefaultPage = 100;
constexpr int kMaxPage = 1000;
// Entries looked at for one page: a filter that matches little gives short pages rather than long waits (AIP-158
// allows).
constexpr size_t kMaxLooks = 5000;
constexpr size_t kLooksAtOnce = 100;
constexpr std::string_view kEntryPattern = "organizations/*/auditEntries/*";

const std::vector<std::string_view>& FilterFields() {
  static const auto& fields = *new std::vector<std::string_view>{"type",   "action",      "actor.name", "actor.kind",
                                                                 "entity", "entity_type", "source",     "record_time"};
  return fields;
}

absl::Status CheckParent(const Principal& principal, std::string_view parent) {
  if (!NameMatches("organizations/*", parent))
    return BadField("parent", "BAD_NAME", "must have the form organizations/*");
  // Another organisation is not there at all for this caller.
  return IdOf(parent) == principal.organization ? absl::OkStatus() : NotVisible(true, "record");
}

// The 16 bytes of an entry's event id; NOT_FOUND for a name that no entry has.
absl::StatusOr<std::string> EventIdOf(std::string_view name) {
  std::string hex(IdOf(name));
  hex.erase(std::remove(hex.begin(), hex.end(), '-'), hex.end());
  auto bytes = sealing::FromHex(hex);
  if (!bytes || bytes->size() != 16 || UuidText(*bytes) != IdOf(name)) return NotFound("record");
  return *std::move(bytes);
}

size_t PageSize(int32_t wanted) {
  return wanted <= 0 ? kDefaultPage : static_cast<size_t>(std::min<int32_t>(wanted, kMaxPage));
}

// The narrowest list that has every match of the filter.
void ChooseList(const rpc::Filter& filter, ListQuery& query) {
  constexpr std::pair<std::string_view, ListBy> kLists[] = {{"entity", ListBy::kEntity},
                                                            {"actor.name", ListBy::kActor},
                                                            {"type", ListBy::kType},
                                                            {"action", ListBy::kAction}};
  for (const auto& [field, list] : kLists) {
    auto value = filter.EqualityOn(field);
    if (!value || value->empty()) continue;
    query.by = list;
    query.value = *std::move(value);
    return;
  }
}

// What the pages of lists share: the time range, and the place that a page token names.
template <typename Request>
absl::StatusOr<ListQuery> QueryOf(const rpc::TokenSigner& tokens, const rpc::TokenScope& scope,
                                  const Request& request) {
  ListQuery query;
  query.organization = std::string(IdOf(request.parent()));
  query.limit = kLooksAtOnce;
  if (request.has_start_time()) query.start = FromProto(request.start_time());
  if (request.has_end_time()) query.end = FromProto(request.end_time());
  if (request.page_token().empty()) return query;
  auto place = tokens.Open(scope, request.page_token());
  if (!place.ok()) return place.status();
  query.after = *std::move(place);
  return query;
}

// A token belongs to one time range as it belongs to one filter.
template <typename Request>
std::string RangeText(const Request& request) {
  std::string text = request.has_start_time() ? Cat(absl::ToUnixMicros(FromProto(request.start_time()))) : "";
  Append(text, "/", request.has_end_time() ? Cat(absl::ToUnixMicros(FromProto(request.end_time()))) : "");
  return text;
}

// Walks a list until `take` has what it wants (it returns false then, the entry not taken), the list ends, or too much
// was looked at. Returns the place where the next page goes on; empty when there is none.
absl::StatusOr<std::string> WalkList(const AuditStore& store, ListQuery query,
                                     const std::function<bool(v1::AuditEntry& entry)>& take) {
  for (size_t looks = 0; looks < kMaxLooks; looks += kLooksAtOnce) {
    auto listed = store.List(query);
    if (!listed.ok()) return listed.status();
    for (const ListedEntry& found : *listed) {
      auto entry = store.Entry(found.tree_index);
      if (!entry.ok()) return entry.status();
      if (!take(*entry)) return query.after;
      query.after = found.place;
    }
    if (listed->size() < kLooksAtOnce) return std::string();
  }
  return query.after;
}

}  // namespace

void AuditService::Register(service::Backend& backend) {
  backend_ = &backend;
  const auto add = [&](const char* name, void (AuditService::*method)(const CallPtr&)) {
    backend.Unary(Cat("trialog.audit.v1.AuditService/", name), [this, method](CallPtr call) {
      if (!call->read_mode().empty()) {
        return call->Finish(Refuse(absl::StatusCode::kInvalidArgument, "BAD_READ_MODE",
                                   "audit follows the logs and has no strict reads; a proof says what it covers"));
      }
      (this->*method)(call);
    });
  };
  add("GetEntry", &AuditService::GetEntry);
  add("ListEntries", &AuditService::ListEntries);
  add("GetCheckpoint", &AuditService::GetCheckpoint);
  add("GetInclusionProof", &AuditService::GetInclusionProof);
  add("GetConsistencyProof", &AuditService::GetConsistencyProof);
  add("ListAccesses", &AuditService::ListAccesses);
}

template <typename Response>
void AuditService::AnswerRecorded(const CallPtr& call, std::string_view entity, int64_t count, Response response) {
  event::v1::Access access;
  access.set_outcome(event::v1::Access::OUTCOME_SHOWN);
  access.set_count(count);
  // No subjects: values stay sealed here, so nobody's personal fields were shown.
  backend_->RecordAccess(call->principal(), service::Via(*call), std::move(access), entity,
                         [call, response = std::move(response)](const absl::Status& recorded) {
                           if (!recorded.ok()) return call->Finish(recorded);
                           call->Finish(response);
                         });
}

absl::StatusOr<v1::AuditEntry> AuditService::VisibleEntry(const Principal& principal, uint64_t tree_index) const {
  auto entry = store_->Entry(tree_index);
  if (!entry.ok()) return absl::IsNotFound(entry.status()) ? NotFound("record") : entry.status();
  if (!MaySee(principal, entry->content())) return NotVisible(true, "record");
  return entry;
}

absl::StatusOr<v1::InclusionProof> AuditService::Prove(uint64_t tree_index, uint64_t tree_size) const {
  TileHashReader reader = store_->Hashes(tree_size);
  auto hashes = InclusionProof(tree_index, tree_size, reader);
  if (!hashes.ok()) return hashes.status();
  v1::InclusionProof proof;
  proof.set_tree_index(tree_index);
  proof.set_tree_size(tree_size);
  for (std::string& hash : *hashes) proof.add_hashes(std::move(hash));
  return proof;
}

void AuditService::GetEntry(const CallPtr& call) {
  const std::string& name = call->Request<v1::GetEntryRequest>().name();
  if (!NameMatches(kEntryPattern, name)) {
    return call->Finish(BadField("name", "BAD_NAME", Cat("must have the form ", kEntryPattern)));
  }
  auto event_id = EventIdOf(name);
  if (!event_id.ok()) return call->Finish(event_id.status());
  auto tree_index = store_->Find(*event_id);
  if (!tree_index.ok()) {
    return call->Finish(absl::IsNotFound(tree_index.status()) ? NotFound("record") : tree_index.status());
  }
  auto entry = VisibleEntry(call->principal(), *tree_index);
  if (!entry.ok()) return call->Finish(entry.status());
  if (entry->name() != name) return call->Finish(NotFound("record"));
  auto checkpoint = SignedCheckpoint(*store_, signer_, 0);
  if (!checkpoint.ok() && !absl::IsNotFound(checkpoint.status())) return call->Finish(checkpoint.status());
  if (!checkpoint.ok() || checkpoint->tree_size() <= *tree_index) {
    return call->Finish(RetryLater(absl::StatusCode::kUnavailable, "NOT_YET_SIGNED",
                                   "no signed state of the tree has this entry yet; ask again", absl::Seconds(1)));
  }
  auto proof = Prove(*tree_index, checkpoint->tree_size());
  if (!proof.ok()) return call->Finish(proof.status());
  v1::GetEntryResponse response;
  response.set_tlog_proof(ProofText(entry->material().leaf(), *tree_index,
                                    {proof->hashes().begin(), proof->hashes().end()}, checkpoint->note()));
  *response.mutable_entry() = *std::move(entry);
  *response.mutable_checkpoint() = *std::move(checkpoint);
  *response.mutable_proof() = *std::move(proof);
  AnswerRecorded(call, name, 1, std::move(response));
}

void AuditService::ListEntries(const CallPtr& call) {
  const auto& request = call->Request<v1::ListEntriesRequest>();
  const Principal& principal = call->principal();
  if (absl::Status checked = CheckParent(principal, request.parent()); !checked.ok()) return call->Finish(checked);
  auto filter = rpc::Filter::Parse(request.filter(), *v1::EntryContent::descriptor(), FilterFields());
  if (!filter.ok()) return call->Finish(filter.status());
  const std::string range = RangeText(request);
  const rpc::TokenScope scope{rpc::TokenKind::kPage, call->method_name(), request.parent(), request.filter(), range};
  auto query = QueryOf(backend_->tokens(), scope, request);
  if (!query.ok()) return call->Finish(query.status());
  ChooseList(*filter, *query);

  v1::ListEntriesResponse response;
  service::Page page(PageSize(request.page_size()));
  auto next = WalkList(*store_, *query, [&](v1::AuditEntry& entry) {
    if (!MaySee(principal, entry.content()) || !filter->Matches(entry.content())) return true;
    entry.clear_material();
    if (!page.Take(entry.ByteSizeLong())) return false;
    *response.add_entries() = std::move(entry);
    return true;
  });
  if (!next.ok()) return call->Finish(next.status());
  if (!next->empty()) response.set_next_page_token(backend_->tokens().Sign(scope, *next));
  const int64_t count = response.entries_size();
  AnswerRecorded(call, request.parent(), count, std::move(response));
}

void AuditService::GetCheckpoint(const CallPtr& call) {
  auto checkpoint = SignedCheckpoint(*store_, signer_, call->Request<v1::GetCheckpointRequest>().tree_size());
  checkpoint.ok() ? call->Finish(*checkpoint) : call->Finish(checkpoint.status());
}

void AuditService::GetInclusionProof(const CallPtr& call) {
  const auto& request = call->Request<v1::GetInclusionProofRequest>();
  auto checkpoint = store_->Checkpoint(request.tree_size());
  if (!checkpoint.ok()) return call->Finish(checkpoint.status());
  // No hint of the entries of others: a place that they have and one that nobody has are one answer.
  auto entry = VisibleEntry(call->principal(), request.tree_index());
  if (!entry.ok()) return call->Finish(entry.status());
  if (request.tree_index() >= checkpoint->tree_size()) return call->Finish(NotFound("record"));
  auto proof = Prove(request.tree_index(), checkpoint->tree_size());
  proof.ok() ? call->Finish(*proof) : call->Finish(proof.status());
}

void AuditService::GetConsistencyProof(const CallPtr& call) {
  const auto& request = call->Request<v1::GetConsistencyProofRequest>();
  auto checkpoint = store_->Checkpoint(request.to_size());
  if (!checkpoint.ok()) return call->Finish(checkpoint.status());
  const uint64_t to = checkpoint->tree_size();
  if (request.from_size() > to) {
    return call->Finish(BadField("from_size", "BAD_SIZE", Cat("must be at most the later size, ", to)));
  }
  TileHashReader reader = store_->Hashes(to);
  auto hashes = ConsistencyProof(request.from_size(), to, reader);
  if (!hashes.ok()) return call->Finish(hashes.status());
  v1::ConsistencyProof proof;
  proof.set_from_size(request.from_size());
  proof.set_to_size(to);
  for (std::string& hash : *hashes) proof.add_hashes(std::move(hash));
  call->Finish(proof);
}

void AuditService::ListAccesses(const CallPtr& call) {
  const auto& request = call->Request<v1::ListAccessesRequest>();
  const Principal& principal = call->principal();
  if (absl::Status checked = CheckParent(principal, request.parent()); !checked.ok()) return call->Finish(checked);
  const std::string& subject = request.subject().empty() ? principal.patient : request.subject();
  if (subject.empty())
    return call->Finish(BadField("subject", "FIELD_REQUIRED", "name the record whose readers you ask for"));
  if (!MaySeeAccessesOf(principal, subject)) return call->Finish(NotVisible(true, "record"));
  const std::string range = RangeText(request);
  const rpc::TokenScope scope{rpc::TokenKind::kPage, call->method_name(), request.parent(), subject, range};
  auto query = QueryOf(backend_->tokens(), scope, request);
  if (!query.ok()) return call->Finish(query.status());
  query->by = ListBy::kSubject;
  query->value = subject;

  v1::ListAccessesResponse response;
  const size_t page = PageSize(request.page_size());
  auto next = WalkList(*store_, *query, [&](v1::AuditEntry& entry) {
    if (static_cast<size_t>(response.accesses_size()) == page) return false;
    event::v1::Access access;
    if (!access.ParseFromString(entry.content().payload())) return true;
    auto& shown = *response.add_accesses();
    *shown.mutable_actor() = entry.content().actor();
    *shown.mutable_record_time() = entry.content().record_time();
    shown.set_method(access.method());
    shown.set_purpose(access.purpose());
    shown.set_source(entry.content().source());
    shown.set_entry(entry.name());
    return true;
  });
  if (!next.ok()) return call->Finish(next.status());
  if (!next->empty()) response.set_next_page_token(backend_->tokens().Sign(scope, *next));
  const int64_t count = response.accesses_size();
  AnswerRecorded(call, subject, count, std::move(response));
}

}  // namespace trialog::audit
