// Who may see patients, researchers, trials, subjects and data captures (docs/access.md). The method's own rule says
// which roles may call at all; here each record decides, for Get, List, Watch, links, exports and commands alike.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "platform/command/decision.h"
#include "platform/view/state.h"
#include "trialog/trials/v1/trial.pb.h"

namespace trialog::trials {

// Whether the caller may see this version of a record, which is a row of one of ClinicalTables(); false for any other
// table. Today's relations and today's state of the trial decide about earlier versions too.
bool MaySeeClinical(const Principal& principal, const view::State& state, const view::Table& table,
                    std::string_view name, const view::Row& row);

// Whether the caller may see all of a trial that MaySeeClinical shows. Others get ParticipantView of it.
bool MaySeeWholeTrial(const Principal& principal, const view::State& state, std::string_view trial,
                      const view::Row& row);

// What a participant sees of an active trial: name, title, description, state and dates.
v1::Trial ParticipantView(const v1::Trial& trial);

// Whether the caller may take a trial's final data out by subject key: one of our own services, or a custodian of it.
bool MayExportCoded(const Principal& principal, const view::State& state, std::string_view trial);

// Whether the caller may look for subjects and captures of a trial at all, be there any or none that are theirs to see:
// its researchers and participants, and who works for it or at a site.
bool MayListSubjectsOf(const Principal& principal, const view::State& state, std::string_view trial);

// Who may see a trial's news: its researchers and participants.
bool MaySeeTrialEvents(const Principal& principal, const view::State& state, std::string_view trial);

// Whom a patient's record lets see what is about the patient: the account, the clinicians, and who works at their
// sites. While it names no account the account's own link to the patient counts.
std::vector<std::string> NamedByPatient(std::string_view name, const view::Row& patient);
// Whom a trial's record lets see what is about the trial and those in it: its researchers.
std::vector<std::string> NamedByTrial(std::string_view name, const view::Row& trial);

// The patient that the caller is; empty when there is none.
std::string OwnPatient(const Principal& principal, const view::State& state);
// The caller's profile as a researcher; empty when there is none.
std::string OwnResearcher(const Principal& principal, const view::State& state);

}  // namespace trialog::trials
