#include "platform/log/admission.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <random>

#include "absl/strings/escaping.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "tests/support/golden.h"

namespace trialog::log {
namespace {

using event::v1::FoldState;
using event::v1::LogRecord;
using google::protobuf::util::MessageDifferencer;

LogRecord Claim(uint64_t term, std::string_view owner) {
  LogRecord record;
  record.mutable_claim()->set_term(term);
  record.mutable_claim()->set_owner(std::string(owner));
  record.mutable_claim()->set_address(Cat(owner, ".example:50051"));
  return record;
}

LogRecord Data(uint64_t term, std::string_view owner, uint64_t seq, std::string_view prev = "") {
  LogRecord record;
  record.mutable_data()->set_term(term);
  record.mutable_data()->set_owner(std::string(owner));
  record.mutable_data()->set_seq(seq);
  record.mutable_data()->set_prev(std::string(prev));
  record.mutable_data()->mutable_record_time()->set_seconds(static_cast<int64_t>(1000 * term + seq));
  return record;
}

LogRecord Release(uint64_t term, std::string_view owner, uint64_t seq) {
  LogRecord record;
  record.mutable_release()->set_term(term);
  record.mutable_release()->set_owner(std::string(owner));
  record.mutable_release()->set_seq(seq);
  return record;
}

Verdict Next(FoldState& state, const LogRecord& record) {
  return Admit(state, record, record.SerializeAsString(), state.next_offset());
}

FoldState FoldAll(const std::vector<LogRecord>& records, FoldState state = {}) {
  for (const LogRecord& record : records) Next(state, record);
  return state;
}

struct Row {
  const char* what;
  std::vector<LogRecord> before;
  LogRecord record;
  Verdict verdict;
};

TEST(Admit, DecidesByTermOwnerAndSequenceAlone) {
  const Row table[] = {
      {"first claim", {}, Claim(1, "a"), Verdict::kClaimed},
      {"claim of term 0", {}, Claim(0, "a"), Verdict::kClaimLost},
      {"higher claim", {Claim(1, "a")}, Claim(2, "b"), Verdict::kClaimed},
      {"claim that jumps", {Claim(1, "a")}, Claim(9, "b"), Verdict::kClaimed},
      {"of equal terms the first wins", {Claim(1, "a")}, Claim(1, "b"), Verdict::kClaimLost},
      {"the owner's claim again", {Claim(1, "a")}, Claim(1, "a"), Verdict::kClaimLost},
      {"lower claim", {Claim(3, "a")}, Claim(2, "b"), Verdict::kClaimLost},
      {"data before any claim", {}, Data(0, "", 0), Verdict::kStale},
      {"data of the owner", {Claim(1, "a")}, Data(1, "a", 1), Verdict::kAdmitted},
      {"data of the loser of a term", {Claim(1, "a"), Claim(1, "b")}, Data(1, "b", 1), Verdict::kStale},
      {"data of a fenced writer", {Claim(1, "a"), Claim(2, "b")}, Data(1, "a", 1), Verdict::kStale},
      {"data that landed twice", {Claim(1, "a"), Data(1, "a", 1)}, Data(1, "a", 1), Verdict::kDuplicate},
      {"sequence 0", {Claim(1, "a")}, Data(1, "a", 0), Verdict::kDuplicate},
      {"data behind a lost one", {Claim(1, "a")}, Data(1, "a", 2), Verdict::kGap},
      {"data after a gap was ignored", {Claim(1, "a"), Data(1, "a", 2)}, Data(1, "a", 1), Verdict::kAdmitted},
      {"the sequence begins again with the term",
       {Claim(1, "a"), Data(1, "a", 1), Claim(2, "b")},
       Data(2, "b", 1),
       Verdict::kAdmitted},
      {"data of a term nobody claimed", {Claim(1, "a")}, Data(2, "a", 1), Verdict::kGap},
      {"release", {Claim(1, "a"), Data(1, "a", 1)}, Release(1, "a", 2), Verdict::kReleased},
      {"release that overtook data", {Claim(1, "a")}, Release(1, "a", 2), Verdict::kGap},
      {"release of a fenced writer", {Claim(1, "a"), Claim(2, "b")}, Release(1, "a", 1), Verdict::kStale},
      {"data after the release", {Claim(1, "a"), Release(1, "a", 1)}, Data(1, "a", 2), Verdict::kStale},
      {"data of nobody after the release", {Claim(1, "a"), Release(1, "a", 1)}, Data(1, "", 2), Verdict::kStale},
      {"claim after the release", {Claim(1, "a"), Release(1, "a", 1)}, Claim(2, "a"), Verdict::kClaimed},
      {"no kind", {Claim(1, "a")}, LogRecord(), Verdict::kUnknown},
  };
  for (const Row& row : table) {
    FoldState state = FoldAll(row.before);
    EXPECT_EQ(Name(Next(state, row.record)), Name(row.verdict)) << row.what;
    EXPECT_EQ(state.next_offset(), static_cast<int64_t>(row.before.size()) + 1) << row.what;
  }
}

TEST(Admit, ClaimSetsTermOwnerAddressAndWhereItStands) {
  FoldState state = FoldAll({Claim(1, "a"), Data(1, "a", 1)});
  const LogRecord claim = Claim(2, "b");
  EXPECT_EQ(Admit(state, claim, claim.SerializeAsString(), 17), Verdict::kClaimed);
  EXPECT_EQ(state.term(), 2u);
  EXPECT_EQ(state.owner(), "b");
  EXPECT_EQ(state.address(), "b.example:50051");
  EXPECT_EQ(state.next_seq(), 1u);
  EXPECT_EQ(state.claim_offset(), 17);
  EXPECT_EQ(state.next_offset(), 18);
  EXPECT_EQ(state.alarms(), 0u);
}

TEST(Admit, IgnoredRecordsAreCountedByReasonAndChangeNothingElse) {
  FoldState state = FoldAll({Claim(1, "a"), Data(1, "a", 1)});
  FoldState expected = state;
  Next(state, Data(1, "b", 2));
  Next(state, Data(1, "a", 1));
  Next(state, Data(1, "a", 3));
  Next(state, Claim(1, "c"));
  expected.set_next_offset(6);
  expected.set_ignored_stale(1);
  expected.set_ignored_duplicate(1);
  expected.set_ignored_gap(1);
  EXPECT_TRUE(MessageDifferencer::Equals(state, expected)) << state.DebugString();
}

TEST(Admit, ReleaseLeavesTheTermWithoutOwner) {
  const FoldState state = FoldAll({Claim(1, "a"), Release(1, "a", 1)});
  EXPECT_EQ(state.owner(), "");
  EXPECT_EQ(state.address(), "");
  EXPECT_EQ(state.term(), 1u);
}

TEST(Admit, KeepsTheHashTimeAndNumberOfAdmittedData) {
  FoldState state = FoldAll({Claim(1, "a")});
  const LogRecord data = Data(1, "a", 1);
  Next(state, data);
  EXPECT_EQ(state.last_hash(), RecordHash(data.SerializeAsString()));
  EXPECT_EQ(state.record_time().seconds(), 1001);
  EXPECT_EQ(state.admitted(), 1u);
}

TEST(Admit, HashIsSha256OfTheStoredBytes) {  // FIPS 180-2, appendix B.1.
  EXPECT_EQ(absl::BytesToHexString(RecordHash("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Admit, ClaimThatJumpsRaisesAnAlarmAndCountsAllTheSame) {
  FoldState state = FoldAll({Claim(1, "a")});
  EXPECT_EQ(Next(state, Claim(3, "b")), Verdict::kClaimed);
  EXPECT_EQ(state.alarms(), 1u);
  FoldState fresh;
  EXPECT_EQ(Next(fresh, Claim(2, "b")), Verdict::kClaimed);
  EXPECT_EQ(fresh.alarms(), 1u);
}

TEST(Admit, BrokenChainOfHashesRaisesAnAlarmAndCountsAllTheSame) {
  FoldState state = FoldAll({Claim(1, "a"), Data(1, "a", 1)});
  EXPECT_EQ(state.alarms(), 0u);
  EXPECT_EQ(Next(state, Data(1, "a", 2, "not the hash")), Verdict::kAdmitted);
  EXPECT_EQ(state.alarms(), 1u);
  EXPECT_EQ(Next(state, Data(1, "a", 3, state.last_hash())), Verdict::kAdmitted);
  EXPECT_EQ(state.alarms(), 1u);
}

TEST(Admit, ChainRunsAcrossClaimsSoThatALossBeforeAClaimShows) {
  const LogRecord lost = Data(1, "a", 2, FoldAll({Claim(1, "a"), Data(1, "a", 1)}).last_hash());
  const FoldState writer = FoldAll({Claim(1, "a"), Data(1, "a", 1), lost, Claim(2, "b")});
  FoldState reader = FoldAll({Claim(1, "a"), Data(1, "a", 1), Claim(2, "b")});
  EXPECT_EQ(Next(reader, Data(2, "b", 1, writer.last_hash())), Verdict::kAdmitted);
  EXPECT_EQ(reader.alarms(), 1u);
}

// Writers that know of each other only through what landed, records that land late, twice, or never.
std::vector<LogRecord> RandomLog(std::mt19937_64& random, int length) {
  const auto pick = [&](uint64_t n) { return random() % n; };
  std::vector<LogRecord> log, sent;
  FoldState seen[3];
  for (int attempt = 0; static_cast<int>(log.size()) < length; ++attempt) {
    FoldState& mine = seen[pick(3)];
    if (pick(3) == 0) mine = FoldAll(log);
    if (pick(6) == 0) {
      sent.push_back(Claim(mine.term() + 1, Cat("owner", attempt)));
    } else if (pick(12) == 0) {
      sent.push_back(Release(mine.term(), mine.owner(), mine.next_seq()));
    } else {
      sent.push_back(Data(mine.term(), mine.owner(), mine.next_seq() + pick(2), mine.last_hash()));
    }
    while (!sent.empty() && pick(3) != 0) {
      const size_t i = pick(sent.size());
      if (pick(8) != 0) log.push_back(sent[i]);
      if (pick(8) != 0) sent.erase(sent.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
  return log;
}

TEST(Admit, FoldOfPrefixAndRestIsTheFoldOfTheWhole) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 random(seed);
    const std::vector<LogRecord> log = RandomLog(random, 60);
    const FoldState whole = FoldAll(log);
    const auto cut = log.begin() + static_cast<std::ptrdiff_t>(random() % (log.size() + 1));
    FoldState stored;
    ASSERT_TRUE(stored.ParseFromString(FoldAll({log.begin(), cut}).SerializeAsString()));
    ASSERT_TRUE(MessageDifferencer::Equals(FoldAll({cut, log.end()}, stored), whole)) << "seed " << seed;
  }
}

TEST(Admit, AdmitsEachTermsRecordsOfOneOwnerInSequenceWhateverLands) {
  int admitted = 0, ignored = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 random(seed);
    FoldState state;
    uint64_t term = 0, expected_seq = 0;
    std::string owner;
    bool released = true;
    for (const LogRecord& record : RandomLog(random, 60)) {
      const Verdict verdict = Next(state, record);
      if (verdict == Verdict::kClaimed) {
        ASSERT_GT(record.claim().term(), term) << "seed " << seed;
        term = record.claim().term(), owner = record.claim().owner(), expected_seq = 1, released = false;
      } else if (Counts(verdict)) {
        ASSERT_FALSE(released) << "seed " << seed;
        const bool data = verdict == Verdict::kAdmitted;
        ASSERT_EQ(data ? record.data().term() : record.release().term(), term) << "seed " << seed;
        ASSERT_EQ(data ? record.data().owner() : record.release().owner(), owner) << "seed " << seed;
        ASSERT_EQ(data ? record.data().seq() : record.release().seq(), expected_seq++) << "seed " << seed;
        released = !data;
        ++admitted;
      } else {
        ++ignored;
      }
    }
  }
  EXPECT_GT(admitted, 1000);
  EXPECT_GT(ignored, 1000);
}

TEST(ParseRecord, RefusesBytesThatAreNoRecordAndKindsItDoesNotKnow) {
  EXPECT_EQ(ReasonOf(ParseRecord("\x0a\xff", 5).status()), "LOG_RECORD_UNREADABLE");
  EXPECT_EQ(ReasonOf(ParseRecord("", 5).status()), "LOG_RECORD_KIND_UNKNOWN");
  EXPECT_EQ(ReasonOf(ParseRecord(std::string("\x7a\x00", 2), 5).status()), "LOG_RECORD_KIND_UNKNOWN");  // Field 15.
  EXPECT_TRUE(ParseRecord(Claim(1, "a").SerializeAsString(), 5).ok());
}

// One record of each kind with every field set, as docs/formats/log-record.md shows them.
std::vector<std::pair<std::string, LogRecord>> GoldenRecords() {
  LogRecord claim;
  claim.mutable_claim()->set_term(7);
  claim.mutable_claim()->set_owner("0123456789abcdef");
  claim.mutable_claim()->set_address("inventory-0:50051");
  claim.mutable_claim()->mutable_record_time()->set_seconds(1'767'225'600);
  claim.mutable_claim()->mutable_record_time()->set_nanos(5'000'000);

  LogRecord data;
  auto& d = *data.mutable_data();
  d.set_term(7);
  d.set_owner("0123456789abcdef");
  d.set_seq(1);
  d.set_prev(RecordHash("abc"));
  d.set_command_id("command-id-16-by");
  d.set_request_key("request-key");
  d.set_request_mac("request-mac");
  d.mutable_caller()->set_kind(event::v1::Caller::KIND_USER);
  d.mutable_caller()->set_name("organizations/o/users/u");
  d.mutable_caller()->set_on_behalf_by("trials");
  d.mutable_caller()->set_session("session");
  d.mutable_record_time()->set_seconds(1'767'225'601);
  d.set_trace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  d.set_organization("o");
  d.set_method("trialog.inventory.v1.SampleService/CreateSample");
  auto& event = *d.add_events();
  event.set_entity("organizations/o/biobanks/b/samples/s");
  event.set_domain("domain event");
  auto& read = *d.add_events();
  read.set_entity("organizations/o/biobanks/b/samples/s");
  read.mutable_access()->set_purpose("CARE");
  read.mutable_access()->set_method("trialog.inventory.v1.SampleService/GetSample");
  read.mutable_access()->add_subjects("organizations/o/biobanks/b/samples/s");
  read.mutable_access()->set_count(1);
  read.mutable_access()->set_outcome(event::v1::Access::OUTCOME_SHOWN);
  d.mutable_result()->add_names("organizations/o/biobanks/b/samples/s");
  d.mutable_cause()->set_source("auth");
  d.mutable_cause()->mutable_position()->set_partition(3);
  d.mutable_cause()->mutable_position()->set_offset(42);
  d.mutable_cause()->mutable_position()->set_index(1);
  d.mutable_grants_position()->set_partition(3);
  d.mutable_grants_position()->set_offset(41);

  LogRecord skip;
  skip.mutable_data()->set_term(7);
  skip.mutable_data()->set_owner("0123456789abcdef");
  skip.mutable_data()->set_seq(2);
  skip.mutable_data()->set_method("operator.skip");
  auto& skips = *skip.mutable_data()->add_events()->mutable_skip();
  skips.set_offset(41);
  skips.set_record_hash(RecordHash("abc"));
  skips.set_ticket("OPS-12");

  LogRecord release;
  release.mutable_release()->set_term(7);
  release.mutable_release()->set_owner("0123456789abcdef");
  release.mutable_release()->set_seq(2);
  return {{"claim", claim}, {"data", data}, {"release", release}, {"skip", skip}};
}

TEST(LogRecordFormat, BytesOfEachKindNeverChange) {
  constexpr char kGolden[] = "platform/log/testdata/records.golden";
  trialog::testing::GoldenLines lines;
  for (const auto& [kind, record] : GoldenRecords()) lines[kind] = absl::BytesToHexString(record.SerializeAsString());
  trialog::testing::ExpectGolden(kGolden, lines);
  const auto golden = trialog::testing::ReadGolden(kGolden);
  for (const auto& [kind, record] : GoldenRecords()) {
    const auto parsed = ParseRecord(absl::HexStringToBytes(golden.at(kind)), 0);
    EXPECT_TRUE(parsed.ok() && MessageDifferencer::Equals(*parsed, record)) << kind;
  }
}

}  // namespace
}  // namespace trialog::log
