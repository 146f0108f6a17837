#include "services/audit/tree/checkpoint.h"

#include "gtest/gtest.h"
#include "platform/errors/errors.h"
#include "services/audit/tree/hashing.h"

namespace trialog::audit {
namespace {

TEST(Checkpoint, HasTheFormOfTlogCheckpoint) {
  Checkpoint checkpoint{"trialog.example/audit", 20852163, HashLeaf("root"), {}};
  const std::string text = CheckpointText(checkpoint);
  EXPECT_EQ(text, "trialog.example/audit\n20852163\nPAb5plclr2BSYfY2ZyyWINQJcx2JpFHXRV/pxK4WeCk=\n");
  EXPECT_EQ(ParseCheckpoint(text).value(), checkpoint);
  checkpoint.extensions = {"first", "second line"};
  EXPECT_EQ(ParseCheckpoint(CheckpointText(checkpoint)).value(), checkpoint);
}

TEST(Checkpoint, OtherFormsAreMalformed) {
  const std::string root = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
  ASSERT_TRUE(ParseCheckpoint("o\n0\n" + root + "\n").ok());
  for (const std::string& text :
       {std::string(), std::string("\n"), "o\n0\n" + root, "o\n00\n" + root + "\n", "o\n-1\n" + root + "\n",
        "o\n+1\n" + root + "\n", "o\n18446744073709551616\n" + root + "\n", "\n0\n" + root + "\n",
        std::string("o\n0\nAAAA\n"), "o\n0\n" + root + "\n\n", "o\n0\n" + root + "=\n", "o\n 0\n" + root + "\n",
        "o\n0 \n" + root + "\n", std::string("o\n0\n"), "o\n0\n" + root + "\n" + std::string(70'000, 'x') + "\n"}) {
    EXPECT_EQ(ReasonOf(ParseCheckpoint(text).status()), "CHECKPOINT_MALFORMED") << text;
  }
}

}  // namespace
}  // namespace trialog::audit
