// Messages of any type with made-up content, from their descriptors alone: what golden files and fuzzers begin with.
#pragma once

#include <set>

#include "google/protobuf/message.h"

namespace trialog::testing {

// Sets every field of `message`, at any depth, to a value that follows from the field's name and number alone, so that
// it is the same in every run and build: lists get two elements, times and dates exist, a type within itself is filled
// once more and then left empty. Of a oneof, `variant` chooses the member that is set, and of an enum the value:
// variants 0, 1, 2 … together set every member; each thousand combines members within members otherwise.
void Fill(google::protobuf::Message& message, int variant = 0);

using FieldSet = std::set<const google::protobuf::FieldDescriptor*>;

// The fields that are set in `message`, at any depth.
FieldSet FieldsSet(const google::protobuf::Message& message);

// The fields of a type and of all types within it.
FieldSet AllFields(const google::protobuf::Descriptor& type);

// Whether the message holds, at any depth, something that this build does not know.
bool HasUnknownFields(const google::protobuf::Message& message);

}  // namespace trialog::testing
