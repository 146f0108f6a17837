// Audit served over gRPC, on a real log that auth and inventory wrote to.
#include "services/audit/app/audit_app.h"

#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <set>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors/errors.h"
#include "platform/log/testing/power_cut_fs.h"
#include "platform/rpc/client.h"
#include "platform/rpc/server.h"
#include "platform/sealing/note.h"
#include "platform/view/times.h"
#include "rocksdb/env.h"
#include "services/audit/domain/leaf.h"
#include "services/audit/tree/checkpoint.h"
#include "services/audit/tree/proof.h"
#include "services/audit/verify/online.h"
#include "services/audit/views/test_logs.h"
#include "trialog/audit/v1/service.pb.h"

namespace trialog::audit {
namespace {

constexpr std::string_view kOrigin = "trialog.test/audit";
const std::string kPatient = "organizations/south/patients/p";

// Callers by token: "auditor <organisation>", "patient", "technician".
class KnownCallers final : public rpc::Authenticator {
 public:
  void Authenticate(const rpc::CallInfo& call, Done done) override {
    const std::string_view token = call.bearer_token();
    auto principal = std::make_shared<Principal>();
    principal->caller.set_kind(event::v1::Caller::KIND_USER);
    principal->organization = token == "auditor-north" ? "north" : "south";
    const std::string organization = Cat("organizations/", principal->organization);
    principal->caller.set_name(Cat(organization, "/users/", token));
    if (HasPrefix(token, "auditor-biobank")) {
      principal->grants.push_back({ROLE_AUDITOR, organization + "/biobanks/main"});
    } else if (token == "former-patient") {  // Let in as an auditor, of something else.
      principal->grants.push_back({ROLE_AUDITOR, organization + "/biobanks/main"});
      principal->patient = kPatient;
    } else if (HasPrefix(token, "auditor-")) {
      principal->grants.push_back({ROLE_AUDITOR, organization});
    } else if (token == "patient") {
      principal->grants.push_back({ROLE_PARTICIPANT, organization});
      principal->patient = kPatient;
    } else {
      principal->grants.push_back({ROLE_LAB_TECHNICIAN, organization});
    }
    done(std::shared_ptr<const Principal>(std::move(principal)));
  }
};

class AuditAppTest : public ::testing::Test {
 protected:
  AuditAppTest() : tokens({std::string(32, 'k')}) {
    EXPECT_TRUE(CreateAuditKeyFile(logs.folder / "audit.key", RealRuntime()).ok());
  }

  ~AuditAppTest() override { StopService(); }

  void StartService() {
    AuditParts parts{.log = &logs.log(),
                     .store_path = logs.folder / "tree",
                     .keys = LoadAuditKeys(logs.folder / "audit.key", kOrigin).value(),
                     .env = tree_env.get()};
    parts.sequencing.checkpoint_every = checkpoint_every;
    parts.sequencing.sequence_every = sequence_every;
    service::Environment environment{};
    environment.runtime = &RealRuntime();
    environment.log = &logs.log();
    environment.store_path = logs.folder / "choices";
    environment.request_key = std::string(32, 'r');
    environment.tokens = &tokens;
    environment.authenticator = std::make_shared<KnownCallers>();
    host = service::Host::Open(AuditDefinition(std::move(parts)), environment).value();
    // gRPC 1.51 may abort in its shared callback queue when the last server of a process goes while others come: one
    // stays.
    static const auto* const stays = rpc::Server::Start({}).value().release();
    ASSERT_NE(stays, nullptr);
    std::vector<std::unique_ptr<rpc::Frame>> frames;
    frames.push_back(host->MakeFrame().value());
    server = rpc::Server::Start(std::move(frames)).value();
    client = std::make_unique<rpc::Client>(rpc::Connect(Cat("127.0.0.1:", server->port())));
  }

  void StopService() {
    client.reset();
    if (host) host->backend().owner().Stop();
    server.reset();
    host.reset();
  }

  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(std::string_view method, const Request& request, std::string token = "auditor-south") {
    return client->Call<Response>(Cat("trialog.audit.v1.AuditService/", method), request, {.token = std::move(token)});
  }

  // The latest checkpoint once it has at least `size` leaves.
  v1::Checkpoint AwaitCheckpoint(uint64_t size) {
    const absl::Time deadline = absl::Now() + absl::Seconds(30);
    while (absl::Now() < deadline) {
      auto checkpoint = Call<v1::Checkpoint>("GetCheckpoint", v1::GetCheckpointRequest());
      if (checkpoint.ok() && checkpoint->tree_size() >= size) return *checkpoint;
      std::this_thread::yield();
    }
    ADD_FAILURE() << "no checkpoint of size " << size;
    return {};
  }

  absl::StatusOr<v1::ListEntriesResponse> List(std::string_view filter, std::string token = "auditor-south",
                                               std::string parent = "organizations/south", int page = 0,
                                               std::string page_token = "") {
    v1::ListEntriesRequest request;
    request.set_parent(parent);
    request.set_filter(std::string(filter));
    request.set_page_size(page);
    request.set_page_token(page_token);
    return Call<v1::ListEntriesResponse>("ListEntries", request, std::move(token));
  }

  // Blocks until health says so: OK, or not.
  void AwaitHealth(bool ok) {
    const absl::Time deadline = absl::Now() + absl::Seconds(30);
    while (host->Health().ok() != ok && absl::Now() < deadline) std::this_thread::yield();
    EXPECT_EQ(host->Health().ok(), ok) << host->Health();
  }

  std::unique_ptr<rocksdb::Env> tree_env;  // Null: the operating system's.
  absl::Duration sequence_every = SequencerOptions().sequence_every, checkpoint_every = absl::Milliseconds(20);
  TestLogs logs;
  rpc::TokenSigner tokens;
  std::unique_ptr<service::Host> host;
  std::unique_ptr<rpc::Server> server;
  std::unique_ptr<rpc::Client> client;
};

TEST_F(AuditAppTest, TheKeyFileIsForItsOwnerAloneAndNeverOverwritten) {
  struct stat status;
  ASSERT_EQ(::stat((logs.folder / "audit.key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_TRUE(absl::IsAlreadyExists(CreateAuditKeyFile(logs.folder / "audit.key", RealRuntime())));
  EXPECT_EQ(::chmod((logs.folder / "audit.key").c_str(), 0644), 0);
  EXPECT_FALSE(LoadAuditKeys(logs.folder / "audit.key", kOrigin).ok());
}

TEST_F(AuditAppTest, AnAuditorProvesEachEntryAgainstASignedCheckpoint) {
  logs.WriteUsers("south", 2);
  logs.WriteSamples("south", 3);
  StartService();
  AwaitCheckpoint(8);
  const auto verifier = LoadAuditKeys(logs.folder / "audit.key", kOrigin)->signer.verifier();
  const auto listed = List("");
  ASSERT_TRUE(listed.ok()) << listed.status();
  EXPECT_EQ(listed->entries_size(), 8);
  for (const v1::AuditEntry& entry : listed->entries()) {
    EXPECT_FALSE(entry.has_material());
    v1::GetEntryRequest request;
    request.set_name(entry.name());
    const auto got = Call<v1::GetEntryResponse>("GetEntry", request);
    ASSERT_TRUE(got.ok()) << got.status();
    const auto text = sealing::OpenNote(got->checkpoint().note(), {verifier});
    ASSERT_TRUE(text.ok()) << text.status();
    const auto checkpoint = ParseCheckpoint(*text).value();
    EXPECT_EQ(checkpoint.origin, kOrigin);
    EXPECT_TRUE(MaterialHolds(got->entry()));
    EXPECT_TRUE(VerifyInclusion(got->proof().tree_index(), checkpoint.size, HashLeaf(got->entry().material().leaf()),
                                checkpoint.root, {got->proof().hashes().begin(), got->proof().hashes().end()}));
  }
}

TEST_F(AuditAppTest, CheckpointsGrowConsistentlyWhileServicesWriteAndRestIsQuiet) {
  StartService();
  v1::Checkpoint last;
  last.set_root(EmptyRoot());
  for (int round = 1; round <= 5; ++round) {
    logs.WriteSamples("south", 20);
    const v1::Checkpoint next = AwaitCheckpoint(static_cast<uint64_t>(20 * round + 1));
    v1::GetConsistencyProofRequest request;
    request.set_from_size(last.tree_size());
    request.set_to_size(next.tree_size());
    const auto proof = Call<v1::ConsistencyProof>("GetConsistencyProof", request);
    ASSERT_TRUE(proof.ok()) << proof.status();
    EXPECT_TRUE(VerifyConsistency(last.tree_size(), next.tree_size(), last.root(), next.root(),
                                  {proof->hashes().begin(), proof->hashes().end()}));
    last = next;
  }
  EXPECT_EQ(last.tree_size(), 101u);
  // Choices are no leaves: with nothing written nothing more is sequenced or signed.
  const int64_t end = logs.log().EndOffset("audit", 0).value();
  logs.WriteUsers("south", 1);
  AwaitCheckpoint(103);
  EXPECT_LE(logs.log().EndOffset("audit", 0).value(), end + 4);
}

TEST_F(AuditAppTest, EachRangeIsSignedThoughTheServicesNeverRest) {
  sequence_every = checkpoint_every = absl::ZeroDuration();
  StartService();
  std::atomic<bool> stop = false;
  std::thread inventory([&] {
    while (!stop) logs.WriteSamples("south", 1);
  });
  std::thread auth([&] {
    while (!stop) logs.WriteUsers("south", 1);
  });
  AwaitCheckpoint(100);
  stop = true;
  inventory.join();
  auth.join();
  StopService();
  int ranges = 0, checkpoints = 0;
  for (int64_t next = 0; next < logs.log().EndOffset("audit", 0).value();) {
    const auto records = logs.log().Read("audit", 0, next, 1 << 20).value();
    for (const log::StoredRecord& stored : records) {
      next = stored.offset + 1;
      const event::v1::LogRecord record = log::ParseRecord(stored.bytes, stored.offset).value();
      for (const event::v1::Event& any : record.data().events()) {
        v1::AuditEvent event;
        ASSERT_TRUE(event.ParseFromString(any.domain()));
        ranges += event.has_sequenced();
        checkpoints += event.has_checkpoint_signed();
      }
    }
  }
  EXPECT_GT(checkpoints, 1);
  // A range of claims alone has nothing to sign, and each record of ranges may name one of each service.
  EXPECT_LE(ranges, 2 * checkpoints + 4);
}

TEST_F(AuditAppTest, FiltersPagesAndTimesNarrowAList) {
  logs.WriteUsers("south", 5);
  logs.WriteSamples("south", 10);
  StartService();
  AwaitCheckpoint(21);
  EXPECT_EQ(List("action = \"CreateUser\"")->entries_size(), 10);
  EXPECT_EQ(List("type = \"trialog.inventory.v1.SampleCreated\"")->entries_size(), 10);
  EXPECT_EQ(List("entity = \"organizations/south/biobanks/main\"")->entries_size(), 1);
  EXPECT_EQ(List("source = \"auth\" AND type = \"trialog.auth.v1.UserCreated\"")->entries_size(), 5);
  EXPECT_EQ(List("actor.name = \"organizations/south/users/nobody\"")->entries_size(), 0);
  EXPECT_EQ(ReasonOf(List("payload = \"x\"").status()), "BAD_FILTER");

  std::set<std::string> names;
  std::string token;
  absl::Time before = absl::InfiniteFuture();
  do {
    const auto page = List("source = \"inventory\"", "auditor-south", "organizations/south", 4, token);
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_LE(page->entries_size(), 4);
    for (const v1::AuditEntry& entry : page->entries()) {
      EXPECT_TRUE(names.insert(entry.name()).second);
      EXPECT_LE(FromProto(entry.content().record_time()), before);
      before = FromProto(entry.content().record_time());
    }
    token = page->next_page_token();
  } while (!token.empty());
  EXPECT_EQ(names.size(), 11u);

  v1::ListEntriesRequest past;
  past.set_parent("organizations/south");
  *past.mutable_end_time() = ToProto(before);
  EXPECT_EQ(Call<v1::ListEntriesResponse>("ListEntries", past)->entries_size(), 10) << "what auth wrote before";
}

TEST_F(AuditAppTest, EntriesOfAnotherOrganisationDoNotExist) {
  logs.WriteSamples("north", 3);
  logs.WriteSamples("south", 3);
  StartService();
  AwaitCheckpoint(8);
  EXPECT_EQ(List("", "auditor-south")->entries_size(), 4);
  EXPECT_TRUE(absl::IsNotFound(List("", "auditor-south", "organizations/north").status()));
  const auto theirs = List("", "auditor-north", "organizations/north");
  ASSERT_TRUE(theirs.ok()) << theirs.status();
  for (const v1::AuditEntry& entry : theirs->entries()) {
    v1::GetEntryRequest get;
    get.set_name(entry.name());
    EXPECT_TRUE(absl::IsNotFound(Call<v1::GetEntryResponse>("GetEntry", get).status()));
    get.set_name(Cat("organizations/south/auditEntries/", IdOf(entry.name())));
    EXPECT_TRUE(absl::IsNotFound(Call<v1::GetEntryResponse>("GetEntry", get).status()));
    v1::GetInclusionProofRequest prove;
    prove.set_tree_index(entry.tree_index());
    const auto refused = Call<v1::InclusionProof>("GetInclusionProof", prove);
    prove.set_tree_index(1'000'000);
    const auto nobodys = Call<v1::InclusionProof>("GetInclusionProof", prove);
    EXPECT_TRUE(absl::IsNotFound(refused.status()));
    EXPECT_EQ(refused.status().message(), nobodys.status().message());
  }
}

TEST_F(AuditAppTest, AnAuditorSeesWhatIsInScopeAndOthersNothing) {
  logs.WriteUsers("south", 2);
  logs.WriteSamples("south", 3);
  StartService();
  AwaitCheckpoint(8);
  EXPECT_EQ(List("", "auditor-biobank")->entries_size(), 4) << "the biobank and its samples, no accounts";
  for (const std::string token : {"patient", "technician"}) {
    EXPECT_TRUE(absl::IsPermissionDenied(List("", token).status())) << token;
    EXPECT_TRUE(
        absl::IsPermissionDenied(Call<v1::Checkpoint>("GetCheckpoint", v1::GetCheckpointRequest(), token).status()));
  }
}

TEST_F(AuditAppTest, AReadOfTheAuditLogIsRecordedBeforeItIsAnswered) {
  logs.WriteSamples("south", 3);
  StartService();
  AwaitCheckpoint(4);
  ASSERT_TRUE(List("").ok());
  AwaitCheckpoint(5);
  const auto reads = List("source = \"audit\"");
  ASSERT_EQ(reads->entries_size(), 1);
  const v1::EntryContent& content = reads->entries(0).content();
  EXPECT_EQ(content.actor().name(), "organizations/south/users/auditor-south");
  EXPECT_EQ(content.action(), "ListEntries");
  event::v1::Access access;
  ASSERT_TRUE(access.ParseFromString(content.payload()));
  EXPECT_EQ(access.count(), 4);
  EXPECT_EQ(access.outcome(), event::v1::Access::OUTCOME_SHOWN);
}

TEST_F(AuditAppTest, AParticipantSeesWhoReadTheOwnRecordAndNoOther) {
  logs.WriteAccess("south", kPatient);
  logs.WriteAccess("south", "organizations/south/patients/other");
  StartService();
  AwaitCheckpoint(2);
  v1::ListAccessesRequest request;
  request.set_parent("organizations/south");
  const auto own = Call<v1::ListAccessesResponse>("ListAccesses", request, "patient");
  ASSERT_TRUE(own.ok()) << own.status();
  ASSERT_EQ(own->accesses_size(), 1);
  EXPECT_EQ(own->accesses(0).actor().name(), "organizations/south/users/mia");
  EXPECT_EQ(own->accesses(0).source(), "inventory");
  request.set_subject("organizations/south/patients/other");
  EXPECT_TRUE(absl::IsNotFound(Call<v1::ListAccessesResponse>("ListAccesses", request, "patient").status()));
  request.set_subject(kPatient);
  EXPECT_TRUE(absl::IsNotFound(Call<v1::ListAccessesResponse>("ListAccesses", request, "former-patient").status()));
  request.set_subject("organizations/south/patients/p2");
  EXPECT_TRUE(absl::IsNotFound(Call<v1::ListAccessesResponse>("ListAccesses", request, "patient").status()));
  request.set_subject("organizations/south/patients/other");
  EXPECT_EQ(Call<v1::ListAccessesResponse>("ListAccesses", request, "auditor-south")->accesses_size(), 1);
}

TEST_F(AuditAppTest, ASecondStartGoesOnWhereTheFirstEnded) {
  logs.WriteSamples("south", 5);
  StartService();
  const v1::Checkpoint first = AwaitCheckpoint(6);
  StopService();
  logs.WriteSamples("south", 5);
  StartService();
  const v1::Checkpoint second = AwaitCheckpoint(11);
  v1::GetConsistencyProofRequest request;
  request.set_from_size(first.tree_size());
  request.set_to_size(second.tree_size());
  const auto proof = Call<v1::ConsistencyProof>("GetConsistencyProof", request);
  ASSERT_TRUE(proof.ok()) << proof.status();
  EXPECT_TRUE(VerifyConsistency(first.tree_size(), second.tree_size(), first.root(), second.root(),
                                {proof->hashes().begin(), proof->hashes().end()}));
  v1::GetCheckpointRequest again;
  again.set_tree_size(first.tree_size());
  EXPECT_EQ(Call<v1::Checkpoint>("GetCheckpoint", again)->note(), first.note()) << "signed the same way for ever";
}

// How often an event stands in the event log.
int Told(const std::string& lines, std::string_view event) {
  int count = 0;
  for (size_t at = 0; (at = lines.find(Cat("\"event\":\"", event, "\""), at)) != std::string::npos; ++at) ++count;
  return count;
}

TEST_F(AuditAppTest, AFullDiskOfTheTreeIsToldAndWhenThereIsRoomTheSameProcessGoesOn) {
  const auto files = trialog::testing::PowerCutInMemory();
  tree_env = rocksdb::NewCompositeEnv(files);
  logs.WriteSamples("south", 5);
  StartService();
  AwaitCheckpoint(6);
  ::testing::internal::CaptureStderr();
  files->FailWritesAfter(0, rocksdb::IOStatus::NoSpace("simulated"));
  logs.WriteSamples("south", 5);
  AwaitHealth(false);
  EXPECT_EQ(ReasonOf(host->Health()), "DISK_FULL");
  EXPECT_EQ(List("")->entries_size(), 6) << "what is there is read as ever";
  const int64_t tries = files->Operations();  // And a few more before there is room.
  while (files->Operations() < tries + 3) std::this_thread::yield();
  files->ClearFaults();
  AwaitHealth(true);
  AwaitCheckpoint(12);
  const std::string told = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(Told(told, "audit_interrupted"), 1) << told;
  EXPECT_EQ(Told(told, "audit_goes_on"), 1) << told;
  EXPECT_EQ(Told(told, "audit_stopped"), 0) << told;

  StopService();
  auto kept = AuditStore::Open({.path = logs.folder / "tree", .env = tree_env.get()}).value();
  auto rebuilt = AuditStore::Open({.path = logs.folder / "rebuilt"}).value();
  for (AuditStore* store : {kept.get(), rebuilt.get()}) {
    AuditFold fold(logs.log(), *store, LoadAuditKeys(logs.folder / "audit.key", kOrigin)->salt_key);
    ASSERT_TRUE(fold.CatchUp().ok());
  }
  EXPECT_EQ(AuditStore::FirstDifference(*kept, *rebuilt).value(), "");
}

TEST_F(AuditAppTest, ADiskThatDoesNotSyncIsToldOnceAndNothingIsSignedMeanwhile) {
  const auto files = trialog::testing::PowerCutInMemory();
  tree_env = rocksdb::NewCompositeEnv(files);
  StartService();
  ::testing::internal::CaptureStderr();
  files->FailSyncsAfter(0, rocksdb::IOStatus::NoSpace("simulated"));
  logs.WriteSamples("south", 5);
  AwaitHealth(false);
  const int64_t tries = files->Operations();
  while (files->Operations() < tries + 3) std::this_thread::yield();
  EXPECT_FALSE(host->Health().ok());
  EXPECT_TRUE(absl::IsNotFound(Call<v1::Checkpoint>("GetCheckpoint", v1::GetCheckpointRequest()).status()));
  files->ClearFaults();
  AwaitCheckpoint(6);
  AwaitHealth(true);
  const std::string told = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(Told(told, "audit_interrupted"), 1) << told;
  EXPECT_EQ(Told(told, "audit_goes_on"), 1) << told;
}

TEST_F(AuditAppTest, ALogThatIsNotTheOneSignedStopsItForGood) {
  StartService();
  logs.WriteSamples("south", 5);
  AwaitCheckpoint(6);
  ::testing::internal::CaptureStderr();
  logs.Sign(7, std::string(32, 'x'));
  AwaitHealth(false);
  EXPECT_EQ(ReasonOf(host->Health()), "CHECKPOINT_CONFLICT");
  EXPECT_EQ(Told(::testing::internal::GetCapturedStderr(), "audit_stopped"), 1);
}

class OnlineVerification : public AuditAppTest {
 protected:
  void SetUp() override {
    logs.WriteSamples("south", 5);
    StartService();
    AwaitCheckpoint(6);
  }
  OnlineVerifier Verifier() {
    return {*client, [] { return std::string("auditor-south"); },
            LoadAuditKeys(logs.folder / "audit.key", kOrigin)->signer.verifier()};
  }
  // A note signed with the log's own key: what a server that forks its history would have shown.
  void KeepNote(uint64_t size, const std::string& root) {
    const auto keys = LoadAuditKeys(logs.folder / "audit.key", kOrigin).value();
    std::ofstream(kept)
        << sealing::SignNote(CheckpointText({std::string(kOrigin), size, root, {}}), {&keys.signer}).value();
  }
  const std::string kept = logs.folder / "kept-checkpoint";
};

TEST_F(OnlineVerification, FollowsATreeThatOnlyGrows) {
  const auto first = Verifier().CheckpointFollows(kept);
  ASSERT_TRUE(first.ok()) << first.status();
  logs.WriteSamples("south", 5);
  AwaitCheckpoint(11);
  const auto second = Verifier().CheckpointFollows(kept);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_GT(second->size, first->size);
  EXPECT_TRUE(Verifier().CheckpointFollows(kept).ok());
}

TEST_F(OnlineVerification, FindsAForkedAndAShortenedTreeAndKeepsTheEvidence) {
  KeepNote(3, std::string(32, 'x'));
  EXPECT_EQ(ReasonOf(Verifier().CheckpointFollows(kept).status()), "TREE_CHANGED");
  EXPECT_EQ(ReasonOf(Verifier().CheckpointFollows(kept).status()), "TREE_CHANGED");
  KeepNote(1000, std::string(32, 'x'));
  EXPECT_EQ(ReasonOf(Verifier().CheckpointFollows(kept).status()), "TREE_CHANGED");
}

TEST_F(OnlineVerification, RefusesACheckpointOfAnotherKey) {
  const auto stranger =
      sealing::NoteSigner::FromSeed(kOrigin, *sealing::SecretKey::FromBytes(std::string(32, 'z'))).value();
  const OnlineVerifier verifier(
      *client, [] { return std::string("auditor-south"); }, stranger.verifier());
  EXPECT_EQ(ReasonOf(verifier.CheckpointFollows(kept).status()), "NOTE_UNVERIFIED");
}

TEST_F(OnlineVerification, ProvesAnEntry) {
  const auto listed = List("").value();
  for (const v1::AuditEntry& entry : listed.entries()) {
    const auto proven = Verifier().Entry(entry.name());
    ASSERT_TRUE(proven.ok()) << proven.status();
    EXPECT_EQ(proven->response.entry().content().SerializeAsString(), entry.content().SerializeAsString());
  }
}

TEST_F(OnlineVerification, ProvesAllEntriesOrASampleOfThem) {
  const auto checkpoint = Verifier().Latest();
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  const auto all = Verifier().Entries("organizations/south", *checkpoint, nullptr, nullptr, nullptr);
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(all->listed, 6u);
  EXPECT_EQ(all->proven, 6u);
  std::vector<uint64_t> asked;
  const uint64_t sample = 2;
  const auto some = Verifier().Entries(
      "organizations/south", *checkpoint, &sample,
      [&](uint64_t below) {
        asked.push_back(below);
        return below - 1;
      },
      nullptr);
  ASSERT_TRUE(some.ok()) << some.status();
  EXPECT_EQ(some->listed, 6u) << "what came since the checkpoint is left out";
  EXPECT_EQ(some->proven, 2u);
  EXPECT_EQ(asked, (std::vector<uint64_t>{3, 4, 5, 6}));
}

TEST_F(OnlineVerification, EntriesOfAForkedTreeAreFound) {
  Checkpoint forged = Verifier().Latest().value();
  forged.root = std::string(32, 'x');
  const auto found = Verifier().Entries("organizations/south", forged, nullptr, nullptr, nullptr);
  EXPECT_EQ(ReasonOf(found.status()), "TREE_CHANGED") << "its proofs lead to another tree than the checkpoint";
}

}  // namespace
}  // namespace trialog::audit
