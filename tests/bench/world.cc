#include "tests/bench/world.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "absl/time/clock.h"
#include "platform/command/decision.h"
#include "platform/runtime/real_runtime.h"
#include "platform/text/text.h"
#include "trialog/auth/v1/auth.pb.h"
#include "trialog/auth/v1/organization.pb.h"
#include "trialog/inventory/v1/biobank.pb.h"
#include "trialog/inventory/v1/inventory_item.pb.h"
#include "trialog/inventory/v1/sample.pb.h"
#include "trialog/inventory/v1/storage.pb.h"

namespace trialog::bench {
namespace {

constexpr char kOrganization[] = "organizations/bench";
constexpr int64_t kRoom = 1'000'000;

template <typename Response>
Response Must(const rpc::Client& client, const std::string& method, const google::protobuf::Message& request,
              const std::string& token = "") {
  auto response = client.Call<Response>(method, request, {.token = token});
  if (response.ok()) return *std::move(response);
  std::fprintf(stderr, "%s: %s\n", method.c_str(), response.status().ToString().c_str());
  std::exit(1);
}

std::string MakeOrganization(const rpc::Client& client, const std::string& init_token_file) {
  std::string init_token;
  std::getline(std::ifstream(init_token_file), init_token);
  const std::string password = UuidText(RealRuntime().RandomBytes(16));
  auth::v1::CreateOrganizationRequest create;
  create.set_organization_id("bench");
  create.mutable_organization()->set_display_name("Benchmark");
  create.mutable_administrator()->set_username("root");
  create.set_password(password);
  create.set_init_token(init_token);
  Must<auth::v1::Organization>(client, "trialog.auth.v1.OrganizationService/CreateOrganization", create);
  auth::v1::LoginRequest login;
  login.set_organization(kOrganization);
  login.set_username("root");
  login.set_password(password);
  return Must<auth::v1::LoginResponse>(client, "trialog.auth.v1.AuthService/Login", login).tokens().access_token();
}

std::string Join(const rpc::Client& client, const std::string& root, const std::string& id, Role role) {
  auth::v1::CreateInvitationRequest invite;
  invite.set_parent(kOrganization);
  invite.mutable_invitation()->add_roles()->set_role(role);
  const auto invited = Must<auth::v1::CreateInvitationResponse>(
      client, "trialog.auth.v1.OrganizationService/CreateInvitation", invite, root);
  auth::v1::SignUpRequest sign_up;
  sign_up.set_organization(kOrganization);
  sign_up.set_user_id(id);
  sign_up.mutable_user()->set_username(id);
  sign_up.set_password(UuidText(RealRuntime().RandomBytes(16)));
  sign_up.set_invitation_token(invited.invitation_token());
  return Must<auth::v1::SignUpResponse>(client, "trialog.auth.v1.AuthService/SignUp", sign_up).tokens().access_token();
}

void AddStock(const rpc::Client& client, int number, const std::string& location, World& world) {
  inventory::v1::CreateSampleRequest sample;
  sample.set_parent(world.biobank);
  sample.set_sample_id(Cat("sample-", number));
  sample.set_request_id(RequestId());
  sample.mutable_sample()->set_identifier(Cat("BB-", number));
  sample.mutable_sample()->set_sample_type("SER");
  sample.mutable_sample()->set_state(inventory::v1::SAMPLE_STATE_RECEIVED);
  world.samples.push_back(Must<inventory::v1::Sample>(client, "trialog.inventory.v1.SampleService/CreateSample", sample,
                                                      world.technician_token)
                              .name());
  inventory::v1::ReceiveStockRequest receive;
  receive.set_parent(world.biobank);
  receive.set_inventory_item_id(Cat("item-", number));
  receive.set_request_id(RequestId());
  receive.mutable_inventory_item()->set_sample(world.samples.back());
  receive.mutable_inventory_item()->set_location(location);
  receive.mutable_inventory_item()->mutable_quantity()->set_units(kRoom);
  receive.mutable_inventory_item()->mutable_quantity()->set_unit("uL");
  world.items.push_back(Must<inventory::v1::InventoryItem>(client, "trialog.inventory.v1.InventoryService/ReceiveStock",
                                                           receive, world.technician_token)
                            .name());
}

}  // namespace

World MakeWorld(const rpc::Client& client, const std::string& init_token_file, int samples) {
  const std::string root = MakeOrganization(client, init_token_file);
  const std::string manager = Join(client, root, "manager", ROLE_BIOBANK_MANAGER);
  World world;
  world.technician_token = Join(client, root, "technician", ROLE_LAB_TECHNICIAN);
  inventory::v1::CreateBiobankRequest biobank;
  biobank.set_parent(kOrganization);
  biobank.set_biobank_id("main");
  biobank.mutable_biobank()->set_display_name("Main biobank");
  world.biobank =
      Must<inventory::v1::Biobank>(client, "trialog.inventory.v1.BiobankService/CreateBiobank", biobank, manager)
          .name();
  inventory::v1::CreateStorageLocationRequest location;
  location.set_parent(world.biobank);
  location.set_storage_location_id("freezer");
  location.mutable_storage_location()->set_display_name("Freezer");
  location.mutable_storage_location()->set_capacity(kRoom);
  const auto freezer = Must<inventory::v1::StorageLocation>(
      client, "trialog.inventory.v1.StorageService/CreateStorageLocation", location, manager);
  for (int i = 0; i < samples; ++i) AddStock(client, i, freezer.name(), world);
  return world;
}

std::string RequestId() { return UuidText(UuidV7(absl::ToUnixMillis(absl::Now()), RealRuntime().RandomBytes(10))); }

}  // namespace trialog::bench
