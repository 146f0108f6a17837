// Random commands against a plain model: a command is taken iff the model says so, and the invariants hold after each
// event. The seed is printed; TRIALOG_SEED=n runs that one again.
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <set>

#include "services/inventory/domain/invariants.h"
#include "services/inventory/domain/testing.h"

namespace trialog::inventory {
namespace {

using testing::IsEmpty;

struct ModelItem {
  int sample = 0;
  int location = 0;
  int64_t stock = 0;
  int64_t out = 0;
};

// Whole units, samples that are STORED or DEPLETED: little enough to be obviously right.
class ModelTest : public InventoryTest {
 protected:
  static constexpr int kLocationCount = 3, kSampleCount = 12;

  int Pick(int count) { return std::uniform_int_distribution<int>(0, count - 1)(random_); }
  std::string PickItem() { return Cat("i", Pick(kSampleCount * kLocationCount)); }

  bool HasRoom(int location) const {
    int64_t held = 0;
    for (const auto& [id, item] : items_) held += item.location == location && item.stock > 0;
    return held < capacity_.at(location);
  }
  bool IsFree(int sample, int location) const {
    for (const auto& [id, item] : items_) {
      if (item.sample == sample && item.location == location) return false;
    }
    return true;
  }
  bool IsStored(int sample) const {
    int64_t stock = 0, items = 0;
    for (const auto& [id, item] : items_) {
      if (item.sample == sample) stock += item.stock, ++items;
    }
    return items == 0 || stock > 0;
  }

  // Folds what was decided, event by event, and checks the whole state after each.
  bool Agrees(const absl::StatusOr<Decision>& decision, bool expected) {
    EXPECT_EQ(decision.ok(), expected) << decision.status();
    if (!decision.ok()) return false;
    for (const NewEvent& event : decision->events) {
      state.Begin({"", "demo", {}, Technician().record_time});
      InventoryDomain().evolve(state, *event.body);
      ++events_;
      EXPECT_THAT(CheckInvariants(state), IsEmpty());
    }
    return expected;
  }

  void Register() {
    const int sample = Pick(kSampleCount), label = Pick(kSampleCount);
    const bool expected = !labels_.count(label) && !samples_.count(sample);
    if (Agrees(CreateSample(state, Technician(), NewSample(Cat("m", sample), Cat("L", label)), {}), expected)) {
      labels_.insert(label);
      samples_.insert(sample);
    }
  }
  void Receive() {
    const std::string id = PickItem();
    const int sample = Pick(kSampleCount), location = Pick(kLocationCount), units = Pick(4);
    const bool expected = samples_.count(sample) && !items_.count(id) && units > 0 && IsFree(sample, location) &&
                          HasRoom(location) && IsStored(sample);
    const auto request = Receipt(id, Cat("m", sample), Cat("l", location), Amount(units));
    if (Agrees(ReceiveStock(state, Technician(), request, {}), expected)) items_[id] = {sample, location, units, 0};
  }
  void Issue() {
    v1::IssueStockRequest request;
    const std::string id = PickItem();
    const int units = Pick(4);
    request.set_name(ItemName(id));
    *request.mutable_quantity() = Amount(units);
    const bool expected = items_.count(id) && units > 0 && units <= items_[id].stock;
    if (Agrees(IssueStock(state, Technician(), request, {}), expected)) {
      items_[id].stock -= units;
      items_[id].out += units;
    }
  }
  void Return() {
    v1::ReturnStockRequest request;
    const std::string id = PickItem();
    const int units = Pick(4);
    request.set_name(ItemName(id));
    *request.mutable_quantity() = Amount(units);
    const bool expected = items_.count(id) && units > 0 && units <= items_[id].out &&
                          (items_[id].stock > 0 || HasRoom(items_[id].location));
    if (Agrees(ReturnStock(state, Technician(), request, {}), expected)) {
      items_[id].stock += units;
      items_[id].out -= units;
    }
  }
  void Adjust() {
    v1::AdjustStockRequest request;
    const std::string id = PickItem();
    const int units = Pick(4);
    request.set_name(ItemName(id));
    request.set_cause(v1::ADJUSTMENT_CAUSE_COUNT);
    *request.mutable_counted_quantity() = Amount(units);
    const bool expected = items_.count(id) && (units == 0 || items_[id].stock > 0 || HasRoom(items_[id].location));
    if (Agrees(AdjustStock(state, Technician(), request, {}), expected)) items_[id].stock = units;
  }
  void Move() {
    v1::MoveStockRequest request;
    const std::string id = PickItem();
    const int location = Pick(kLocationCount), counted = Pick(5) - 1;  // -1: not counted.
    request.set_name(ItemName(id));
    request.set_location(LocationName(Cat("l", location)));
    if (counted >= 0) *request.mutable_counted_quantity() = Amount(counted);
    bool expected = items_.count(id) == 1;
    int64_t after = 0;
    if (expected) {
      const ModelItem& item = items_[id];
      after = counted >= 0 ? counted : item.stock;
      const bool moves = item.location != location;
      if (moves) expected = IsFree(item.sample, location);
      if (after > 0 && (moves || item.stock == 0)) expected = expected && HasRoom(location);
    }
    if (Agrees(MoveStock(state, Technician(), request, {}), expected)) {
      items_[id].location = location;
      items_[id].stock = after;
    }
  }
  void Resize() {
    v1::UpdateStorageLocationRequest request;
    const int location = Pick(kLocationCount), capacity = 1 + Pick(6);
    const std::string name = LocationName(Cat("l", location));
    request.mutable_storage_location()->set_name(name);
    request.mutable_storage_location()->set_capacity(capacity);
    request.mutable_storage_location()->set_etag(Cat('"', state.Find(kStorageLocations, name)->meta.version(), '"'));
    int64_t held = 0;
    for (const auto& [id, item] : items_) held += item.location == location && item.stock > 0;
    if (Agrees(UpdateStorageLocation(state, Manager(), request, {}), capacity >= held)) capacity_[location] = capacity;
  }

  std::mt19937_64 random_;
  uint64_t events_ = 0;
  std::map<int, int64_t> capacity_;
  std::map<std::string, ModelItem> items_;
  std::set<int> labels_, samples_;
};

TEST_F(ModelTest, TwoThousandRandomCommandsAgreeWithThePlainModel) {
  const char* given = std::getenv("TRIALOG_SEED");
  const uint64_t seed = given ? std::strtoull(given, nullptr, 10) : 20'240'607;
  SCOPED_TRACE(Cat("TRIALOG_SEED=", seed));
  std::cout << "TRIALOG_SEED=" << seed << std::endl;
  random_.seed(seed);
  for (int location = 0; location < kLocationCount; ++location) {
    AddLocation(Cat("l", location), 4);
    capacity_[location] = 4;
  }
  for (int command = 0; command < 2'000 && !HasFailure(); ++command) {
    switch (Pick(10)) {
      case 0:
        Register();
        break;
      case 1:
      case 2:
        Receive();
        break;
      case 3:
      case 4:
        Issue();
        break;
      case 5:
        Return();
        break;
      case 6:
        Adjust();
        break;
      case 7:
      case 8:
        Move();
        break;
      case 9:
        Resize();
        break;
    }
  }
  EXPECT_THAT(CheckInvariants(state), IsEmpty());
  for (const auto& [id, item] : items_) {
    EXPECT_EQ(ItemRow(id).quantity().units(), item.stock) << id;
    EXPECT_EQ(ItemRow(id).issued_quantity().units(), item.out) << id;
    EXPECT_EQ(SampleRow(Cat("m", item.sample)).state() == v1::SAMPLE_STATE_STORED, IsStored(item.sample)) << id;
  }
  EXPECT_GT(events_, 300u);  // The commands were not all refused.
}

}  // namespace
}  // namespace trialog::inventory
