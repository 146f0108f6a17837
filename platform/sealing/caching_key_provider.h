// Data keys kept close for a while, so that reading a page of patients does not ask auth for each.
#pragma once

#include <memory>

#include "platform/runtime/runtime.h"
#include "platform/sealing/data_keys.h"

namespace trialog::sealing {

// Bounded (least recently used leaves first), each key for 5 minutes, single flight: while a key is being fetched,
// whoever else wants it waits for the same answer. Missing keys and failures are not kept; erased ones are, since they
// stay so.
//
// Thread safe. May be destroyed while requests are open: they are still answered, by the inner provider's threads.
class CachingKeyProvider final : public KeyProvider {
 public:
  struct Options {
    size_t max_keys = 100'000;
    size_t max_lookup_keys = 1'000;
    absl::Duration time_to_live = absl::Minutes(5);
  };

  // `inner` and `runtime` outlive this and every open request.
  CachingKeyProvider(KeyProvider* inner, Runtime* runtime, Options options);
  CachingKeyProvider(KeyProvider* inner, Runtime* runtime) : CachingKeyProvider(inner, runtime, Options()) {}
  ~CachingKeyProvider() override;

  void GetKeys(KeyRequest request, KeysCallback done) override;
  void GetLookupKey(std::string organization, LookupKeyCallback done) override;

  // Forgets the key of `subject` and does not keep one that is on its way: called on SubjectErased.
  void Drop(std::string_view subject);
  // Forgets the look-up key of an organisation: called when it was rotated.
  void DropLookupKey(std::string_view organization);

 private:
  class Cache;
  const std::shared_ptr<Cache> cache_;
};

}  // namespace trialog::sealing
