#include "platform/rpc/page_token.h"

#include "gtest/gtest.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"

namespace trialog::rpc {
namespace {

const std::string kKey(32, 'k');
const TokenScope kScope{.method = "trialog.inventory.v1.SampleService/ListSamples",
                        .parent = "organizations/o/biobanks/b",
                        .filter = "state = AVAILABLE",
                        .order = "create_time desc"};

TEST(PageToken, GivesItsPositionBack) {
  const TokenSigner signer({kKey});
  for (const std::string& position :
       {std::string(), std::string("samples/7"), std::string("\0\xff\n", 3), std::string(2048, 'x')})
    EXPECT_EQ(signer.Open(kScope, signer.Sign(kScope, position)).value(), position);
}

// docs/formats/tokens.md shows the same bytes. Tokens that callers hold must stay good: never change this.
TEST(PageToken, HasTheDocumentedBytes) {
  EXPECT_EQ(TokenSigner({kKey}).Sign(kScope, "samples/7"),
            "AQHEYfguvREPTvNjui_mejUXntlLXH7IfJ2Rz8kTrgscUHNhbXBsZXMvNw");
}

TEST(PageToken, IsRefusedForAnotherScope) {
  const TokenSigner signer({kKey});
  const std::string token = signer.Sign(kScope, "samples/7");
  for (auto change : std::vector<void (*)(TokenScope&)>{
           [](TokenScope& s) { s.method = "trialog.inventory.v1.SampleService/WatchSamples"; },
           [](TokenScope& s) { s.parent = "organizations/o/biobanks/c"; }, [](TokenScope& s) { s.filter = ""; },
           [](TokenScope& s) { s.order = ""; }, [](TokenScope& s) { s.as_of = "then"; }}) {
    TokenScope other = kScope;
    change(other);
    EXPECT_EQ(ReasonOf(signer.Open(other, token).status()), "BAD_PAGE_TOKEN");
  }
  TokenScope resume = kScope;
  resume.kind = TokenKind::kResume;
  EXPECT_EQ(ReasonOf(signer.Open(resume, token).status()), "BAD_RESUME_TOKEN");
}

TEST(PageToken, OfThePastIsOfOneTime) {
  const TokenSigner signer({kKey});
  TokenScope past = kScope;
  past.as_of = "then";
  const std::string token = signer.Sign(past, "samples/7");
  EXPECT_EQ(signer.Open(past, token).value(), "samples/7");
  EXPECT_EQ(ReasonOf(signer.Open(kScope, token).status()), "BAD_PAGE_TOKEN");
  past.as_of = "later";
  EXPECT_EQ(ReasonOf(signer.Open(past, token).status()), "BAD_PAGE_TOKEN");
}

TEST(PageToken, DoesNotLetTextMoveBetweenTheScopesParts) {
  const TokenSigner signer({kKey});
  const TokenScope ab{.method = "m", .parent = "ab", .filter = "c"};
  const TokenScope bc{.method = "m", .parent = "a", .filter = "bc"};
  EXPECT_FALSE(signer.Open(bc, signer.Sign(ab, "x")).ok());
}

TEST(PageToken, IsRefusedWhenAnyBitOfItChanged) {
  const TokenSigner signer({kKey});
  const std::string token = signer.Sign(kScope, "samples/7");
  for (size_t i = 0; i < token.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      std::string forged = token;
      forged[i] = static_cast<char>(forged[i] ^ (1 << bit));
      EXPECT_EQ(ReasonOf(signer.Open(kScope, forged).status()), "BAD_PAGE_TOKEN") << i << " " << bit;
    }
  for (const std::string& forged :
       {std::string(), token + "=", token + "A", " " + token, token.substr(1), std::string(5000, 'A')})
    EXPECT_EQ(ReasonOf(signer.Open(kScope, forged).status()), "BAD_PAGE_TOKEN");
}

TEST(PageToken, OutlivesItsKeyWhileThatOneStillVerifies) {
  const std::string next(32, 'n');
  const std::string token = TokenSigner({kKey}).Sign(kScope, "p");
  EXPECT_TRUE(TokenSigner({next, kKey}).Open(kScope, token).ok());
  EXPECT_FALSE(TokenSigner({next}).Open(kScope, token).ok());
}

}  // namespace
}  // namespace trialog::rpc
