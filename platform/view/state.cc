#include "platform/view/state.h"

#include <algorithm>

namespace trialog::view {
namespace {

constexpr char kSeparator = '\0';

using Entries = std::vector<IndexSink::Entry>;

Entries KeysOf(const Table& table, std::string_view name, const RowPtr& row) {
  if (!row || !row->resource || !table.index) return {};
  IndexSink sink(name);
  table.index(*row, name, sink);
  Entries entries = sink.entries();
  std::sort(entries.begin(), entries.end());
  entries.erase(std::unique(entries.begin(), entries.end()), entries.end());
  return entries;
}

// Unsigned, so that a time out of range, which no request brings in, is some number too.
uint64_t Micros(const google::protobuf::Timestamp& time) {
  const uint64_t micros = static_cast<uint64_t>(time.seconds()) * 1'000'000 + static_cast<uint64_t>(time.nanos() / 1'000);
  return micros ^ (uint64_t{1} << 63);
}

class Nothing final : public State {
 public:
  RowPtr Find(const Table&, std::string_view) const override { return nullptr; }
  std::optional<std::string> Lookup(const Index&, std::string_view) const override { return std::nullopt; }
  std::vector<Found> Scan(const Index&, std::string_view, size_t, std::string_view) const override { return {}; }
  int64_t Count(const Index&, std::string_view) const override { return 0; }
};

}  // namespace

void IndexSink::AddUnique(const Index& index, std::string_view key) {
  entries_.push_back({index.id, std::string(key), "", false});
}

void IndexSink::Add(const Index& index, std::string_view key) {
  std::string stored = GroupPrefix(key);
  stored += row_name_;
  entries_.push_back({index.id, std::move(stored), std::string(key), true});
}

std::string GroupPrefix(std::string_view key) {
  std::string prefix(key);
  prefix += kSeparator;
  return prefix;
}

std::string OrderedBytes(uint64_t value) {
  std::string bytes(8, '\0');
  for (int i = 7; i >= 0; --i, value >>= 8) bytes[i] = static_cast<char>(value & 0xff);
  return bytes;
}

std::string OrderedBytesDescending(uint64_t value) { return OrderedBytes(~value); }
std::string OrderedTime(const google::protobuf::Timestamp& time) { return OrderedBytes(Micros(time)); }
std::string OrderedTimeDescending(const google::protobuf::Timestamp& time) { return OrderedBytes(~Micros(time)); }

event::v1::RowMeta ChangeSet::NextMeta(const RowPtr& before) const {
  event::v1::RowMeta meta;
  meta.set_version(before ? before->meta.version() + 1 : 1);
  meta.set_event_id(context_.event_id);
  *meta.mutable_actor() = context_.actor;
  *meta.mutable_create_time() = before ? before->meta.create_time() : context_.record_time;
  *meta.mutable_update_time() = context_.record_time;
  return meta;
}

void ChangeSet::Put(const Table& table, std::string_view name,
                    std::shared_ptr<const google::protobuf::Message> resource, event::v1::SealedPart sealed) {
  RowPtr before = Find(table, name);
  auto row = std::make_shared<Row>();
  row->resource = std::move(resource);
  row->sealed = std::move(sealed);
  row->meta = NextMeta(before);
  Write(table, name, before, std::move(row));
}

void ChangeSet::PutKeepingSealed(const Table& table, std::string_view name,
                                 std::shared_ptr<const google::protobuf::Message> resource) {
  RowPtr before = Find(table, name);
  Put(table, name, std::move(resource), before ? before->sealed : event::v1::SealedPart());
}

void ChangeSet::Delete(const Table& table, std::string_view name) {
  RowPtr before = Find(table, name);
  if (!before) return;
  auto row = std::make_shared<Row>();
  row->meta = NextMeta(before);
  Write(table, name, before, std::move(row));
}

void ChangeSet::Write(const Table& table, std::string_view name, const RowPtr& before, RowPtr after) {
  const Entries old_keys = KeysOf(table, name, before);
  const Entries new_keys = KeysOf(table, name, after);
  for (const auto& e : old_keys) {
    if (std::binary_search(new_keys.begin(), new_keys.end(), e)) continue;
    keys_[{e.index, e.key}] = std::nullopt;
    if (e.counted) AddToCount(e.index, e.group, -1);
  }
  for (const auto& e : new_keys) {
    if (std::binary_search(old_keys.begin(), old_keys.end(), e)) continue;
    keys_[{e.index, e.key}] = std::string(name);
    if (e.counted) AddToCount(e.index, e.group, +1);
  }
  auto [it, first] = last_write_.try_emplace({table.id, std::string(name)}, writes_.size());
  if (!first && writes_[it->second].record == context_.record) {
    writes_[it->second].row = std::move(after);
    return;
  }
  it->second = writes_.size();
  writes_.push_back({&table, std::string(name), std::move(after), context_.record});
}

void ChangeSet::AddToCount(uint16_t index, const std::string& group, int64_t by) {
  auto [it, first] = counts_.try_emplace({index, group}, 0);
  if (first) it->second = base_.Count({index, ""}, group);
  it->second += by;
}

RowPtr ChangeSet::Find(const Table& table, std::string_view name) const {
  auto it = last_write_.find(RowKey{table.id, std::string(name)});
  if (it == last_write_.end()) return base_.Find(table, name);
  const RowPtr& row = writes_[it->second].row;
  return row->resource ? row : nullptr;
}

std::optional<std::string> ChangeSet::Lookup(const Index& index, std::string_view key) const {
  auto it = keys_.find({index.id, std::string(key)});
  return it == keys_.end() ? base_.Lookup(index, key) : it->second;
}

std::vector<Found> ChangeSet::Scan(const Index& index, std::string_view prefix, size_t limit,
                                   std::string_view after) const {
  // Enough of the base that `limit` remain even if each key erased here is among them.
  const auto in_index = [&](const auto& it) {
    return it != keys_.end() && it->first.first == index.id && it->first.second.substr(0, prefix.size()) == prefix;
  };
  const std::string start(std::max<std::string_view>(prefix, after));
  const auto first = keys_.lower_bound({index.id, start});
  std::map<std::string, std::optional<std::string>> merged;
  size_t erased = 0;
  for (auto it = first; in_index(it); ++it) {
    if (!after.empty() && it->first.second <= after) continue;
    merged[it->first.second] = it->second;
    if (!it->second) ++erased;
  }
  for (Found& found : base_.Scan(index, prefix, limit + erased, after)) merged.try_emplace(found.key, found.name);
  std::vector<Found> result;
  for (auto& [key, name] : merged) {
    if (result.size() == limit) break;
    if (name) result.push_back({key, *name});
  }
  return result;
}

int64_t ChangeSet::Count(const Index& index, std::string_view key) const {
  auto it = counts_.find({index.id, std::string(key)});
  return it == counts_.end() ? base_.Count(index, key) : it->second;
}

const State* EmptyState() {
  static const Nothing nothing;
  return &nothing;
}

}  // namespace trialog::view
