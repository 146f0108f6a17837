// Auth's own store of wrapped keys, a RocksDB apart from everything else: neither the log nor a view ever holds a key.
// On Kafka each replica of auth has one, a fold of the topic of keys. Format and threat model: docs/formats/sealed.md.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "platform/runtime/runtime.h"
#include "platform/sealing/data_keys.h"
#include "platform/sealing/key_replica.h"
#include "platform/sealing/key_table.h"
#include "platform/sealing/master_key.h"

namespace trialog::sealing {

// Thread safe; calls block on the disk (one synced write for a request that creates keys; concurrent ones share it) or,
// where there is a journal, on the brokers. Errors: INVALID_ARGUMENT for a malformed request, RESOURCE_EXHAUSTED
// DISK_FULL, or DISK_WATERMARK when a key would have to be made on a nearly full disk, UNAVAILABLE when the disk or the
// brokers fail otherwise, DATA_LOSS when what is stored does not open. Key bytes are in no error and no log line.
class KeyStore {
 public:
  struct Options {
    bool create_if_missing = true;
    rocksdb::Env* env = nullptr;    // Null: the machine's own file system. Outlives the store.
    uint64_t min_free_bytes = 0;    // Of its disk; below, no key is made. Keys are found and destroyed all the same.
    KeyJournal* journal = nullptr;  // Null: this store is the only one of its keys. Outlives the store.
    // Asked when there is a journal, and neither it nor the store was ever written to: why they cannot be the first of
    // a site. Null: they are.
    std::function<absl::Status()> may_begin = nullptr;
  };

  // Opens the store at `path` and, after a crash in a rotation, completes it; with a journal, folds that to its end.
  // FAILED_PRECONDITION with reason MASTER_KEY_WRONG when the store, or the journal, was made under another master key;
  // what KeyReplica::Start says. `runtime` outlives the store.
  static absl::StatusOr<std::unique_ptr<KeyStore>> Open(const std::string& path, MasterKey master, Runtime* runtime,
                                                        Options options);
  static absl::StatusOr<std::unique_ptr<KeyStore>> Open(const std::string& path, MasterKey master, Runtime* runtime) {
    return Open(path, std::move(master), runtime, Options());
  }
  ~KeyStore();
  KeyStore(const KeyStore&) = delete;
  KeyStore& operator=(const KeyStore&) = delete;

  // What KeyProvider::GetKeys promises. A key is on disk, or in the journal, before it is returned.
  absl::StatusOr<std::vector<DataKey>> GetKeys(const KeyRequest& request);
  // The same when that takes no more than a look into the table; else nothing.
  absl::StatusOr<std::optional<std::vector<DataKey>>> FindKeys(const KeyRequest& request);

  // Destroys the key of `subject` for good and returns once no file of this store holds it, wrapped or not. Also when
  // it had none: none is made later. Repeating it changes nothing. Other replicas follow within a moment; the journal's
  // brokers drop it when they compact.
  absl::Status Destroy(std::string_view subject);

  // The look-up key of the current epoch, made when the organisation has none.
  absl::StatusOr<LookupKeyMaterial> GetLookupKey(std::string_view organization);
  // The same when there is one.
  absl::StatusOr<std::optional<LookupKeyMaterial>> FindLookupKey(std::string_view organization);
  // The one of an earlier epoch, for re-indexing; NOT_FOUND when it was destroyed.
  absl::StatusOr<LookupKeyMaterial> GetLookupKey(std::string_view organization, int64_t epoch);
  // Begins the next epoch. Earlier keys stay until DestroyLookupKeysBefore, so that look-ups can be moved over.
  absl::StatusOr<LookupKeyMaterial> RotateLookupKey(std::string_view organization);
  absl::Status DestroyLookupKeysBefore(std::string_view organization, int64_t epoch);

  // Wraps every key anew under `next` while requests go on. Once it has begun, only `next` opens the store; after an
  // error, repeat it (or reopen) to complete it. After it, copies of the store made earlier need the former master key.
  // With a journal: FAILED_PRECONDITION, KEYS_ON_A_TOPIC.
  absl::Status RotateMasterKey(MasterKey next);

  // KeyReplica::SetOnDestroyed.
  void SetOnDestroyed(std::function<void(std::string_view subject)> on_destroyed) {
    replica_.SetOnDestroyed(std::move(on_destroyed));
  }

  // Data keys made since it was opened, those of commands included that were refused afterwards. Thread safe.
  int64_t data_keys_made() const { return data_keys_made_.load(std::memory_order_relaxed); }

 private:
  KeyStore(std::unique_ptr<KeyTable> table, MasterKey master, Runtime* runtime, std::string path,
           const Options& options);

  absl::Status RoomForKeys() const;
  absl::Status Start(const std::function<absl::Status()>& may_begin);
  absl::Status Begin(const std::function<absl::Status()>& may_begin);
  absl::Status CheckMasterKey(const event::v1::Sealed& check);
  absl::StatusOr<DataKey> FindBySubject(std::string_view subject) ABSL_SHARED_LOCKS_REQUIRED(master_mutex_);
  absl::StatusOr<DataKey> FindById(std::string_view organization, std::string_view id)
      ABSL_SHARED_LOCKS_REQUIRED(master_mutex_);
  absl::StatusOr<std::vector<DataKey>> FindAll(const KeyRequest& request) ABSL_SHARED_LOCKS_REQUIRED(master_mutex_);
  absl::Status Create(const std::vector<std::string>& subjects) ABSL_SHARED_LOCKS_REQUIRED(master_mutex_);
  absl::Status SettleDestroyed(std::string_view subject);
  absl::StatusOr<LookupKeyMaterial> CreateLookupKey(std::string_view organization, int64_t epoch)
      ABSL_SHARED_LOCKS_REQUIRED(master_mutex_);
  absl::StatusOr<std::optional<LookupKeyMaterial>> LatestLookupKey(std::string_view organization)
      ABSL_SHARED_LOCKS_REQUIRED(master_mutex_);
  absl::StatusOr<LookupKeyMaterial> OpenLookupKey(std::string_view organization, const KeyTable::LookupKeyRow& row)
      ABSL_SHARED_LOCKS_REQUIRED(master_mutex_);

  // One key or check value under the current master key; `context` says what it is and binds it to its place.
  event::v1::Sealed Wrap(const SecretKey& key, std::string_view context) ABSL_SHARED_LOCKS_REQUIRED(master_mutex_);
  absl::StatusOr<SecretKey> Unwrap(const event::v1::Sealed& wrapped, std::string_view context)
      ABSL_SHARED_LOCKS_REQUIRED(master_mutex_);
  absl::Status ResumeRotation();
  absl::Status FinishRotation();
  absl::StatusOr<bool> RewrapSome(std::string& from) ABSL_EXCLUSIVE_LOCKS_REQUIRED(master_mutex_);

  const std::unique_ptr<KeyTable> table_;
  Runtime& runtime_;
  const std::string path_;
  const uint64_t min_free_bytes_;
  std::atomic<int64_t> data_keys_made_ = 0;

  // Held shared by all that wraps or unwraps, alone by a step of a rotation.
  absl::Mutex master_mutex_;
  MasterKey master_ ABSL_GUARDED_BY(master_mutex_);
  std::optional<MasterKey> former_ ABSL_GUARDED_BY(master_mutex_);  // While a rotation is under way.
  absl::Mutex rotation_mutex_;  // One rotation at a time. Taken before master_mutex_.

  // Creating and destroying one subject's key exclude each other; different subjects share a synced write.
  static constexpr size_t kStripes = 32;
  std::array<absl::Mutex, kStripes> stripes_;
  absl::Mutex lookup_mutex_;  // Creating and rotating look-up keys.
  KeyReplica replica_;        // Last: what follows the journal ends first.
};

// A KeyProvider over a store in the same process, on threads of its own: what only has to be found does not wait behind
// what has to be made. Both outlive it.
class KeyStoreProvider final : public KeyProvider {
 public:
  KeyStoreProvider(KeyStore* store, Runtime* runtime);
  void GetKeys(KeyRequest request, KeysCallback done) override;
  void GetLookupKey(std::string organization, LookupKeyCallback done) override;

 private:
  KeyStore& store_;
  const std::unique_ptr<Executor> making_;
  const std::unique_ptr<Executor> finding_;  // Last: it posts to the other.
};

}  // namespace trialog::sealing
