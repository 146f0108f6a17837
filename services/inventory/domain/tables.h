// The rows that inventory keeps and the keys they are found by. Ids are part of the stored format: never renumber.
#pragma once

#include <string>
#include <string_view>

#include "platform/view/state.h"

namespace trialog::inventory {

extern const view::Table kSamples;

// Unique: IdentifierKey → sample.
inline constexpr view::Index kSampleByIdentifier{1, "sample_by_identifier"};
// Biobank → its samples.
inline constexpr view::Index kSamplesByBiobank{2, "samples_by_biobank"};
// HMAC of the patient's resource name → samples taken from the patient.
inline constexpr view::Index kSamplesByPatient{3, "samples_by_patient"};
// Time of expiry, then name: every sample that has one, soonest first.
inline constexpr view::Index kSamplesByExpiry{4, "samples_by_expiry"};

// Look-up keys of a sample's sealed part that hold the HMAC of its patient's resource name.
inline constexpr std::string_view kPatientLookup = "patient";

// An identifier is unique in its organization.
std::string IdentifierKey(std::string_view organization, std::string_view identifier);

}  // namespace trialog::inventory
