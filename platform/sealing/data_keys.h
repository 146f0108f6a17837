// Data keys: one per person, dataset or thread. What is personal about a subject is sealed under its key; destroying
// the key erases it everywhere (design: "Sealed fields and erasure").
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "platform/sealing/secret_key.h"

namespace trialog::sealing {

struct DataKey {
  enum class State {
    kMissing,  // No key was ever made for this subject, or no such id.
    kPresent,
    kErased,  // Destroyed, for good: it is never made again.
  };
  State state = State::kMissing;
  std::string id;       // Opaque: the text of a random UUID. Known too when erased; empty when missing by subject.
  std::string subject;  // Resource name that the key belongs to; empty when missing by id.
  SecretKey key;        // Zero unless present.
};

// The organisation's key for exact look-ups of personal values.
struct LookupKeyMaterial {
  int64_t epoch = 0;  // 1 for the first, then each rotation one more.
  SecretKey key;
};

// HMAC-SHA-256 of a value of the look-up `index` (for example "mrn"), 32 bytes: event.v1.LookupKey.mac. Equal values of
// two indexes give different results. The caller normalises `value` (case, spaces) first.
std::string LookupMac(const LookupKeyMaterial& key, std::string_view index, std::string_view value);

// Most subjects and ids together in one request; more is INVALID_ARGUMENT.
inline constexpr size_t kMaxKeysPerRequest = 1000;

struct KeyRequest {
  std::string organization;           // Id. A key of another organisation is answered as missing.
  std::vector<std::string> subjects;  // Resource names within the organisation.
  std::vector<std::string> key_ids;   // As in event.v1.Sealed.key_id.
  bool create = false;                // Makes, durably, what is missing for `subjects`.
};

// Where a service gets data keys from. Thread safe.
class KeyProvider {
 public:
  // One key for each subject, then one for each id, in the order of the request; or why there are none (UNAVAILABLE
  // while auth cannot be reached).
  using KeysCallback = std::function<void(absl::StatusOr<std::vector<DataKey>>)>;
  using LookupKeyCallback = std::function<void(absl::StatusOr<LookupKeyMaterial>)>;

  virtual ~KeyProvider() = default;
  // Calls `done` exactly once, possibly before it returns, from any thread.
  virtual void GetKeys(KeyRequest request, KeysCallback done) = 0;
  // The look-up key of the current epoch, made durably when there is none. `done` as above.
  virtual void GetLookupKey(std::string organization, LookupKeyCallback done) = 0;
};

}  // namespace trialog::sealing
