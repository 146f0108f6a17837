#include "services/inventory/domain/evolve.h"

#include "services/inventory/domain/tables.h"

namespace trialog::inventory {

void Evolve(view::ChangeSet& state, const v1::InventoryEvent& event) {
  switch (event.kind_case()) {  // No default: a new kind fails to build here.
    case v1::InventoryEvent::kSampleCreated: {
      const auto& created = event.sample_created();
      state.Put(kSamples, created.sample().name(), std::make_shared<v1::Sample>(created.sample()), created.sealed());
      break;
    }
    case v1::InventoryEvent::KIND_NOT_SET:
      break;  // The reader stops at kinds it does not know before they get here.
  }
}

const Domain& InventoryDomain() {
  static const Domain domain{"inventory",
                             &v1::InventoryEvent::default_instance(),
                             {&kSamples},
                             [](view::ChangeSet& state, const google::protobuf::Message& event) {
                               Evolve(state, static_cast<const v1::InventoryEvent&>(event));
                             }};
  return domain;
}

}  // namespace trialog::inventory
