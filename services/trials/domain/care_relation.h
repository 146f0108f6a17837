// How a caller stands to a patient: the one answer that access to everything about a patient follows from (profile,
// captures, medication, messages, appointments). What a relation allows is for the caller of these functions to say.
#pragma once

#include <string_view>

#include "platform/command/decision.h"
#include "platform/view/state.h"
#include "trialog/trials/v1/trial.pb.h"

namespace trialog::trials {

// Each is true only while a grant of the role is in force, and none across organizations.
struct CareRelation {
  bool self = false;          // The patient.
  bool provider = false;      // A clinician assigned to the patient.
  bool coordinator = false;   // A coordinator in whose scope the patient is.
  bool investigator = false;  // An investigator in whose scope the patient is.
  bool researcher = false;    // Runs a trial that the patient is or was in.

  // May act for the patient: enter, plan, record.
  bool Staff() const { return provider || coordinator || investigator; }
  // May see the patient.
  bool Any() const { return self || researcher || Staff(); }
};

// The relation as it is now; none when there is no such patient. A patient is in the scope of a grant for the
// organization, for the primary clinic or an assigned clinician's site, or for a trial that the patient is in.
CareRelation RelationTo(const Principal& principal, const view::State& state, std::string_view patient);

// The same for what belongs to the patient as a participant of `trial`, subject and captures: of grants for a trial
// only those for this one count, and those of a trial that the patient is not in do not.
CareRelation RelationInTrial(const Principal& principal, const view::State& state, std::string_view patient,
                             std::string_view trial);

// Whether the caller runs `trial`: a trial researcher who is one of its researchers, or was granted the role for just
// this trial.
bool RunsTrial(const Principal& principal, const view::State& state, std::string_view trial);

}  // namespace trialog::trials
