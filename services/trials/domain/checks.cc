#include "services/trials/domain/checks.h"

#include <algorithm>
#include <memory>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "trialog/options.pb.h"

namespace trialog::trials {

bool HasPersonal(const event::v1::SealedPart& sealed, int field_number) {
  return std::any_of(sealed.fields().begin(), sealed.fields().end(),
                     [&](const auto& field) { return field.number() == field_number && field.has_value(); });
}

std::string_view LookupMac(const event::v1::SealedPart& sealed, std::string_view index) {
  for (const auto& key : sealed.keys()) {
    if (key.index() == index) return key.mac();
  }
  return {};
}

event::v1::SealedPart SealedOf(const event::v1::SealedPart& sealed, const google::protobuf::Descriptor& resource,
                               const google::protobuf::FieldMask& paths, bool keep_keys) {
  event::v1::SealedPart part;
  for (const auto& field : sealed.fields()) {
    const auto* descriptor = resource.FindFieldByNumber(field.number());
    if (descriptor && InMask(paths, descriptor->name())) *part.add_fields() = field;
  }
  if (keep_keys) *part.mutable_keys() = sealed.keys();
  return part;
}

event::v1::SealedPart SealedChange(const event::v1::SealedPart& sealed, const google::protobuf::Descriptor& resource,
                                   const google::protobuf::FieldMask& paths, bool keep_keys) {
  event::v1::SealedPart patch = SealedOf(sealed, resource, paths, keep_keys);
  for (const std::string& path : paths.paths()) {
    const auto* field = resource.FindFieldByName(path);
    if (!field || !field->options().GetExtension(personal)) continue;
    const bool sent = std::any_of(patch.fields().begin(), patch.fields().end(),
                                  [&](const auto& entry) { return entry.number() == field->number(); });
    if (!sent) patch.add_fields()->set_number(field->number());
  }
  return patch;
}

absl::Status CheckReference(std::string_view field, std::string_view value, std::string_view pattern,
                            std::string_view organization, bool may_be_empty) {
  if (value.empty() && may_be_empty) return absl::OkStatus();
  if (!NameMatches(pattern, value) || OrganizationOf(value) != organization) {
    return BadField(field, "BAD_NAME", Cat("must be a name like ", pattern, " in your organization"));
  }
  return absl::OkStatus();
}

absl::Status CheckText(std::string_view field, std::string_view value, size_t max, bool required) {
  if (value.empty() && required) return BadField(field, "REQUIRED", "is required");
  if (value.size() > max) return BadField(field, "TOO_LONG", Cat("has more than ", max, " bytes; shorten it"));
  return absl::OkStatus();
}

absl::Status CheckDate(std::string_view field, bool is_set, const google::type::Date& date) {
  if (!is_set) return absl::OkStatus();
  const absl::CivilDay day(date.year(), date.month(), date.day());
  if (date.year() < 1 || date.year() > 9999 || day.year() != date.year() || day.month() != date.month() ||
      day.day() != date.day()) {
    return BadField(field, "BAD_DATE", "must be a date that exists, with year, month and day");
  }
  return absl::OkStatus();
}

absl::Status CheckMask(const google::protobuf::FieldMask& mask, std::initializer_list<std::string_view> allowed) {
  if (mask.paths().empty()) return BadField("update_mask", "REQUIRED", "name the fields to change");
  for (const std::string& path : mask.paths()) {
    if (std::find(allowed.begin(), allowed.end(), path) == allowed.end()) {
      return BadField("update_mask", "FIELD_NOT_CHANGEABLE", "names a field that cannot be changed this way");
    }
    if (std::count(mask.paths().begin(), mask.paths().end(), path) > 1) {
      return BadField("update_mask", "FIELD_NAMED_TWICE", "names a field twice");
    }
  }
  return absl::OkStatus();
}

bool InMask(const google::protobuf::FieldMask& mask, std::string_view path) {
  return std::find(mask.paths().begin(), mask.paths().end(), path) != mask.paths().end();
}

absl::Status CheckNotFuture(std::string_view field, const google::protobuf::Timestamp& time,
                            const google::protobuf::Timestamp& now) {
  constexpr int64_t kClockErrorSeconds = 5 * 60;
  if (time.seconds() > now.seconds() + kClockErrorSeconds) {
    return BadField(field, "IN_FUTURE", "lies in the future; check the clock that it came from");
  }
  return absl::OkStatus();
}

google::type::Date DayOf(const google::protobuf::Timestamp& time) {
  const absl::CivilDay day = absl::ToCivilDay(absl::FromUnixSeconds(time.seconds()), absl::UTCTimeZone());
  google::type::Date date;
  date.set_year(static_cast<int32_t>(day.year()));
  date.set_month(day.month());
  date.set_day(day.day());
  return date;
}

int64_t DayNumber(const google::type::Date& date) {
  return absl::CivilDay(date.year(), date.month(), date.day()) - absl::CivilDay(1970, 1, 1);
}

absl::StatusOr<std::string> NewName(const view::Table& table, std::string_view parent, std::string_view collection,
                                    std::string_view id, std::string_view field, const Context& context) {
  std::string name = Cat(parent, "/", collection, "/", id.empty() ? context.NewId() : std::string(id));
  if (!NameMatches(table.pattern, name)) {
    return BadField(field, "BAD_ID", "must be 1 to 63 characters of A-Z a-z 0-9 . _ ~ -");
  }
  return name;
}

void CopyFields(const google::protobuf::Message& from, google::protobuf::Message& to,
                const google::protobuf::RepeatedPtrField<std::string>& paths) {
  const auto* descriptor = to.GetDescriptor();
  if (descriptor != from.GetDescriptor()) return;
  std::unique_ptr<google::protobuf::Message> chosen(from.New());
  chosen->CopyFrom(from);
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const auto* field = descriptor->field(i);
    if (std::find(paths.begin(), paths.end(), field->name()) == paths.end()) {
      chosen->GetReflection()->ClearField(chosen.get(), field);
    } else {
      to.GetReflection()->ClearField(&to, field);
    }
  }
  to.MergeFrom(*chosen);
}

void ClearPersonal(google::protobuf::Message& resource) {
  const auto* descriptor = resource.GetDescriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const auto* field = descriptor->field(i);
    if (field->options().GetExtension(personal)) resource.GetReflection()->ClearField(&resource, field);
  }
}

}  // namespace trialog::trials
