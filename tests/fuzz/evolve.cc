// Events of each service folded into rows: evolve is total, whatever an event holds, and a replay gives the same rows
// however the events are grouped.
#include "services/analytics/domain/evolve.h"

#include "platform/command/fold.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "platform/view/rocks.h"
#include "services/audit/domain/choices.h"
#include "services/auth/domain/evolve.h"
#include "services/inventory/domain/evolve.h"
#include "services/trials/domain/evolve.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"
#include "tests/support/filled_message.h"

namespace trialog::fuzz {
namespace {

using google::protobuf::Message;

const std::vector<const Domain*>& Domains() {
  static const std::vector<const Domain*> domains = {&auth::AuthDomain(), &inventory::InventoryDomain(),
                                                     &trials::TrialsDomain(), &analytics::AnalyticsDomain(),
                                                     &audit::AuditDomain()};
  return domains;
}

std::string TextOf(const view::RowPtr& row) {
  if (!row) return "none";
  return Cat(row->resource->SerializeAsString(), '|', row->sealed.SerializeAsString(), '|',
             row->meta.SerializeAsString());
}

// The index and the key of one of a change set's keys: the index's id, 2 bytes, stands before it.
std::pair<view::Index, std::string_view> Apart(std::string_view indexed) {
  return {view::Index{view::ReadU16(indexed), ""}, indexed.substr(2)};
}

// Whether whatever one of them changed reads the same in both.
void CheckSame(const view::ChangeSet& changed, const view::State& once, const view::State& twice) {
  for (const auto& write : changed.writes()) {
    Require(TextOf(once.Find(*write.table, write.name)) == TextOf(twice.Find(*write.table, write.name)),
            "rows are the same");
  }
  for (const auto& [indexed, name] : changed.keys()) {
    const auto [index, key] = Apart(indexed);
    Require(once.Lookup(index, key) == twice.Lookup(index, key), "keys are the same");
    const auto one = once.Scan(index, key, 4), other = twice.Scan(index, key, 4);
    Require(std::equal(one.begin(), one.end(), other.begin(), other.end(),
                       [](const view::Found& a, const view::Found& b) { return a.key == b.key && a.name == b.name; }),
            "scans are the same");
  }
  for (const auto& [indexed, count] : changed.counts()) {
    const auto [index, key] = Apart(indexed);
    Require(once.Count(index, key) == twice.Count(index, key), "counts are the same");
  }
}

event::v1::Data DataOf(const std::vector<std::string>& events, size_t record) {
  event::v1::Data data;
  data.set_organization("o");
  data.set_command_id(Big(record, 8) + std::string(8, 'c'));
  data.mutable_record_time()->set_seconds(1'767'225'600 + static_cast<int64_t>(record));
  for (const std::string& event : events) data.add_events()->set_domain(event);
  return data;
}

// Every row is found by the keys that it shares with others. (That a key of one row is no other's is what decisions see
// to, and these events were never decided.)
void CheckKeys(const view::ChangeSet& changes) {
  for (const auto& write : changes.writes()) {
    const view::RowPtr row = changes.Find(*write.table, write.name);
    if (!row || !write.table->index) continue;
    view::IndexSink sink(write.name);
    write.table->index(*row, write.name, sink);
    for (const auto& entry : sink.entries()) {
      if (entry.group_end == 0) continue;
      const auto [index, key] = Apart(sink.Key(entry));
      const std::string_view group = sink.Group(entry).substr(2);
      if (group.find('\0') != std::string_view::npos || write.name.find('\0') != std::string::npos) continue;
      Require(changes.Lookup(index, key) == write.name, "a row is found by its keys");
      Require(changes.Count(index, group) > 0, "a row is counted");
    }
  }
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  for (size_t d = 0; d < Domains().size(); ++d) {
    const Message& prototype = *Domains()[d]->event;
    const int kinds = prototype.GetDescriptor()->oneof_decl(0)->field_count();
    std::string all = Big(d, 1);
    for (int kind = 0; kind < kinds; ++kind) {
      const std::unique_ptr<Message> event(prototype.New());
      testing::Fill(*event, kind);
      all += Part(event->SerializeAsString());
      seeds.push_back(Big(d, 1) + Part(event->SerializeAsString()) + Part(event->SerializeAsString()));
    }
    seeds.push_back(all);
  }
  return seeds;
}

}  // namespace trialog::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trialog::fuzz;
  using namespace trialog;
  Input input(data, size);
  const Domain& domain = *Domains()[input.Choose(Domains().size())];
  const size_t cut = size % 8;  // Where the second reader has committed what went before.
  view::ChangeSet once(view::EmptyState()), base(view::EmptyState()), top(&base);
  for (size_t record = 0; !input.empty(); ++record) {
    const auto events = DataOf({std::string(input.Text()), std::string(input.Text())}, record);
    const absl::Status evolved = EvolveRecord(domain, events, record, once);
    if (!evolved.ok()) {
      Require(ReasonOf(evolved) == "UNKNOWN_EVENT", "a fold stops by name");
      return 0;
    }
    Require(EvolveRecord(domain, events, record, record < cut ? base : top).ok(), "what one reader folds, all do");
  }
  CheckKeys(once);
  for (const view::ChangeSet* changed : {&once, &base, &top}) CheckSame(*changed, once, top);
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  using namespace trialog::fuzz;
  return MutateMessageList(data, size, max_size, seed, {.type_of = [](uint8_t first, size_t) {
                             return Domains()[first % Domains().size()]->event;
                           }});
}
