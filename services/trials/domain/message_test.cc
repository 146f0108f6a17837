#include "services/trials/domain/message.h"

#include "services/trials/domain/access_care.h"
#include "services/trials/domain/care_testing.h"
#include "services/trials/domain/checks.h"

namespace trialog::trials {
namespace {

using v1::Message;

constexpr char kThread[] = "organizations/o/threads/t";

class Messaging : public CareTest {
 protected:
  absl::StatusOr<Decision> Send(Principal principal, const std::string& id, std::vector<std::string> recipients,
                                const std::string& thread = kThread, const std::string& context = "",
                                const event::v1::SealedPart& sealed = Sealed({Message::kBodyFieldNumber})) {
    v1::SendMessageRequest request;
    request.set_parent(thread);
    request.set_message_id(id);
    request.mutable_message()->set_context(context);
    for (const auto& recipient : recipients) request.add_recipients(recipient);
    return SendMessage(state_, By(principal), request, sealed);
  }
  absl::StatusOr<Decision> Edit(Principal principal, const std::string& name, const std::string& etag,
                                const event::v1::SealedPart& sealed, std::vector<std::string> paths = {"body"}) {
    v1::EditMessageRequest request;
    request.mutable_message()->set_name(name);
    request.mutable_message()->set_etag(etag);
    for (const auto& path : paths) request.mutable_update_mask()->add_paths(path);
    return EditMessage(state_, By(principal), request, sealed);
  }
  absl::StatusOr<Decision> Delivered(Principal principal, const std::string& name) {
    v1::MarkDeliveredRequest request;
    request.set_name(name);
    return MarkDelivered(state_, By(principal), request);
  }
  absl::StatusOr<Decision> Read(Principal principal, const std::string& name) {
    v1::MarkReadRequest request;
    request.set_name(name);
    return MarkRead(state_, By(principal), request);
  }
  std::shared_ptr<const Message> Get(const std::string& name) { return state_.Get<Message>(kMessages, name); }
};

TEST(MessageMoves, AreThoseOfTheTableAndNoOthers) {
  const std::string legal = " SENT>DELIVERED SENT>READ DELIVERED>READ ";
  for (int from = 0; from < Message::State_ARRAYSIZE; ++from) {
    for (int to = 0; to < Message::State_ARRAYSIZE; ++to) {
      const auto a = static_cast<Message::State>(from), b = static_cast<Message::State>(to);
      const std::string move = Cat(" ", Message::State_Name(a).substr(6), ">", Message::State_Name(b).substr(6));
      EXPECT_EQ(MayMove(a, b), legal.find(Cat(move, " ")) != std::string::npos) << move;
    }
  }
}

TEST_F(Messaging, FirstMessageBeginsTheThreadAndTheNextGoesToAllOthers) {
  const std::string first = Do(Send(Patient(), "1", {kProvider}));
  const auto thread = state_.Get<v1::Thread>(kThreads, kThread);
  ASSERT_TRUE(thread);
  EXPECT_THAT(thread->members(), testing::ElementsAre(kPatientUser, kProvider));
  EXPECT_EQ(thread->patient(), kPatient);
  now_ += 10;
  const std::string second = Do(Send(Provider(), "2", {}));
  EXPECT_THAT(Get(second)->recipients(), testing::ElementsAre(kPatientUser));
  EXPECT_EQ(state_.Get<v1::Thread>(kThreads, kThread)->last_message_time().seconds(), kNow + 10);
  const auto found = state_.Scan(kMessagesByThread, view::GroupPrefix(kThread), 10);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].name, second) << "latest first";
}

TEST_F(Messaging, PeopleWriteOnlyToThoseTheyWorkWithOrAreCaredForBy) {
  EXPECT_THAT(Send(Patient(), "1", {kStranger}), Refuses("RECIPIENT_NOT_ALLOWED"));
  EXPECT_THAT(Send(Patient(), "1", {kOtherPatientUser}), Refuses("RECIPIENT_NOT_ALLOWED"));
  EXPECT_THAT(Send(Stranger(), "1", {kPatientUser}), Refuses("RECIPIENT_NOT_ALLOWED"));
  EXPECT_THAT(Send(Analyst(), "1", {kPatientUser}), Refuses("RECIPIENT_NOT_ALLOWED"));
  EXPECT_THAT(Send(Provider(), "1", {kPatientUser, kOtherPatientUser}), Refuses("RECIPIENT_NOT_ALLOWED"));
  EXPECT_THAT(Send(Provider(), "1", {kPatientUser, kAnalyst}), Refuses("RECIPIENT_NOT_ALLOWED"));
  EXPECT_THAT(Send(Person("organizations/o/users/new", ROLE_PARTICIPANT), "1", {kProvider}),
              Refuses("RECIPIENT_NOT_ALLOWED"));
  EXPECT_THAT(Send(Principal(), "1", {kProvider}), Refuses("RECIPIENT_NOT_ALLOWED"));
  Do(Send(Provider(), "1", {kPatientUser, kResearcher}, "organizations/o/threads/a"));
  Do(Send(Researcher(), "1", {kPatientUser}, "organizations/o/threads/b"));
  Do(Send(Analyst(), "1", {kProvider, kStranger}, "organizations/o/threads/c"));
}

TEST_F(Messaging, ThreadRecipientsAndContextAreChecked) {
  EXPECT_THAT(Send(Provider(), "1", {}), Refuses("BAD_RECIPIENTS"));
  EXPECT_THAT(Send(Provider(), "1", {kProvider}), Refuses("BAD_RECIPIENTS"));
  EXPECT_THAT(Send(Provider(), "1", {"organizations/x/users/u"}), Refuses("BAD_RECIPIENTS"));
  EXPECT_THAT(Send(Provider(), "1", {"prov"}), Refuses("BAD_RECIPIENTS"));
  EXPECT_THAT(Send(Provider(), "1", {kPatientUser}, "organizations/x/threads/t"), Refuses("BAD_NAME"));
  EXPECT_THAT(Send(Provider(), "1", {kPatientUser}, kThread, "organizations/o/users/u"), Refuses("BAD_NAME"));
  EXPECT_THAT(Send(Provider(), "1", {kPatientUser}, kThread, "organizations/x/trials/t"), Refuses("BAD_NAME"));
  EXPECT_THAT(Send(Provider(), "1 ", {kPatientUser}), Refuses("BAD_ID"));
  EXPECT_THAT(Send(Provider(), "1", {kPatientUser}, kThread, "", {}), Refuses("MESSAGE_EMPTY"));
  std::vector<std::string> many;
  for (int i = 0; i < kMaxMembers; ++i) many.push_back(Cat("organizations/o/users/u", i));
  EXPECT_THAT(Send(Provider(), "1", many), Refuses("BAD_RECIPIENTS"));
  Do(Send(Provider(), "1", {kPatientUser}, kThread, "organizations/o/trials/t",
          Sealed({Message::kAttachmentsFieldNumber})));
  EXPECT_THAT(Send(Provider(), "1", {}), Refuses("NAME_TAKEN"));
  EXPECT_THAT(Send(Provider(), "2", {kResearcher}), Refuses("MEMBERS_FIXED"));
  EXPECT_EQ(Get(Do(Send(Provider(), "2", {})))->context(), "organizations/o/trials/t") << "the thread's";
}

TEST_F(Messaging, OnlyMembersReadAndWriteAndOnlyWhileTheyCareForThePatient) {
  const std::string name = Do(Send(Provider(), "1", {kPatientUser, kSecondProvider}));
  const auto sees = [&](const Principal& principal) {
    return MaySeeCare(principal, state_, kMessages, name, *state_.Find(kMessages, name)) &&
           MaySeeCare(principal, state_, kThreads, kThread, *state_.Find(kThreads, kThread));
  };
  EXPECT_TRUE(sees(Patient()));
  EXPECT_TRUE(sees(SecondProvider()));
  for (const auto& principal : {OtherPatient(), Stranger(), Researcher(), Coordinator(), Analyst(), Foreigner()}) {
    EXPECT_FALSE(sees(principal)) << principal.user();
    EXPECT_EQ(Send(principal, "2", {}).status().code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(Read(principal, name).status().code(), absl::StatusCode::kNotFound);
  }
  v1::TrialsEvent unassigned;
  unassigned.mutable_provider_unassigned()->set_patient(kPatient);
  unassigned.mutable_provider_unassigned()->set_user(kSecondProvider);
  Given(unassigned);
  EXPECT_FALSE(sees(SecondProvider()));
  EXPECT_THAT(Get(Do(Send(Patient(), "2", {})))->recipients(), testing::ElementsAre(kProvider));
  unassigned.mutable_provider_unassigned()->set_user(kProvider);
  Given(unassigned);
  EXPECT_THAT(Send(Patient(), "3", {}), Refuses("NO_RECIPIENT"));
}

TEST_F(Messaging, ReadingImpliesDeliveryAndSetsBothTimes) {
  const std::string name = Do(Send(Patient(), "1", {kProvider}));
  EXPECT_EQ(Get(name)->state(), Message::STATE_SENT);
  now_ += 7;
  Do(Read(Provider(), name));
  EXPECT_EQ(Get(name)->state(), Message::STATE_READ);
  EXPECT_TRUE(Get(name)->read());
  EXPECT_EQ(Get(name)->receipts(0).delivery_time().seconds(), kNow + 7);
  EXPECT_EQ(Get(name)->receipts(0).read_time().seconds(), kNow + 7);
  EXPECT_TRUE(Read(Provider(), name)->events.empty());
  EXPECT_TRUE(Delivered(Provider(), name)->events.empty()) << "never back";
}

TEST_F(Messaging, StateIsTheLeastOfTheReceipts) {
  const std::string name = Do(Send(Patient(), "1", {kProvider, kSecondProvider}));
  Do(Read(Provider(), name));
  EXPECT_EQ(Get(name)->state(), Message::STATE_SENT);
  now_ += 1;
  Do(Delivered(SecondProvider(), name));
  EXPECT_EQ(Get(name)->state(), Message::STATE_DELIVERED);
  EXPECT_TRUE(Delivered(SecondProvider(), name)->events.empty());
  now_ += 1;
  Do(Read(SecondProvider(), name));
  EXPECT_EQ(Get(name)->state(), Message::STATE_READ);
  EXPECT_EQ(Get(name)->receipts(1).delivery_time().seconds(), kNow + 1) << "the first time counts";
  EXPECT_EQ(Get(name)->read_time().seconds(), kNow + 2);
}

TEST_F(Messaging, SenderMarksNothing) {
  const std::string name = Do(Send(Patient(), "1", {kProvider}));
  EXPECT_THAT(Read(Patient(), name), Refuses("NOT_RECIPIENT"));
  EXPECT_THAT(Delivered(Patient(), name), Refuses("NOT_RECIPIENT"));
}

TEST_F(Messaging, EditIsANewVersionBySenderAndKeepsReceipts) {
  const std::string name = Do(Send(Patient(), "1", {kProvider}));
  Do(Read(Provider(), name));
  const std::string etag = EtagOfRow(kMessages, name);
  const auto body = Sealed({Message::kBodyFieldNumber});
  EXPECT_THAT(Edit(Provider(), name, etag, body), Refuses("NOT_SENDER"));
  EXPECT_EQ(Edit(Stranger(), name, etag, body).status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Edit(Patient(), name, "", body), Refuses("ETAG_REQUIRED"));
  EXPECT_THAT(Edit(Patient(), name, "\"1\"", body), Refuses("ETAG_MISMATCH"));
  EXPECT_THAT(Edit(Patient(), name, etag, body, {"sender"}), Refuses("FIELD_NOT_CHANGEABLE"));
  EXPECT_THAT(Edit(Patient(), name, etag, {}), Refuses("MESSAGE_EMPTY"));
  Do(Edit(Patient(), name, etag, Sealed({Message::kAttachmentsFieldNumber}), {"body", "attachments"}));
  EXPECT_EQ(Get(name)->version(), 2);
  EXPECT_EQ(Get(name)->state(), Message::STATE_READ);
  EXPECT_FALSE(HasPersonal(state_.Find(kMessages, name)->sealed, Message::kBodyFieldNumber));
  EXPECT_TRUE(HasPersonal(state_.Find(kMessages, name)->sealed, Message::kAttachmentsFieldNumber));
}

}  // namespace
}  // namespace trialog::trials
