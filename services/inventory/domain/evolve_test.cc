#include "services/inventory/domain/evolve.h"

#include "services/inventory/domain/testing.h"
#include "trialog/options.pb.h"

namespace trialog::inventory {
namespace {

TEST(Evolve, TakesEveryKindOnAnEmptyState) {
  const auto& kinds = *v1::InventoryEvent::descriptor()->FindOneofByName("kind");
  for (int i = 0; i < kinds.field_count(); ++i) {
    view::ChangeSet state(view::EmptyState());
    v1::InventoryEvent event;
    event.GetReflection()->MutableMessage(&event, kinds.field(i));
    Evolve(state, event);
    EXPECT_TRUE(kinds.field(i)->message_type()->options().GetExtension(public_event)) << kinds.field(i)->name();
  }
  view::ChangeSet state(view::EmptyState());
  Evolve(state, v1::InventoryEvent());
  EXPECT_TRUE(state.empty());
}

}  // namespace
}  // namespace trialog::inventory
