// Events are stored for ever: what was once written reads the same in every later build. For each kind of each service
// a file holds events of that kind, of each version, and one list holds all fields and enum values ever stored.
#include <gtest/gtest.h>

#include <filesystem>

#include "absl/strings/escaping.h"
#include "platform/text/text.h"
#include "tests/support/filled_message.h"
#include "tests/support/golden.h"
#include "trialog/analytics/v1/events.pb.h"
#include "trialog/analytics/v1/result.pb.h"
#include "trialog/audit/v1/entry.pb.h"
#include "trialog/audit/v1/events.pb.h"
#include "trialog/auth/v1/events.pb.h"
#include "trialog/auth/v1/signing_key.pb.h"
#include "trialog/event/v1/fold.pb.h"
#include "trialog/event/v1/note.pb.h"
#include "trialog/event/v1/record.pb.h"
#include "trialog/event/v1/row.pb.h"
#include "trialog/inventory/v1/events.pb.h"
#include "trialog/trials/v1/events.pb.h"

namespace trialog::testing {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr std::string_view kFolder = "tests/golden/testdata";
// No type has more members in a oneof, or values in an enum, below a kind.
constexpr int kVariants = 64;

std::vector<const Message*> EventMessages() {
  return {&analytics::v1::AnalyticsEvent::default_instance(), &audit::v1::AuditEvent::default_instance(),
          &auth::v1::AuthEvent::default_instance(), &inventory::v1::InventoryEvent::default_instance(),
          &trials::v1::TrialsEvent::default_instance()};
}

// What else stands in logs, stores and blobs; rows hold the resources that the events do, or these.
std::vector<const Descriptor*> OtherStoredTypes() {
  return {event::v1::LogRecord::descriptor(),    event::v1::FoldState::descriptor(),
          event::v1::Row::descriptor(),          event::v1::RecordNote::descriptor(),
          event::v1::PublicEvent::descriptor(),  audit::v1::LeafMaterial::descriptor(),
          audit::v1::EntryContent::descriptor(), audit::v1::Checkpoint::descriptor(),
          analytics::v1::DataRows::descriptor(), analytics::v1::AnalysisResult::descriptor()};
}

const google::protobuf::OneofDescriptor& Kinds(const Message& event) { return *event.GetDescriptor()->oneof_decl(0); }

// An event of one kind with made-up content.
std::string MadeUp(const Message& prototype, const FieldDescriptor& kind, int variant) {
  const std::unique_ptr<Message> event(prototype.New());
  Fill(*event->GetReflection()->MutableMessage(event.get(), &kind), variant);
  return event->SerializeAsString();
}

// Events that together set every field of the kind, those on file first.
GoldenLines Completed(const Message& prototype, const FieldDescriptor& kind, GoldenLines lines) {
  const FieldSet all = AllFields(*kind.message_type());
  FieldSet covered;
  const auto cover = [&](const std::string& bytes) {
    const std::unique_ptr<Message> event(prototype.New());
    EXPECT_TRUE(event->ParseFromString(bytes));
    const size_t before = covered.size();
    covered.merge(FieldsSet(*event));
    return covered.size() > before;
  };
  for (const auto& [name, hex] : lines) cover(absl::HexStringToBytes(hex));
  for (int variant = 0; variant < kVariants && !std::includes(covered.begin(), covered.end(), all.begin(), all.end());
       ++variant) {
    const std::string bytes = MadeUp(prototype, kind, variant);
    if (cover(bytes)) lines.emplace(Cat(lines.size() + 1), absl::BytesToHexString(bytes));
  }
  EXPECT_TRUE(std::includes(covered.begin(), covered.end(), all.begin(), all.end()))
      << kind.full_name() << " has a field that no made-up event sets";
  return lines;
}

TEST(EventFormat, EachKindReadsAsItWasWritten) {
  for (const Message* prototype : EventMessages()) {
    const auto& kinds = Kinds(*prototype);
    for (int i = 0; i < kinds.field_count(); ++i) {
      const FieldDescriptor& kind = *kinds.field(i);
      SCOPED_TRACE(kind.full_name());
      const std::string path = Cat(kFolder, "/events/", kind.message_type()->full_name());
      const GoldenLines golden = ReadGolden(path);
      for (const auto& [version, hex] : golden) {
        const std::string bytes = absl::HexStringToBytes(hex);
        const std::unique_ptr<Message> event(prototype->New());
        ASSERT_TRUE(event->ParseFromString(bytes)) << "version " << version;
        EXPECT_EQ(event->GetReflection()->GetOneofFieldDescriptor(*event, &kinds), &kind);
        EXPECT_FALSE(HasUnknownFields(*event)) << "a field of version " << version << " is gone";
        EXPECT_EQ(absl::BytesToHexString(event->SerializeAsString()), hex) << "version " << version;
      }
      // A new field needs an event that has it.
      ExpectGolden(path, Completed(*prototype, kind, golden));
    }
  }
}

TEST(EventFormat, NoKindOnFileIsGone) {
  std::set<std::string> kinds;
  for (const Message* prototype : EventMessages()) {
    for (int i = 0; i < Kinds(*prototype).field_count(); ++i)
      kinds.insert(Kinds(*prototype).field(i)->message_type()->full_name());
  }
  EXPECT_GT(kinds.size(), 100u);
  for (const auto& file : std::filesystem::directory_iterator(std::string(kFolder) + "/events")) {
    EXPECT_TRUE(kinds.contains(file.path().filename())) << file.path() << " is of a kind that no build knows any more";
  }
}

class Declarations {
 public:
  void Add(const Descriptor& type) {
    if (!seen_.insert(&type).second) return;
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      std::string line = Cat(field.number(), " ", field.type_name());
      if (field.message_type() != nullptr) Append(line, " ", field.message_type()->full_name());
      if (field.enum_type() != nullptr) Append(line, " ", field.enum_type()->full_name());
      if (field.is_repeated()) Append(line, " repeated");
      if (field.real_containing_oneof() != nullptr) Append(line, " of ", field.real_containing_oneof()->name());
      lines_.emplace(field.full_name(), line);
      EXPECT_FALSE(field.is_map()) << field.full_name() << ": the order of a map's bytes is not defined";
      if (field.message_type() != nullptr) Add(*field.message_type());
      if (field.enum_type() != nullptr) Add(*field.enum_type());
    }
  }
  const GoldenLines& lines() const { return lines_; }

 private:
  void Add(const EnumDescriptor& type) {
    for (int i = 0; i < type.value_count(); ++i)
      lines_.emplace(Cat(type.full_name(), ".", type.value(i)->name()), Cat(type.value(i)->number()));
  }
  std::set<const Descriptor*> seen_;
  GoldenLines lines_;
};

TEST(EventFormat, NoFieldOrValueIsRenumberedOrOfAnotherType) {
  Declarations declarations;
  for (const Message* prototype : EventMessages()) declarations.Add(*prototype->GetDescriptor());
  for (const Descriptor* type : OtherStoredTypes()) declarations.Add(*type);
  ExpectGolden(Cat(kFolder, "/declarations"), declarations.lines());
}

}  // namespace
}  // namespace trialog::testing
