#include "services/trialogctl/demo/proof.h"

#include "absl/time/clock.h"
#include "platform/errors/errors.h"
#include "platform/sealing/encoding.h"
#include "platform/sealing/note.h"
#include "platform/text/text.h"
#include "services/audit/domain/leaf.h"
#include "services/audit/tree/checkpoint.h"
#include "services/audit/tree/hashing.h"
#include "services/audit/tree/proof.h"
#include "services/trialogctl/demo/services.h"
#include "trialog/audit/v1/service.pb.h"
#include "trialog/event/v1/record.pb.h"

namespace trialog::ctl::demo {
namespace {

// Audit folds the other logs within milliseconds; it is asked again until then.
constexpr absl::Duration kPatience = absl::Seconds(15);

absl::Status Unproven(std::string_view what) {
  return Refuse(absl::StatusCode::kDataLoss, "DEMO_UNPROVEN", Cat(what, " does not hold"));
}

std::vector<std::string> Hashes(const google::protobuf::RepeatedPtrField<std::string>& hashes) {
  return {hashes.begin(), hashes.end()};
}

// What a note says; its signature is checked where the key is known.
absl::StatusOr<audit::Checkpoint> Open(const std::string& note, const std::string& log_key) {
  if (!log_key.empty()) {
    auto verifier = sealing::NoteVerifier::FromText(log_key);
    if (!verifier.ok()) return verifier.status();
    auto text = sealing::OpenNote(note, {*verifier});
    if (!text.ok()) return text.status();
    return audit::ParseCheckpoint(*text);
  }
  auto parsed = sealing::ParseNote(note);
  if (!parsed.ok()) return parsed.status();
  return audit::ParseCheckpoint(parsed->text);
}

bool IsAny(const audit::v1::AuditEntry&) { return true; }

// Whether the entry records a call of this method that an access rule refused.
bool IsRefusal(const audit::v1::AuditEntry& entry, std::string_view method) {
  event::v1::Access access;
  return access.ParseFromString(entry.content().payload()) && access.method() == method &&
         access.outcome() == event::v1::Access::OUTCOME_REFUSED;
}

// The latest entry that `filter` and `wanted` select, once audit has it. Looks at a page of them.
audit::v1::AuditEntry EntryOf(const World& world, Steps& steps, const std::string& filter,
                              const std::function<bool(const audit::v1::AuditEntry&)>& wanted) {
  for (const absl::Time deadline = absl::Now() + kPatience; steps.ok();) {
    audit::v1::ListEntriesRequest request;
    request.set_parent(world.organization);
    request.set_page_size(100);
    request.set_filter(filter);
    const auto listed = steps.Call<audit::v1::ListEntriesResponse>(world.Who("auditor"), Cat(kAudit, "ListEntries"),
                                                                   std::move(request));
    for (const auto& entry : listed.entries()) {
      if (wanted(entry)) return entry;
    }
    if (absl::Now() > deadline) steps.Fail(Refuse(absl::StatusCode::kNotFound, "DEMO_UNPROVEN", "no such audit entry"));
    absl::SleepFor(absl::Milliseconds(20));
  }
  return {};
}

}  // namespace

absl::StatusOr<std::string> LatestCheckpoint(const World& world) {
  for (const absl::Time deadline = absl::Now() + kPatience;;) {
    Steps steps(world.client);
    const auto checkpoint = steps.Call<audit::v1::Checkpoint>(world.Who("auditor"), Cat(kAudit, "GetCheckpoint"),
                                                              audit::v1::GetCheckpointRequest());
    if (steps.ok()) return checkpoint.note();
    // A new server signs its first one a moment after the first event.
    if (!absl::IsNotFound(steps.status()) || absl::Now() > deadline) return steps.status();
    absl::SleepFor(absl::Milliseconds(20));
  }
}

bool IsCheckpoint(const std::string& note) { return Open(note, "").ok(); }

absl::Status ProveOneRecord(const World& world, const std::string& before, std::string_view described,
                            const std::string& log_key) {
  Steps steps(world.client);
  const auto listed = EntryOf(
      world, steps, Cat("entity = \"", world.Patient(0), "\" AND type = \"trialog.trials.v1.PatientCreated\""), IsAny);
  audit::v1::GetEntryRequest get;
  get.set_name(listed.name());
  const auto proven =
      steps.Call<audit::v1::GetEntryResponse>(world.Who("auditor"), Cat(kAudit, "GetEntry"), std::move(get));
  if (!steps.ok()) return steps.status();
  const auto checkpoint = Open(proven.checkpoint().note(), log_key);
  if (!checkpoint.ok()) return checkpoint.status();
  const auto& entry = proven.entry();
  if (!audit::MaterialHolds(entry)) return Unproven("the entry's leaf");
  if (!audit::VerifyInclusion(entry.tree_index(), checkpoint->size, audit::HashLeaf(entry.material().leaf()),
                              checkpoint->root, Hashes(proven.proof().hashes()))) {
    return Unproven("the inclusion proof");
  }
  Say(Cat("  ", entry.content().summary(), ": leaf ", entry.tree_index(), " is in the tree of ", checkpoint->size,
          " leaves with root ", sealing::Base64(checkpoint->root)));
  Say(log_key.empty() ? "  the checkpoint's signature was not checked: give --log_key" : "  signed by the log's key");

  const auto earlier = Open(before, log_key);
  if (!earlier.ok()) return earlier.status();
  audit::v1::GetConsistencyProofRequest request;
  request.set_from_size(earlier->size);
  request.set_to_size(checkpoint->size);
  const auto consistency = steps.Call<audit::v1::ConsistencyProof>(
      world.Who("auditor"), Cat(kAudit, "GetConsistencyProof"), std::move(request));
  if (!steps.ok()) return steps.status();
  if (!audit::VerifyConsistency(earlier->size, checkpoint->size, earlier->root, checkpoint->root,
                                Hashes(consistency.hashes()))) {
    return Unproven("the consistency proof");
  }
  Say(Cat("  the log continues the checkpoint ", described, ", of ", earlier->size, " leaves"));
  return absl::OkStatus();
}

void ShowRefusal(const World& world, Steps& steps, const Person& who, std::string_view what, std::string_view method,
                 const std::string& answer) {
  if (!steps.ok()) return;
  Say(Cat("  ", what, ": ", answer));
  const auto entry =
      EntryOf(world, steps, Cat("actor.name = \"", who.name, "\" AND type = \"trialog.event.v1.Access\""),
              [&](const audit::v1::AuditEntry& found) { return IsRefusal(found, method); });
  if (steps.ok()) Say(Cat("  its audit entry: ", entry.content().summary(), " (", entry.content().actor().name(), ")"));
}

}  // namespace trialog::ctl::demo
