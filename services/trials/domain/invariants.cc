#include "services/trials/domain/invariants.h"

#include <string_view>
#include <utility>

#include "platform/command/decision.h"
#include "platform/text/text.h"
#include "services/trials/domain/appointment.h"
#include "services/trials/domain/calendar.h"
#include "services/trials/domain/tables_care.h"
#include "services/trials/domain/tables_clinical.h"
#include "trialog/trials/v1/data_capture.pb.h"
#include "trialog/trials/v1/enrollment.pb.h"
#include "trialog/trials/v1/patient.pb.h"
#include "trialog/trials/v1/scheduling.pb.h"

namespace trialog::trials {
namespace {

class Checker {
 public:
  Checker(const view::State& state, size_t limit) : state_(state), limit_(limit) {}

  std::vector<std::string> Run() {
    Each(kPatientsByOrganization, [this](std::string_view name) { CheckPatient(name); });
    Each(kSubjectsByTrial, [this](std::string_view name) { CheckSubject(name); });
    Each(kCapturesByTrial, [this](std::string_view name) { CheckCapture(name); });
    CheckCalendars(kAppointmentsByProvider, &v1::Appointment::provider, "provider");
    CheckCalendars(kAppointmentsByPatient, &v1::Appointment::patient, "patient");
    return std::move(findings_);
  }

 private:
  template <typename Check>
  void Each(const view::Index& index, Check check) {
    ForEach(state_, index, "", [&](std::string_view name) {
      check(name);
      return findings_.size() < limit_;
    });
  }

  template <typename... Pieces>
  void Finding(const Pieces&... pieces) {
    if (findings_.size() < limit_) findings_.push_back(Cat(pieces...));
  }

  void CheckFoundBy(const view::Index& index, const std::string& key, std::string_view name, std::string_view what) {
    if (state_.Lookup(index, key) != name) Finding(name, ": not the one found by its ", what);
  }

  void CheckPatient(std::string_view name) {
    const view::RowPtr row = state_.Find(kPatients, name);
    if (!row) return Finding(name, ": an index names a patient that is not there");
    for (const auto& key : row->sealed.keys()) {
      if (key.index() != kMrnLookup) continue;
      CheckFoundBy(kPatientByMrn, MrnKey(ParentOf(name), key.mac()), name, "medical record number");
    }
    const std::string& user = row->As<v1::Patient>().user();
    if (!user.empty()) CheckFoundBy(kPatientByUser, user, name, "account");
  }

  void CheckSubject(std::string_view name) {
    const auto subject = state_.Get<v1::Subject>(kSubjects, name);
    if (!subject) return Finding(name, ": an index names a subject that is not there");
    if (!state_.Find(kPatients, subject->patient())) Finding(name, ": its patient is not there");
    if (!state_.Find(kTrials, ParentOf(name))) Finding(name, ": its trial is not there");
    CheckFoundBy(kSubjectByPatientInTrial, InTrial(ParentOf(name), subject->patient()), name, "patient in the trial");
    CheckFoundBy(kSubjectByKey, InTrial(ParentOf(name), subject->subject_key()), name, "subject key");
  }

  void CheckCapture(std::string_view name) {
    const auto capture = state_.Get<v1::DataCapture>(kDataCaptures, name);
    if (!capture) return Finding(name, ": an index names a capture that is not there");
    const auto subject = state_.Get<v1::Subject>(kSubjects, capture->subject());
    if (!subject || ParentOf(capture->subject()) != ParentOf(name)) return Finding(name, ": its subject is not there");
    if (subject->patient() != capture->patient()) Finding(name, ": of another patient than its subject");
  }

  // Each one's appointments come by their beginning, the last first: none may end after the one before it begins.
  void CheckCalendars(const view::Index& index, const std::string& (v1::Appointment::*whose)() const,
                      std::string_view role) {
    std::shared_ptr<const v1::Appointment> later;
    Each(index, [&](std::string_view name) {
      auto appointment = state_.Get<v1::Appointment>(kAppointments, name);
      if (!appointment) return Finding(name, ": an index names an appointment that is not there");
      if (!TakesTime(appointment->state())) return;
      const bool same = later && ((*later).*whose)() == ((*appointment).*whose)();
      if (same && Micros(appointment->end_time()) > Micros(later->start_time())) {
        Finding(name, ": overlaps with ", later->name(), " of the same ", role);
      }
      later = std::move(appointment);
    });
  }

  const view::State& state_;
  const size_t limit_;
  std::vector<std::string> findings_;
};

}  // namespace

std::vector<std::string> CheckInvariants(const view::State& state, size_t limit) { return Checker(state, limit).Run(); }

}  // namespace trialog::trials
