// What is measured, one function a subject. Each gives lines of the table.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/bench/report.h"
#include "tests/bench/server_process.h"
#include "tests/bench/world.h"

namespace trialog::bench {

struct Setting {
  ServerProcess& ours;
  ServerProcess& yardstick;
  const World& world;
  absl::Duration slice;  // Of each measured interval.
  int rounds = 5;        // Yardstick and ours in turn; medians of the rounds.
};

std::vector<Line> Reads(const Setting& setting);
std::vector<Line> Movements(const Setting& setting);
std::vector<Line> Watching(const Setting& setting);

// A standalone whose log is on brokers.
struct OnKafka {
  ServerProcess& server;
  const World& world;
};
// `setting.yardstick` serves KafkaEcho with the same broker. `rate`: of movements a second, for the next.
std::vector<Line> OneBroker(const Setting& setting, const OnKafka& one, double& rate);
// `rate_of_one`: what OneBroker gave.
std::vector<Line> ThreeBrokers(const Setting& setting, const OnKafka& three, double rate_of_one);

}  // namespace trialog::bench
