// Reads google.api.field_behavior. Internal to platform/rpc.
#pragma once

#include "google/api/field_behavior.pb.h"
#include "google/protobuf/descriptor.h"

namespace trialog::rpc {

inline bool Behaves(const google::protobuf::FieldDescriptor& field, google::api::FieldBehavior behavior) {
  const auto& options = field.options();
  const int count = options.ExtensionSize(google::api::field_behavior);
  for (int i = 0; i < count; ++i)
    if (options.GetExtension(google::api::field_behavior, i) == behavior) return true;
  return false;
}

}  // namespace trialog::rpc
