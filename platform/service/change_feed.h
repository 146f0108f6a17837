// The latest changes of a store as its watch streams take them: read once for all of them and kept for a second. A
// stream that stands further back reads the store itself, so that nothing grows with a slow reader.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "platform/runtime/runtime.h"
#include "platform/service/resource.h"
#include "platform/view/remembering_state.h"
#include "platform/view/store.h"

namespace trialog::service {

// An element of the `changes` of a watch's answers, as one or more streams send it.
struct WatchPiece {
  std::string bytes;      // With tag and length. Empty until one of the streams has rendered it.
  bool personal = false;  // Personal fields are shown in it.
};

// What one record made of one row.
class WatchChange {
 public:
  // What makes pieces of one change differ between streams. Nothing else may.
  struct PieceKind {
    const void* method = nullptr;           // What the answer's messages are.
    int kind = 0;                           // Of the change, as the caller sees it.
    std::optional<std::vector<int>> shown;  // Numbers of the personal fields shown; not set: all.
    bool operator==(const PieceKind&) const = default;
  };

  WatchChange(int64_t offset, const view::Table* table, std::string name, NamesCallers names_callers = nullptr)
      : offset(offset), table(table), name(std::move(name)), names_callers_(names_callers) {}

  // Reads the rows, once.
  void Load(const view::Store& store, int partition);
  // The same for a row as it stood at the offset, as if it had been made then.
  void LoadAsNew(const view::Store& store, int partition);
  // Those whom only one of the versions before and now names. Nobody when it is new: nothing was about it before. Reads
  // the rows if the record may name anybody at all.
  const std::vector<std::string>& CallersMoved(const view::Store& store, int partition);
  // The piece of that kind; all who ask for it get the same one.
  std::shared_ptr<WatchPiece> Piece(const PieceKind& kind);
  // Pieces with personal fields are gone for those who ask from now on.
  void ForgetPersonal();
  // About what it takes in memory.
  size_t Size() const;

  const int64_t offset;
  const view::Table* const table;
  const std::string name;
  view::RowPtr before, now;  // Null where there was none or it was deleted. After Load.
  size_t bytes = 0;          // About as much as an answer with it takes. After Load.

 private:
  void Measure();

  const NamesCallers names_callers_;
  bool loaded_ = false;
  std::optional<std::vector<std::string>> callers_moved_;
  std::vector<std::pair<PieceKind, std::shared_ptr<WatchPiece>>> pieces_;
};
using WatchChanges = std::vector<std::shared_ptr<WatchChange>>;

// For one thread, as are the changes it gives out: the executor of the hub that owns it.
class ChangeFeed {
 public:
  // Changes in one read, but for the rest of the last record.
  static constexpr size_t kAtOnce = 256;
  // Bounds of what is kept of one partition.
  static constexpr size_t kMaxKept = 1024;
  static constexpr size_t kMaxKeptBytes = 4 << 20;
  static constexpr absl::Duration kKeep = absl::Seconds(1);

  // Both outlive it.
  ChangeFeed(Runtime& runtime, const view::Store& store, int partitions);

  // What the changes of a table's rows ask for CallersMoved. Before anything is read.
  void SetNamesCallers(const view::Table& table, NamesCallers names_callers) { names_callers_[&table] = names_callers; }

  // A reader of the partition comes or goes. Without readers nothing is read or kept.
  void Join(int partition);
  void Leave(int partition);

  // A round begins, in which all readers look. Takes what was committed since, as much as one read gives; true when
  // there is more.
  bool Advance(int partition);

  // The state that decides who may see what. In a round it looks things up once for all readers.
  const view::State& state(int partition) const;

  // The changes from `cursor` on, oldest first, in whole records. Returns where the next read goes on: `cursor` itself
  // when nothing new is there. What the feed no longer has comes from the store, for this reader alone.
  int64_t Read(int partition, int64_t cursor, WatchChanges& changes) const;

  // All readers have looked. Nothing personal is kept in the clear until the next look, nor more than the bounds allow.
  void EndRound(int partition);
  // Drops what is too old to be kept; true when something is left.
  bool Trim(int partition);

 private:
  struct Kept {
    std::shared_ptr<WatchChange> change;
    absl::Duration read;  // Monotonic.
  };
  struct Partition {
    explicit Partition(const view::State& now) : state(now) {}
    view::RememberingState state;
    bool in_round = false;
    int readers = 0;
    // All changes of [begin, end) are in `kept`.
    int64_t begin = 0, end = 0;
    std::deque<Kept> kept;
  };
  int64_t ReadStore(int partition, int64_t cursor, WatchChanges& changes) const;
  // Returns the size of what it dropped.
  static size_t DropOldestRecord(Partition& partition);

  Runtime& runtime_;
  const view::Store& store_;
  absl::flat_hash_map<const view::Table*, NamesCallers> names_callers_;
  std::vector<Partition> partitions_;
};

}  // namespace trialog::service
