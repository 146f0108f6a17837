#include "services/auth/domain/lifecycle.h"

#include <algorithm>
#include <array>

namespace trialog::auth {
namespace {

template <typename State>
struct Move {
  State from;
  State to;
  bool operator==(const Move&) const = default;
};

constexpr std::array kUserMoves = {
    Move<v1::User::State>{v1::User::STATE_INVITED, v1::User::STATE_ACTIVE},
    Move<v1::User::State>{v1::User::STATE_ACTIVE, v1::User::STATE_LOCKED},
    Move<v1::User::State>{v1::User::STATE_LOCKED, v1::User::STATE_ACTIVE},
    Move<v1::User::State>{v1::User::STATE_ACTIVE, v1::User::STATE_DISABLED},
};
constexpr std::array kServiceAccountMoves = {
    Move<v1::ServiceAccount::State>{v1::ServiceAccount::STATE_ACTIVE, v1::ServiceAccount::STATE_DISABLED},
};
constexpr std::array kKeyMoves = {
    Move<v1::ServiceAccountKey::State>{v1::ServiceAccountKey::STATE_ACTIVE, v1::ServiceAccountKey::STATE_REVOKED},
};
constexpr std::array kSessionMoves = {
    Move<v1::Session::State>{v1::Session::STATE_ACTIVE, v1::Session::STATE_ENDED},
};
constexpr std::array kInvitationMoves = {
    Move<v1::Invitation::State>{v1::Invitation::STATE_OPEN, v1::Invitation::STATE_USED},
};

template <typename Moves, typename State>
bool Listed(const Moves& moves, State from, State to) {
  return std::find(moves.begin(), moves.end(), Move<State>{from, to}) != moves.end();
}

}  // namespace

bool MayMove(v1::User::State from, v1::User::State to) { return Listed(kUserMoves, from, to); }
bool MayMove(v1::ServiceAccount::State from, v1::ServiceAccount::State to) {
  return Listed(kServiceAccountMoves, from, to);
}
bool MayMove(v1::ServiceAccountKey::State from, v1::ServiceAccountKey::State to) { return Listed(kKeyMoves, from, to); }
bool MayMove(v1::Session::State from, v1::Session::State to) { return Listed(kSessionMoves, from, to); }
bool MayMove(v1::Invitation::State from, v1::Invitation::State to) { return Listed(kInvitationMoves, from, to); }

}  // namespace trialog::auth
