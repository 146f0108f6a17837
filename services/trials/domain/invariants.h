// What holds in trials after every event, however it came about. For simulation, fault runs and `trialogctl verify`.
#pragma once

#include <string>
#include <vector>

#include "platform/view/state.h"

namespace trialog::trials {

// Says what does not hold, one sentence a finding (resource names only, at most `limit`); empty when all holds:
// - uniqueness: no medical record number and no account belongs to two patients of an organization; nobody is twice a
//   subject of a trial, no subject key is given twice in it;
// - references: a subject's patient and trial, a capture's subject are there, and the capture is of that patient;
// - no double booking: appointments that take time do not overlap, neither a provider's nor a patient's.
// Reads whole tables through their indexes, so the time grows with the number of records.
std::vector<std::string> CheckInvariants(const view::State& state, size_t limit = 100);

}  // namespace trialog::trials
