#include "services/inventory/domain/invariants.h"

#include <map>
#include <set>

#include "platform/command/decision.h"
#include "platform/text/text.h"
#include "services/inventory/domain/quantity.h"
#include "services/inventory/domain/tables.h"
#include "trialog/inventory/v1/inventory_item.pb.h"
#include "trialog/inventory/v1/sample.pb.h"
#include "trialog/inventory/v1/storage.pb.h"

namespace trialog::inventory {
namespace {

constexpr size_t kPage = 1'000;

class Checker {
 public:
  Checker(const view::State& state, size_t limit) : state_(state), limit_(limit) {}

  std::vector<std::string> Run() {
    ForEach(kSamplesByBiobank, "", [&](const std::string& name) { CheckSample(name); });
    ForEach(kItemsByUpdate, "", [&](const std::string& name) { CheckItem(name); });
    ForEach(kLocationsByBiobank, "", [&](const std::string& name) { CheckLocation(name); });
    return std::move(findings_);
  }

 private:
  template <typename Visit>
  void ForEach(const view::Index& index, const std::string& prefix, Visit visit) {
    std::string after;
    while (findings_.size() < limit_) {
      const std::vector<view::Found> page = state_.Scan(index, prefix, kPage, after);
      for (const view::Found& found : page) visit(found.name);
      if (page.size() < kPage) return;
      after = page.back().key;
    }
  }

  template <typename... Pieces>
  void Finding(const Pieces&... pieces) {
    if (findings_.size() < limit_) findings_.push_back(Cat(pieces...));
  }

  void CheckSample(const std::string& name) {
    const auto sample = state_.Get<v1::Sample>(kSamples, name);
    if (!sample) return Finding(name, ": an index names a sample that is not there");
    const std::string key = IdentifierKey(OrganizationOf(name), sample->identifier());
    if (!identifiers_.insert(key).second) Finding(name, ": its identifier is another sample's too");
    if (state_.Lookup(kSampleByIdentifier, key) != name) Finding(name, ": not found by its identifier");
    if (sample->state() == v1::SAMPLE_STATE_DEPLETED && state_.Count(kStockedItemsBySample, name) != 0) {
      Finding(name, ": DEPLETED with stock");
    }
  }

  void CheckItem(const std::string& name) {
    const auto item = state_.Get<v1::InventoryItem>(kInventoryItems, name);
    if (!item) return Finding(name, ": an index names an item that is not there");
    if (!state_.Find(kSamples, item->sample())) Finding(name, ": its sample is not there");
    if (!state_.Find(kStorageLocations, item->location())) Finding(name, ": its location is not there");
    if (!places_.insert(PlaceKey(item->sample(), item->location())).second) {
      Finding(name, ": its sample has another item at the location");
    }
    if (item->quantity().units() < 0) Finding(name, ": stock is negative");
    if (item->issued_quantity().units() < 0) Finding(name, ": more came back than was issued");
    if (item->quantity().units() > 0) ++stocked_[item->location()];
    CheckMassBalance(name, *item);
  }

  // Movements come newest first: each one's balance less its change is the balance of the one before.
  void CheckMassBalance(const std::string& name, const v1::InventoryItem& item) {
    Quantity balance = item.quantity();
    Quantity out = ZeroOf(item.quantity());
    int64_t number = item.movement_count();
    ForEach(kMovementsByItem, view::GroupPrefix(name), [&](const std::string& movement_name) {
      const auto movement = state_.Get<v1::StockMovement>(kStockMovements, movement_name);
      if (!movement) return Finding(movement_name, ": an index names a movement that is not there");
      if (MovementNumber(movement_name) != number--) Finding(movement_name, ": the numbers of movements have a gap");
      if (Compare(movement->balance(), balance) != 0) Finding(movement_name, ": balance and movements differ");
      Take(movement_name, balance, movement->change());
      if (balance.units() < 0) Finding(movement_name, ": stock was negative");
      const bool counts =
          movement->kind() == v1::StockMovement::KIND_ISSUE || movement->kind() == v1::StockMovement::KIND_RETURN;
      if (counts) Take(movement_name, out, movement->change());
    });
    if (number != 0) Finding(name, ": movements are missing");
    if (balance.units() != 0) Finding(name, ": stock is not the sum of its movements");
    if (Compare(out, item.issued_quantity()) != 0) Finding(name, ": what is out is not issues less returns");
  }

  void Take(const std::string& name, Quantity& from, const Quantity& change) {
    const auto rest = Subtract(from, change);
    if (!rest.ok()) return Finding(name, ": its amount cannot be summed");
    from = *rest;
  }

  void CheckLocation(const std::string& name) {
    const auto location = state_.Get<v1::StorageLocation>(kStorageLocations, name);
    if (!location) return Finding(name, ": an index names a location that is not there");
    const int64_t count = stocked_[name];
    if (count > location->capacity()) Finding(name, ": holds more than it takes");
    if (count != state_.Count(kItemsByLocation, name)) Finding(name, ": its count is not that of its items");
  }

  const view::State& state_;
  const size_t limit_;
  std::vector<std::string> findings_;
  std::set<std::string> identifiers_;
  std::set<std::string> places_;
  std::map<std::string, int64_t> stocked_;
};

}  // namespace

std::vector<std::string> CheckInvariants(const view::State& state, size_t limit) { return Checker(state, limit).Run(); }

}  // namespace trialog::inventory
