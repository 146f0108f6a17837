// The biobank: its place, a sample with stock for each patient, and scene A.
#include "platform/text/text.h"
#include "services/trialogctl/demo/made_up.h"
#include "services/trialogctl/demo/services.h"
#include "services/trialogctl/demo/world.h"
#include "trialog/inventory/v1/biobank.pb.h"
#include "trialog/inventory/v1/inventory_item.pb.h"
#include "trialog/inventory/v1/sample.pb.h"
#include "trialog/inventory/v1/storage.pb.h"

namespace trialog::ctl::demo {
namespace {

using inventory::v1::InventoryItem;

std::string Location(const World& world, std::string_view id) { return Cat(world.Biobank(), "/storageLocations/", id); }
std::string Item(const World& world, std::string_view id) { return Cat(world.Biobank(), "/inventoryItems/", id); }

event::v1::Quantity TenthsOfMilliliter(int64_t units) {
  event::v1::Quantity quantity;
  quantity.set_units(units);
  quantity.set_scale(1);
  quantity.set_unit("mL");
  return quantity;
}

void AddSample(const World& world, Steps& steps, const Person& technician, const std::string& id,
               const std::string& patient) {
  inventory::v1::CreateSampleRequest create;
  create.set_parent(world.Biobank());
  create.set_sample_id(id);
  create.mutable_sample()->set_identifier(id);
  create.mutable_sample()->set_sample_type("SER");
  create.mutable_sample()->set_patient(patient);
  create.mutable_sample()->set_storage_temperature(inventory::v1::STORAGE_TEMPERATURE_MINUS_60_TO_MINUS_85);
  steps.Call<inventory::v1::Sample>(technician, Cat(kSamples, "CreateSample"), std::move(create));
}

void Receive(const World& world, Steps& steps, const Person& technician, const std::string& id) {
  inventory::v1::ReceiveStockRequest receive;
  receive.set_parent(world.Biobank());
  receive.set_inventory_item_id(id);
  auto& item = *receive.mutable_inventory_item();
  item.set_sample(Cat(world.Biobank(), "/samples/", id));
  item.set_location(Location(world, "freezer"));
  *item.mutable_quantity() = TenthsOfMilliliter(25);
  steps.Call<InventoryItem>(technician, Cat(kStock, "ReceiveStock"), std::move(receive));
}

void Move(const World& world, Steps& steps, const Person& technician, const std::string& id) {
  inventory::v1::MoveStockRequest move;
  move.set_name(Item(world, id));
  move.set_location(Location(world, "tank"));
  *move.mutable_counted_quantity() = TenthsOfMilliliter(20);
  steps.Call<InventoryItem>(technician, Cat(kStock, "MoveStock"), std::move(move));
}

}  // namespace

absl::Status SetUpBiobank(const World& world) {
  Steps steps(world.client);
  const Person& manager = world.Who("biobank-manager");
  inventory::v1::CreateBiobankRequest create;
  create.set_parent(world.organization);
  create.set_biobank_id("main");
  create.mutable_biobank()->set_display_name("Main biobank");
  create.mutable_biobank()->set_location("Building 4");
  create.mutable_biobank()->set_responsible_person(manager.name);
  steps.Call<inventory::v1::Biobank>(manager, "trialog.inventory.v1.BiobankService/CreateBiobank", std::move(create));
  for (const char* id : {"freezer", "tank"}) {
    inventory::v1::CreateStorageLocationRequest add;
    add.set_parent(world.Biobank());
    add.set_storage_location_id(id);
    add.mutable_storage_location()->set_display_name(id);
    add.mutable_storage_location()->set_capacity(10'000);
    steps.Call<inventory::v1::StorageLocation>(manager, "trialog.inventory.v1.StorageService/CreateStorageLocation",
                                               std::move(add));
  }
  return steps.status();
}

absl::Status StockSamples(const World& world) {
  const Person& technician = world.Who("technician");
  return ForEachRow("samples stored and moved", world.rows.size(), [&](size_t row) {
    Steps steps(world.client);
    const std::string id = Cat("sample-", row + 1);
    AddSample(world, steps, technician, id, world.Patient(row));
    Receive(world, steps, technician, id);
    Move(world, steps, technician, id);
    return steps.status();
  });
}

absl::Status SceneBiobank(const World& world) {
  Steps steps(world.client, /*told=*/true);
  const Person& manager = world.Who("biobank-manager");
  Say("scene A, biobank");
  const Person technician = steps.SignIn(world.Who("technician"));
  if (steps.ok()) Say("  the technician signs in");
  inventory::v1::WatchInventoryItemsRequest watch;
  watch.set_parent(world.Biobank());
  Watch<inventory::v1::WatchInventoryItemsResponse> live(steps, manager, Cat(kStock, "WatchInventoryItems"), watch);
  if (steps.ok()) Say("  the manager watches the stock");

  inventory::v1::ListInventoryItemsRequest list;
  list.set_parent(world.Biobank());
  list.set_page_size(5);
  const auto listed = steps.Call<inventory::v1::ListInventoryItemsResponse>(
      technician, Cat(kStock, "ListInventoryItems"), std::move(list));
  if (steps.ok()) {
    Say(Cat("  the technician lists stock by last update: ", listed.inventory_items_size(), " on the first page"));
  }

  const std::string id = "scene-sample";
  AddSample(world, steps, technician, id, world.Patient(0));
  Receive(world, steps, technician, id);
  if (steps.ok()) Say("  the technician adds a sample and takes its stock in");
  live.Until([&](const auto& change) { return change.inventory_item().name() == Item(world, id); });
  if (steps.ok()) Say("  the manager's watch shows the new item");
  Move(world, steps, technician, id);
  if (steps.ok()) Say("  the technician moves it to the tank and counts 2.0 mL");
  live.Until([&](const auto& change) {
    const InventoryItem& item = change.inventory_item();
    return item.name() == Item(world, id) && item.location() == Location(world, "tank");
  });
  if (steps.ok()) Say("  the manager's watch shows the move");

  inventory::v1::GetSampleRequest another;
  another.set_name(Cat(world.Biobank(), "/samples/sample-2"));
  ShowRefusal(
      world, steps, world.PatientPerson(0), "a patient reads another patient's sample",
      "trialog.inventory.v1.SampleService/GetSample",
      steps.Refused<inventory::v1::Sample>(world.PatientPerson(0), Cat(kSamples, "GetSample"), std::move(another)));
  return steps.status();
}

}  // namespace trialog::ctl::demo
