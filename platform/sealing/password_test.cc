#include "platform/sealing/password.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors/errors.h"

namespace trialog::sealing {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Password, IsVerifiedAgainstItsHashAlone) {
  auto stored = HashPassword("correct horse");
  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_THAT(*stored, StartsWith("$argon2id$v=19$m=19456,t=2,p=1$"));
  EXPECT_THAT(*stored, Not(HasSubstr("correct")));
  EXPECT_TRUE(VerifyPassword("correct horse", *stored));
  EXPECT_FALSE(VerifyPassword("correct horsf", *stored));
  EXPECT_FALSE(VerifyPassword("", *stored));
  EXPECT_NE(*HashPassword("correct horse"), *stored);  // Another salt.
}

TEST(Password, AHashOfTheReferenceImplementationVerifies) {
  // From the tests of the Argon2 authors' own library: password "password", salt "somesalt", 64 MiB, 2 passes.
  EXPECT_TRUE(VerifyPassword("password",
                             "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"));
}

TEST(Password, LengthAndCostHaveBounds) {
  EXPECT_EQ(ReasonOf(HashPassword("short").status()), "PASSWORD_LENGTH");
  EXPECT_EQ(ReasonOf(HashPassword(std::string(1025, 'x')).status()), "PASSWORD_LENGTH");
  EXPECT_EQ(ReasonOf(HashPassword("long enough", {.memory_bytes = 1 << 20}).status()), "PASSWORD_COST");
  EXPECT_EQ(ReasonOf(HashPassword("long enough", {.passes = 1}).status()), "PASSWORD_COST");
  EXPECT_TRUE(HashPassword(std::string(1024, 'x')).ok());
}

TEST(Password, MayHoldAnyByte) {
  const std::string password("with\0zero", 9);
  auto stored = HashPassword(password);
  ASSERT_TRUE(stored.ok());
  EXPECT_TRUE(VerifyPassword(password, *stored));
  EXPECT_FALSE(VerifyPassword("with", *stored));
}

TEST(Password, TextsThatAreNoHashVerifyNothing) {
  for (const std::string& stored :
       {std::string(), std::string("password"), std::string("$argon2i$v=19$m=19456,t=2,p=1$"),
        std::string("$argon2id$"), std::string("$argon2id$v=19$m=99999999,t=2,p=1$AAAA$AAAA")}) {
    EXPECT_FALSE(VerifyPassword("password", stored)) << stored;
  }
}

TEST(Password, NeedsRehashWhenTheCostChanged) {
  auto stored = HashPassword("long enough");
  ASSERT_TRUE(stored.ok());
  EXPECT_FALSE(NeedsRehash(*stored));
  EXPECT_TRUE(NeedsRehash(*stored, {.memory_bytes = 64 << 20}));
  EXPECT_TRUE(NeedsRehash(*stored, {.passes = 3}));
}

TEST(Password, NobodyHasNone) { EXPECT_FALSE(VerifyNoPassword("anything at all")); }

}  // namespace
}  // namespace trialog::sealing
