// The table of keys as one of several replicas has it: a fold of the topic of keys. docs/formats/sealed.md, "Topic of
// keys"; docs/adr/0026-topic-of-keys.md.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "platform/runtime/runtime.h"
#include "platform/sealing/key_journal.h"
#include "platform/sealing/key_table.h"

namespace trialog::sealing {

// Without a journal the table is the only one, and each change is synced to its disk. With one, whatever is written
// goes through the topic, and counts as the topic's order says: of two keys for one subject the first, of a key and an
// erasure the erasure. Thread safe; calls block on the disk or the brokers.
class KeyReplica {
 public:
  // `journal` may be null. All outlive the replica.
  KeyReplica(KeyTable* table, KeyJournal* journal, Runtime* runtime)
      : table_(*table), journal_(journal), runtime_(*runtime) {}
  ~KeyReplica();

  // Whether a check value of the topic opens under the master key at hand.
  using Opens = std::function<absl::Status(const event::v1::Sealed& check)>;
  // Folds the topic to its end and follows it from then on. A table that never followed one is written to the topic
  // first. UNAVAILABLE; DATA_LOSS: KEY_TOPIC_ENDS_BEFORE_STORE, KEY_TOPIC_IS_ANOTHER; FAILED_PRECONDITION
  // KEY_TOPIC_HOLDS_OTHER_KEYS when a table with keys of its own meets a topic with others; what `opens` says.
  absl::Status Start(const Opens& opens);

  // Returns when the records are durable and the table shows what they made of it, which may be what others made
  // before. UNAVAILABLE, KEYS_NOT_WRITTEN: they may be there nevertheless, or come later; nothing is in doubt that this
  // answered, so it may be repeated with other keys.
  absl::Status Commit(const std::vector<event::v1::KeyRecord>& records);
  // The table shows all that was written before the call.
  absl::Status CatchUp();
  // The topic need not keep these records any more: what they made is destroyed. Repeating it changes nothing.
  absl::Status Forget(const std::vector<event::v1::KeyRecord>& records);
  // Is called, on any thread, with each subject whose key is found destroyed in the topic. Must not call this.
  void SetOnDestroyed(std::function<void(std::string_view subject)> on_destroyed);
  // Whether there is a topic.
  bool shared() const { return journal_ != nullptr; }

 private:
  absl::StatusOr<int64_t> Append(std::vector<KeyJournal::Entry> entries);
  absl::Status CheckSameTopic(int64_t position, int64_t end);
  absl::Status FoldUpTo(int64_t end);
  absl::Status FoldOne(const log::StoredRecord& stored) ABSL_EXCLUSIVE_LOCKS_REQUIRED(fold_mutex_);
  absl::Status Publish(const Opens& opens);
  // Refuses a topic that holds others than the table's; gives the keys of its records.
  absl::StatusOr<std::set<std::string>> CompareTopic(const Opens& opens);
  absl::Status CompareWithTable(const event::v1::KeyRecord& record, const Opens& opens) const;
  void Follow();
  // There may be more than this process was woken for.
  void WakeFollower();
  void FoldWhatCame();
  void LookLater(absl::Duration delay);
  // Nobody may write for long after an erasure, and the topic lets go of the key only when somebody does.
  void LetGo();

  KeyTable& table_;
  KeyJournal* const journal_;
  Runtime& runtime_;

  absl::Mutex fold_mutex_;
  int64_t position_ ABSL_GUARDED_BY(fold_mutex_) = 0;
  std::atomic<bool> compaction_due_ = false;  // An erasure was folded.
  // Monotonic: an entry from then on makes the topic let go of what was destroyed.
  absl::Duration let_go_at_ ABSL_GUARDED_BY(fold_mutex_) = absl::InfiniteDuration();
  std::atomic<bool> woken_ = false;
  absl::Duration look_at_ = absl::InfiniteDuration();  // Monotonic: when it looks by itself. The following executor's.
  absl::Mutex on_destroyed_mutex_;                     // Taken after fold_mutex_.
  std::function<void(std::string_view)> on_destroyed_ ABSL_GUARDED_BY(on_destroyed_mutex_);
  std::atomic<int64_t> refuse_until_ = 0;  // Milliseconds of the monotonic clock.

  std::unique_ptr<log::Tail> tail_;
  Executor* following_task_ = nullptr;   // The next: its last task runs while the pointer is being cleared.
  std::unique_ptr<Executor> following_;  // Last: its tasks use the others.
};

// Under which key the topic keeps a record.
std::string JournalKeyOf(const event::v1::KeyRecord& record);

}  // namespace trialog::sealing
