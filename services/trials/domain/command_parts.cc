#include "services/trials/domain/command_parts.h"

#include <algorithm>

#include "platform/errors/errors.h"
#include "services/trials/domain/tables_clinical.h"
#include "trialog/options.pb.h"
#include "trialog/trials/v1/patient.pb.h"

namespace trialog::trials {

absl::Status CheckNewName(const view::State& state, const view::Table& table, std::string_view name,
                          std::string_view id_field) {
  if (!NameMatches(table.pattern, name)) {
    return BadField(id_field, "BAD_ID", "must be 1 to 63 characters of A-Z a-z 0-9 . _ ~ -");
  }
  if (state.Find(table, name)) {
    return Refuse(absl::StatusCode::kAlreadyExists, "NAME_TAKEN", "a record of this id exists; choose another id");
  }
  return absl::OkStatus();
}

absl::Status RequireActivePatient(const view::State& state, std::string_view patient) {
  if (state.Get<v1::Patient>(kPatients, patient)->active()) return absl::OkStatus();
  return BrokenRule("PATIENT_INACTIVE", patient, "the patient is no longer cared for here");
}

event::v1::SealedPart OnlySealed(const event::v1::SealedPart& sealed, std::initializer_list<int32_t> field_numbers) {
  event::v1::SealedPart kept;
  for (const auto& field : sealed.fields()) {
    if (std::find(field_numbers.begin(), field_numbers.end(), field.number()) != field_numbers.end()) {
      *kept.add_fields() = field;
    }
  }
  return kept;
}

event::v1::SealedPart ReplacingSealed(const event::v1::SealedPart& sealed, const google::protobuf::Descriptor& resource,
                                      const google::protobuf::FieldMask& mask) {
  event::v1::SealedPart patch = SealedOf(sealed, resource, mask, false);
  for (const std::string& path : mask.paths()) {
    const auto* field = resource.FindFieldByName(path);
    if (!field || !field->options().GetExtension(personal)) continue;
    const bool given = std::any_of(patch.fields().begin(), patch.fields().end(),
                                   [&](const auto& each) { return each.number() == field->number(); });
    if (!given) patch.add_fields()->set_number(field->number());
  }
  return patch;
}

}  // namespace trialog::trials
