#include "platform/rpc/resource.h"

#include <algorithm>

#include "google/protobuf/util/field_mask_util.h"
#include "platform/errors/errors.h"
#include "platform/rpc/field_behavior.h"
#include "platform/text/text.h"

namespace trialog::rpc {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

bool IsChangeable(const FieldDescriptor& field) {
  return !IsServerSet(field) && !Behaves(field, google::api::IMMUTABLE);
}

bool IsSet(const Message& message, const FieldDescriptor& field) {
  const auto& reflection = *message.GetReflection();
  return field.is_repeated() ? reflection.FieldSize(message, &field) > 0 : reflection.HasField(message, &field);
}

absl::Status CheckPath(const google::protobuf::Descriptor& type, const std::string& path) {
  const auto bad = [&](std::string_view why) {
    return BadField("update_mask", "BAD_UPDATE_MASK", Cat("'", path.substr(0, 128), "' ", why));
  };
  const auto parts = Split(path, '.');
  if (parts.size() > 2) return bad("is nested too deep: name the message as a whole");
  const FieldDescriptor* outer = type.FindFieldByName(std::string(parts[0]));
  if (outer == nullptr) return bad("is not a field");
  if (!IsChangeable(*outer)) return bad("cannot be changed by callers");
  if (parts.size() == 1) return absl::OkStatus();
  if (outer->message_type() == nullptr || outer->is_repeated()) return bad("has no fields to name");
  const FieldDescriptor* inner = outer->message_type()->FindFieldByName(std::string(parts[1]));
  if (inner == nullptr) return bad("is not a field");
  if (!IsChangeable(*inner)) return bad("cannot be changed by callers");
  return absl::OkStatus();
}

}  // namespace

bool IsServerSet(const FieldDescriptor& field) {
  static constexpr std::string_view kServers[] = {"name", "uid", "create_time", "update_time", "etag"};
  if (Behaves(field, google::api::OUTPUT_ONLY)) return true;
  // Only a resource has these; a nested message may have a field called name of its own.
  const bool resource = field.containing_type()->FindFieldByName("etag") != nullptr;
  return resource && std::find(std::begin(kServers), std::end(kServers), field.name()) != std::end(kServers);
}

absl::Status ApplyUpdateMask(Message& onto, const Message& from, const google::protobuf::FieldMask& mask) {
  const auto& type = *from.GetDescriptor();
  const bool whole = mask.paths_size() == 1 && mask.paths(0) == "*";
  google::protobuf::FieldMask paths;
  if (whole || mask.paths().empty()) {
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      if (IsChangeable(field) && (whole || IsSet(from, field))) paths.add_paths(field.name());
    }
  } else {
    for (const std::string& path : mask.paths())
      if (absl::Status checked = CheckPath(type, path); !checked.ok()) return checked;
    paths = mask;
  }
  if (paths.paths().empty()) return absl::OkStatus();  // To MergeMessageTo this would mean everything.
  google::protobuf::util::FieldMaskUtil::MergeOptions options;
  options.set_replace_message_fields(true);
  options.set_replace_repeated_fields(true);
  google::protobuf::util::FieldMaskUtil::MergeMessageTo(from, paths, options, &onto);
  return absl::OkStatus();
}

absl::Status CheckEtag(std::string_view given, std::string_view current, std::string_view name) {
  if (given.empty()) return BadField("etag", "ETAG_REQUIRED", "read the resource and send the etag it came with");
  return given == current ? absl::OkStatus() : StaleEtag(name);
}

}  // namespace trialog::rpc
