#include "services/audit/domain/choices.h"

#include <map>

#include "platform/errors/errors.h"
#include "platform/text/text.h"

namespace trialog::audit {
namespace {

constexpr size_t kRootSize = 32;

void Evolve(view::ChangeSet& state, const v1::AuditEvent& event) {
  switch (event.kind_case()) {
    case v1::AuditEvent::kSequenced:
      state.Put(kSequencedRanges, RangeName(event.sequenced().source(), event.sequenced().partition()),
                std::make_shared<v1::Sequenced>(event.sequenced()));
      return;
    case v1::AuditEvent::kCheckpointSigned:
      state.Put(kCheckpoints, kLatestCheckpoint, std::make_shared<v1::CheckpointSigned>(event.checkpoint_signed()));
      return;
    case v1::AuditEvent::KIND_NOT_SET:
      return;  // The reader stops at kinds it does not know before they get here.
  }
}

}  // namespace

const view::Table kSequencedRanges{1, "sources/*/partitions/*", &v1::Sequenced::default_instance(), nullptr};
const view::Table kCheckpoints{2, "checkpoints/*", &v1::CheckpointSigned::default_instance(), nullptr};

std::string RangeName(std::string_view source, int partition) {
  return Cat("sources/", source, "/partitions/", partition);
}

int64_t NextToSequence(const view::State& state, std::string_view source, int partition) {
  const auto range = state.Get<v1::Sequenced>(kSequencedRanges, RangeName(source, partition));
  return range ? range->to() : 0;
}

absl::StatusOr<Decision> Sequence(const view::State& state, const Context&, const std::vector<v1::Sequenced>& ranges) {
  // An empty decision would be a record without events: a leaf of its own, which calls for the next checkpoint.
  if (ranges.empty()) return BadField("ranges", "NOTHING_TO_SEQUENCE", "there must be a range");
  Decision decision;
  std::map<std::string, int64_t> next;
  for (const v1::Sequenced& range : ranges) {
    const std::string name = RangeName(range.source(), range.partition());
    const auto at = next.try_emplace(name, NextToSequence(state, range.source(), range.partition())).first;
    if (range.from() != at->second || range.to() <= range.from()) {
      return BrokenRule("NOT_NEXT", name, Cat("the next range of this partition begins at ", at->second));
    }
    at->second = range.to();
    v1::AuditEvent event;
    *event.mutable_sequenced() = range;
    decision.Add(name, std::move(event));
  }
  return decision;
}

absl::StatusOr<Decision> SignCheckpoint(const view::State& state, const Context&,
                                        const v1::CheckpointSigned& checkpoint) {
  if (checkpoint.root().size() != kRootSize) return BadField("root", "BAD_ROOT", "a root has 32 bytes");
  const auto last = state.Get<v1::CheckpointSigned>(kCheckpoints, kLatestCheckpoint);
  if (last && checkpoint.size() <= last->size()) {
    return BrokenRule("ALREADY_SIGNED", kLatestCheckpoint, Cat("size ", last->size(), " is signed already"));
  }
  Decision decision;
  v1::AuditEvent event;
  *event.mutable_checkpoint_signed() = checkpoint;
  decision.Add(kLatestCheckpoint, std::move(event));
  return decision;
}

const Domain& AuditDomain() {
  static const Domain domain{"audit",
                             &v1::AuditEvent::default_instance(),
                             {&kSequencedRanges, &kCheckpoints},
                             [](view::ChangeSet& state, const google::protobuf::Message& event) {
                               Evolve(state, static_cast<const v1::AuditEvent&>(event));
                             }};
  return domain;
}

}  // namespace trialog::audit
