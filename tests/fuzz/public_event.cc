// Public events of other services as they are folded: into who may call, and into notices.
#include "platform/callers/directory.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/trials/domain/evolve.h"
#include "services/trials/domain/notices.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"
#include "tests/support/filled_message.h"
#include "trialog/auth/v1/events.pb.h"
#include "trialog/inventory/v1/events.pb.h"
#include "trialog/trials/v1/events.pb.h"

namespace trialog::fuzz {
namespace {

using event::v1::PublicEvent;
using google::protobuf::Message;

// A state in which the records that events name stand: all made-up events folded.
const view::State& World() {
  static const auto* world = [] {
    auto* made = new view::ChangeSet(view::EmptyState());
    const Domain& domain = trials::TrialsDomain();
    for (int kind = 0; kind < domain.event->GetDescriptor()->oneof_decl(0)->field_count(); ++kind) {
      const std::unique_ptr<Message> event(domain.event->New());
      testing::Fill(*event, kind);
      made->Begin({std::string(16, 'e'), "o", {}, {}, static_cast<uint64_t>(kind)});
      domain.evolve(*made, *event);
    }
    return made;
  }();
  return *world;
}

void CheckNotices(const PublicEvent& event) {
  std::string after;
  for (int pages = 0; pages < 3; ++pages) {
    const auto page = trials::NoticesFor(event, World(), after), again = trials::NoticesFor(event, World(), after);
    Require(page.notices.size() <= trials::kMaxNotices, "a page of notices is bounded");
    Require(page.next == again.next && page.notices.size() == again.notices.size(), "a repeat gives the same notices");
    for (size_t i = 0; i < page.notices.size(); ++i)
      Require(page.notices[i].SerializeAsString() == again.notices[i].SerializeAsString(),
              "a repeat gives the same names");
    if (page.next.empty()) return;
    Require(page.next != after, "pages go on");
    after = page.next;
  }
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  for (const Message* prototype : {static_cast<const Message*>(&auth::v1::AuthEvent::default_instance()),
                                   static_cast<const Message*>(&trials::v1::TrialsEvent::default_instance()),
                                   static_cast<const Message*>(&inventory::v1::InventoryEvent::default_instance())}) {
    const auto& kinds = *prototype->GetDescriptor()->oneof_decl(0);
    for (int i = 0; i < kinds.field_count(); ++i) {
      PublicEvent event;
      testing::Fill(event);
      const std::unique_ptr<Message> wrapper(prototype->New());
      Message& kind = *wrapper->GetReflection()->MutableMessage(wrapper.get(), kinds.field(i));
      testing::Fill(kind, i);
      event.set_type(kind.GetTypeName());
      event.set_payload(kind.SerializeAsString());
      seeds.push_back(Big(0, 2) + event.SerializeAsString());
    }
  }
  return seeds;
}

}  // namespace trialog::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trialog::fuzz;
  using namespace trialog;
  Input input(data, size);
  input.Number(2);
  PublicEvent event;
  if (!event.ParseFromString(std::string(input.Rest()))) return 0;
  std::vector<view::Store::FactWrite> writes;
  callers::FoldAuthEvent(event, writes);
  Require(writes.size() <= 2, "an event is one or two facts");
  for (const auto& write : writes) Require(write.key.starts_with("auth/"), "auth's facts are apart");
  CheckNotices(event);
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  using namespace trialog::fuzz;
  return MutateChosenMessage(data, size, max_size, seed, {&PublicEvent::default_instance()});
}
