// A service's store whose content is anything at all: a read gives what stands there or finds the damage, and Health
// says so.
#include "platform/view/store.h"
#include "platform/view/store_keys.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "services/inventory/domain/evolve.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"
#include "tests/support/filled_message.h"

namespace trialog::fuzz {
namespace {

constexpr int kPartition = 1;
constexpr char kPath[] = "/store";
constexpr std::string_view kName = "organizations/o/biobanks/b";
// In the store's order.
constexpr std::string_view kFamilies[] = {"default", "rows", "keys", "counts", "records", "requests", "facts"};

const Domain& Inventory() { return inventory::InventoryDomain(); }

// Puts what the input says into the store's families, behind the store's back.
void PutRaw(rocksdb::Env* env, Input& input) {
  rocksdb::Options options;
  options.env = env;
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (std::string_view family : kFamilies) descriptors.emplace_back(std::string(family), options);
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  Require(rocksdb::DB::Open(options, kPath, descriptors, &handles, &opened).ok(), "the store opens");
  const std::unique_ptr<rocksdb::DB> db(opened);
  while (!input.empty()) {
    const size_t family = input.Choose(std::size(kFamilies));
    const std::string key(input.Text()), value(input.Text());
    Require(db->Put({}, handles[family], key, value).ok(), "what is put is put");
  }
  for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle);
}

// Every way to read.
void ReadAll(const view::Store& store) {
  const view::State& state = store.partition(kPartition);
  for (const view::Table* table : Inventory().tables) {
    state.Find(*table, kName);
    store.History(kPartition, *table, kName, INT64_MAX, 10);
    for (const std::string& name : store.Names(kPartition, *table, "", "", 10))
      store.FindAt(kPartition, *table, name, 5);
  }
  for (const uint16_t index : {1, 2, 3, 10}) {
    state.Lookup({index, ""}, "key");
    state.Count({index, ""}, "key");
    state.Scan({index, ""}, "", 10);
  }
  store.OffsetAt(kPartition, absl::FromUnixSeconds(1'767'225'601));
  store.Changes(kPartition, 0, 10);
  store.FindRequest(kPartition, "request");
  store.fact_fold("auth", kPartition);
  store.Facts("auth/");
  store.ContentHash();
}

std::string Raw(size_t family, std::string_view key, std::string_view value) {
  return Big(family, 1) + Part(key) + Part(value);
}

}  // namespace

std::vector<std::string> Seeds() {
  const view::Table& table = *Inventory().tables[0];
  event::v1::Row row;
  testing::Fill(row);
  const std::unique_ptr<google::protobuf::Message> resource(table.prototype->New());
  testing::Fill(*resource);
  row.set_resource(resource->SerializeAsString());
  row.clear_deleted();
  event::v1::FoldState fold;
  testing::Fill(fold);
  event::v1::RecordNote note;
  testing::Fill(note);
  namespace keys = view::keys;
  const std::string good_row =
      Raw(1, keys::RowVersion(keys::RowName(kPartition, table.id, kName), 4), row.SerializeAsString());
  const std::string all = Raw(0, keys::Fold(kPartition), fold.SerializeAsString()) +
                          Raw(0, keys::FactFold(kPartition, "auth"), fold.SerializeAsString()) + good_row +
                          Raw(2, keys::Indexed(kPartition, 1, "key"), kName) +
                          Raw(3, keys::Indexed(kPartition, 1, "key"), Big(2, 8)) +
                          Raw(4, keys::RecordKey(kPartition, 4), note.SerializeAsString()) +
                          Raw(5, keys::RequestKey(kPartition, "request"), Big(4, 8)) + Raw(6, "auth/account/u", "1");
  std::vector<std::string> seeds = {all, good_row, ""};
  // Each key cut short, and each value.
  Input input(all);
  while (!input.empty()) {
    const size_t family = input.Choose(std::size(kFamilies));
    const std::string key(input.Text()), value(input.Text());
    seeds.push_back(Raw(family, key.substr(0, 1), value));
    seeds.push_back(Raw(family, key.substr(0, key.size() / 2), value));
    seeds.push_back(Raw(family, key, value.substr(0, value.size() / 2)));
    seeds.push_back(Raw(family, key, ""));
  }
  return seeds;
}

}  // namespace trialog::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trialog::fuzz;
  using namespace trialog;
  const std::unique_ptr<rocksdb::Env> env(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  Require(view::Store::Open(Inventory(), {.path = kPath, .env = env.get()}).ok(), "an empty store opens");
  Input input(data, size);
  PutRaw(env.get(), input);
  const auto store = view::Store::Open(Inventory(), {.path = kPath, .env = env.get()});
  if (!store.ok()) {
    Require(absl::IsDataLoss(store.status()), "a store that does not open is damaged");
    return 0;
  }
  ReadAll(**store);
  const absl::Status health = (*store)->Health();
  Require(health.ok() || absl::IsDataLoss(health), "damage is DATA_LOSS");
  return 0;
}
