#include "services/inventory/domain/tables.h"

#include <charconv>

#include "platform/command/decision.h"
#include "platform/text/text.h"
#include "trialog/inventory/v1/biobank.pb.h"
#include "trialog/inventory/v1/inventory_item.pb.h"
#include "trialog/inventory/v1/sample.pb.h"
#include "trialog/inventory/v1/storage.pb.h"

namespace trialog::inventory {
namespace {

// A key in an order of its own, one entry a row. As a unique key it does without the counter that IndexSink::Add keeps
// for each distinct key, which would be one more write a change.
void AddOrdered(view::IndexSink& sink, const view::Index& index, std::string_view order, std::string_view name) {
  sink.AddUnique(index, Cat(order, name));
}

void IndexBiobank(const view::Row&, std::string_view name, view::IndexSink& sink) {
  sink.Add(kBiobanksByOrganization, ParentOf(name));
}

void IndexStorageLocation(const view::Row&, std::string_view name, view::IndexSink& sink) {
  sink.Add(kLocationsByBiobank, ParentOf(name));
}

void IndexSample(const view::Row& row, std::string_view name, view::IndexSink& sink) {
  const auto& sample = row.As<v1::Sample>();
  sink.AddUnique(kSampleByIdentifier, IdentifierKey(OrganizationOf(name), sample.identifier()));
  sink.Add(kSamplesByBiobank, ParentOf(name));
  for (const auto& key : row.sealed.keys()) {
    if (key.index() == kPatientLookup) sink.Add(kSamplesByPatient, key.mac());
  }
  if (sample.has_expire_time()) AddOrdered(sink, kSamplesByExpiry, view::OrderedTime(sample.expire_time()), name);
}

void IndexInventoryItem(const view::Row& row, std::string_view name, view::IndexSink& sink) {
  const auto& item = row.As<v1::InventoryItem>();
  AddOrdered(sink, kItemsByUpdate,
             Cat(view::GroupPrefix(ParentOf(name)), view::OrderedTimeDescending(row.meta.update_time())), name);
  sink.Add(kItemsBySample, item.sample());
  sink.AddUnique(kItemByPlace, PlaceKey(item.sample(), item.location()));
  if (item.quantity().units() > 0) {
    sink.Add(kItemsByLocation, item.location());
    sink.Add(kStockedItemsBySample, item.sample());
  }
}

void IndexStockMovement(const view::Row&, std::string_view name, view::IndexSink& sink) {
  const auto number = static_cast<uint64_t>(MovementNumber(name));
  AddOrdered(sink, kMovementsByItem, Cat(view::GroupPrefix(ItemOf(name)), view::OrderedBytesDescending(number)), name);
}

}  // namespace

const view::Table kBiobanks{1, "organizations/*/biobanks/*", &v1::Biobank::default_instance(), IndexBiobank};
const view::Table kStorageLocations{2, "organizations/*/biobanks/*/storageLocations/*",
                                    &v1::StorageLocation::default_instance(), IndexStorageLocation};
const view::Table kSamples{3, "organizations/*/biobanks/*/samples/*", &v1::Sample::default_instance(), IndexSample};
const view::Table kInventoryItems{4, "organizations/*/biobanks/*/inventoryItems/*",
                                  &v1::InventoryItem::default_instance(), IndexInventoryItem};
const view::Table kStockMovements{5, "organizations/*/biobanks/*/inventoryItems/*/movements/*",
                                  &v1::StockMovement::default_instance(), IndexStockMovement};

std::string IdentifierKey(std::string_view organization, std::string_view identifier) {
  return Cat(organization, '\0', identifier);
}

std::string PlaceKey(std::string_view sample, std::string_view location) { return Cat(sample, '\0', location); }

std::string_view BiobankOf(std::string_view name) {
  size_t end = 0;
  for (int slashes = 0; end < name.size(); ++end) {
    if (name[end] == '/' && ++slashes == 4) break;
  }
  const std::string_view biobank = name.substr(0, end);
  return NameMatches(kBiobanks.pattern, biobank) ? biobank : std::string_view();
}

std::string MovementName(std::string_view item, int64_t number) { return Cat(item, "/movements/", number); }

std::string_view ItemOf(std::string_view movement) { return ParentOf(movement); }

int64_t MovementNumber(std::string_view movement) {
  const std::string_view id = IdOf(movement);
  int64_t number = 0;
  const auto parsed = std::from_chars(id.data(), id.data() + id.size(), number);
  return parsed.ec == std::errc() && parsed.ptr == id.data() + id.size() && number > 0 ? number : 0;
}

}  // namespace trialog::inventory
