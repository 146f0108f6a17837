// Notices of inventory's and analytics' events, and what is kept of those and of auth's to know whom they go to.
#include <set>

#include "platform/log/log.h"
#include "services/trials/domain/concerns.h"
#include "services/trials/domain/notices_testing.h"
#include "trialog/analytics/v1/events.pb.h"
#include "trialog/auth/v1/events.pb.h"
#include "trialog/inventory/v1/events.pb.h"

namespace trialog::trials {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kBiobank[] = "organizations/o/biobanks/b";
constexpr char kSample[] = "organizations/o/biobanks/b/samples/s";
constexpr char kItem[] = "organizations/o/biobanks/b/inventoryItems/i";
constexpr char kMovement[] = "organizations/o/biobanks/b/inventoryItems/i/movements/2";
constexpr char kAnalysis[] = "organizations/o/datasets/d/cohorts/c/analyses/a";

std::string User(std::string_view id) { return Cat("organizations/o/users/", id); }

class ForeignNoticesTest : public NoticesWorld {
 protected:
  // What a reaction to it records.
  Decision React(const event::v1::PublicEvent& cause, std::string_view after = {}) {
    const Context context = Reacting();
    Decision decision = CreateNotices(state_, context, cause, after).decision;
    Apply(TrialsDomain(), context, decision, state_);
    return decision;
  }

  auth::v1::RoleGranted Granted(std::string_view user, Role role, std::string_view scope = kOrganization) {
    auth::v1::RoleGranted granted;
    granted.mutable_grant()->set_name(Cat(User(user), "/grants/", static_cast<int>(role)));
    granted.mutable_grant()->set_role(role);
    granted.mutable_grant()->set_scope(std::string(scope));
    *granted.mutable_grant()->mutable_start_time() = At(kNow - 10);
    return granted;
  }
  void Grant(std::string_view user, Role role, std::string_view scope = kOrganization) {
    React(Public(Granted(user, role, scope)));
  }

  void Assign(std::string_view provider) {
    inventory::v1::BiobankProviderAssigned assigned;
    assigned.set_biobank(kBiobank);
    assigned.set_provider(User(provider));
    React(Public(assigned));
  }

  static inventory::v1::StockReceived Received(std::string_view by) {
    inventory::v1::StockReceived received;
    received.mutable_inventory_item()->set_name(kItem);
    received.mutable_inventory_item()->set_creator(User(by));
    return received;
  }
  static event::v1::PublicEvent Moved(std::string_view by) {
    inventory::v1::StockMoved moved;
    moved.set_movement(kMovement);
    return Public(moved, User(by));
  }

  static analytics::v1::AnalysisRequested Requested() {
    analytics::v1::AnalysisRequested requested;
    requested.mutable_analysis()->set_name(kAnalysis);
    requested.mutable_analysis()->set_requester(User("analyst"));
    requested.mutable_analysis()->set_release_policy(analytics::v1::RELEASE_POLICY_CUSTODIAN);
    return requested;
  }
  static event::v1::PublicEvent AnalysisIn(analytics::v1::Analysis::State state, std::string_view by) {
    analytics::v1::AnalysisMoved moved;
    moved.set_name(kAnalysis);
    moved.set_state(state);
    return Public(moved, User(by));
  }
};

TEST_F(ForeignNoticesTest, StockChangesAreToldToThoseConcernedAndNotToWhoMadeThem) {
  Grant("manager", ROLE_BIOBANK_MANAGER, kBiobank);
  Grant("technician", ROLE_LAB_TECHNICIAN);
  Grant("receiver", ROLE_LAB_TECHNICIAN);
  Grant("provider", ROLE_PROVIDER);
  Assign("provider");
  EXPECT_THAT(Told(Public(Received("receiver"), User("receiver"))),
              ElementsAre(User("manager") + " STOCK_RECEIVED", User("provider") + " STOCK_RECEIVED"));
  React(Public(Received("receiver"), User("receiver")));

  EXPECT_THAT(Told(Moved("technician")),
              ElementsAre(User("manager") + " STOCK_MOVED", User("provider") + " STOCK_MOVED",
                          User("receiver") + " STOCK_MOVED"));
  EXPECT_EQ(NoticesFor(Moved("technician"), state_).notices[0].resource(), kItem);
  EXPECT_THAT(Told(Moved("manager")),
              ElementsAre(User("provider") + " STOCK_MOVED", User("receiver") + " STOCK_MOVED"));

  inventory::v1::StockAdjusted adjusted;
  adjusted.set_movement(kMovement);
  EXPECT_THAT(Told(Public(adjusted, User("receiver"))),
              ElementsAre(User("manager") + " STOCK_ADJUSTED", User("provider") + " STOCK_ADJUSTED"));
  inventory::v1::StockIssued issued;
  issued.set_movement(kMovement);
  EXPECT_THAT(Told(Public(issued, User("receiver"))),
              ElementsAre(User("manager") + " STOCK_ISSUED", User("provider") + " STOCK_ISSUED"));
  inventory::v1::StockReturned returned;
  returned.set_movement(kMovement);
  EXPECT_THAT(Told(Public(returned, User("receiver"))),
              ElementsAre(User("manager") + " STOCK_RETURNED", User("provider") + " STOCK_RETURNED"));
}

TEST_F(ForeignNoticesTest, AnOpenNoticeStandsForWhatFollows) {
  Grant("manager", ROLE_BIOBANK_MANAGER, kBiobank);
  const std::string told = User("manager") + " STOCK_MOVED";
  const auto first = NoticesFor(Moved("technician"), state_).notices;
  React(Moved("technician"));
  EXPECT_THAT(Told(Moved("technician")), IsEmpty());
  inventory::v1::StockIssued issued;
  issued.set_movement(kMovement);
  EXPECT_THAT(Told(Public(issued, User("technician"))), ElementsAre(User("manager") + " STOCK_ISSUED"));
  inventory::v1::StockMoved elsewhere;
  elsewhere.set_movement(std::string(kItem) + "x/movements/1");
  EXPECT_THAT(Told(Public(elsewhere, User("technician"))), ElementsAre(told));

  v1::TrialsEvent seen;
  seen.mutable_notification_acknowledged()->set_name(first.at(0).name());
  Decision acknowledged;
  acknowledged.Add(first.at(0).name(), std::move(seen));
  Apply(TrialsDomain(), Reacting(), acknowledged, state_);
  EXPECT_THAT(Told(Moved("technician")), ElementsAre(told));
}

TEST_F(ForeignNoticesTest, ANoticeThatIsOverStandsForNothing) {
  Grant("manager", ROLE_BIOBANK_MANAGER, kBiobank);
  React(Moved("technician"));
  auto later = Moved("technician");
  later.mutable_record_time()->set_seconds(later.record_time().seconds() + kNoticeLifetimeSeconds);
  EXPECT_THAT(Told(later), ElementsAre(User("manager") + " STOCK_MOVED"));
}

TEST_F(ForeignNoticesTest, StateOfASampleIsToldToWhoRegisteredIt) {
  Grant("technician", ROLE_LAB_TECHNICIAN);
  Grant("manager", ROLE_BIOBANK_MANAGER);
  inventory::v1::SampleCreated created;
  created.mutable_sample()->set_name(kSample);
  created.mutable_sample()->set_creator(User("technician"));
  EXPECT_THAT(Told(Public(created)), IsEmpty());
  React(Public(created));
  inventory::v1::SampleTransitioned moved;
  moved.set_sample(kSample);
  const auto told = NoticesFor(Public(moved, User("manager")), state_).notices;
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].recipient(), User("technician"));
  EXPECT_EQ(told[0].kind(), v1::NOTIFICATION_KIND_SAMPLE_STATE_CHANGED);
  EXPECT_EQ(told[0].resource(), kSample);
  EXPECT_THAT(Told(Public(moved)),
              ElementsAre(User("manager") + " SAMPLE_STATE_CHANGED", User("technician") + " SAMPLE_STATE_CHANGED"));
}

TEST_F(ForeignNoticesTest, WithoutAccessToTheBiobankNobodyIsTold) {
  Grant("elsewhere", ROLE_BIOBANK_MANAGER, "organizations/o/biobanks/c");
  Grant("similar", ROLE_BIOBANK_MANAGER, "organizations/o/biobanks/bb");
  Grant("narrower", ROLE_BIOBANK_MANAGER, kSample);
  Grant("monitor", ROLE_MONITOR);
  Grant("unassigned", ROLE_PROVIDER);
  Assign("no-role");
  React(Public(Received("no-role")));
  auto later = Granted("later", ROLE_BIOBANK_MANAGER);
  *later.mutable_grant()->mutable_start_time() = At(kNow + 1);
  React(Public(later));
  auto ended = Granted("ended", ROLE_BIOBANK_MANAGER);
  *ended.mutable_grant()->mutable_end_time() = At(kNow);
  React(Public(ended));
  EXPECT_THAT(Told(Moved("technician")), IsEmpty());
}

TEST_F(ForeignNoticesTest, WhatIsTakenBackEndsTheNotices) {
  for (const char* user : {"closed", "ended", "revoked", "stays"}) Grant(user, ROLE_BIOBANK_MANAGER);
  Grant("provider", ROLE_PROVIDER);
  Assign("provider");
  EXPECT_EQ(Told(Moved("technician")).size(), 5u);
  auth::v1::RoleRevoked revoked;
  revoked.set_name(Granted("revoked", ROLE_BIOBANK_MANAGER).grant().name());
  React(Public(revoked));
  auth::v1::UserDeactivated deactivated;
  deactivated.set_name(User("closed"));
  React(Public(deactivated));
  auth::v1::RoleEnded ended;
  ended.set_name(Granted("ended", ROLE_BIOBANK_MANAGER).grant().name());
  React(Public(ended));
  inventory::v1::BiobankProviderUnassigned unassigned;
  unassigned.set_biobank(kBiobank);
  unassigned.set_provider(User("provider"));
  React(Public(unassigned));
  EXPECT_THAT(Told(Moved("technician")), ElementsAre(User("stays") + " STOCK_MOVED"));
}

TEST_F(ForeignNoticesTest, AnalysisIsToldToItsRequesterAndToTheCustodiansWhoDecide) {
  Grant("analyst", ROLE_ANALYST);
  Grant("analyst", ROLE_DATA_CUSTODIAN);
  Grant("custodian", ROLE_DATA_CUSTODIAN, "organizations/o/datasets/d");
  Grant("other", ROLE_DATA_CUSTODIAN, "organizations/o/datasets/e");
  EXPECT_THAT(Told(Public(Requested(), User("analyst"))), ElementsAre(User("custodian") + " ANALYSIS_REQUESTED"));
  auto automatic = Requested();
  automatic.mutable_analysis()->set_release_policy(analytics::v1::RELEASE_POLICY_AUTO);
  EXPECT_THAT(Told(Public(automatic)), IsEmpty());
  React(Public(Requested(), User("analyst")));

  using Analysis = analytics::v1::Analysis;
  EXPECT_THAT(Told(AnalysisIn(Analysis::STATE_RELEASED, "custodian")),
              ElementsAre(User("analyst") + " ANALYSIS_RELEASED"));
  EXPECT_THAT(Told(AnalysisIn(Analysis::STATE_WITHHELD, "custodian")),
              ElementsAre(User("analyst") + " ANALYSIS_WITHHELD"));
  EXPECT_THAT(Told(AnalysisIn(Analysis::STATE_FAILED, "")), ElementsAre(User("analyst") + " ANALYSIS_FAILED"));
  for (const auto state : {Analysis::STATE_QUEUED, Analysis::STATE_RUNNING, Analysis::STATE_CANCELLED}) {
    EXPECT_THAT(Told(AnalysisIn(state, "")), IsEmpty()) << state;
  }
  auth::v1::RoleRevoked revoked;
  revoked.set_name(Granted("analyst", ROLE_ANALYST).grant().name());
  React(Public(revoked));
  EXPECT_THAT(Told(AnalysisIn(Analysis::STATE_RELEASED, "custodian")), IsEmpty());
}

TEST_F(ForeignNoticesTest, RepeatedCauseRecordsNothingNew) {
  Grant("manager", ROLE_BIOBANK_MANAGER);
  EXPECT_TRUE(React(Public(Granted("manager", ROLE_BIOBANK_MANAGER))).events.empty());
  const auto received = Public(Received("receiver"), User("receiver"));
  EXPECT_EQ(React(received).events.size(), 2u) << "who took it in, and a notice";
  EXPECT_TRUE(React(received).events.empty());
}

TEST_F(ForeignNoticesTest, OnlyWhatIsOfTheOrganizationAndAnswersAQuestionIsKept) {
  auto received = Received("receiver");
  received.mutable_inventory_item()->set_name("organizations/x/biobanks/b/inventoryItems/i");
  EXPECT_TRUE(React(Public(received)).events.empty());
  auto granted = Granted("manager", ROLE_BIOBANK_MANAGER);
  granted.mutable_grant()->set_name("organizations/x/users/manager/grants/g");
  EXPECT_TRUE(React(Public(granted)).events.empty());
  granted.mutable_grant()->set_name("organizations/o/serviceAccounts/s/grants/g");
  EXPECT_TRUE(React(Public(granted)).events.empty());
  EXPECT_TRUE(React(Public(Granted("patient", ROLE_PARTICIPANT))).events.empty());
  inventory::v1::BiobankProviderUnassigned unassigned;
  unassigned.set_biobank(kBiobank);
  unassigned.set_provider(User("nobody"));
  EXPECT_TRUE(React(Public(unassigned)).events.empty());
}

TEST_F(ForeignNoticesTest, ManyConcernedAreToldInPagesThatMissAndRepeatNobody) {
  std::set<std::string> concerned;
  for (size_t i = 0; i < kMaxNotices; ++i) {
    const std::string manager = Cat("m", i), provider = Cat("p", i);
    Grant(manager, ROLE_BIOBANK_MANAGER);
    Grant(provider, ROLE_PROVIDER);
    Assign(provider);
    concerned.insert({User(manager), User(provider)});
  }
  std::set<std::string> told;
  std::string after;
  int pages = 0;
  do {
    const auto page = NoticesFor(Moved("technician"), state_, after);
    EXPECT_LE(page.notices.size(), kMaxNotices);
    for (const auto& notice : page.notices) EXPECT_TRUE(told.insert(notice.recipient()).second);
    after = page.next;
    ++pages;
  } while (!after.empty() && pages < 10);
  EXPECT_EQ(told, concerned);
  EXPECT_EQ(pages, 2);
}

TEST_F(ForeignNoticesTest, APageOfTheLongestNamesFitsIntoARecord) {
  const auto longest = [](size_t number) {
    std::string id = Cat(number, "-");
    id.resize(63, 'x');
    return id;
  };
  for (size_t i = 0; i < kMaxNotices + 1; ++i) Grant(longest(i), ROLE_DATA_CUSTODIAN);
  auto requested = Requested();
  const std::string x = longest(0);
  requested.mutable_analysis()->set_name(Cat("organizations/o/datasets/", x, "/cohorts/", x, "/analyses/", x));
  const auto decided = CreateNotices(state_, Reacting(), Public(requested), "");
  EXPECT_FALSE(decided.next.empty()) << "there is another page";
  size_t bytes = 0;
  for (const auto& event : decided.decision.events) bytes += event.entity.size() + event.body->ByteSizeLong() + 16;
  for (const auto& name : decided.decision.names) bytes += name.size() + 4;
  // The organization's own name here is short; 62 more bytes of it stand in each notice five times.
  bytes += decided.decision.events.size() * 5 * 62;
  EXPECT_LT(bytes, log::kMaxRecordBytes * 9 / 10);
}

TEST_F(ForeignNoticesTest, MutedKindIsNotTold) {
  Grant("manager", ROLE_BIOBANK_MANAGER);
  v1::TrialsEvent muted;
  auto& preferences = *muted.mutable_notification_preferences_updated()->mutable_preferences();
  preferences.set_name(User("manager") + "/notificationPreferences");
  preferences.add_muted_kinds(v1::NOTIFICATION_KIND_STOCK_MOVED);
  Given(muted);
  EXPECT_THAT(Told(Moved("technician")), IsEmpty());
  EXPECT_THAT(Told(Public(Received("technician"))), ElementsAre(User("manager") + " STOCK_RECEIVED"));
}

}  // namespace
}  // namespace trialog::trials
