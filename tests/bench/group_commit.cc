#include "tests/bench/group_commit.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace trialog::bench {

GroupCommit::GroupCommit(const std::string& path)
    : fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600)) {
  if (fd_ < 0) {
    std::perror(path.c_str());
    std::abort();
  }
  thread_ = std::thread([this] { Run(); });
}

GroupCommit::~GroupCommit() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
  ::close(fd_);
}

void GroupCommit::Append(std::string record, std::function<void()> done) {
  absl::MutexLock lock(&mutex_);
  pending_.push_back({std::move(record), std::move(done)});
}

void GroupCommit::Run() {
  while (true) {
    std::vector<Pending> group;
    {
      absl::MutexLock lock(&mutex_);
      const auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_ || !pending_.empty(); };
      mutex_.Await(absl::Condition(&ready));
      if (pending_.empty()) return;
      group.swap(pending_);
    }
    std::string bytes;
    for (const Pending& pending : group) bytes += pending.record;
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written != static_cast<ssize_t>(bytes.size()) || ::fdatasync(fd_) != 0) {
      std::perror("group commit");
      std::abort();
    }
    for (const Pending& pending : group) pending.done();
  }
}

}  // namespace trialog::bench
