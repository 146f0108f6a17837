// Decisions about messages. A thread begins with its first message and keeps its members; what binds a patient's thread
// is that everyone else in it cares for the patient or runs a trial with them.
#pragma once

#include "absl/status/statusor.h"
#include "platform/command/decision.h"
#include "trialog/trials/v1/messaging.pb.h"

namespace trialog::trials {

// Most members of a thread.
inline constexpr int kMaxMembers = 32;

// Whether a receipt may go from one state to the other; the whole state machine.
bool MayMove(v1::Message::State from, v1::Message::State to);

// State of one receipt.
v1::Message::State StateOf(const v1::Receipt& receipt);

// State of a message: the least of its receipts; SENT without any.
v1::Message::State StateOf(const v1::Message& message);

// Sends a message into `request.parent`, which is begun when it does not stand. Refused: RECIPIENT_NOT_ALLOWED (one
// answer for whomever the caller may not write to), NO_RECIPIENT, MEMBERS_FIXED, MESSAGE_EMPTY, bad fields; NOT_FOUND
// when the caller is not a member.
absl::StatusOr<Decision> SendMessage(const view::State& state, const Context& context,
                                     const v1::SendMessageRequest& request, const event::v1::SealedPart& sealed);

// Changes the sender's own message; the etag is required. NOT_SENDER, MESSAGE_EMPTY, bad mask.
absl::StatusOr<Decision> EditMessage(const view::State& state, const Context& context,
                                     const v1::EditMessageRequest& request, const event::v1::SealedPart& sealed);

// Said by a recipient; what was said before, or follows from it, decides nothing. NOT_RECIPIENT.
absl::StatusOr<Decision> MarkDelivered(const view::State& state, const Context& context,
                                       const v1::MarkDeliveredRequest& request);
absl::StatusOr<Decision> MarkRead(const view::State& state, const Context& context, const v1::MarkReadRequest& request);

}  // namespace trialog::trials
