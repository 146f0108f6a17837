#include "services/analytics/domain/evolve.h"

#include <gtest/gtest.h>

#include "services/analytics/domain/tables.h"

namespace trialog::analytics {
namespace {

// One event of each kind, empty but for a name, so that a kind added later is tested too.
v1::AnalyticsEvent Bare(const google::protobuf::FieldDescriptor* kind) {
  v1::AnalyticsEvent event;
  google::protobuf::Message* body = event.GetReflection()->MutableMessage(&event, kind);
  if (const auto* name = body->GetDescriptor()->FindFieldByName("name")) {
    body->GetReflection()->SetString(body, name, "organizations/o/datasets/d");
  }
  return event;
}

TEST(Evolve, TakesEveryKindWithoutARecordToChange) {
  const auto* kinds = v1::AnalyticsEvent::descriptor()->oneof_decl(0);
  ASSERT_GT(kinds->field_count(), 0);
  for (int i = 0; i < kinds->field_count(); ++i) {
    view::ChangeSet state(view::EmptyState());
    Evolve(state, Bare(kinds->field(i)));
    const bool creates =
        kinds->field(i)->name().ends_with("_created") || kinds->field(i)->name() == "analysis_requested";
    EXPECT_EQ(state.writes().empty(), !creates) << kinds->field(i)->name();
  }
}

TEST(Evolve, IgnoresAnEventWithoutKind) {
  view::ChangeSet state(view::EmptyState());
  Evolve(state, {});
  EXPECT_TRUE(state.empty());
}

TEST(Evolve, GivesTheSameRowsForTheSameEvents) {
  v1::AnalyticsEvent created;
  created.mutable_dataset_created()->mutable_dataset()->set_name("organizations/o/datasets/d");
  v1::AnalyticsEvent shared;
  shared.mutable_dataset_shared()->set_name("organizations/o/datasets/d");
  shared.mutable_dataset_shared()->set_user("organizations/o/users/u");
  std::string bytes[2];
  for (std::string& once : bytes) {
    view::ChangeSet state(view::EmptyState());
    Evolve(state, created);
    Evolve(state, shared);
    once = state.Get<v1::Dataset>(kDatasets, "organizations/o/datasets/d")->SerializeAsString();
  }
  EXPECT_EQ(bytes[0], bytes[1]);
}

}  // namespace
}  // namespace trialog::analytics
