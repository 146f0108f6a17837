#include "tests/simulation/workload.h"

#include "platform/log/log.h"
#include "platform/runtime/simulated_runtime.h"
#include "platform/text/text.h"
#include "services/inventory/domain/biobank.h"
#include "services/inventory/domain/sample.h"
#include "services/inventory/domain/stock.h"
#include "services/inventory/domain/storage.h"

namespace trialog::testing {
namespace {

namespace v1 = inventory::v1;

const std::string kOrganization = "simulated";
const std::string kOrganizationName = "organizations/simulated";
const std::string kBiobank = "organizations/simulated/biobanks/main";
constexpr int kLocations = Workload::kSetup - 1, kCapacity = 5, kSamples = 8, kItems = 14;

template <typename Request>
DecideFn With(absl::StatusOr<Decision> (*decide)(const view::State&, const Context&, const Request&,
                                                 const event::v1::SealedPart&),
              Request request) {
  return [decide, request = std::move(request)](const view::State& state, const Context& context) {
    return decide(state, context, request, {});
  };
}

// What the commands are about, drawn from one command's own chance.
class Draw {
 public:
  explicit Draw(uint64_t seed) : random_(seed) {}
  int Below(int bound) { return static_cast<int>(random_.Below(static_cast<uint64_t>(bound))); }
  std::string Location() { return Cat(kBiobank, "/storageLocations/l", Below(kLocations)); }
  std::string Sample() { return Cat(kBiobank, "/samples/s", Below(kSamples)); }
  std::string Item() { return Cat(kBiobank, "/inventoryItems/i", Below(kItems)); }
  event::v1::Quantity Amount(int below) {
    event::v1::Quantity amount;
    amount.set_units(Below(below));
    amount.set_unit("mL");
    return amount;
  }

 private:
  SeededRandom random_;
};

DecideFn Setup(int number) {
  if (number == 0) {
    v1::CreateBiobankRequest request;
    request.set_parent(kOrganizationName);
    request.set_biobank_id("main");
    request.mutable_biobank()->set_display_name("Main biobank");
    return With(inventory::CreateBiobank, std::move(request));
  }
  v1::CreateStorageLocationRequest request;
  request.set_parent(kBiobank);
  request.set_storage_location_id(Cat("l", number - 1));
  request.mutable_storage_location()->set_display_name("Freezer");
  request.mutable_storage_location()->set_capacity(kCapacity);
  return With(inventory::CreateStorageLocation, std::move(request));
}

DecideFn Register(int sample, int identifier) {
  v1::CreateSampleRequest request;
  request.set_parent(kBiobank);
  request.set_sample_id(Cat("s", sample));
  request.mutable_sample()->set_identifier(Cat("BB-", identifier));
  request.mutable_sample()->set_sample_type("SER");
  request.mutable_sample()->set_state(v1::SAMPLE_STATE_STORED);
  return With(inventory::CreateSample, std::move(request));
}

DecideFn Receive(Draw& draw) {
  v1::ReceiveStockRequest request;
  request.set_parent(kBiobank);
  request.set_inventory_item_id(Cat("i", draw.Below(kItems)));
  request.mutable_inventory_item()->set_sample(draw.Sample());
  request.mutable_inventory_item()->set_location(draw.Location());
  *request.mutable_inventory_item()->mutable_quantity() = draw.Amount(30);
  return With(inventory::ReceiveStock, std::move(request));
}

DecideFn Move(Draw& draw) {
  v1::MoveStockRequest request;
  request.set_name(draw.Item());
  request.set_location(draw.Location());
  if (draw.Below(4) == 0) *request.mutable_counted_quantity() = draw.Amount(6);
  return With(inventory::MoveStock, std::move(request));
}

DecideFn Adjust(Draw& draw) {
  v1::AdjustStockRequest request;
  request.set_name(draw.Item());
  request.set_cause(v1::ADJUSTMENT_CAUSE_COUNT);
  *request.mutable_counted_quantity() = draw.Amount(6);
  return With(inventory::AdjustStock, std::move(request));
}

template <typename Request>
DecideFn Give(Draw& draw, absl::StatusOr<Decision> (*decide)(const view::State&, const Context&, const Request&,
                                                             const event::v1::SealedPart&)) {
  Request request;
  request.set_name(draw.Item());
  *request.mutable_quantity() = draw.Amount(6);
  return With(decide, std::move(request));
}

}  // namespace

int Workload::Partition() { return log::PartitionOf(kOrganization); }

std::string Workload::RequestKey(int number) { return Cat("#", number); }

DecideFn Workload::Decide(int number) const {
  if (number < kSetup) return Setup(number);
  Draw draw(seed_ * 1'000'003 + static_cast<uint64_t>(number));
  if (number < kSetup + kSamples / 2) return Register(number - kSetup, number - kSetup);
  const int kind = draw.Below(20);
  if (kind < 1) return Register(draw.Below(kSamples), draw.Below(kSamples));
  if (kind < 5) return Receive(draw);
  if (kind < 9) return Move(draw);
  if (kind < 13) return Adjust(draw);
  if (kind < 18) return Give(draw, inventory::IssueStock);
  return Give(draw, inventory::ReturnStock);
}

std::unique_ptr<Command> Workload::Make(int number) const {
  auto command = std::make_unique<Command>();
  command->organization = kOrganization;
  command->method = "simulated";
  command->principal.organization = kOrganization;
  command->principal.caller.set_kind(event::v1::Caller::KIND_USER);
  command->principal.caller.set_name(Cat(kOrganizationName, "/users/mia"));
  for (Role role : {ROLE_BIOBANK_MANAGER, ROLE_LAB_TECHNICIAN})
    command->principal.grants.push_back({role, kOrganizationName});
  command->request_key = RequestKey(number);
  command->request_mac = Cat("content ", number);
  command->decide = Decide(number);
  return command;
}

std::unique_ptr<Command> Workload::MakeOther(int number) const {
  std::unique_ptr<Command> command = Make(number);
  command->request_mac = Cat("other content ", number);
  return command;
}

bool IsRetryable(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status) || absl::IsDeadlineExceeded(status);
}

}  // namespace trialog::testing
