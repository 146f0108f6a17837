// One partition as this process reads it: fetched ahead by the library, a little of it kept for several readers.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "platform/log/kafka/client.h"
#include "platform/log/log.h"

namespace trialog::log::kafka {

// Of a client that readers read through.
std::vector<Setting> ReadingSettings();

// Thread safe. Readers that are close to each other share what was fetched; one that is far off moves the fetching to
// where it reads.
class Reader {
 public:
  // Bytes of records kept behind the last one that was read.
  static constexpr size_t kKeptBytes = 1 << 20;

  // `grown` is called when records have come, from a thread of the library which holds a lock of its own: it must not
  // call this. Ends are asked for through `asking`, since a question waits behind a fetch on the same connection. Both
  // clients outlive the reader.
  Reader(Client& client, Client& asking, std::string topic, int partition, absl::Duration patience,
         std::function<void()> grown);
  ~Reader();

  // As Log::Read.
  absl::StatusOr<std::vector<StoredRecord>> Read(int64_t from, size_t max_bytes);
  // Whether Read(from) has no need to go back: it is fetched from there, or from somewhere before.
  bool Covers(int64_t from);
  // The partition is known to reach so far: a read of what is below waits for it.
  void NoteEnd(int64_t end);
  // Fetches no more until the next read, if the last one is so long ago.
  void RestAfter(absl::Duration idle);
  // As Log::KnownEnd.
  int64_t KnownEnd();
  // Asks the leader.
  absl::StatusOr<int64_t> AskEnd();
  // Fetches from the end on, from now on: whatever stops that, the next KnownEnd begins anew. When the brokers do not
  // answer, that does it too.
  void Follow();
  // A record of this process is known to end here.
  void NoteAppended(int64_t end);

 private:
  static constexpr int64_t kUnknown = -1;

  absl::Status FetchFrom(int64_t from) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status StartAt(int64_t offset) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Stop() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool CoversLocked(int64_t from) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes up to `count` records that were fetched, waiting for the first up to `wait`. How many it took.
  absl::StatusOr<size_t> Take(size_t count, absl::Duration wait) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Has the library fetch on, when much of what it had fetched is taken.
  void FetchOn() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Keep(const rd_kafka_message_t& message) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Forgets the oldest records below `before`, but for kKeptBytes.
  void Trim(int64_t before) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // KnownEnd without Skim.
  int64_t SeenEnd();
  // Takes and passes over what this process appended itself, and errors, so that the library goes on fetching and
  // telling of it.
  void Skim();
  // Whether there was something.
  bool SkimSome() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  size_t BytesFrom(int64_t from) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<StoredRecord> Kept(int64_t from, size_t max_bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string Place() const;

  Client& client_;
  Client& asking_;
  const std::string topic_;
  const int partition_;
  const absl::Duration patience_;
  const std::function<void()> grown_;
  std::atomic<int64_t> end_ = kUnknown;  // Some end that the partition had.
  std::atomic<int64_t> appended_ = 0;    // Up to here it is known to be written by this process.
  const TopicHandle handle_;
  const TopicHandle asked_;  // A topic that the asking client knows: it hears when another broker leads it.

  absl::Mutex mutex_;
  bool followed_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Time last_read_ ABSL_GUARDED_BY(mutex_);
  QueueHandle queue_ ABSL_GUARDED_BY(mutex_);        // What the library has fetched; null: it does not fetch.
  int64_t next_ ABSL_GUARDED_BY(mutex_) = kUnknown;  // Offset that the queue gives next.
  size_t deepest_ ABSL_GUARDED_BY(mutex_) = 0;       // Records that the queue held, at most, since FetchOn did it.
  std::deque<StoredRecord> kept_ ABSL_GUARDED_BY(mutex_);  // Up to next_ (exclusive).
  size_t kept_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace trialog::log::kafka
