#include "platform/view/state.h"

#include <algorithm>
#include <map>

namespace trialog::view {
namespace {

constexpr char kSeparator = '\0';
constexpr size_t kIndexBytes = 2;

void AppendIndex(std::string& out, const Index& index) {
  out += static_cast<char>(index.id >> 8);
  out += static_cast<char>(index.id & 0xff);
}

// The row's keys, sorted.
IndexSink KeysOf(const Table& table, std::string_view name, const RowPtr& row) {
  IndexSink sink(name);
  if (row && row->resource && table.index) table.index(*row, name, sink);
  sink.Sort();
  return sink;
}

std::string Encoded(const Index& index, std::string_view key) {
  std::string out;
  out.reserve(2 + key.size());
  AppendIndex(out, index);
  out += key;
  return out;
}

// Unsigned, so that a time out of range, which no request brings in, is some number too.
uint64_t Micros(const google::protobuf::Timestamp& time) {
  const uint64_t micros =
      static_cast<uint64_t>(time.seconds()) * 1'000'000 + static_cast<uint64_t>(time.nanos() / 1'000);
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

uint32_t IndexSink::Begin(const Index& index, std::string_view key) {
  if (entries_.empty()) {
    entries_.reserve(8);
    bytes_.reserve(8 * (key.size() + row_name_.size()));
  }
  const auto begin = static_cast<uint32_t>(bytes_.size());
  AppendIndex(bytes_, index);
  bytes_ += key;
  return begin;
}

void IndexSink::AddUnique(const Index& index, std::string_view key) {
  const uint32_t begin = Begin(index, key);
  entries_.push_back({begin, static_cast<uint32_t>(bytes_.size()), 0});
}

void IndexSink::Add(const Index& index, std::string_view key) {
  const uint32_t begin = Begin(index, key);
  const auto group_end = static_cast<uint32_t>(bytes_.size());
  bytes_ += kSeparator;
  bytes_ += row_name_;
  entries_.push_back({begin, static_cast<uint32_t>(bytes_.size()), group_end});
}

void IndexSink::Sort() {
  std::sort(entries_.begin(), entries_.end(), [this](const Entry& a, const Entry& b) { return Key(a) < Key(b); });
  const auto same = [this](const Entry& a, const Entry& b) { return Key(a) == Key(b); };
  entries_.erase(std::unique(entries_.begin(), entries_.end(), same), entries_.end());
}

bool IndexSink::Contains(std::string_view key) const {
  const auto at = std::lower_bound(entries_.begin(), entries_.end(), key,
                                   [this](const Entry& entry, std::string_view wanted) { return Key(entry) < wanted; });
  return at != entries_.end() && Key(*at) == key;
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
  PutAfter(Find(table, name), table, name, std::move(resource), std::move(sealed));
}

void ChangeSet::PutKeepingSealed(const Table& table, std::string_view name,
                                 std::shared_ptr<const google::protobuf::Message> resource) {
  const RowPtr before = Find(table, name);
  PutAfter(before, table, name, std::move(resource), before ? before->sealed : event::v1::SealedPart());
}

void ChangeSet::PutAfter(const RowPtr& before, const Table& table, std::string_view name,
                         std::shared_ptr<const google::protobuf::Message> resource, event::v1::SealedPart sealed) {
  auto row = std::make_shared<Row>();
  row->resource = std::move(resource);
  row->sealed = std::move(sealed);
  row->meta = NextMeta(before);
  Write(table, name, before, std::move(row));
}

void ChangeSet::Delete(const Table& table, std::string_view name) {
  RowPtr before = Find(table, name);
  if (!before) return;
  auto row = std::make_shared<Row>();
  row->meta = NextMeta(before);
  Write(table, name, before, std::move(row));
}

void ChangeSet::Write(const Table& table, std::string_view name, const RowPtr& before, RowPtr after) {
  const IndexSink old_keys = KeysOf(table, name, before);
  const IndexSink new_keys = KeysOf(table, name, after);
  for (const auto& entry : old_keys.entries()) {
    if (new_keys.Contains(old_keys.Key(entry))) continue;
    keys_.insert_or_assign(std::string(old_keys.Key(entry)), std::nullopt);
    if (entry.group_end != 0) AddToCount(old_keys.Group(entry), -1);
  }
  for (const auto& entry : new_keys.entries()) {
    if (old_keys.Contains(new_keys.Key(entry))) continue;
    keys_.insert_or_assign(std::string(new_keys.Key(entry)), std::string(name));
    if (entry.group_end != 0) AddToCount(new_keys.Group(entry), +1);
  }
  const auto last = last_write_.find(RowKey{table.id, name});
  if (last != last_write_.end() && writes_[last->second].record == context_.record) {
    writes_[last->second].row = std::move(after);
    return;
  }
  writes_.push_back({&table, std::string(name), std::move(after), context_.record});
  if (last != last_write_.end()) {
    last->second = writes_.size() - 1;
  } else {
    last_write_.emplace(RowKey{table.id, writes_.back().name}, writes_.size() - 1);
  }
}

void ChangeSet::AddToCount(std::string_view index_and_group, int64_t by) {
  auto it = counts_.find(index_and_group);
  if (it == counts_.end()) {
    const auto id = static_cast<uint16_t>(static_cast<unsigned char>(index_and_group[0]) << 8 |
                                          static_cast<unsigned char>(index_and_group[1]));
    const int64_t before = base_->Count({id, ""}, index_and_group.substr(kIndexBytes));
    it = counts_.emplace(std::string(index_and_group), before).first;
  }
  it->second += by;
}

RowPtr ChangeSet::Find(const Table& table, std::string_view name) const {
  auto it = last_write_.find(RowKey{table.id, name});
  if (it == last_write_.end()) return base_->Find(table, name);
  const RowPtr& row = writes_[it->second].row;
  return row->resource ? row : nullptr;
}

std::optional<std::string> ChangeSet::Lookup(const Index& index, std::string_view key) const {
  auto it = keys_.find(Encoded(index, key));
  return it == keys_.end() ? base_->Lookup(index, key) : it->second;
}

std::vector<Found> ChangeSet::Scan(const Index& index, std::string_view prefix, size_t limit,
                                   std::string_view after) const {
  // Enough of the base that `limit` remain even if each key erased here is among them.
  const std::string encoded_prefix = Encoded(index, prefix);
  const auto first = keys_.lower_bound(Encoded(index, std::max<std::string_view>(prefix, after)));
  std::map<std::string, std::optional<std::string>> merged;
  size_t erased = 0;
  for (auto it = first; it != keys_.end() && it->first.compare(0, encoded_prefix.size(), encoded_prefix) == 0; ++it) {
    std::string key = it->first.substr(kIndexBytes);
    if (!after.empty() && key <= after) continue;
    merged[std::move(key)] = it->second;
    if (!it->second) ++erased;
  }
  for (Found& found : base_->Scan(index, prefix, limit + erased, after)) merged.try_emplace(found.key, found.name);
  std::vector<Found> result;
  for (auto& [key, name] : merged) {
    if (result.size() == limit) break;
    if (name) result.push_back({key, *name});
  }
  return result;
}

int64_t ChangeSet::Count(const Index& index, std::string_view key) const {
  auto it = counts_.find(Encoded(index, key));
  return it == counts_.end() ? base_->Count(index, key) : it->second;
}

const State* EmptyState() {
  static const Nothing nothing;
  return &nothing;
}

}  // namespace trialog::view
