// Standard fields of AIP requests and resources, found by reflection: the handlers of all resources are one piece of
// code.
#pragma once

#include <string>
#include <string_view>

#include "google/protobuf/message.h"
#include "google/protobuf/timestamp.pb.h"

namespace trialog::service {

// A singular string field; empty when there is none of that name.
std::string StringField(const google::protobuf::Message& message, std::string_view field);
// Does nothing when there is no such field.
void SetStringField(google::protobuf::Message& message, std::string_view field, std::string_view value);
int64_t IntField(const google::protobuf::Message& message, std::string_view field);
bool BoolField(const google::protobuf::Message& message, std::string_view field);
void SetTimeField(google::protobuf::Message& message, std::string_view field, const google::protobuf::Timestamp& time);
// Null when there is no such field or it is not set.
const google::protobuf::Message* MessageField(const google::protobuf::Message& message, std::string_view field);

// The first field, singular or repeated as asked, whose message type is `type`; null when there is none.
const google::protobuf::FieldDescriptor* FieldOfType(const google::protobuf::Descriptor& message,
                                                     const google::protobuf::Descriptor& type, bool repeated);

}  // namespace trialog::service
