#include "services/inventory/app/inventory_app.h"

#include "platform/errors/errors.h"
#include "platform/service/fields.h"
#include "platform/text/text.h"
#include "services/inventory/domain/access.h"
#include "services/inventory/domain/biobank.h"
#include "services/inventory/domain/derived.h"
#include "services/inventory/domain/evolve.h"
#include "services/inventory/domain/sample.h"
#include "services/inventory/domain/stock.h"
#include "services/inventory/domain/storage.h"
#include "services/inventory/domain/tables.h"
#include "trialog/inventory/v1/biobank.pb.h"
#include "trialog/inventory/v1/inventory_item.pb.h"
#include "trialog/inventory/v1/sample.pb.h"
#include "trialog/inventory/v1/storage.pb.h"

namespace trialog::inventory {
namespace {

using google::protobuf::Message;
using service::Backend;
using service::ListSource;
using service::ResourceType;
using service::Typed;

template <const view::Table& table>
bool MaySeeRow(const Principal& principal, const view::State& state, std::string_view name, const view::Row& row) {
  return MaySee(principal, state, table, name, row, principal.patient_mac);
}

template <const view::Table& table>
void AddDerivedTo(const view::State& state, const view::Row&, Message& resource) {
  AddDerivedFields(state, table, resource);
}

// What is personal about a sample or its stock is sealed under a key of the sample: erasing a donor destroys the keys
// of the donor's samples, and no key says which samples have one donor.
std::string SampleKey(std::string_view name, const Message&) { return std::string(name); }
std::string SampleKeyOfItem(std::string_view, const Message& item) {
  return static_cast<const v1::InventoryItem&>(item).sample();
}

void ShowActor(const view::State&, const view::Row& row, Message& movement) {
  static_cast<v1::StockMovement&>(movement).set_actor(row.meta.actor().name());
}

const ResourceType kBiobankType{.table = &kBiobanks,
                                .may_see = MaySeeRow<kBiobanks>,
                                .filters = {"display_name", "location", "responsible_person", "creator"},
                                .names_callers = NamedByBiobank};
const ResourceType kLocationType{.table = &kStorageLocations,
                                 .may_see = MaySeeRow<kStorageLocations>,
                                 .filters = {"display_name", "capacity"},
                                 .derive = AddDerivedTo<kStorageLocations>};
const ResourceType kSampleType{.table = &kSamples,
                               .may_see = MaySeeRow<kSamples>,
                               .filters = {"identifier", "sample_type", "state", "storage_temperature", "tracking",
                                           "expire_time", "collect_time", "creator"},
                               .key_subject = SampleKey,
                               .lookups = {{kPatientLookup, "patient"}},
                               .names_callers = NamedBySample};
const ResourceType kItemType{.table = &kInventoryItems,
                             .may_see = MaySeeRow<kInventoryItems>,
                             .filters = {"sample", "location", "quantity.units", "record_time", "creator"},
                             .key_subject = SampleKeyOfItem,
                             .derive = AddDerivedTo<kInventoryItems>};
const ResourceType kMovementType{.table = &kStockMovements, .may_see = MaySeeRow<kStockMovements>, .derive = ShowActor};

absl::Status CheckParent(std::string_view parent) {
  std::string one(parent);
  if (const size_t dash = one.rfind("/-"); dash != std::string::npos && dash + 2 == one.size()) one.back() = 'x';
  if (NameMatches(kBiobanks.pattern, one)) return absl::OkStatus();
  return BadField("parent", "BAD_NAME", "must have the form organizations/*/biobanks/*, or end in biobanks/- for all");
}

absl::StatusOr<ListSource> BiobanksOf(const Principal&, std::string_view parent, const Message&) {
  if (!NameMatches("organizations/*", parent))
    return BadField("parent", "BAD_NAME", "must have the form organizations/*");
  return ListSource{&kBiobanksByOrganization, view::GroupPrefix(parent)};
}

// "organizations/o/biobanks/b/samples/", or "organizations/o/biobanks/" for all biobanks.
std::string Below(std::string_view parent, std::string_view collection) {
  if (IdOf(parent) == "-") return std::string(parent.substr(0, parent.size() - 1));
  return Cat(parent, "/", collection, "/");
}

absl::StatusOr<ListSource> SamplesOf(const Principal& principal, std::string_view parent, const Message&) {
  if (absl::Status checked = CheckParent(parent); !checked.ok()) return checked;
  // A patient's own samples are few among many: they have an index of their own. Who is staff too sees others as well.
  const bool only_patient = std::all_of(principal.grants.begin(), principal.grants.end(),
                                        [](const Grant& grant) { return grant.role == ROLE_PARTICIPANT; });
  if (only_patient && !principal.patient_mac.empty() && IdOf(parent) == "-") {
    return ListSource{&kSamplesByPatient, view::GroupPrefix(principal.patient_mac)};
  }
  return ListSource{nullptr, Below(parent, "samples")};
}

// Last updated first within each biobank.
absl::StatusOr<ListSource> ItemsOf(const Principal&, std::string_view parent, const Message&) {
  if (absl::Status checked = CheckParent(parent); !checked.ok()) return checked;
  if (IdOf(parent) == "-") return ListSource{&kItemsByUpdate, std::string(parent.substr(0, parent.size() - 1))};
  return ListSource{&kItemsByUpdate, view::GroupPrefix(parent)};
}

absl::StatusOr<ListSource> MovementsOf(const Principal&, std::string_view parent, const Message&) {
  if (!NameMatches(kInventoryItems.pattern, parent)) {
    return BadField("parent", "BAD_NAME", Cat("must have the form ", kInventoryItems.pattern));
  }
  return ListSource{&kMovementsByItem, view::GroupPrefix(parent)};
}

void AddBiobanks(Backend& backend) {
  const std::string service = "trialog.inventory.v1.BiobankService/";
  backend.Create(service + "CreateBiobank", kBiobankType, Typed(CreateBiobank));
  backend.Get(service + "GetBiobank", kBiobankType);
  backend.List(service + "ListBiobanks", kBiobankType, BiobanksOf);
  backend.Update(service + "UpdateBiobank", kBiobankType, Typed(UpdateBiobank));
  backend.Act(service + "AssignProvider", kBiobankType, Typed(AssignProvider));
  backend.Act(service + "UnassignProvider", kBiobankType, Typed(UnassignProvider));
}

void AddStorage(Backend& backend) {
  const std::string service = "trialog.inventory.v1.StorageService/";
  backend.Create(service + "CreateStorageLocation", kLocationType, Typed(CreateStorageLocation));
  backend.Get(service + "GetStorageLocation", kLocationType);
  backend.List(service + "ListStorageLocations", kLocationType, nullptr);
  backend.Update(service + "UpdateStorageLocation", kLocationType, Typed(UpdateStorageLocation));
  backend.GetVia(
      service + "GetOccupancy", kLocationType,
      [](const view::State& state, const Message& location, const view::Row&) -> std::unique_ptr<Message> {
        return std::make_unique<v1::Occupancy>(OccupancyOf(state, static_cast<const v1::StorageLocation&>(location)));
      });
}

void AddSamples(Backend& backend) {
  const std::string service = "trialog.inventory.v1.SampleService/";
  backend.Create(service + "CreateSample", kSampleType, Typed(CreateSample));
  backend.Get(service + "GetSample", kSampleType);
  backend.List(service + "ListSamples", kSampleType, SamplesOf);
  backend.Watch(service + "WatchSamples", kSampleType, SamplesOf);
  backend.Update(service + "UpdateSample", kSampleType, Typed(UpdateSample));
  backend.Act(service + "TransitionSample", kSampleType, Typed(TransitionSample));
  backend.History(service + "GetSampleHistory", kSampleType);
}

void AddStock(Backend& backend) {
  const std::string service = "trialog.inventory.v1.InventoryService/";
  backend.Get(service + "GetInventoryItem", kItemType);
  backend.List(service + "ListInventoryItems", kItemType, ItemsOf);
  backend.Watch(service + "WatchInventoryItems", kItemType, ItemsOf);
  backend.Update(service + "UpdateInventoryItem", kItemType, Typed(UpdateInventoryItem));
  backend.Create(service + "ReceiveStock", kItemType, Typed(ReceiveStock));
  backend.Act(service + "MoveStock", kItemType, Typed(MoveStock));
  backend.Act(service + "AdjustStock", kItemType, Typed(AdjustStock));
  backend.Act(service + "IssueStock", kItemType, Typed(IssueStock));
  backend.Act(service + "ReturnStock", kItemType, Typed(ReturnStock));
  backend.List(service + "ListMovements", kMovementType, MovementsOf);
}

}  // namespace

service::Definition InventoryDefinition() {
  service::Definition definition;
  definition.domain = &InventoryDomain();
  for (const auto* file : {v1::Biobank::descriptor()->file(), v1::StorageLocation::descriptor()->file(),
                           v1::Sample::descriptor()->file(), v1::InventoryItem::descriptor()->file()}) {
    for (int i = 0; i < file->service_count(); ++i) definition.services.push_back(file->service(i));
  }
  definition.add_handlers = [](Backend& backend) {
    AddBiobanks(backend);
    AddStorage(backend);
    AddSamples(backend);
    AddStock(backend);
  };
  return definition;
}

}  // namespace trialog::inventory
