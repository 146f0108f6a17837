// Made-up people: what the demo says about a patient that the trial's file does not. The same row always gives the
// same.
#pragma once

#include <string>

#include "google/type/date.pb.h"
#include "services/trialogctl/demo/trial_file.h"

namespace trialog::ctl::demo {

// "Ottilie Brambleworth": given and family names that row numbers up to 2,304 do not repeat.
std::string MadeUpName(int number, bool male);

// "MRN-000017".
std::string MadeUpRecordNumber(int number);

// The day `days` after another.
google::type::Date DaysAfter(const google::type::Date& date, int days);
// Noon of a day, UTC, in seconds since 1970.
int64_t NoonOf(const google::type::Date& date);

// When the patient entered the trial: within its first year, so that follow-ups of any length taken lie in the past.
google::type::Date EnrollDateOf(const PatientRow& row);

// A date of birth that makes the patient row.age years old on the day of enrolment.
google::type::Date BirthDateOf(const PatientRow& row);

}  // namespace trialog::ctl::demo
