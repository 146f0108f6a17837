// The keys that sign access tokens: one organisation each, published before the first use, followed by the next before
// its end. The private halves rest sealed in auth's store, and opened only here.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "platform/sealing/signing_key.h"
#include "platform/service/backend.h"
#include "services/auth/domain/signing_key.h"

namespace trialog::auth {

// How long a key signs; the next one is published this long before its end, and first used so much later, when every
// verifier knows it.
inline constexpr absl::Duration kSigningPeriod = absl::Hours(24 * 30);
inline constexpr absl::Duration kSuccessorLead = absl::Hours(24 * 3);
inline constexpr absl::Duration kSigningNotice = absl::Hours(1);

// Thread safe.
class Signers {
 public:
  using Done = std::function<void(absl::StatusOr<std::shared_ptr<const sealing::SigningKey>>)>;

  // `backend` outlives it and is asked only on behalf of calls.
  explicit Signers(service::Backend& backend) : backend_(backend) {}

  // The organisation's key to sign with now; published, durably and known here, before `done` is called.
  void Find(const std::string& organization, Done done);

 private:
  using Published = std::function<void(const absl::Status&)>;
  // Publishes a key that signs from `start`; calls that come meanwhile share it.
  void Publish(const std::string& organization, absl::Time start, Published done);
  void SubmitKey(const std::string& organization, absl::Time start, const sealing::DataKey& key);
  void FinishPublishing(const std::string& organization, const absl::Status& status);
  // Opens the private half of the key that signs now.
  void Open(const std::string& organization, Done done);

  service::Backend& backend_;
  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, std::shared_ptr<const sealing::SigningKey>> opened_
      ABSL_GUARDED_BY(mutex_);  // By name.
  std::map<std::string, std::vector<Published>> publishing_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace trialog::auth
