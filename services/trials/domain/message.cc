#include "services/trials/domain/message.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/trials/domain/access_care.h"
#include "services/trials/domain/access_clinical.h"
#include "services/trials/domain/care_relation.h"
#include "services/trials/domain/command_parts.h"
#include "services/trials/domain/etag.h"
#include "services/trials/domain/moves.h"
#include "services/trials/domain/tables_care.h"
#include "services/trials/domain/tables_clinical.h"
#include "trialog/trials/v1/care_events.pb.h"
#include "trialog/trials/v1/events.pb.h"
#include "trialog/trials/v1/patient.pb.h"

namespace trialog::trials {
namespace {

using v1::Message;
using v1::Thread;

// domain.md section 4, "Message", for each recipient; reading implies delivery.
constexpr auto kMessageMoves = std::to_array<Move<Message::State>>({
    {Message::STATE_SENT, Message::STATE_DELIVERED},
    {Message::STATE_SENT, Message::STATE_READ},
    {Message::STATE_DELIVERED, Message::STATE_READ},
});

constexpr std::string_view kContextPatterns[] = {
    "organizations/*/datasets/*",
    "organizations/*/datasets/*/cohorts/*",
    "organizations/*/datasets/*/cohorts/*/analyses/*",
    "organizations/*/trials/*",
    "organizations/*/patients/*",
};

absl::Status NotAllowed() {
  return Denied("RECIPIENT_NOT_ALLOWED",
                "write to people you work with, or who care for you or take part in your trials");
}

absl::Status CheckContext(std::string_view context, std::string_view organization) {
  if (context.empty()) return absl::OkStatus();
  const bool known = std::any_of(std::begin(kContextPatterns), std::end(kContextPatterns),
                                 [&](std::string_view pattern) { return NameMatches(pattern, context); });
  if (known && OrganizationOf(context) == organization) return absl::OkStatus();
  return BadField("message.context", "BAD_NAME",
                  "must name a dataset, cohort, analysis, trial or patient of the organization");
}

bool HasContent(const event::v1::SealedPart& sealed) {
  return HasPersonal(sealed, Message::kBodyFieldNumber) || HasPersonal(sealed, Message::kAttachmentsFieldNumber);
}

absl::Status Empty() { return BadField("message.body", "MESSAGE_EMPTY", "a message needs a body or attachments"); }

std::string PatientOf(const view::State& state, std::string_view user) {
  return state.Lookup(kPatientByUser, user).value_or("");
}

// Whether `user` is a person that may be in a thread with the patient.
bool Belongs(const view::State& state, std::string_view user, std::string_view patient) {
  return PatientOf(state, user) == patient || MayWriteToPatient(state, user, patient);
}

// A notifier carries word of messages and writes none.
bool IsStaff(const Principal& principal) {
  return std::any_of(principal.grants.begin(), principal.grants.end(),
                     [](const Grant& grant) { return grant.role != ROLE_PARTICIPANT && grant.role != ROLE_NOTIFIER; });
}

// The other members of a thread to begin, in name order.
absl::StatusOr<std::set<std::string>> CheckedRecipients(const v1::SendMessageRequest& request, const Context& context) {
  std::set<std::string> recipients(request.recipients().begin(), request.recipients().end());
  if (recipients.empty() || recipients.size() + 1 > kMaxMembers) {
    return BadField("recipients", "BAD_RECIPIENTS", "name 1 to 31 users");
  }
  for (const std::string& user : recipients) {
    if (!NameMatches(kUserPattern, user) || OrganizationOf(user) != context.organization ||
        user == context.principal.user()) {
      return BadField("recipients", "BAD_RECIPIENTS", "name other users of the organization");
    }
  }
  return recipients;
}

// The thread that a first message begins.
absl::StatusOr<Thread> NewThread(const view::State& state, const Context& context,
                                 const v1::SendMessageRequest& request) {
  const Principal& principal = context.principal;
  if (!NameMatches(kThreads.pattern, request.parent()) || OrganizationOf(request.parent()) != context.organization) {
    return BadField("parent", "BAD_NAME", "must name a thread of the organization");
  }
  auto recipients = CheckedRecipients(request, context);
  if (!recipients.ok()) return recipients.status();
  const std::string own = OwnPatient(principal, state);
  if (own.empty() && !IsStaff(principal)) return NotAllowed();

  std::set<std::string> patients;
  if (!own.empty()) patients.insert(own);
  for (const std::string& user : *recipients) {
    if (std::string patient = PatientOf(state, user); !patient.empty()) patients.insert(patient);
  }
  if (patients.size() > 1) return NotAllowed();

  Thread thread;
  if (!patients.empty()) {
    thread.set_patient(*patients.begin());
    const CareRelation relation = RelationTo(principal, state, thread.patient());
    if (!relation.self && !relation.provider && !relation.researcher) return NotAllowed();
    for (const std::string& user : *recipients) {
      if (!Belongs(state, user, thread.patient())) return NotAllowed();
    }
  }
  thread.set_name(request.parent());
  thread.set_uid(std::string(IdOf(request.parent())));
  thread.set_context(request.message().context());
  recipients->insert(principal.user());
  for (const std::string& member : *recipients) thread.add_members(member);
  return thread;
}

// The thread that stands, when the caller is a member and names no others.
absl::Status CheckStandingThread(const view::State& state, const Context& context,
                                 const v1::SendMessageRequest& request) {
  auto row = FindForCommand(state, context.principal, kThreads, request.parent(), "thread");
  if (!row.ok()) return row.status();
  const auto& members = (*row)->As<Thread>().members();
  for (const std::string& user : request.recipients()) {
    if (std::find(members.begin(), members.end(), user) == members.end()) {
      return BadField("recipients", "MEMBERS_FIXED", "begin another thread to write to others");
    }
  }
  return absl::OkStatus();
}

// Members who get the message: not the sender, and in a patient's thread only who still belongs there.
std::vector<std::string> RecipientsOf(const view::State& state, const Thread& thread, std::string_view sender) {
  std::vector<std::string> recipients;
  for (const std::string& user : thread.members()) {
    if (user == sender) continue;
    if (thread.patient().empty() || Belongs(state, user, thread.patient())) recipients.push_back(user);
  }
  return recipients;
}

template <typename Kind>
absl::StatusOr<Decision> Mark(const view::State& state, const Context& context, const std::string& name,
                              Message::State to, Kind* (v1::TrialsEvent::*kind)()) {
  auto row = FindForCommand(state, context.principal, kMessages, name, "message");
  if (!row.ok()) return row.status();
  const auto& receipts = (*row)->As<Message>().receipts();
  const auto receipt = std::find_if(receipts.begin(), receipts.end(), [&](const v1::Receipt& each) {
    return each.recipient() == context.principal.user();
  });
  if (receipt == receipts.end()) return Denied("NOT_RECIPIENT", "only a recipient of the message may do this");
  if (!MayMove(StateOf(*receipt), to)) return Answering(name);
  Kind event;
  event.set_name(name);
  event.set_recipient(context.principal.user());
  return OneEvent(name, kind, std::move(event));
}

}  // namespace

bool MayMove(Message::State from, Message::State to) { return MayMove(kMessageMoves, from, to); }

Message::State StateOf(const v1::Receipt& receipt) {
  if (receipt.has_read_time()) return Message::STATE_READ;
  return receipt.has_delivery_time() ? Message::STATE_DELIVERED : Message::STATE_SENT;
}

Message::State StateOf(const Message& message) {
  if (message.receipts().empty()) return Message::STATE_SENT;
  Message::State least = Message::STATE_READ;
  for (const auto& receipt : message.receipts()) least = std::min(least, StateOf(receipt));
  return least;
}

absl::StatusOr<Decision> SendMessage(const view::State& state, const Context& context,
                                     const v1::SendMessageRequest& request, const event::v1::SealedPart& sealed) {
  if (context.principal.user().empty()) return NotAllowed();
  std::shared_ptr<const Thread> thread = state.Get<Thread>(kThreads, request.parent());
  const bool begins = !thread;
  if (begins) {
    auto begun = NewThread(state, context, request);
    if (!begun.ok()) return begun.status();
    thread = std::make_shared<const Thread>(*std::move(begun));
  } else if (auto s = CheckStandingThread(state, context, request); !s.ok()) {
    return s;
  }
  const std::string name = Cat(request.parent(), "/messages/", request.message_id());
  if (auto s = CheckNewName(state, kMessages, name, "message_id"); !s.ok()) return s;
  if (auto s = CheckContext(request.message().context(), context.organization); !s.ok()) return s;
  if (!HasContent(sealed)) return Empty();
  const auto recipients = RecipientsOf(state, *thread, context.principal.user());
  if (recipients.empty()) return BrokenRule("NO_RECIPIENT", request.parent(), "nobody else is in this thread any more");

  Decision decision;
  if (begins) {
    v1::TrialsEvent started;
    *started.mutable_thread_started()->mutable_thread() = *thread;
    decision.Add(request.parent(), std::move(started));
  }
  v1::TrialsEvent sent;
  Message& message = *sent.mutable_message_sent()->mutable_message();
  message.set_name(name);
  message.set_uid(request.message_id());
  message.set_thread(request.parent());
  message.set_sender(context.principal.user());
  for (const std::string& user : recipients) {
    message.add_recipients(user);
    message.add_receipts()->set_recipient(user);
  }
  message.set_patient(thread->patient());
  message.set_context(request.message().context().empty() ? thread->context() : request.message().context());
  message.set_state(Message::STATE_SENT);
  message.set_version(1);
  *sent.mutable_message_sent()->mutable_sealed() =
      OnlySealed(sealed, {Message::kBodyFieldNumber, Message::kAttachmentsFieldNumber});
  decision.Add(name, std::move(sent));
  decision.names = {name, request.parent()};
  return decision;
}

absl::StatusOr<Decision> EditMessage(const view::State& state, const Context& context,
                                     const v1::EditMessageRequest& request, const event::v1::SealedPart& sealed) {
  const std::string& name = request.message().name();
  auto row = FindForCommand(state, context.principal, kMessages, name, "message");
  if (!row.ok()) return row.status();
  if ((*row)->As<Message>().sender() != context.principal.user()) {
    return Denied("NOT_SENDER", "only the sender may change a message");
  }
  if (auto s = RequireEtag(name, **row, request.message().etag(), "message.etag"); !s.ok()) return s;
  if (auto s = CheckMask(request.update_mask(), {"body", "attachments"}); !s.ok()) return s;

  v1::MessageEdited edited;
  edited.set_name(name);
  *edited.mutable_sealed() = ReplacingSealed(sealed, *Message::descriptor(), request.update_mask());
  if (!HasContent(MergeSealed((*row)->sealed, edited.sealed()))) return Empty();
  return OneEvent(name, &v1::TrialsEvent::mutable_message_edited, std::move(edited));
}

absl::StatusOr<Decision> MarkDelivered(const view::State& state, const Context& context,
                                       const v1::MarkDeliveredRequest& request) {
  return Mark(state, context, request.name(), Message::STATE_DELIVERED, &v1::TrialsEvent::mutable_message_delivered);
}

absl::StatusOr<Decision> MarkRead(const view::State& state, const Context& context,
                                  const v1::MarkReadRequest& request) {
  return Mark(state, context, request.name(), Message::STATE_READ, &v1::TrialsEvent::mutable_message_read);
}

}  // namespace trialog::trials
