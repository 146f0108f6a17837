// What every service knows of callers, folded from auth's public stream: grants, links to patients, ended sessions,
// signing keys. So a revoked role or session holds everywhere as soon as the event is folded, whatever a token says.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "platform/command/decision.h"
#include "platform/facts/fact_folder.h"
#include "trialog/auth/v1/events.pb.h"
#include "trialog/auth/v1/signing_key.pb.h"

namespace trialog::callers {

// An account as auth's stream says it is. Immutable.
struct Account {
  bool exists = false;
  bool closed = false;
  std::string patient;                  // Resource name; empty for most.
  std::vector<auth::v1::Grant> grants;  // Not revoked; in force or not.
  uint64_t epoch = 0;                   // Grows with each change to what the account may do.

  // The grants in force at `now`.
  std::vector<Grant> GrantsAt(absl::Time now) const;
  // Until when they stay those, as long as nothing is folded: the next start or end of a grant after `now`.
  absl::Time GrantsHoldUntil(absl::Time now) const;
};

// Thread safe.
class Directory {
 public:
  Directory(Runtime& runtime, log::Log& log, view::Store& store, int partitions);
  ~Directory();

  absl::Status Start() { return folder_.Start(); }
  absl::Status Health() const { return folder_.Health(); }
  // Records of auth's log that are not yet known here. Thread safe.
  int64_t Lag() const { return folder_.Lag(); }

  // `name`: organizations/{o}/users/{u} or organizations/{o}/serviceAccounts/{s}.
  std::shared_ptr<const Account> Find(std::string_view name);
  // Whether the session was revoked.
  bool SessionEnded(std::string_view session) const;
  // Every key that was published for the organisation's tokens and has not expired at `now`.
  std::vector<auth::v1::SigningKey> SigningKeys(std::string_view organization, absl::Time now) const;
  // Grows with each key published for any organisation.
  uint64_t SigningKeyEpoch() const { return signing_key_epoch_.load(std::memory_order_acquire); }
  uint64_t Epoch(std::string_view name) { return Find(name)->epoch; }
  // Grows with each batch of auth's events: as long as it stands still, every answer of this class stays the same. Read
  // it before the answers that are to be kept.
  uint64_t Generation() const { return generation_.load(std::memory_order_acquire); }

  // Whether auth's events up to `offset` of the organisation's partition are known here.
  bool Knows(std::string_view organization, int64_t offset) const;
  // Calls `done` once auth's events up to `offset` of the organisation's partition are known here.
  void WhenKnown(std::string_view organization, int64_t offset, std::function<void(absl::Status)> done);
  // How far auth's stream is known for the organisation.
  event::v1::Position PositionOf(std::string_view organization) const;

  // Where auth takes calls for an organisation; empty: nobody owns its partition, as far as is known here. Thread safe.
  std::string AddressOfAuth(std::string_view organization) const {
    return folder_.OwnerAddress(log::PartitionOf(organization, partitions_));
  }

  // Calls `changed` after what somebody may do has changed; from the folder's thread. Before Start.
  void OnChange(std::function<void()> changed) { changed_ = std::move(changed); }

 private:
  void Folded(const std::vector<event::v1::PublicEvent>& events);
  std::shared_ptr<const Account> Load(std::string_view name) const;

  view::Store& store_;
  const int partitions_;
  std::function<void()> changed_;

  std::atomic<uint64_t> signing_key_epoch_ = 1;
  std::atomic<uint64_t> generation_ = 1;  // Changes under the mutex: an account read before is not kept after.

  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, std::shared_ptr<const Account>> accounts_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, uint64_t> epochs_ ABSL_GUARDED_BY(mutex_);

  facts::FactFolder folder_;  // Last: its thread calls Folded.
};

// The fold of auth's public events into facts; pure. Exposed for tests.
void FoldAuthEvent(const event::v1::PublicEvent& event, std::vector<view::Store::FactWrite>& writes);

}  // namespace trialog::callers
