#include "platform/http/page_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/errors/errors.h"
#include "platform/http/address.h"
#include "platform/text/text.h"
#include "tests/support/http_get.h"

namespace trialog::http {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Page OnePage(std::string_view path) {
  if (path == "/page")
    return {.content_type = "application/octet-stream", .cache_control = "max-age=9", .body = "text"};
  return {.status = 404, .body = "no such page\n"};
}

TEST(PageServer, GivesThePagesThatItsHandlerKnows) {
  const auto server = PageServer::Start("0", OnePage);
  ASSERT_TRUE(server.ok()) << server.status();
  const std::string page = trialog::testing::HttpGet((*server)->port(), "/page?query=1");
  EXPECT_THAT(page, ::testing::StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(
      page,
      HasSubstr("\r\nContent-Type: application/octet-stream\r\nContent-Length: 4\r\nCache-Control: max-age=9\r\n"));
  EXPECT_THAT(page, ::testing::EndsWith("\r\n\r\ntext"));
  for (const char* path : {"/", "/etc/passwd", "/page/../../etc/passwd", "/page/", "/%2e%2e/etc/passwd", "*", "page"}) {
    EXPECT_THAT(trialog::testing::HttpGet((*server)->port(), path), Not(HasSubstr(" 200 "))) << path;
  }
}

TEST(PageServer, SendsNoBodyOnHeadAndTakesNoOtherMethod) {
  const auto server = PageServer::Start("127.0.0.1:0", OnePage);
  ASSERT_TRUE(server.ok()) << server.status();
  const std::string head = trialog::testing::HttpGet((*server)->port(), "/page", "HEAD");
  EXPECT_THAT(head, HasSubstr("Content-Length: 4\r\n"));
  EXPECT_THAT(head, ::testing::EndsWith("\r\n\r\n"));
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS"}) {
    EXPECT_THAT(trialog::testing::HttpGet((*server)->port(), "/page", method), HasSubstr(" 405 ")) << method;
  }
}

TEST(PageServer, OutlivesWhatIsNoRequest) {
  const auto server = PageServer::Start("0", OnePage);
  ASSERT_TRUE(server.ok()) << server.status();
  for (const std::string& text : {std::string("\r\n\r\n"), std::string("GET\r\n\r\n"), std::string(100'000, 'x'),
                                  std::string("GET /page HTTP/9.9\r\n\r\n"), std::string("\0\xff\r\n\r\n", 6)}) {
    trialog::testing::HttpSend((*server)->port(), text);
  }
  EXPECT_THAT(trialog::testing::HttpGet((*server)->port(), "/page"), HasSubstr(" 200 "));
}

TEST(PageServer, RefusesWhatIsNoAddressAndOneThatIsTaken) {
  for (const char* bad : {"", "here", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000", "a.example:8080"}) {
    EXPECT_EQ(ReasonOf(PageServer::Start(bad, OnePage).status()), "HTTP_ADDRESS") << bad;
  }
  const auto first = PageServer::Start("0", OnePage);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(ReasonOf(PageServer::Start(Cat((*first)->port()), OnePage).status()), "ADDRESS_IN_USE");
}

TEST(ListeningAddress, IsNumericAndLocalWithoutAHost) {
  EXPECT_EQ(ListeningAddress("8080"), "127.0.0.1:8080");
  EXPECT_EQ(ListeningAddress("localhost:8080"), "127.0.0.1:8080");
  EXPECT_EQ(ListeningAddress("0.0.0.0:8080"), "0.0.0.0:8080");
  EXPECT_EQ(ListeningAddress("[::1]:8080"), "[::1]:8080");
  EXPECT_EQ(ListeningAddress("a.example:8080"), "");
}

}  // namespace
}  // namespace trialog::http
