#include "services/audit/domain/leaf.h"

#include <map>
#include <memory>

#include "absl/strings/ascii.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "platform/command/decision.h"
#include "platform/errors/errors.h"
#include "platform/sealing/digest.h"
#include "platform/text/text.h"
#include "services/audit/domain/summary.h"
#include "trialog/audit/v1/events.pb.h"
#include "trialog/event/v1/record.pb.h"

namespace trialog::audit {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::Message;
using sealing::AppendLengthPrefixed;

// Part of the stored format: do not change.
constexpr std::string_view kSaltPrefix = "trialog.audit.salt.v1";
constexpr std::string_view kCommitmentPrefix = "trialog.audit.commitment.v1";
constexpr std::string_view kAccessType = "trialog.event.v1.Access";
constexpr std::string_view kSkipType = "trialog.event.v1.Skip";
constexpr std::string_view kNoEventType = "trialog.event.v1.Data";

void AppendPlace(std::string& out, std::string_view source, int32_t partition, int64_t offset, int32_t index) {
  AppendLengthPrefixed(out, source);
  for (const int64_t number : {int64_t{partition}, offset, int64_t{index}})
    out += view::OrderedBytes(static_cast<uint64_t>(number));
}

std::string SerializeDeterministic(const Message& message) {
  std::string out;
  out.reserve(message.ByteSizeLong());
  {
    google::protobuf::io::StringOutputStream stream(&out);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return out;
}

// "inventory" → "trialog.inventory.v1.InventoryEvent".
std::string EventMessageOf(std::string_view source) {
  std::string name = Cat("trialog.", source, ".v1.", source, "Event");
  char& first = name[name.size() - source.size() - sizeof("Event") + 1];
  first = absl::ascii_toupper(static_cast<unsigned char>(first));
  return name;
}

// A service's event message: its name, and an object to parse into, kept for its memory. Null when it is not linked.
struct Wrapper {
  explicit Wrapper(std::string_view source) : name(EventMessageOf(source)) {
    const Descriptor* type = google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(name);
    if (type != nullptr) event.reset(google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
  }
  const std::string name;
  std::unique_ptr<Message> event;
};

// The full name of the kind in a service's event message, or the message's own when this build does not know the kind.
std::string DomainType(std::string_view source, const std::string& bytes) {
  thread_local std::map<std::string, Wrapper, std::less<>> wrappers;
  auto wrapper = wrappers.find(source);
  if (wrapper == wrappers.end()) wrapper = wrappers.try_emplace(std::string(source), source).first;
  Message* event = wrapper->second.event.get();
  if (event == nullptr || !event->ParseFromString(bytes)) return wrapper->second.name;
  const std::string_view kind = TypeOf(*event);
  return kind.empty() ? wrapper->second.name : std::string(kind);
}

// Audit's choices are not leaves: each would call for the next.
bool IsLeaf(std::string_view type) {
  return type != v1::Sequenced::descriptor()->full_name() && type != v1::CheckpointSigned::descriptor()->full_name();
}

// What the entries of one command share.
v1::EntryContent ContentOf(const SourceRecord& record, const event::v1::Data& data, int32_t index) {
  v1::EntryContent content;
  content.set_event_id(EventId(record.source, data.organization(), data.command_id(), index));
  *content.mutable_actor() = data.caller();
  content.set_action(std::string(ActionOf(data.method())));
  *content.mutable_record_time() = data.record_time();
  content.set_source(std::string(record.source));
  content.mutable_source_position()->set_partition(record.partition);
  content.mutable_source_position()->set_offset(record.offset);
  content.mutable_source_position()->set_index(index);
  content.set_organization(data.organization());
  content.set_command_id(data.command_id());
  return content;
}

void SetEntity(v1::EntryContent& content, const std::string& entity) {
  content.set_entity(entity);
  const std::vector<std::string_view> segments = Split(entity, '/');
  if (segments.size() >= 2) content.set_entity_type(std::string(segments[segments.size() - 2]));
}

void SetEvent(v1::EntryContent& content, std::string_view source, const event::v1::Event& event) {
  SetEntity(content, event.entity());
  switch (event.body_case()) {
    case event::v1::Event::kDomain:
      content.set_type(DomainType(source, event.domain()));
      content.set_summary(Summarize(content.type(), event.entity()));
      content.set_payload(event.domain());
      break;
    case event::v1::Event::kAccess:
      content.set_type(std::string(kAccessType));
      content.set_summary(SummarizeAccess(event.access()));
      content.set_payload(SerializeDeterministic(event.access()));
      break;
    case event::v1::Event::kSkip:
      content.set_type(std::string(kSkipType));
      content.set_summary(Cat("Record skipped by an operator: offset ", event.skip().offset()));
      content.set_payload(SerializeDeterministic(event.skip()));
      break;
    case event::v1::Event::BODY_NOT_SET:
      content.set_summary(Summarize("", event.entity()));
      break;
  }
}

v1::AuditEntry Entry(v1::EntryContent content, std::string_view record_hash, const sealing::SecretKey& salt_key) {
  v1::AuditEntry entry;
  entry.set_name(Cat("organizations/", content.organization(), "/auditEntries/", UuidText(content.event_id())));
  const event::v1::Position& place = content.source_position();
  v1::LeafMaterial& material = *entry.mutable_material();
  material.set_content(SerializeDeterministic(content));
  material.set_salt(LeafSalt(salt_key, content.source(), place.partition(), place.offset(), place.index()));
  material.set_record_hash(std::string(record_hash));
  material.set_leaf(LeafOf(content.source(), place.partition(), place.offset(), place.index(), material.content(),
                           material.salt(), record_hash));
  *entry.mutable_content() = std::move(content);
  return entry;
}

}  // namespace

absl::StatusOr<std::vector<v1::AuditEntry>> EntriesOf(const SourceRecord& record, const sealing::SecretKey& salt_key) {
  event::v1::LogRecord parsed;
  if (!parsed.ParseFromArray(record.bytes.data(), static_cast<int>(record.bytes.size()))) {
    return Refuse(
        absl::StatusCode::kDataLoss, "RECORD_DAMAGED",
        Cat("offset ", record.offset, " of partition ", record.partition, " of ", record.source, " is no record"));
  }
  if (!parsed.has_data()) return std::vector<v1::AuditEntry>();
  return EntriesOf(record, parsed.data(), sealing::Sha256(record.bytes), salt_key);
}

std::vector<v1::AuditEntry> EntriesOf(const SourceRecord& record, const event::v1::Data& data,
                                      std::string_view record_hash, const sealing::SecretKey& salt_key) {
  std::vector<v1::AuditEntry> entries;
  for (int32_t index = 0; index < data.events_size(); ++index) {
    v1::EntryContent content = ContentOf(record, data, index);
    SetEvent(content, record.source, data.events(index));
    if (IsLeaf(content.type())) entries.push_back(Entry(std::move(content), record_hash, salt_key));
  }
  if (data.events().empty()) {
    v1::EntryContent content = ContentOf(record, data, 0);
    if (data.result().names_size() > 0) SetEntity(content, data.result().names(0));
    content.set_type(std::string(kNoEventType));
    content.set_summary(Cat(Words(content.action()), ": nothing changed"));
    entries.push_back(Entry(std::move(content), record_hash, salt_key));
  }
  return entries;
}

std::string LeafSalt(const sealing::SecretKey& salt_key, std::string_view source, int32_t partition, int64_t offset,
                     int32_t index) {
  std::string place(kSaltPrefix);
  AppendPlace(place, source, partition, offset, index);
  return sealing::HmacSha256(salt_key.bytes(), place);
}

std::string LeafOf(std::string_view source, int32_t partition, int64_t offset, int32_t index, std::string_view content,
                   std::string_view salt, std::string_view record_hash) {
  std::string committed(kCommitmentPrefix);
  AppendLengthPrefixed(committed, content);
  AppendLengthPrefixed(committed, record_hash);
  std::string leaf;
  AppendPlace(leaf, source, partition, offset, index);
  return leaf + sealing::HmacSha256(salt, committed);
}

bool MaterialHolds(const v1::AuditEntry& entry) {
  const v1::LeafMaterial& material = entry.material();
  const event::v1::Position& place = entry.content().source_position();
  return material.content() == SerializeDeterministic(entry.content()) &&
         material.leaf() == LeafOf(entry.content().source(), place.partition(), place.offset(), place.index(),
                                   material.content(), material.salt(), material.record_hash());
}

}  // namespace trialog::audit
