// A key store whose content is anything at all: a key comes out as it was put in, or not at all.
#include "platform/sealing/key_store.h"

#include "platform/errors/errors.h"
#include "platform/sealing/test_runtime.h"
#include "platform/text/text.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "tests/fuzz/fuzz.h"

namespace trialog::fuzz {
namespace {

using sealing::DataKey;

constexpr char kPath[] = "/keys";
constexpr std::string_view kSubjects[] = {"organizations/o/patients/p", "organizations/o/patients/q",
                                          "organizations/o/users/u"};

using Rows = std::vector<std::pair<std::string, std::string>>;

sealing::MasterKey Master() { return sealing::MasterKey(*sealing::SecretKey::FromBytes(std::string(32, 'm'))); }

Rows ReadRaw(rocksdb::Env* env) {
  rocksdb::Options options;
  options.env = env;
  rocksdb::DB* opened = nullptr;
  Require(rocksdb::DB::Open(options, kPath, &opened).ok(), "the store's file opens");
  const std::unique_ptr<rocksdb::DB> db(opened);
  const std::unique_ptr<rocksdb::Iterator> it(db->NewIterator({}));
  Rows rows;
  for (it->SeekToFirst(); it->Valid(); it->Next()) rows.emplace_back(it->key().ToString(), it->value().ToString());
  return rows;
}

void PutRaw(rocksdb::Env* env, const Rows& rows) {
  rocksdb::Options options;
  options.env = env;
  options.create_if_missing = true;
  rocksdb::DB* opened = nullptr;
  Require(rocksdb::DB::Open(options, kPath, &opened).ok(), "a new file opens");
  const std::unique_ptr<rocksdb::DB> db(opened);
  for (const auto& [key, value] : rows) Require(db->Put({}, key, value).ok(), "what is put is put");
}

// What each subject's key is, when nothing is damaged.
struct Good {
  Rows rows;
  std::vector<DataKey> keys;
  std::string lookup;
};
const Good& Sound() {
  static const auto* good = [] {
    auto* made = new Good;
    const std::unique_ptr<rocksdb::Env> env(rocksdb::NewMemEnv(rocksdb::Env::Default()));
    sealing::TestRuntime runtime;
    auto store = sealing::KeyStore::Open(kPath, Master(), &runtime, {.env = env.get()});
    Require(store.ok(), "a new store opens");
    made->keys = *(*store)->GetKeys(
        {.organization = "o", .subjects = {std::begin(kSubjects), std::end(kSubjects)}, .create = true});
    Require((*store)->Destroy(kSubjects[1]).ok(), "a key is destroyed");
    made->lookup = std::string((*store)->GetLookupKey("o")->key.bytes());
    *store = nullptr;
    made->rows = ReadRaw(env.get());
    return made;
  }();
  return *good;
}

std::string AsInput(const Rows& rows) {
  std::string input;
  for (const auto& [key, value] : rows) input += Part(key) + Part(value);
  return input;
}

void CheckKey(size_t subject, const DataKey& key) {
  const DataKey& good = Sound().keys[subject];
  if (key.state != DataKey::State::kPresent) return;
  Require(subject != 1, "a destroyed key does not come back");
  Require(key.id == good.id && key.key.bytes() == good.key.bytes(), "a key is the subject's own");
}

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds = {AsInput(Sound().rows)};
  // Rows swapped, cut short and left out.
  for (size_t i = 0; i < Sound().rows.size(); ++i) {
    Rows rows = Sound().rows;
    std::swap(rows[i].second, rows[(i + 1) % rows.size()].second);
    seeds.push_back(AsInput(rows));
    rows = Sound().rows;
    rows[i].second.resize(rows[i].second.size() / 2);
    seeds.push_back(AsInput(rows));
    rows.erase(rows.begin() + static_cast<ptrdiff_t>(i));
    seeds.push_back(AsInput(rows));
  }
  return seeds;
}

}  // namespace trialog::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trialog::fuzz;
  using namespace trialog;
  Input input(data, size);
  Rows rows;
  while (!input.empty()) {
    std::string key(input.Text());
    rows.emplace_back(std::move(key), std::string(input.Text()));
  }
  const std::unique_ptr<rocksdb::Env> env(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  PutRaw(env.get(), rows);
  sealing::TestRuntime runtime;
  const auto store = sealing::KeyStore::Open(kPath, Master(), &runtime, {.env = env.get()});
  if (!store.ok()) {
    Require(absl::IsDataLoss(store.status()) || ReasonOf(store.status()) == "MASTER_KEY_WRONG",
            "a store says why it does not open");
    return 0;
  }
  for (size_t i = 0; i < std::size(kSubjects); ++i) {
    const auto keys = (*store)->GetKeys({.organization = "o", .subjects = {std::string(kSubjects[i])}});
    Require(keys.ok() || absl::IsDataLoss(keys.status()), "what does not open is DATA_LOSS");
    if (keys.ok()) CheckKey(i, keys->front());
    const auto by_id = (*store)->GetKeys({.organization = "o", .key_ids = {Sound().keys[i].id}});
    Require(by_id.ok() || absl::IsDataLoss(by_id.status()), "what does not open is DATA_LOSS");
    if (by_id.ok()) CheckKey(i, by_id->front());
    const auto foreign = (*store)->GetKeys({.organization = "x", .key_ids = {Sound().keys[i].id}});
    Require(!foreign.ok() || foreign->front().state != DataKey::State::kPresent, "another organisation gets no key");
  }
  return 0;
}
