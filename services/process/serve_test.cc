#include "services/process/serve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

#include "platform/errors/errors.h"

namespace trialog::process {
namespace {

// Is told to end when it has begun to serve.
class ShortLived final : public Serving {
 public:
  int port() const override {
    kill(getpid(), SIGTERM);
    return 4711;
  }
  void Drain(absl::Time) override { std::fprintf(stderr, "drained in order\n"); }
};

TEST(Serve, DrainsWhenTerminated) {
  EXPECT_EXIT(
      std::exit(Serve([]() -> absl::StatusOr<std::unique_ptr<Serving>> { return std::make_unique<ShortLived>(); },
                      absl::Seconds(1))),
      testing::ExitedWithCode(0), "drained in order");
}

TEST(Serve, EndsAtOnceWhenTerminatedWhileItStarts) {
  EXPECT_EXIT(Serve(
                  []() -> absl::StatusOr<std::unique_ptr<Serving>> {
                    kill(getpid(), SIGTERM);
                    while (true) pause();  // A log that takes for ever to read.
                  },
                  absl::Seconds(1)),
              testing::ExitedWithCode(0), "stopped_while_starting");
}

TEST(Serve, SaysWhyItDoesNotStart) {
  EXPECT_EXIT(std::exit(Serve(
                  []() -> absl::StatusOr<std::unique_ptr<Serving>> {
                    return Refuse(absl::StatusCode::kDataLoss, "LOG_DAMAGED", "restore it");
                  },
                  absl::Seconds(1))),
              testing::ExitedWithCode(1), "start_refused.*LOG_DAMAGED.*restore it");
}

}  // namespace
}  // namespace trialog::process
