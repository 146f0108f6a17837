#include "platform/telemetry/metrics_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "tests/support/http_get.h"

namespace trialog::telemetry {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using trialog::testing::HttpGet;

TEST(MetricsServer, ShowsWhatIsToldWhenItIsAsked) {
  int asked = 0;
  auto server = MetricsServer::Start("0", [&](Metrics& metrics) {
    ++asked;
    metrics.Counter("trialog_things_total", "Things.", {{"kind", "good"}}, 3);
    metrics.Counter("trialog_things_total", "Things.", {{"kind", "bad"}}, 1);
    metrics.Gauge("trialog_depth", "Depth.", {}, 2.5);
    metrics.Histogram("trialog_wait_seconds", "Waits.", {}, {0.1, 1}, {4, 2, 1}, 7.5);
  });
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(asked, 0);
  const std::string page = HttpGet((*server)->port(), "/metrics");
  EXPECT_EQ(asked, 1);
  for (const char* line : {"200 OK", "# HELP trialog_things_total Things.\n# TYPE trialog_things_total counter\n",
                           "trialog_things_total{kind=\"good\"} 3\n", "trialog_things_total{kind=\"bad\"} 1\n",
                           "trialog_depth 2.5\n", "trialog_wait_seconds_bucket{le=\"0.1\"} 4\n",
                           "trialog_wait_seconds_bucket{le=\"1\"} 6\n", "trialog_wait_seconds_bucket{le=\"+Inf\"} 7\n",
                           "trialog_wait_seconds_count 7\n", "trialog_wait_seconds_sum 7.5\n"}) {
    EXPECT_THAT(page, HasSubstr(line));
  }
}

TEST(MetricsServer, ServesNothingElse) {
  auto server = MetricsServer::Start("127.0.0.1:0", [](Metrics&) {});
  ASSERT_TRUE(server.ok()) << server.status();
  for (const char* path : {"/", "/etc/passwd", "/metrics/../etc/passwd"}) {
    EXPECT_THAT(HttpGet((*server)->port(), path), Not(HasSubstr("200 OK"))) << path;
  }
}

TEST(MetricsServer, RefusesWhatIsNoAddressAndOneThatIsTaken) {
  for (const char* bad : {"", "here", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000", "a.example:9464"}) {
    EXPECT_EQ(ReasonOf(MetricsServer::Start(bad, [](Metrics&) {}).status()), "METRICS_ADDRESS") << bad;
  }
  auto first = MetricsServer::Start("0", [](Metrics&) {});
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(ReasonOf(MetricsServer::Start(Cat((*first)->port()), [](Metrics&) {}).status()), "ADDRESS_IN_USE");
}

}  // namespace
}  // namespace trialog::telemetry
