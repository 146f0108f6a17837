#include "services/inventory/domain/sample.h"

#include "gtest/gtest.h"
#include "platform/errors/errors.h"
#include "services/inventory/domain/evolve.h"
#include "services/inventory/domain/tables.h"

namespace trialog::inventory {
namespace {

constexpr std::string_view kOrganization = "o";
constexpr std::string_view kBiobank = "organizations/o/biobanks/b";

Context Technician() {
  Context context;
  context.organization = std::string(kOrganization);
  context.command_id = std::string(16, 'c');
  context.record_time.set_seconds(1'700'000'000);
  context.principal.organization = std::string(kOrganization);
  context.principal.caller.set_name("organizations/o/users/tina");
  context.principal.grants = {{ROLE_LAB_TECHNICIAN, std::string(kBiobank)}};
  return context;
}

v1::CreateSampleRequest Request(std::string id, std::string identifier) {
  v1::CreateSampleRequest request;
  request.set_parent(std::string(kBiobank));
  request.set_sample_id(std::move(id));
  request.mutable_sample()->set_identifier(std::move(identifier));
  request.mutable_sample()->set_sample_type("SER");
  return request;
}

TEST(CreateSample, RegistersTheSampleUnderItsName) {
  view::ChangeSet state(view::EmptyState());
  const auto decision = CreateSample(state, Technician(), Request("s1", "BB-1"), {});
  ASSERT_TRUE(decision.ok()) << decision.status();
  Apply(InventoryDomain(), Technician(), *decision, state);
  const auto sample = state.Get<v1::Sample>(kSamples, "organizations/o/biobanks/b/samples/s1");
  ASSERT_TRUE(sample);
  EXPECT_EQ(sample->state(), v1::SAMPLE_STATE_STORED);
  EXPECT_EQ(sample->creator(), "organizations/o/users/tina");
  EXPECT_EQ(state.Lookup(kSampleByIdentifier, IdentifierKey("o", "BB-1")), sample->name());
}

TEST(CreateSample, IsRefusedWhenTheIdentifierIsTaken) {
  view::ChangeSet state(view::EmptyState());
  Apply(InventoryDomain(), Technician(), *CreateSample(state, Technician(), Request("s1", "BB-1"), {}), state);
  EXPECT_EQ(ReasonOf(CreateSample(state, Technician(), Request("s2", "BB-1"), {}).status()), "IDENTIFIER_TAKEN");
}

TEST(CreateSample, IsRefusedToWhoHasNoGrantInTheBiobank) {
  Context stranger = Technician();
  stranger.principal.grants = {{ROLE_LAB_TECHNICIAN, "organizations/o/biobanks/other"}};
  EXPECT_EQ(CreateSample(*view::EmptyState(), stranger, Request("s1", "BB-1"), {}).status().code(),
            absl::StatusCode::kPermissionDenied);
}

}  // namespace
}  // namespace trialog::inventory
