#include "platform/log/testing/kafka_brokers.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>

#include "platform/text/text.h"

namespace trialog::testing {

log::kafka::Options FreshKafka() {
  const char* folder = std::getenv("TRIALOG_TEST_KAFKA");
  log::kafka::Options options;
  std::ifstream(Cat(folder ? folder : ".", "/brokers")) >> options.brokers;
  if (options.brokers.empty()) {
    std::fprintf(stderr, "no broker: run this test through ctest, or set TRIALOG_TEST_KAFKA to a folder of kafka.sh\n");
    std::abort();
  }
  options.durability = {.replicas = 1, .in_sync = 1};
  options.topic_prefix = Cat("test-", std::random_device()(), "-", std::random_device()(), ".");
  return options;
}

}  // namespace trialog::testing
