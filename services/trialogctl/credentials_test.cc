#include "services/trialogctl/credentials.h"

#include <unistd.h>

#include <filesystem>

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/trialogctl/secret_files.h"

namespace trialog::ctl {
namespace {

class CredentialsTest : public ::testing::Test {
 protected:
  ~CredentialsTest() override { std::filesystem::remove(path_); }
  absl::StatusOr<Credentials> Read(std::string_view text, std::string_view username) {
    EXPECT_EQ(ReplaceSecretFile(path_, text), absl::OkStatus());
    return ReadCredentials(path_, username);
  }
  // What a file with this text is refused with.
  std::string Refusal(std::string_view text, std::string_view username) {
    const absl::Status status = Read(text, username).status();
    EXPECT_EQ(ReasonOf(status), "CREDENTIALS_FILE") << status;
    return std::string(status.message());
  }
  const std::string path_ = Cat(testing::TempDir(), "/credentials-", ::getpid());
};

TEST_F(CredentialsTest, AreOfTheOnePersonOrOfWhoIsChosen) {
  const auto one = Read(R"({"organization":"o","username":"ada","password":"secret"})", "");
  ASSERT_TRUE(one.ok()) << one.status();
  EXPECT_EQ(one->organization, "o");
  EXPECT_EQ(one->username, "ada");
  EXPECT_EQ(one->password, "secret");
  const auto chosen = Read(
      R"({"organization":"o","people":[{"username":"ada","password":"1"},{"username":"bo","password":"2"}]})", "bo");
  ASSERT_TRUE(chosen.ok()) << chosen.status();
  EXPECT_EQ(chosen->organization, "o");
  EXPECT_EQ(chosen->password, "2");
}

TEST_F(CredentialsTest, WhatIsMissingIsSaidAndNoPasswordRepeated) {
  constexpr std::string_view kOne = R"({"organization":"o","username":"ada","password":"secret"})";
  constexpr std::string_view kMany = R"({"organization":"o","people":[{"username":"ada","password":"secret"}]})";
  EXPECT_EQ(Refusal(kOne, "bo"), Cat(path_, ": it is not of the user name bo"));
  EXPECT_EQ(Refusal(kMany, "bo"), Cat(path_, ": it holds nobody with the user name bo"));
  EXPECT_EQ(Refusal(kMany, ""), Cat(path_, ": it is of many people: choose one with --username"));
  for (const char* text :
       {"", "[]", "{}", "5", R"({"organization":5,"username":"ada","password":"secret"})",
        R"({"organization":"o","people":[{"username":"ada","password":["secret"]}]})",
        R"({"people":[{"username":"ada","password":"secret"}]})", R"({"organization":"o","people":5})",
        R"({"organization":"o","people":{"username":"ada"}})", R"({"organization":"o","people":[[["ada"]]]})"}) {
    EXPECT_EQ(Refusal(text, "ada").find("secret"), std::string::npos) << text;
  }
}

TEST_F(CredentialsTest, FileMayNotBeLargerThanAnyOfOurs) {
  const std::string large(kMaxSecretFile + 1, ' ');
  EXPECT_EQ(ReasonOf(Read(large, "").status()), "SECRET_FILE");
}

}  // namespace
}  // namespace trialog::ctl
