// Whose personal fields were shown: what the access records of an answer, or of a stream, name. Each record shown, and
// beside it whose it is: the subject whose key seals it and the patient that it names, so that all who read anything of
// a person are found under that person's name. Resource names only; a link that is itself personal stays sealed, so a
// sample's patient is not named.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "platform/service/resource.h"
#include "trialog/event/v1/record.pb.h"

namespace trialog::service {

// Not thread safe.
class Sight {
 public:
  // Names in one access record: a record of the log is bounded.
  static constexpr size_t kMaxNames = 100;
  // Records shown that may wait to be recorded.
  static constexpr size_t kMaxWaiting = 500;

  // A record is named once, however often it was shown.
  void Add(const ResourceType& type, const std::string& name, const view::Row& row);

  bool empty() const { return shown_.empty(); }
  // No more should wait.
  bool full() const { return shown_.size() >= kMaxWaiting; }

  // The access records of all that was added, but for purpose and method; then it is empty. The first name of each is
  // that of a record shown, and a record stands together with whose it is.
  std::vector<event::v1::Access> Take();

 private:
  std::vector<event::v1::Access> accesses_;
  absl::flat_hash_set<std::string> shown_;
  absl::flat_hash_set<std::string> named_;  // In the last access record.
};

}  // namespace trialog::service
