// Records of a private log, one after the other: which of them count, what the public sees of them, and what the audit
// log makes of them. Any bytes may stand there.
#include "platform/command/decision.h"
#include "platform/errors/errors.h"
#include "platform/log/admission.h"
#include "platform/view/public_stream.h"
#include "services/audit/domain/leaf.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"
#include "tests/support/filled_message.h"
#include "trialog/analytics/v1/events.pb.h"
#include "trialog/auth/v1/events.pb.h"
#include "trialog/inventory/v1/events.pb.h"
#include "trialog/trials/v1/events.pb.h"

namespace trialog::fuzz {
namespace {

using event::v1::FoldState;
using event::v1::LogRecord;

constexpr int kPartition = 3;

struct Service {
  std::string_view name;
  const google::protobuf::Message* event;
};
const Service kServices[] = {{"auth", &auth::v1::AuthEvent::default_instance()},
                             {"inventory", &inventory::v1::InventoryEvent::default_instance()},
                             {"trials", &trials::v1::TrialsEvent::default_instance()},
                             {"analytics", &analytics::v1::AnalyticsEvent::default_instance()}};

uint64_t Ignored(const FoldState& fold) { return fold.ignored_stale() + fold.ignored_duplicate() + fold.ignored_gap(); }

// What one record may do to the fold.
void CheckStep(const FoldState& before, const FoldState& after, const LogRecord& record, std::string_view bytes,
               log::Verdict verdict) {
  Require(after.next_offset() == before.next_offset() + 1, "each record moves the fold on by one");
  Require(after.term() >= before.term(), "terms only grow");
  Require(after.alarms() >= before.alarms(), "alarms only grow");
  const bool written = verdict == log::Verdict::kAdmitted || verdict == log::Verdict::kReleased;
  Require((after.admitted() - before.admitted()) == (verdict == log::Verdict::kAdmitted ? 1u : 0u),
          "admitted data is counted");
  if (written) {
    Require(after.next_seq() == before.next_seq() + 1 && after.last_hash() == log::RecordHash(bytes),
            "the chain goes on");
    Require(!before.owner().empty() && after.term() == before.term(), "only an owner writes");
  } else {
    Require(after.last_hash() == before.last_hash(), "the chain is of what counts");
  }
  if (log::Counts(verdict)) return;
  Require(record.has_claim() == (verdict == log::Verdict::kClaimLost), "a claim that does not count is a lost one");
  Require(Ignored(after) == Ignored(before) + (verdict == log::Verdict::kClaimLost ? 0 : 1),
          "what is ignored is counted");
  Require(after.term() == before.term() && after.owner() == before.owner() && after.next_seq() == before.next_seq(),
          "what is ignored changes nothing");
}

// What others make of admitted data.
void CheckReaders(const Service& service, const LogRecord& record, std::string_view bytes, int64_t offset) {
  const auto& data = record.data();
  const auto shown = view::PublicEvents(service.name, *service.event, kPartition, offset, data);
  Require(shown.size() <= static_cast<size_t>(data.events_size()), "at most one public event an event");
  for (const auto& event : shown) {
    Require(event.event_id() == EventId(service.name, data.organization(), data.command_id(), event.position().index()),
            "the event's id follows from its place in the command");
    Require(event.position().offset() == offset && event.position().partition() == kPartition,
            "an event says where it stands");
  }

  const auto entries = audit::EntriesOf({service.name, kPartition, offset, bytes}, sealing::SecretKey());
  Require(entries.ok(), "a record has entries");
  std::set<std::string> leaves;
  for (const auto& entry : *entries) {
    Require(audit::MaterialHolds(entry), "an entry's leaf follows from its content");
    Require(leaves.insert(entry.material().leaf()).second, "each entry has a leaf of its own");
  }
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  for (size_t s = 0; s < std::size(kServices); ++s) {
    LogRecord claim, data, release;
    claim.mutable_claim()->set_term(1);
    claim.mutable_claim()->set_owner("0123456789abcdef");
    testing::Fill(*data.mutable_data(), 0);
    data.mutable_data()->set_term(1);
    data.mutable_data()->set_owner("0123456789abcdef");
    data.mutable_data()->clear_events();
    const auto& kinds = *kServices[s].event->GetDescriptor()->oneof_decl(0);
    std::string log = Big(s, 1) + Part(claim.SerializeAsString());
    for (int kind = 0; kind < kinds.field_count(); ++kind) {
      const std::unique_ptr<google::protobuf::Message> event(kServices[s].event->New());
      testing::Fill(*event, kind);
      data.mutable_data()->clear_events();
      data.mutable_data()->add_events()->set_domain(event->SerializeAsString());
      testing::Fill(*data.mutable_data()->add_events()->mutable_access());
      data.mutable_data()->set_seq(kind % 4 + 1);
      log += Part(data.SerializeAsString());
      if (kind % 4 != 3 && kind + 1 < kinds.field_count()) continue;
      release.mutable_release()->set_term(1);
      release.mutable_release()->set_owner("0123456789abcdef");
      release.mutable_release()->set_seq(kind % 4 + 2);
      seeds.push_back(log + Part(release.SerializeAsString()));
      log = Big(s, 1) + Part(claim.SerializeAsString());
    }
  }
  return seeds;
}

}  // namespace trialog::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trialog::fuzz;
  using namespace trialog;
  Input input(data, size);
  const auto& service = kServices[input.Choose(std::size(kServices))];
  FoldState fold, again;
  for (int64_t offset = 0; !input.empty(); ++offset) {
    const std::string_view bytes = input.Text();
    const auto record = log::ParseRecord(bytes, offset);
    if (!record.ok()) {
      const std::string reason = ReasonOf(record.status());
      Require(reason == "LOG_RECORD_UNREADABLE" || reason == "LOG_RECORD_KIND_UNKNOWN", "a fold stops by name");
      return 0;
    }
    const FoldState before = fold;
    const log::Verdict verdict = log::Admit(fold, *record, bytes, offset);
    CheckStep(before, fold, *record, bytes, verdict);
    Require(log::Admit(again, *record, bytes, offset) == verdict, "every reader admits the same");
    if (record->has_data()) CheckReaders(service, *record, bytes, offset);
  }
  Require(fold.SerializeAsString() == again.SerializeAsString(), "every reader comes to the same state");
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  using trialog::event::v1::LogRecord;
  return trialog::fuzz::MutateMessageList(data, size, max_size, seed,
                                          {.type_of = [](uint8_t, size_t) { return &LogRecord::default_instance(); }});
}
