#include "platform/runtime/real_runtime.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "absl/time/clock.h"

namespace trialog {
namespace {

using Steady = std::chrono::steady_clock;

class ThreadExecutor final : public Executor {
 public:
  explicit ThreadExecutor(const std::string& name) : thread_([this] { Run(); }) {
    pthread_setname_np(thread_.native_handle(), name.substr(0, 15).c_str());
  }

  ~ThreadExecutor() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

  void Post(Task task) override {
    bool wake;
    {
      std::lock_guard lock(mutex_);
      wake = ready_.empty();
      ready_.push_back(std::move(task));
    }
    if (wake) changed_.notify_one();
  }

  void After(absl::Duration delay, Task task) override {
    {
      std::lock_guard lock(mutex_);
      timers_.emplace(Steady::now() + absl::ToChronoNanoseconds(delay), std::move(task));
    }
    changed_.notify_one();
  }

 private:
  void Run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      while (!timers_.empty() && timers_.begin()->first <= Steady::now()) {
        ready_.push_back(std::move(timers_.begin()->second));
        timers_.erase(timers_.begin());
      }
      if (ready_.empty()) {
        if (timers_.empty()) {
          changed_.wait(lock);
        } else {
          changed_.wait_until(lock, timers_.begin()->first);
        }
        continue;
      }
      Task task = std::move(ready_.front());
      ready_.pop_front();
      lock.unlock();
      task();
      task = nullptr;
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> ready_;
  std::multimap<Steady::time_point, Task> timers_;
  bool stopping_ = false;
  std::thread thread_;  // Last: it uses all of the above.
};

void FillRandom(char* bytes, size_t count) {
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes), static_cast<int>(count)) != 1) abort();
}

// Random bytes drawn ahead, since one draw costs as much as hashing a record. None is given out twice, nor kept after.
class RandomPool {
 public:
  std::string Take(size_t count) {
    std::string bytes(count, '\0');
    if (count > kMostPooled) {
      FillRandom(bytes.data(), count);
      return bytes;
    }
    if (left_ < count) {
      FillRandom(pool_, sizeof pool_);
      left_ = sizeof pool_;
    }
    left_ -= count;
    std::copy_n(pool_ + left_, count, bytes.data());
    OPENSSL_cleanse(pool_ + left_, count);
    return bytes;
  }

 private:
  static constexpr size_t kMostPooled = 32;
  char pool_[1024];
  size_t left_ = 0;
};

class Real final : public Runtime {
 public:
  absl::Time Now() override { return absl::Now(); }
  absl::Duration Monotonic() override { return absl::FromChrono(Steady::now().time_since_epoch()); }
  std::string RandomBytes(size_t count) override {
    thread_local RandomPool pool;
    return pool.Take(count);
  }
  std::unique_ptr<Executor> NewExecutor(std::string name) override { return std::make_unique<ThreadExecutor>(name); }
};

}  // namespace

Runtime& RealRuntime() {
  static auto* const runtime = new Real;
  return *runtime;
}

}  // namespace trialog
