#include "services/auth/domain/lifecycle.h"

#include <set>
#include <string>
#include <utility>

#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"

namespace trialog::auth {
namespace {

using Moves = std::set<std::pair<std::string, std::string>>;

// Every pair of values of the enum that MayMove allows.
template <typename State>
Moves AllMoves(const google::protobuf::EnumDescriptor& states) {
  Moves moves;
  for (int i = 0; i < states.value_count(); ++i) {
    for (int j = 0; j < states.value_count(); ++j) {
      const auto &from = *states.value(i), &to = *states.value(j);
      if (MayMove(static_cast<State>(from.number()), static_cast<State>(to.number()))) {
        moves.insert({from.name(), to.name()});
      }
    }
  }
  return moves;
}

TEST(Lifecycle, AUserMovesAsTheDomainSaysAndNoOtherWay) {
  EXPECT_EQ(AllMoves<v1::User::State>(*v1::User::State_descriptor()), (Moves{{"STATE_INVITED", "STATE_ACTIVE"},
                                                                             {"STATE_ACTIVE", "STATE_LOCKED"},
                                                                             {"STATE_LOCKED", "STATE_ACTIVE"},
                                                                             {"STATE_ACTIVE", "STATE_DISABLED"}}));
}

TEST(Lifecycle, AServiceAccountIsOnlyEverClosed) {
  EXPECT_EQ(AllMoves<v1::ServiceAccount::State>(*v1::ServiceAccount::State_descriptor()),
            (Moves{{"STATE_ACTIVE", "STATE_DISABLED"}}));
}

TEST(Lifecycle, AKeyIsOnlyEverRevoked) {
  EXPECT_EQ(AllMoves<v1::ServiceAccountKey::State>(*v1::ServiceAccountKey::State_descriptor()),
            (Moves{{"STATE_ACTIVE", "STATE_REVOKED"}}));
}

TEST(Lifecycle, ASessionOnlyEnds) {
  EXPECT_EQ(AllMoves<v1::Session::State>(*v1::Session::State_descriptor()), (Moves{{"STATE_ACTIVE", "STATE_ENDED"}}));
}

TEST(Lifecycle, AnInvitationIsUsedOnce) {
  EXPECT_EQ(AllMoves<v1::Invitation::State>(*v1::Invitation::State_descriptor()),
            (Moves{{"STATE_OPEN", "STATE_USED"}}));
}

}  // namespace
}  // namespace trialog::auth
