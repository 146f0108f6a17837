#include "platform/view/public_stream.h"

#include "absl/strings/ascii.h"
#include "platform/command/decision.h"
#include "platform/text/text.h"
#include "trialog/event/v1/sealed.pb.h"
#include "trialog/options.pb.h"

namespace trialog::view {
namespace {

// Clears every sealed part, at any depth.
void ClearSealed(google::protobuf::Message& message) {
  const auto* reflection = message.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const auto* field : fields) {
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (field->message_type() == event::v1::SealedPart::descriptor() ||
        field->message_type() == event::v1::Sealed::descriptor()) {
      reflection->ClearField(&message, field);
    } else if (field->is_repeated()) {
      for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
        ClearSealed(*reflection->MutableRepeatedMessage(&message, field, i));
      }
    } else {
      ClearSealed(*reflection->MutableMessage(&message, field));
    }
  }
}

}  // namespace

const google::protobuf::Message* EventPrototype(std::string_view service) {
  std::string kind(service);
  if (!kind.empty()) kind[0] = absl::ascii_toupper(static_cast<unsigned char>(kind[0]));
  const auto* descriptor = google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(
      Cat("trialog.", service, ".v1.", kind, "Event"));
  return descriptor ? google::protobuf::MessageFactory::generated_factory()->GetPrototype(descriptor) : nullptr;
}

bool HasPublicEvents(const google::protobuf::Message& prototype) {
  const auto* descriptor = prototype.GetDescriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const auto* kind = descriptor->field(i)->message_type();
    if (kind != nullptr && kind->options().GetExtension(trialog::public_event)) return true;
  }
  return false;
}

std::vector<event::v1::PublicEvent> PublicEvents(std::string_view service, const google::protobuf::Message& prototype,
                                                 int partition, int64_t offset, const event::v1::Data& data) {
  std::vector<event::v1::PublicEvent> events;
  std::unique_ptr<google::protobuf::Message> wrapper(prototype.New());
  for (int i = 0; i < data.events_size(); ++i) {
    if (!data.events(i).has_domain() || !wrapper->ParseFromString(data.events(i).domain())) continue;
    const google::protobuf::Message* kind = KindOf(*wrapper);
    if (kind == nullptr || !kind->GetDescriptor()->options().GetExtension(trialog::public_event)) continue;
    std::unique_ptr<google::protobuf::Message> shown(kind->New());
    shown->CopyFrom(*kind);
    ClearSealed(*shown);
    event::v1::PublicEvent& event = events.emplace_back();
    event.set_event_id(EventId(service, data.organization(), data.command_id(), i));
    event.mutable_position()->set_partition(partition);
    event.mutable_position()->set_offset(offset);
    event.mutable_position()->set_index(i);
    event.set_source(std::string(service));
    event.set_type(kind->GetDescriptor()->full_name());
    event.set_subject(data.events(i).entity());
    event.set_organization(data.organization());
    *event.mutable_record_time() = data.record_time();
    shown->SerializeToString(event.mutable_payload());
    event.set_correlation_id(data.command_id());
    event.set_trace(data.trace());
    *event.mutable_caller() = data.caller();
    event.set_causation_id(data.events(i).cause_id());
  }
  return events;
}

}  // namespace trialog::view
