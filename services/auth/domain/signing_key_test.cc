#include "services/auth/domain/signing_key.h"

#include "services/auth/domain/testing.h"

namespace trialog::auth {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

SigningKeyInput Pair(World& world, std::string_view kid, absl::Duration start, absl::Duration end) {
  return {std::string(kid), std::string(43, 'A'),    std::string(43, 'A'),
          Hash(kid),        Later(world.now, start), Later(world.now, end)};
}

absl::StatusOr<Decision> Publish(World& world, const SigningKeyInput& input) {
  return PublishSigningKey(world.state, world.Internal(), input);
}

TEST(SigningKeys, ANewKeyIsAcceptedBeforeItSignsAndTheOldOneUntilItsTokensEnd) {
  World world;
  world.Must(Publish(world, Pair(world, "old", absl::ZeroDuration(), absl::Hours(2))));
  world.Must(Publish(world, Pair(world, "new", absl::Hours(1), absl::Hours(3))));
  EXPECT_THAT(KeysToAccept(world.state, "o", world.now), SizeIs(2));
  EXPECT_EQ(SignerAt(world.state, "o", world.now)->key->uid(), "old");
  EXPECT_EQ(SignerAt(world.state, "o", world.now)->private_key.ciphertext(), "sealed hash of old");
  EXPECT_EQ(SignerAt(world.state, "o", Later(world.now, absl::Hours(1)))->key->uid(), "new");
  const auto old_ends = Later(world.now, absl::Hours(2) + kAccessTokenLifetime);
  EXPECT_THAT(KeysToAccept(world.state, "o", Later(old_ends, -absl::Nanoseconds(1))), SizeIs(2));
  EXPECT_THAT(KeysToAccept(world.state, "o", old_ends), SizeIs(1));
  EXPECT_FALSE(SignerAt(world.state, "o", Later(world.now, absl::Hours(3))).has_value());
  EXPECT_THAT(KeysToAccept(world.state, "p", world.now), IsEmpty());
}

TEST(PublishSigningKey, KeepsThePrivateHalfOutOfThePublicEvent) {
  World world;
  const auto decision = world.Must(Publish(world, Pair(world, "k", absl::ZeroDuration(), absl::Hours(1))));
  for (const NewEvent& event : decision.events) {
    const auto* kind = KindOf(*event.body);
    const bool is_public = kind->GetDescriptor()->options().GetExtension(public_event);
    EXPECT_EQ(is_public, kind->GetDescriptor()->name() == "SigningKeyPublished");
    if (is_public) {
      EXPECT_EQ(kind->SerializeAsString().find("sealed hash"), std::string::npos);
    }
  }
}

TEST(PublishSigningKey, IsRefusedToCallersAndWhenMalformed) {
  World world;
  const auto good = Pair(world, "k", absl::ZeroDuration(), absl::Hours(1));
  EXPECT_THAT(PublishSigningKey(world.state, world.Call("root"), good), Refuses("INTERNAL_ONLY"));
  auto bad = good;
  bad.x = "short";
  EXPECT_THAT(Publish(world, bad), Refuses("KEY_MALFORMED"));
  bad = good;
  bad.y = std::string(43, '!');
  EXPECT_THAT(Publish(world, bad), Refuses("KEY_MALFORMED"));
  bad = good;
  bad.kid = "a/b";
  EXPECT_THAT(Publish(world, bad), Refuses("KEY_MALFORMED"));
  bad = good;
  bad.end_time = bad.start_time;
  EXPECT_THAT(Publish(world, bad), Refuses("TIMES_INVALID"));
  world.Must(Publish(world, good));
  EXPECT_THAT(Publish(world, good), Refuses("KEY_EXISTS"));
  for (int i = 1; i < kMaxSigningKeys; ++i) {
    world.Must(Publish(world, Pair(world, Cat("k", i), absl::ZeroDuration(), absl::Hours(1))));
  }
  EXPECT_THAT(Publish(world, Pair(world, "more", absl::ZeroDuration(), absl::Hours(1))), Refuses("TOO_MANY_KEYS"));
  Context elsewhere = world.Internal();
  elsewhere.organization = "nowhere";
  EXPECT_THAT(PublishSigningKey(world.state, elsewhere, good), Refuses("NOT_FOUND"));
}

}  // namespace
}  // namespace trialog::auth
