#include "services/inventory/domain/update.h"

#include <algorithm>

#include "google/protobuf/util/message_differencer.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "trialog/options.pb.h"

namespace trialog::inventory {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

bool IsPersonal(const FieldDescriptor& field) { return field.options().GetExtension(personal); }

const FieldDescriptor& FieldOf(const google::protobuf::Descriptor& message, std::string_view name) {
  return *message.FindFieldByName(std::string(name));  // Names come from `updatable` lists, which a test walks.
}

bool IsSet(const FieldDescriptor& field, const Message& resource, const event::v1::SealedPart& sealed) {
  if (IsPersonal(field)) return HasSealed(sealed, field.number());
  const auto& reflection = *resource.GetReflection();
  return field.is_repeated() ? reflection.FieldSize(resource, &field) > 0 : reflection.HasField(resource, &field);
}

bool HasKey(const event::v1::SealedPart& sealed, std::string_view index) {
  return std::any_of(sealed.keys().begin(), sealed.keys().end(), [&](const auto& key) { return key.index() == index; });
}

}  // namespace

std::string EtagOf(const view::Row& row) { return Cat('"', row.meta.version(), '"'); }

absl::Status CheckEtag(std::string_view etag, EtagIs is, const view::Row& row, std::string_view name) {
  if (etag.empty()) {
    if (is == EtagIs::kOptional) return absl::OkStatus();
    return BadField("etag", "ETAG_REQUIRED", "read the record and send its etag with the change");
  }
  return etag == EtagOf(row) ? absl::OkStatus() : StaleEtag(name);
}

absl::StatusOr<std::vector<std::string_view>> FieldsToUpdate(const google::protobuf::FieldMask& mask,
                                                             std::span<const std::string_view> updatable,
                                                             const Message& resource,
                                                             const event::v1::SealedPart& sealed) {
  const auto masked = [&](std::string_view field) {
    return std::find(mask.paths().begin(), mask.paths().end(), field) != mask.paths().end();
  };
  const bool all = mask.paths_size() == 1 && mask.paths(0) == "*";
  if (!all) {
    for (const std::string& path : mask.paths()) {
      if (std::find(updatable.begin(), updatable.end(), path) == updatable.end()) {
        return BadField("update_mask", "BAD_UPDATE_MASK", "a path names no field that this method changes");
      }
    }
  }
  std::vector<std::string_view> fields;
  for (std::string_view name : updatable) {
    const bool wanted =
        mask.paths().empty() ? IsSet(FieldOf(*resource.GetDescriptor(), name), resource, sealed) : all || masked(name);
    if (wanted) fields.push_back(name);
  }
  return fields;
}

void CopyFields(std::span<const std::string_view> fields, const Message& from, Message& to) {
  const auto& descriptor = *to.GetDescriptor();
  const auto& reflection = *to.GetReflection();
  std::unique_ptr<Message> picked(from.New());
  picked->CopyFrom(from);
  std::vector<const FieldDescriptor*> set;
  reflection.ListFields(*picked, &set);
  for (const FieldDescriptor* field : set) {
    if (std::find(fields.begin(), fields.end(), field->name()) == fields.end())
      reflection.ClearField(picked.get(), field);
  }
  for (std::string_view name : fields) reflection.ClearField(&to, &FieldOf(descriptor, name));
  to.MergeFrom(*picked);
}

event::v1::SealedPart SealedPatch(std::span<const std::string_view> fields,
                                  const google::protobuf::Descriptor& resource, const event::v1::SealedPart& sealed,
                                  const event::v1::SealedPart& current) {
  event::v1::SealedPart patch;
  for (std::string_view name : fields) {
    const FieldDescriptor& field = FieldOf(resource, name);
    if (!IsPersonal(field)) continue;
    if (HasSealed(sealed, field.number())) {
      for (const auto& given : sealed.fields()) {
        if (given.number() == field.number()) *patch.add_fields() = given;
      }
    } else if (HasSealed(current, field.number())) {
      patch.add_fields()->set_number(field.number());
    }
    if (HasKey(sealed, name)) {
      for (const auto& given : sealed.keys()) {
        if (given.index() == name) *patch.add_keys() = given;
      }
    } else if (HasKey(current, name)) {
      patch.add_keys()->set_index(std::string(name));
    }
  }
  return patch;
}

bool HasSealed(const event::v1::SealedPart& sealed, int field_number) {
  return std::any_of(sealed.fields().begin(), sealed.fields().end(),
                     [&](const auto& field) { return field.number() == field_number && field.has_value(); });
}

bool SameMessage(const Message& a, const Message& b) {
  return google::protobuf::util::MessageDifferencer::Equals(a, b);
}

}  // namespace trialog::inventory
