#include "platform/log/kafka/figures.h"

#include "gtest/gtest.h"

namespace trialog::log::kafka {
namespace {

constexpr char kStatistics[] = R"({
  "name": "trialog#producer-1", "msg_cnt": 3, "txmsgs": 40, "rxmsgs": 50, "tx_bytes": 6000, "rx_bytes": 7000,
  "brokers": {
    "one:9092/bootstrap": {"nodeid": -1, "state": "DOWN", "txerrs": 1, "rxerrs": 0, "req_timeouts": 0},
    "one:9092/1": {"nodeid": 1, "state": "UP", "txerrs": 0, "rxerrs": 2, "req_timeouts": 4, "rtt": {"p99": 1500}},
    "two:9092/2": {"nodeid": 2, "state": "DOWN", "txerrs": 0, "rxerrs": 0, "req_timeouts": 5, "rtt": {"p99": 2500}}}})";

TEST(FiguresTest, AreWhatTheLibrarySays) {
  const Figures figures = ParseStatistics(kStatistics);
  EXPECT_EQ(figures.brokers, 2) << "not the address that it began with";
  EXPECT_EQ(figures.brokers_up, 1);
  EXPECT_EQ(figures.queued_records, 3);
  EXPECT_EQ(figures.records_sent, 40);
  EXPECT_EQ(figures.records_received, 50);
  EXPECT_EQ(figures.bytes_sent, 6000);
  EXPECT_EQ(figures.bytes_received, 7000);
  EXPECT_EQ(figures.request_errors, 3);
  EXPECT_EQ(figures.request_timeouts, 9);
  EXPECT_DOUBLE_EQ(figures.round_trip_seconds, 0.0025);
}

TEST(FiguresTest, OfSeveralClientsAddUpAndTheWorstConnectionCounts) {
  Figures both = ParseStatistics(kStatistics);
  Figures better;
  better.brokers = better.brokers_up = 2;
  better.records_sent = 2;
  both += better;
  EXPECT_EQ(both.brokers, 2);
  EXPECT_EQ(both.brokers_up, 1);
  EXPECT_EQ(both.records_sent, 42);
  EXPECT_DOUBLE_EQ(both.round_trip_seconds, 0.0025);
  both += both.Sums();
  EXPECT_EQ(both.records_sent, 84);
  EXPECT_EQ(both.queued_records, 3);
  both += Figures();  // Of a client that has just been made.
  EXPECT_EQ(both.brokers_up, 1);
}

TEST(FiguresTest, OfAnythingElseAreNone) {
  for (const char* text : {"", "[]", "{", R"({"brokers": 3})", R"({"brokers": {"a": 1}, "txmsgs": "many"})"}) {
    const Figures figures = ParseStatistics(text);
    EXPECT_EQ(figures.brokers, 0) << text;
    EXPECT_EQ(figures.records_sent, 0) << text;
  }
}

}  // namespace
}  // namespace trialog::log::kafka
