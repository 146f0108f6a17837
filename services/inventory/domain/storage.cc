#include "services/inventory/domain/storage.h"

#include <algorithm>
#include <array>

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/inventory/domain/access.h"
#include "services/inventory/domain/checks.h"
#include "services/inventory/domain/tables.h"
#include "services/inventory/domain/update.h"
#include "trialog/inventory/v1/events.pb.h"

namespace trialog::inventory {
namespace {

constexpr std::array<std::string_view, 2> kUpdatableLocationFields = {"display_name", "capacity"};

absl::Status CheckStorageLocation(const v1::StorageLocation& location) {
  if (location.capacity() < 1 || location.capacity() > kMaxCapacity) {
    return BadField("storage_location.capacity", "BAD_CAPACITY", Cat("1 to ", kMaxCapacity));
  }
  return CheckText("storage_location.display_name", location.display_name(), {.min = 1});
}

}  // namespace

absl::StatusOr<Decision> CreateStorageLocation(const view::State& state, const Context& context,
                                               const v1::CreateStorageLocationRequest& request,
                                               const event::v1::SealedPart&) {
  const auto biobank = FindForChange(state, context, MayManage, kBiobanks, request.parent());
  if (!biobank.ok()) return biobank.status();

  v1::StorageLocation location;
  location.set_display_name(request.storage_location().display_name());
  location.set_capacity(request.storage_location().capacity());
  location.set_uid(request.storage_location_id().empty() ? context.NewId() : request.storage_location_id());
  location.set_name(Cat(request.parent(), "/storageLocations/", location.uid()));
  location.set_creator(context.principal.user());

  if (absl::Status checked = CheckNewName("storage_location_id", location.name(), kStorageLocations.pattern);
      !checked.ok()) {
    return checked;
  }
  if (absl::Status checked = CheckStorageLocation(location); !checked.ok()) return checked;
  if (state.Find(kStorageLocations, location.name())) {
    return Refuse(absl::StatusCode::kAlreadyExists, "STORAGE_LOCATION_EXISTS", "choose another storage_location_id");
  }

  Decision decision{.events = {}, .names = {location.name()}};
  v1::InventoryEvent event;
  *event.mutable_storage_location_created()->mutable_storage_location() = std::move(location);
  decision.Add(decision.names[0], std::move(event));
  return decision;
}

absl::StatusOr<Decision> UpdateStorageLocation(const view::State& state, const Context& context,
                                               const v1::UpdateStorageLocationRequest& request,
                                               const event::v1::SealedPart& sealed) {
  const v1::StorageLocation& wanted = request.storage_location();
  const auto row = FindForChange(state, context, MayManage, kStorageLocations, wanted.name());
  if (!row.ok()) return row.status();
  if (absl::Status checked = CheckEtag(wanted.etag(), EtagIs::kRequired, **row, wanted.name()); !checked.ok()) {
    return checked;
  }
  const auto fields = FieldsToUpdate(request.update_mask(), kUpdatableLocationFields, wanted, sealed);
  if (!fields.ok()) return fields.status();

  const auto& current = (*row)->As<v1::StorageLocation>();
  v1::StorageLocation location = current;
  CopyFields(*fields, wanted, location);
  if (absl::Status checked = CheckStorageLocation(location); !checked.ok()) return checked;
  if (location.capacity() < CurrentCount(state, location.name())) {
    return BrokenRule("CAPACITY_BELOW_COUNT", location.name(), "move items away before you lower the capacity");
  }

  Decision decision{.events = {}, .names = {location.name()}};
  if (SameMessage(location, current)) return decision;
  v1::InventoryEvent event;
  *event.mutable_storage_location_updated()->mutable_storage_location() = std::move(location);
  decision.Add(decision.names[0], std::move(event));
  return decision;
}

int64_t CurrentCount(const view::State& state, std::string_view location) {
  return state.Count(kItemsByLocation, location);
}

v1::Occupancy OccupancyOf(const view::State& state, const v1::StorageLocation& location) {
  v1::Occupancy occupancy;
  occupancy.set_storage_location(location.name());
  occupancy.set_capacity(location.capacity());
  occupancy.set_current_count(CurrentCount(state, location.name()));
  occupancy.set_free_count(std::max<int64_t>(0, occupancy.capacity() - occupancy.current_count()));
  return occupancy;
}

}  // namespace trialog::inventory
