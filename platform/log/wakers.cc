#include "platform/log/wakers.h"

#include <algorithm>

namespace trialog::log {

struct Wakers::Follower {
  absl::Mutex mutex;
  std::function<void()> wake ABSL_GUARDED_BY(mutex);  // Empty once its tail is gone.
};

struct Wakers::Registry {
  using Key = std::pair<std::string, int>;
  absl::Mutex mutex;
  std::map<Key, std::vector<std::shared_ptr<Follower>>> followers ABSL_GUARDED_BY(mutex);
};

class Wakers::Registration final : public Tail {
 public:
  Registration(std::shared_ptr<Registry> registry, Registry::Key key, std::shared_ptr<Follower> follower)
      : registry_(std::move(registry)), key_(std::move(key)), follower_(std::move(follower)) {}

  ~Registration() override {
    {
      absl::MutexLock lock(&registry_->mutex);
      auto& all = registry_->followers[key_];
      all.erase(std::remove(all.begin(), all.end(), follower_), all.end());
      if (all.empty()) registry_->followers.erase(key_);
    }
    absl::MutexLock lock(&follower_->mutex);
    follower_->wake = nullptr;
  }

 private:
  const std::shared_ptr<Registry> registry_;
  const Registry::Key key_;
  const std::shared_ptr<Follower> follower_;
};

Wakers::Wakers() : registry_(std::make_shared<Registry>()) {}
Wakers::~Wakers() = default;

std::unique_ptr<Tail> Wakers::Add(const std::string& topic, int partition, std::function<void()> wake) {
  auto follower = std::make_shared<Follower>();
  {
    absl::MutexLock lock(&follower->mutex);
    follower->wake = std::move(wake);
  }
  absl::MutexLock lock(&registry_->mutex);
  registry_->followers[{topic, partition}].push_back(follower);
  return std::make_unique<Registration>(registry_, Registry::Key{topic, partition}, std::move(follower));
}

void Wakers::Wake(const std::string& topic, int partition) {
  std::vector<std::shared_ptr<Follower>> followers;
  {
    absl::MutexLock lock(&registry_->mutex);
    const auto found = registry_->followers.find({topic, partition});
    if (found == registry_->followers.end()) return;
    followers = found->second;
  }
  for (const auto& follower : followers) {
    absl::MutexLock lock(&follower->mutex);
    if (follower->wake) follower->wake();
  }
}

}  // namespace trialog::log
