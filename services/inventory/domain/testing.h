// What the domain's tests share: people, a biobank with a freezer of two places, and given / when / then.
#pragma once

#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/inventory/domain/biobank.h"
#include "services/inventory/domain/evolve.h"
#include "services/inventory/domain/quantity.h"
#include "services/inventory/domain/sample.h"
#include "services/inventory/domain/stock.h"
#include "services/inventory/domain/storage.h"
#include "services/inventory/domain/tables.h"

namespace trialog::inventory {

inline const std::string kOrganization = "organizations/demo";
inline const std::string kBiobank = "organizations/demo/biobanks/main";

inline std::string UserName(std::string_view id) { return Cat("organizations/demo/users/", id); }
inline std::string SampleName(std::string_view id) { return Cat(kBiobank, "/samples/", id); }
inline std::string ItemName(std::string_view id) { return Cat(kBiobank, "/inventoryItems/", id); }
inline std::string LocationName(std::string_view id) { return Cat(kBiobank, "/storageLocations/", id); }

inline Quantity Amount(int64_t units, uint32_t scale = 0, std::string_view unit = "mL") {
  Quantity quantity;
  quantity.set_units(units);
  quantity.set_scale(scale);
  quantity.set_unit(std::string(unit));
  return quantity;
}

// A sealed value for a field, as the platform would pass it.
inline event::v1::SealedPart Sealing(int field_number, std::string_view ciphertext = "sealed") {
  event::v1::SealedPart sealed;
  auto* field = sealed.add_fields();
  field->set_number(field_number);
  field->mutable_value()->set_ciphertext(std::string(ciphertext));
  return sealed;
}

MATCHER_P(Refuses, reason, "") {
  *result_listener << (arg.ok() ? std::string("was accepted") : arg.status().ToString());
  return ReasonOf(arg.status()) == reason;
}

// Rows folded from events, and who acts on them.
class InventoryTest : public testing::Test {
 protected:
  InventoryTest() : state(view::EmptyState()) {
    v1::CreateBiobankRequest biobank;
    biobank.set_parent(kOrganization);
    biobank.set_biobank_id("main");
    biobank.mutable_biobank()->set_display_name("Main biobank");
    Given(CreateBiobank(state, Manager(), biobank, {}));
    AddLocation("freezer", 2);
    AddLocation("rack", 2);
  }

  Context As(std::string_view user, Role role, const std::string& scope) {
    Context context;
    context.organization = std::string("demo");
    context.command_id = view::OrderedBytes(++command_) + std::string(8, 'c');
    context.record_time.set_seconds(1'700'000'000 + static_cast<int64_t>(command_));
    context.principal.organization = context.organization;
    context.principal.caller.set_kind(event::v1::Caller::KIND_USER);
    context.principal.caller.set_name(UserName(user));
    context.principal.grants.push_back({role, scope});
    return context;
  }
  Context Manager() { return As("mia", ROLE_BIOBANK_MANAGER, kOrganization); }
  Context Technician() { return As("tina", ROLE_LAB_TECHNICIAN, kBiobank); }
  Context Stranger() { return As("sam", ROLE_LAB_TECHNICIAN, "organizations/demo/biobanks/other"); }

  // Folds what was decided; the decision must have been taken.
  void Given(const absl::StatusOr<Decision>& decision) {
    ASSERT_TRUE(decision.ok()) << decision.status();
    Apply(InventoryDomain(), Technician(), *decision, state);
  }

  void AddLocation(std::string_view id, int64_t capacity) {
    v1::CreateStorageLocationRequest request;
    request.set_parent(kBiobank);
    request.set_storage_location_id(std::string(id));
    request.mutable_storage_location()->set_display_name(std::string(id));
    request.mutable_storage_location()->set_capacity(capacity);
    Given(CreateStorageLocation(state, Manager(), request, {}));
  }

  static v1::CreateSampleRequest NewSample(std::string_view id, std::string_view identifier) {
    v1::CreateSampleRequest request;
    request.set_parent(kBiobank);
    request.set_sample_id(std::string(id));
    request.mutable_sample()->set_identifier(std::string(identifier));
    request.mutable_sample()->set_sample_type("SER");
    return request;
  }
  void AddSample(std::string_view id, v1::SampleState in = v1::SAMPLE_STATE_STORED) {
    v1::CreateSampleRequest request = NewSample(id, Cat("BB-", id));
    request.mutable_sample()->set_state(in);
    Given(CreateSample(state, Technician(), request, {}));
  }

  static v1::ReceiveStockRequest Receipt(std::string_view id, std::string_view sample, std::string_view location,
                                         const Quantity& quantity) {
    v1::ReceiveStockRequest request;
    request.set_parent(kBiobank);
    request.set_inventory_item_id(std::string(id));
    request.mutable_inventory_item()->set_sample(SampleName(sample));
    request.mutable_inventory_item()->set_location(LocationName(location));
    *request.mutable_inventory_item()->mutable_quantity() = quantity;
    return request;
  }
  void AddItem(std::string_view id, std::string_view sample, std::string_view location, const Quantity& quantity) {
    Given(ReceiveStock(state, Technician(), Receipt(id, sample, location, quantity), {}));
  }

  // The state that a sample is in whatever its history, for tests of one move.
  void PutSampleInState(std::string_view id, v1::SampleState in) {
    v1::InventoryEvent event;
    event.mutable_sample_transitioned()->set_sample(SampleName(id));
    event.mutable_sample_transitioned()->set_to_state(in);
    Evolve(state, event);
  }

  v1::Sample SampleRow(std::string_view id) const { return *state.Get<v1::Sample>(kSamples, SampleName(id)); }
  v1::InventoryItem ItemRow(std::string_view id) const {
    return *state.Get<v1::InventoryItem>(kInventoryItems, ItemName(id));
  }

  view::ChangeSet state;

 private:
  uint64_t command_ = 0;
};

}  // namespace trialog::inventory
