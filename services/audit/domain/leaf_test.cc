#include "services/audit/domain/leaf.h"

#include "gtest/gtest.h"
#include "leaf_test.pb.h"
#include "platform/command/decision.h"
#include "platform/errors/errors.h"
#include "platform/sealing/digest.h"
#include "platform/sealing/encoding.h"
#include "trialog/audit/v1/events.pb.h"
#include "trialog/event/v1/record.pb.h"

namespace trialog::audit {
namespace {

const sealing::SecretKey& SaltKey() {
  static const auto* key = new sealing::SecretKey(*sealing::SecretKey::FromBytes(std::string(32, 'k')));
  return *key;
}

event::v1::LogRecord Record() {
  event::v1::LogRecord record;
  event::v1::Data& data = *record.mutable_data();
  data.set_command_id("0123456789abcdef");
  data.set_organization("o");
  data.set_method("/trialog.probe.v1.ProbeService/MoveProbe");
  data.mutable_caller()->set_kind(event::v1::Caller::KIND_USER);
  data.mutable_caller()->set_name("organizations/o/users/u");
  data.mutable_record_time()->set_seconds(1'800'000'000);
  return record;
}

void AddMoved(event::v1::LogRecord& record, const std::string& entity) {
  probe::v1::ProbeEvent event;
  event.mutable_probe_moved()->set_place("shelf");
  event::v1::Event& added = *record.mutable_data()->add_events();
  added.set_entity(entity);
  added.set_domain(event.SerializeAsString());
}

std::vector<v1::AuditEntry> Entries(const event::v1::LogRecord& record, std::string_view source = "probe",
                                    int64_t offset = 7) {
  const std::string bytes = record.SerializeAsString();
  auto entries = EntriesOf({source, 3, offset, bytes}, SaltKey());
  EXPECT_TRUE(entries.ok()) << entries.status();
  return entries.ok() ? *std::move(entries) : std::vector<v1::AuditEntry>();
}

TEST(EntriesOf, EachEventOfACommandIsAnEntry) {
  event::v1::LogRecord record = Record();
  AddMoved(record, "organizations/o/probes/p");
  AddMoved(record, "organizations/o/probes/q");
  const auto entries = Entries(record);
  ASSERT_EQ(entries.size(), 2u);
  const v1::EntryContent& content = entries[1].content();
  EXPECT_EQ(content.event_id(), EventId("probe", "o", "0123456789abcdef", 1));
  EXPECT_EQ(entries[1].name(), "organizations/o/auditEntries/" + UuidText(content.event_id()));
  EXPECT_EQ(content.type(), "trialog.probe.v1.ProbeMoved");
  EXPECT_EQ(content.action(), "MoveProbe");
  EXPECT_EQ(content.entity_type(), "probes");
  EXPECT_EQ(content.entity(), "organizations/o/probes/q");
  EXPECT_EQ(content.summary(), "Probe moved: q");
  EXPECT_EQ(content.payload(), record.data().events(1).domain());
  EXPECT_EQ(content.actor().name(), "organizations/o/users/u");
  EXPECT_EQ(content.record_time().seconds(), 1'800'000'000);
  EXPECT_EQ(content.source(), "probe");
  EXPECT_EQ(content.source_position().partition(), 3);
  EXPECT_EQ(content.source_position().offset(), 7);
  EXPECT_EQ(content.source_position().index(), 1);
  EXPECT_EQ(content.organization(), "o");
}

TEST(EntriesOf, ACommandThatChangedNothingIsAnEntry) {
  event::v1::LogRecord record = Record();
  record.mutable_data()->mutable_result()->add_names("organizations/o/probes/p");
  const auto entries = Entries(record);
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].content().summary(), "Move probe: nothing changed");
  EXPECT_EQ(entries[0].content().entity(), "organizations/o/probes/p");
}

TEST(EntriesOf, AnAccessIsAnEntry) {
  event::v1::LogRecord record = Record();
  event::v1::Access& access = *record.mutable_data()->add_events()->mutable_access();
  access.set_method("/trialog.probe.v1.ProbeService/GetProbe");
  access.set_count(2);
  access.set_outcome(event::v1::Access::OUTCOME_SHOWN);
  const auto entries = Entries(record);
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].content().type(), "trialog.event.v1.Access");
  EXPECT_EQ(entries[0].content().summary(), "Personal fields of 2 records shown by GetProbe");
}

TEST(EntriesOf, AnOperatorsSkipIsAnEntry) {
  event::v1::LogRecord record;
  event::v1::Skip& skip = *record.mutable_data()->add_events()->mutable_skip();
  skip.set_offset(41);
  skip.set_ticket("OPS-12");
  const auto entries = Entries(record);
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].content().type(), "trialog.event.v1.Skip");
  EXPECT_EQ(entries[0].content().summary(), "Record skipped by an operator: offset 41");
  event::v1::Skip kept;
  ASSERT_TRUE(kept.ParseFromString(entries[0].content().payload()));
  EXPECT_EQ(kept.ticket(), "OPS-12");
}

TEST(EntriesOf, KindsAndServicesThatThisBuildDoesNotKnowAreEntriesToo) {
  event::v1::LogRecord record = Record();
  AddMoved(record, "organizations/o/probes/p");
  record.mutable_data()->mutable_events(0)->set_domain("\x9a\x06\x00", 3);  // Field 99, empty.
  EXPECT_EQ(Entries(record).at(0).content().type(), "trialog.probe.v1.ProbeEvent");
  EXPECT_EQ(Entries(record, "future").at(0).content().type(), "trialog.future.v1.FutureEvent");
  record.mutable_data()->mutable_events(0)->set_domain("\xff");
  EXPECT_EQ(Entries(record).at(0).content().type(), "trialog.probe.v1.ProbeEvent");
  record.mutable_data()->mutable_events(0)->clear_body();
  EXPECT_EQ(Entries(record).at(0).content().summary(), "Event of an unknown kind: p");
}

TEST(EntriesOf, ClaimsReleasesAndAuditsOwnChoicesAreNoLeaves) {
  event::v1::LogRecord claim, release;
  claim.mutable_claim()->set_term(1);
  release.mutable_release()->set_term(1);
  EXPECT_TRUE(Entries(claim).empty());
  EXPECT_TRUE(Entries(release).empty());
  event::v1::LogRecord record = Record();
  v1::AuditEvent sequenced, signed_event;
  sequenced.mutable_sequenced()->set_to(9);
  signed_event.mutable_checkpoint_signed()->set_size(9);
  record.mutable_data()->add_events()->set_domain(sequenced.SerializeAsString());
  record.mutable_data()->add_events()->set_domain(signed_event.SerializeAsString());
  EXPECT_TRUE(Entries(record, "audit").empty());
}

TEST(EntriesOf, BytesThatAreNoRecordAreALoss) {
  EXPECT_EQ(ReasonOf(EntriesOf({"probe", 0, 0, "\xff\xff"}, SaltKey()).status()), "RECORD_DAMAGED");
}

TEST(Leaf, IsComputedAgainFromItsMaterialAlone) {
  event::v1::LogRecord record = Record();
  AddMoved(record, "organizations/o/probes/p");
  const v1::AuditEntry entry = Entries(record).at(0);
  EXPECT_EQ(entry.material().record_hash(), sealing::Sha256(record.SerializeAsString()));
  EXPECT_TRUE(MaterialHolds(entry));
  v1::AuditEntry changed = entry;
  changed.mutable_content()->mutable_actor()->set_name("organizations/o/users/other");
  EXPECT_FALSE(MaterialHolds(changed));
  for (auto part :
       {&v1::LeafMaterial::mutable_salt, &v1::LeafMaterial::mutable_record_hash, &v1::LeafMaterial::mutable_leaf}) {
    changed = entry;
    (changed.mutable_material()->*part)()->back() ^= 1;
    EXPECT_FALSE(MaterialHolds(changed));
  }
}

TEST(Leaf, EqualEventsAtTwoPlacesHaveUnlikeSaltsAndCommitments) {
  event::v1::LogRecord record = Record();
  AddMoved(record, "organizations/o/probes/p");
  const auto here = Entries(record, "probe", 7).at(0).material(), there = Entries(record, "probe", 8).at(0).material();
  EXPECT_NE(here.salt(), there.salt());
  EXPECT_NE(here.leaf().substr(here.leaf().size() - 32), there.leaf().substr(there.leaf().size() - 32));
}

TEST(Leaf, TellsAStrangerPlaceAndNoiseOnly) {
  event::v1::LogRecord record = Record();
  AddMoved(record, "organizations/o/probes/p");
  const std::string leaf = Entries(record).at(0).material().leaf();
  EXPECT_EQ(leaf.size(), 8u + 5u + 3u * 8u + 32u);
  EXPECT_EQ(sealing::Hex(leaf.substr(0, 37)),
            "000000000000000570726f6265000000000000000300000000000000070000000000000000");
}

TEST(Leaf, GivesTheGoldenBytesOfTheFormat) {
  // docs/formats/leaf.md: roots that others keep depend on these. If this fails, the code is wrong, not the test.
  const std::string salt = LeafSalt(SaltKey(), "inventory", 3, 7, 1);
  EXPECT_EQ(sealing::Hex(salt), "b5a8229b409daf265f36dacaf93d7c34f8ca12716f3ab0111e350c64819e0182");
  EXPECT_EQ(sealing::Hex(LeafOf("inventory", 3, 7, 1, "content", salt, std::string(32, 'h'))),
            "0000000000000009696e76656e746f72790000000000000003000000000000000700000000"
            "00000001fb0e714f3039b59ccc2105da00cf87992b053dccb8d869e3916de867fc68e9e3");
}

}  // namespace
}  // namespace trialog::audit
