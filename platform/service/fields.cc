#include "platform/service/fields.h"

namespace trialog::service {
namespace {

using google::protobuf::FieldDescriptor;

const FieldDescriptor* Find(const google::protobuf::Message& message, std::string_view name,
                            FieldDescriptor::CppType type) {
  const auto* field = message.GetDescriptor()->FindFieldByName(std::string(name));
  return field != nullptr && !field->is_repeated() && field->cpp_type() == type ? field : nullptr;
}

}  // namespace

std::string StringField(const google::protobuf::Message& message, std::string_view name) {
  const auto* field = Find(message, name, FieldDescriptor::CPPTYPE_STRING);
  return field ? message.GetReflection()->GetString(message, field) : std::string();
}

void SetStringField(google::protobuf::Message& message, std::string_view name, std::string_view value) {
  const auto* field = Find(message, name, FieldDescriptor::CPPTYPE_STRING);
  if (field) message.GetReflection()->SetString(&message, field, std::string(value));
}

int64_t IntField(const google::protobuf::Message& message, std::string_view name) {
  if (const auto* field = Find(message, name, FieldDescriptor::CPPTYPE_INT32)) {
    return message.GetReflection()->GetInt32(message, field);
  }
  const auto* field = Find(message, name, FieldDescriptor::CPPTYPE_INT64);
  return field ? message.GetReflection()->GetInt64(message, field) : 0;
}

bool BoolField(const google::protobuf::Message& message, std::string_view name) {
  const auto* field = Find(message, name, FieldDescriptor::CPPTYPE_BOOL);
  return field && message.GetReflection()->GetBool(message, field);
}

void SetTimeField(google::protobuf::Message& message, std::string_view name, const google::protobuf::Timestamp& time) {
  const auto* field = Find(message, name, FieldDescriptor::CPPTYPE_MESSAGE);
  if (!field || field->message_type() != google::protobuf::Timestamp::descriptor()) return;
  message.GetReflection()->MutableMessage(&message, field)->CopyFrom(time);
}

const google::protobuf::Message* MessageField(const google::protobuf::Message& message, std::string_view name) {
  const auto* field = Find(message, name, FieldDescriptor::CPPTYPE_MESSAGE);
  if (!field || !message.GetReflection()->HasField(message, field)) return nullptr;
  return &message.GetReflection()->GetMessage(message, field);
}

const FieldDescriptor* FieldOfType(const google::protobuf::Descriptor& message,
                                   const google::protobuf::Descriptor& type, bool repeated) {
  for (int i = 0; i < message.field_count(); ++i) {
    const auto* field = message.field(i);
    if (field->is_repeated() == repeated && field->message_type() == &type) return field;
  }
  return nullptr;
}

}  // namespace trialog::service
