// Where several replicas of auth agree on keys: a topic that the brokers compact. docs/formats/sealed.md, "Topic of
// keys".
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "platform/log/log.h"

namespace trialog::sealing {

// Thread safe. All but Follow and KnownEnd block, and answer UNAVAILABLE when the brokers do not in time.
class KeyJournal {
 public:
  virtual ~KeyJournal() = default;

  // Of several entries with one key the journal may keep the last alone; of an empty value in the end nothing.
  struct Entry {
    std::string key;
    std::string value;
  };
  // Durably, each for itself. Where the journal ends behind them. After an error each may stand there, or come later.
  virtual absl::StatusOr<int64_t> Append(std::vector<Entry> entries) = 0;
  // Entries from `from` on, in order and with holes; none: there is nothing.
  virtual absl::StatusOr<std::vector<log::StoredRecord>> Read(int64_t from, size_t max_bytes) = 0;
  // How long after an erasure an entry makes the journal let go of what was deleted for it.
  virtual absl::Duration lets_go_after() const = 0;
  // The first entry's value, which is never dropped.
  virtual absl::StatusOr<std::string> First() = 0;
  // Asks for the end.
  virtual absl::StatusOr<int64_t> End() = 0;
  // The highest end that this process heard of.
  virtual int64_t KnownEnd() = 0;
  // Calls `wake`, from a thread that may hold locks of its own, whenever there may be more to read.
  virtual std::unique_ptr<log::Tail> Follow(std::function<void()> wake) = 0;
};

}  // namespace trialog::sealing
