// The rows that inventory keeps and the keys they are found by. Ids are part of the stored format: never renumber.
#pragma once

#include <string>
#include <string_view>

#include "platform/view/state.h"

namespace trialog::inventory {

extern const view::Table kBiobanks;
extern const view::Table kStorageLocations;
extern const view::Table kSamples;
extern const view::Table kInventoryItems;
extern const view::Table kStockMovements;

// Counted indexes are read with GroupPrefix(key). The ordered ones, marked so, hold one key a row, the order first and
// the row's name last, and are read with the prefix given here.

// Unique: IdentifierKey → sample.
inline constexpr view::Index kSampleByIdentifier{1, "sample_by_identifier"};
// Counted: biobank → its samples.
inline constexpr view::Index kSamplesByBiobank{2, "samples_by_biobank"};
// Counted: HMAC of the patient's resource name → samples taken from the patient.
inline constexpr view::Index kSamplesByPatient{3, "samples_by_patient"};
// Ordered by expire_time: samples that have one, soonest first.
inline constexpr view::Index kSamplesByExpiry{4, "samples_by_expiry"};
// Ordered within GroupPrefix(biobank) by update time: items, last updated first.
inline constexpr view::Index kItemsByUpdate{5, "items_by_update"};
// Counted: location → items with stock there. Its Count is the location's current_count.
inline constexpr view::Index kItemsByLocation{6, "items_by_location"};
// Counted: sample → its items.
inline constexpr view::Index kItemsBySample{7, "items_by_sample"};
// Counted: sample → its items with stock.
inline constexpr view::Index kStockedItemsBySample{8, "stocked_items_by_sample"};
// Unique: PlaceKey → item.
inline constexpr view::Index kItemByPlace{9, "item_by_place"};
// Ordered within GroupPrefix(item) by number: movements, newest first.
inline constexpr view::Index kMovementsByItem{10, "movements_by_item"};
// Counted: organization's resource name → its biobanks.
inline constexpr view::Index kBiobanksByOrganization{11, "biobanks_by_organization"};
// Counted: biobank → its storage locations.
inline constexpr view::Index kLocationsByBiobank{12, "locations_by_biobank"};

// Look-up keys of a sample's sealed part that hold the HMAC of its patient's resource name.
inline constexpr std::string_view kPatientLookup = "patient";

// An identifier is unique in its organization.
std::string IdentifierKey(std::string_view organization, std::string_view identifier);
// A sample has one item at a location.
std::string PlaceKey(std::string_view sample, std::string_view location);

// "organizations/o/biobanks/b/…" → "organizations/o/biobanks/b"; empty for another name.
std::string_view BiobankOf(std::string_view name);
// Name of an item's movement. Numbers begin at 1.
std::string MovementName(std::string_view item, int64_t number);
// The item that a movement belongs to.
std::string_view ItemOf(std::string_view movement);
// The number in a movement's name; 0 when there is none.
int64_t MovementNumber(std::string_view movement);

}  // namespace trialog::inventory
