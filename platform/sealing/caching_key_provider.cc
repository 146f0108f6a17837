#include "platform/sealing/caching_key_provider.h"

#include <list>
#include <map>
#include <tuple>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "platform/errors/errors.h"

namespace trialog::sealing {
namespace {

using KeysCallback = KeyProvider::KeysCallback;
using LookupKeyCallback = KeyProvider::LookupKeyCallback;

// A caller's request while some of its keys are on their way.
struct Waiting {
  std::vector<DataKey> keys;
  size_t open = 0;  // Keys not yet known.
  absl::Status failure;
  KeysCallback done;

  void Finish() {
    if (failure.ok()) {
      done(std::move(keys));
    } else {
      done(failure);
    }
  }
};
using WaitingPtr = std::shared_ptr<Waiting>;

// What one key is asked for by.
struct Wanted {
  std::string organization;
  bool by_id = false;
  std::string value;  // Subject or id.
  bool create = false;
  auto operator<=>(const Wanted&) const = default;
};

// One key on its way, and the places of requests that wait for it.
struct Flight {
  std::vector<std::pair<WaitingPtr, size_t>> waiting;
  bool dropped = false;
};

}  // namespace

class CachingKeyProvider::Cache : public std::enable_shared_from_this<Cache> {
 public:
  Cache(KeyProvider* inner, Runtime* runtime, Options options)
      : inner_(*inner), runtime_(*runtime), options_(options) {}

  void GetKeys(KeyRequest request, KeysCallback done);
  void GetLookupKey(std::string organization, LookupKeyCallback done);
  void Drop(std::string_view subject);
  void DropLookupKey(std::string_view organization);

 private:
  struct Entry {
    std::string organization;
    DataKey key;
    absl::Duration expires;
  };
  using Entries = std::list<Entry>;  // Most recently used first.
  // Organisation, whether by id, subject or id.
  using Name = std::tuple<std::string, bool, std::string>;

  // The fetch for what `wanted` lacks; the flights are noted before.
  void Fetch(const std::vector<Wanted>& wanted);
  void Land(const std::vector<Wanted>& wanted, absl::StatusOr<std::vector<DataKey>> keys);
  const DataKey* Find(const Wanted& wanted) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Keep(const std::string& organization, const DataKey& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Forget(Entries::iterator entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  KeyProvider& inner_;
  Runtime& runtime_;
  const Options options_;

  absl::Mutex mutex_;
  Entries entries_ ABSL_GUARDED_BY(mutex_);
  std::map<Name, Entries::iterator> by_name_ ABSL_GUARDED_BY(mutex_);
  std::map<Wanted, Flight> flights_ ABSL_GUARDED_BY(mutex_);

  struct LookupEntry {
    LookupKeyMaterial key;
    absl::Duration expires;
  };
  struct LookupFlight {
    std::vector<LookupKeyCallback> waiting;
    bool dropped = false;
  };
  std::map<std::string, LookupEntry, std::less<>> lookup_keys_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, LookupFlight, std::less<>> lookup_flights_ ABSL_GUARDED_BY(mutex_);
};

void CachingKeyProvider::Cache::GetKeys(KeyRequest request, KeysCallback done) {
  const size_t count = request.subjects.size() + request.key_ids.size();
  if (count > kMaxKeysPerRequest) {
    return done(BadField("key_ids", "TOO_MANY_KEYS", "ask for at most 1000 keys in one request"));
  }
  auto waiting = std::make_shared<Waiting>();
  waiting->keys.resize(count);
  waiting->done = std::move(done);
  std::vector<Wanted> to_fetch;
  {
    absl::MutexLock lock(&mutex_);
    for (size_t i = 0; i < count; ++i) {
      const bool by_id = i >= request.subjects.size();
      Wanted wanted{request.organization, by_id,
                    by_id ? request.key_ids[i - request.subjects.size()] : request.subjects[i],
                    !by_id && request.create};
      if (const DataKey* key = Find(wanted)) {
        waiting->keys[i] = *key;
        continue;
      }
      ++waiting->open;
      auto [flight, fresh] = flights_.try_emplace(wanted);
      flight->second.waiting.emplace_back(waiting, i);
      if (fresh) to_fetch.push_back(std::move(wanted));
    }
    if (waiting->open > 0) waiting = nullptr;  // Its flights hold it.
  }
  if (waiting) return waiting->Finish();
  if (!to_fetch.empty()) Fetch(to_fetch);
}

void CachingKeyProvider::Cache::Fetch(const std::vector<Wanted>& wanted) {
  KeyRequest request;  // Subjects come before ids in `wanted`, as in the answer.
  request.organization = wanted.front().organization;
  for (const Wanted& one : wanted) {
    (one.by_id ? request.key_ids : request.subjects).push_back(one.value);
    request.create |= one.create;
  }
  inner_.GetKeys(std::move(request), [self = shared_from_this(), wanted](absl::StatusOr<std::vector<DataKey>> keys) {
    self->Land(wanted, std::move(keys));
  });
}

void CachingKeyProvider::Cache::Land(const std::vector<Wanted>& wanted, absl::StatusOr<std::vector<DataKey>> keys) {
  if (keys.ok() && keys->size() != wanted.size()) {
    keys =
        Refuse(absl::StatusCode::kInternal, "KEY_ANSWER_MISMATCH", "the key service answered another number of keys");
  }
  std::vector<WaitingPtr> finished;
  {
    absl::MutexLock lock(&mutex_);
    for (size_t i = 0; i < wanted.size(); ++i) {
      auto node = flights_.extract(wanted[i]);
      const Flight& flight = node.mapped();
      if (keys.ok() && !flight.dropped) Keep(wanted[i].organization, (*keys)[i]);
      for (const auto& [waiting, place] : flight.waiting) {
        if (keys.ok()) {
          waiting->keys[place] = (*keys)[i];
        } else {
          waiting->failure = keys.status();
        }
        if (--waiting->open == 0) finished.push_back(waiting);
      }
    }
  }
  for (const WaitingPtr& waiting : finished) waiting->Finish();
}

const DataKey* CachingKeyProvider::Cache::Find(const Wanted& wanted) {
  auto found = by_name_.find({wanted.organization, wanted.by_id, wanted.value});
  if (found == by_name_.end()) return nullptr;
  const Entries::iterator entry = found->second;
  if (entry->expires <= runtime_.Monotonic()) {
    Forget(entry);
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, entry);
  return &entry->key;
}

void CachingKeyProvider::Cache::Keep(const std::string& organization, const DataKey& key) {
  if (key.state == DataKey::State::kMissing) return;
  for (const Name& name : {Name{organization, false, key.subject}, Name{organization, true, key.id}}) {
    if (auto old = by_name_.find(name); old != by_name_.end()) Forget(old->second);
  }
  entries_.push_front({organization, key, runtime_.Monotonic() + options_.time_to_live});
  by_name_[{organization, false, key.subject}] = entries_.begin();
  by_name_[{organization, true, key.id}] = entries_.begin();
  if (entries_.size() > options_.max_keys) Forget(std::prev(entries_.end()));
}

void CachingKeyProvider::Cache::Forget(Entries::iterator entry) {
  by_name_.erase({entry->organization, false, entry->key.subject});
  by_name_.erase({entry->organization, true, entry->key.id});
  entries_.erase(entry);
}

void CachingKeyProvider::Cache::Drop(std::string_view subject) {
  absl::MutexLock lock(&mutex_);
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto next = std::next(entry);
    if (entry->key.subject == subject) Forget(entry);
    entry = next;
  }
  // A flight by id does not say whose key it brings: none of them is kept. Erasure is rare.
  for (auto& [wanted, flight] : flights_) {
    if (wanted.by_id || wanted.value == subject) flight.dropped = true;
  }
}

void CachingKeyProvider::Cache::GetLookupKey(std::string organization, LookupKeyCallback done) {
  std::optional<LookupKeyMaterial> known;
  {
    absl::MutexLock lock(&mutex_);
    auto entry = lookup_keys_.find(organization);
    if (entry != lookup_keys_.end() && entry->second.expires > runtime_.Monotonic()) {
      known = entry->second.key;
    } else {
      auto [flight, fresh] = lookup_flights_.try_emplace(organization);
      flight->second.waiting.push_back(std::move(done));
      if (!fresh) return;
    }
  }
  if (known) return done(*std::move(known));
  inner_.GetLookupKey(organization, [self = shared_from_this(), organization](absl::StatusOr<LookupKeyMaterial> key) {
    LookupFlight flight;
    {
      absl::MutexLock lock(&self->mutex_);
      flight = std::move(self->lookup_flights_.extract(organization).mapped());
      if (key.ok() && !flight.dropped) {
        auto& keys = self->lookup_keys_;
        if (keys.size() >= self->options_.max_lookup_keys && !keys.contains(organization)) keys.erase(keys.begin());
        keys.insert_or_assign(organization,
                              LookupEntry{*key, self->runtime_.Monotonic() + self->options_.time_to_live});
      }
    }
    for (const LookupKeyCallback& waiting : flight.waiting) waiting(key);
  });
}

void CachingKeyProvider::Cache::DropLookupKey(std::string_view organization) {
  absl::MutexLock lock(&mutex_);
  if (auto entry = lookup_keys_.find(organization); entry != lookup_keys_.end()) lookup_keys_.erase(entry);
  if (auto flight = lookup_flights_.find(organization); flight != lookup_flights_.end()) flight->second.dropped = true;
}

CachingKeyProvider::CachingKeyProvider(KeyProvider* inner, Runtime* runtime, Options options)
    : cache_(std::make_shared<Cache>(inner, runtime, options)) {}
CachingKeyProvider::~CachingKeyProvider() = default;

void CachingKeyProvider::GetKeys(KeyRequest request, KeysCallback done) {
  cache_->GetKeys(std::move(request), std::move(done));
}
void CachingKeyProvider::GetLookupKey(std::string organization, LookupKeyCallback done) {
  cache_->GetLookupKey(std::move(organization), std::move(done));
}
void CachingKeyProvider::Drop(std::string_view subject) { cache_->Drop(subject); }
void CachingKeyProvider::DropLookupKey(std::string_view organization) { cache_->DropLookupKey(organization); }

}  // namespace trialog::sealing
