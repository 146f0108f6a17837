// For tests only: a clock that is moved by hand and random bytes that count, so that golden bytes can be written down.
// Using it outside a test would repeat nonces.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "platform/runtime/runtime.h"

namespace trialog::sealing {

class TestRuntime final : public Runtime {
 public:
  absl::Time Now() override { return now; }
  absl::Duration Monotonic() override { return monotonic; }
  std::string RandomBytes(size_t count) override {
    std::string bytes(count, '\0');
    for (char& byte : bytes) byte = static_cast<char>(next_byte_++);
    return bytes;
  }
  std::unique_ptr<Executor> NewExecutor(std::string) override { return std::make_unique<InPlace>(); }

  absl::Time now = absl::FromUnixSeconds(1'700'000'000);
  absl::Duration monotonic = absl::ZeroDuration();

 private:
  // Runs a task where it is posted.
  class InPlace final : public Executor {
   public:
    void Post(Task task) override { task(); }
    void After(absl::Duration, Task task) override { task(); }
  };
  unsigned char next_byte_ = 0;
};

}  // namespace trialog::sealing
