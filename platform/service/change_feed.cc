#include "platform/service/change_feed.h"

#include <algorithm>
#include <iterator>

#include "platform/service/page.h"

namespace trialog::service {

void WatchChange::Load(const view::Store& store, int partition) {
  if (std::exchange(loaded_, true)) return;
  const auto versions = store.History(partition, *table, name, offset, 2);
  if (!versions.empty() && versions[0].row->resource) now = versions[0].row;
  if (versions.size() > 1 && versions[1].row->resource) before = versions[1].row;
  Measure();
}

void WatchChange::LoadAsNew(const view::Store& store, int partition) {
  loaded_ = true;
  now = store.FindAt(partition, *table, name, offset);
  Measure();
}

void WatchChange::Measure() { bytes = now ? AnswerBytes(name, *now) : name.size(); }

const std::vector<std::string>& WatchChange::CallersMoved(const view::Store& store, int partition) {
  if (callers_moved_) return *callers_moved_;
  callers_moved_.emplace();
  if (names_callers_ == nullptr) return *callers_moved_;
  Load(store, partition);
  if (!before) return *callers_moved_;
  auto then = names_callers_(name, *before), today = now ? names_callers_(name, *now) : std::vector<std::string>();
  std::sort(then.begin(), then.end());
  std::sort(today.begin(), today.end());
  std::set_symmetric_difference(then.begin(), then.end(), today.begin(), today.end(),
                                std::back_inserter(*callers_moved_));
  return *callers_moved_;
}

std::shared_ptr<WatchPiece> WatchChange::Piece(const PieceKind& kind) {
  for (const auto& [other, piece] : pieces_) {
    if (other == kind) return piece;
  }
  return pieces_.emplace_back(kind, std::make_shared<WatchPiece>()).second;
}

void WatchChange::ForgetPersonal() {
  std::erase_if(pieces_, [](const auto& piece) { return piece.second->personal; });
}

size_t WatchChange::Size() const {
  size_t size = sizeof(WatchChange) + 2 * bytes;  // The row before is as large, about.
  for (const auto& [kind, piece] : pieces_) size += piece->bytes.size();
  return size;
}

ChangeFeed::ChangeFeed(Runtime& runtime, const view::Store& store, int partitions) : runtime_(runtime), store_(store) {
  for (int p = 0; p < partitions; ++p) partitions_.emplace_back(store.partition(p));
}

const view::State& ChangeFeed::state(int partition) const {
  const Partition& read = partitions_[partition];
  return read.in_round ? static_cast<const view::State&>(read.state) : store_.partition(partition);
}

void ChangeFeed::Join(int partition) {
  Partition& joined = partitions_[partition];
  if (joined.readers++ == 0) joined.begin = joined.end = store_.next_offset(partition);
}

void ChangeFeed::Leave(int partition) {
  Partition& left = partitions_[partition];
  if (--left.readers == 0) left.kept.clear();
}

// Whatever is committed below the offset is there when the offset is.
int64_t ChangeFeed::ReadStore(int partition, int64_t cursor, WatchChanges& changes) const {
  const int64_t folded = store_.next_offset(partition);
  if (cursor >= folded) return cursor;
  auto found = store_.Changes(partition, cursor, kAtOnce);
  for (view::Change& change : found) {
    const auto names_callers = names_callers_.find(change.table);
    changes.push_back(
        std::make_shared<WatchChange>(change.offset, change.table, std::move(change.name),
                                      names_callers == names_callers_.end() ? nullptr : names_callers->second));
  }
  const int64_t after_last = found.empty() ? cursor : found.back().offset + 1;
  return found.size() < kAtOnce ? std::max(folded, after_last) : after_last;
}

size_t ChangeFeed::DropOldestRecord(Partition& partition) {
  size_t bytes = 0;
  partition.begin = partition.kept.front().change->offset + 1;
  for (; !partition.kept.empty() && partition.kept.front().change->offset < partition.begin;
       partition.kept.pop_front()) {
    bytes += partition.kept.front().change->Size();
  }
  return bytes;
}

bool ChangeFeed::Advance(int partition) {
  Partition& advanced = partitions_[partition];
  if (advanced.readers == 0) return false;
  advanced.in_round = true;
  WatchChanges changes;
  advanced.end = ReadStore(partition, advanced.end, changes);
  const absl::Duration now = runtime_.Monotonic();
  for (auto& change : changes) advanced.kept.push_back({std::move(change), now});
  while (advanced.kept.size() > kMaxKept) DropOldestRecord(advanced);
  return changes.size() >= kAtOnce;
}

int64_t ChangeFeed::Read(int partition, int64_t cursor, WatchChanges& changes) const {
  const Partition& read = partitions_[partition];
  if (cursor < read.begin) return ReadStore(partition, cursor, changes);
  if (cursor >= read.end) return cursor;
  auto it = std::partition_point(read.kept.begin(), read.kept.end(),
                                 [cursor](const Kept& kept) { return kept.change->offset < cursor; });
  for (; it != read.kept.end(); ++it) {
    if (changes.size() >= kAtOnce && it->change->offset != changes.back()->offset) return it->change->offset;
    changes.push_back(it->change);
  }
  return read.end;
}

void ChangeFeed::EndRound(int partition) {
  Partition& ended = partitions_[partition];
  ended.in_round = false;
  ended.state.Forget();
  size_t bytes = 0;
  for (Kept& kept : ended.kept) {
    kept.change->ForgetPersonal();
    bytes += kept.change->Size();
  }
  while (bytes > kMaxKeptBytes) bytes -= DropOldestRecord(ended);
}

bool ChangeFeed::Trim(int partition) {
  Partition& trimmed = partitions_[partition];
  const absl::Duration oldest = runtime_.Monotonic() - kKeep;
  while (!trimmed.kept.empty() && trimmed.kept.front().read < oldest) DropOldestRecord(trimmed);
  return !trimmed.kept.empty();
}

}  // namespace trialog::service
