#include "services/trialogctl/demo/progress.h"

#include <unistd.h>

#include <filesystem>

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/trialogctl/secret_files.h"

namespace trialog::ctl::demo {
namespace {

class ProgressTest : public ::testing::Test {
 protected:
  ~ProgressTest() override { std::filesystem::remove(path_); }
  // What a file with this text is refused with; empty where it is taken.
  std::string Refusal(std::string_view text) {
    EXPECT_EQ(ReplaceSecretFile(path_, text), absl::OkStatus());
    const absl::Status status = Progress::Load(path_).status();
    if (status.ok()) return "";
    EXPECT_EQ(ReasonOf(status), "DEMO_STATE");
    return std::string(status.message());
  }
  const std::string path_ = Cat(testing::TempDir(), "/state-", ::getpid());
};

TEST_F(ProgressTest, IsReadAsItWasKept) {
  auto progress = Progress::Load(path_);
  ASSERT_TRUE(progress.ok()) << progress.status();
  EXPECT_FALSE(progress->Has("trial"));
  ASSERT_EQ(progress->UseData("digest"), absl::OkStatus());
  ASSERT_EQ(progress->Done("trial"), absl::OkStatus());
  auto again = Progress::Load(path_);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->Has("trial"));
  EXPECT_FALSE(again->Has("biobank"));
  EXPECT_EQ(again->checkpoint(), "");
  EXPECT_EQ(again->UseData("digest"), absl::OkStatus());
  EXPECT_EQ(ReasonOf(again->UseData("another")), "DEMO_STATE");
}

TEST_F(ProgressTest, WithoutAFileNothingIsKept) {
  auto progress = Progress::Load("");
  ASSERT_TRUE(progress.ok());
  EXPECT_FALSE(progress->kept());
  ASSERT_EQ(progress->Done("trial"), absl::OkStatus());
  EXPECT_TRUE(progress->Has("trial"));
}

TEST_F(ProgressTest, DamageIsNamedWithItsFileAndPlace) {
  EXPECT_EQ(Refusal(R"({"done":["trial"],"data":"d"})"), "");
  for (const auto& [text, message] : std::initializer_list<std::pair<const char*, const char*>>{
           {"", " is not the demo's"},
           {"[]", " is not the demo's"},
           {R"({"data":"d"})", " is not the demo's"},
           {R"({"done":[],"data":5})", " is damaged: \"data\" is no text"},
           {R"({"done":5})", " is damaged: \"done\" is no list of texts"},
           {R"({"done":["trial",5]})", " is damaged: \"done\" is no list of texts"},
           {R"({"done":[],"checkpoint":[]})", " is damaged: \"checkpoint\" is no text"},
           {R"({"done":[],"checkpoint":"x"})", " is damaged: \"checkpoint\" is no checkpoint"},
           {R"({"done":[],"more":[[[]]]})", " is not the demo's, or a newer one's: \"more\" is unknown"}}) {
    EXPECT_EQ(Refusal(text), Cat(path_, message)) << text;
  }
}

}  // namespace
}  // namespace trialog::ctl::demo
