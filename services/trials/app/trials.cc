// Trials, their news, and those who take part in them.
#include "services/trials/app/handlers.h"
#include "services/trials/app/record_types.h"
#include "services/trials/domain/enrollment.h"
#include "services/trials/domain/tables_clinical.h"
#include "services/trials/domain/trial.h"
#include "services/trials/domain/trial_moves.h"

namespace trialog::trials {
namespace {

using google::protobuf::Message;
using service::Backend;
using service::ListSource;
using service::Typed;

// trials/- lists across: all trials that a patient takes part in.
absl::StatusOr<ListSource> SubjectsOf(const Principal& principal, std::string_view parent, const Message&) {
  if (absl::Status checked = CheckParentOrAll(kSubjects, parent); !checked.ok()) return checked;
  if (IdOf(parent) != "-") return ListSource{&kSubjectsByTrial, view::GroupPrefix(parent)};
  if (const std::string patient = OnlyOwnPatient(principal); !patient.empty()) {
    return ListSource{&kSubjectsByPatient, view::GroupPrefix(patient)};
  }
  return ListSource{nullptr, std::string(parent.substr(0, parent.size() - 1))};
}

void AddTrialMoves(Backend& backend, const std::string& service) {
  backend.Act(service + "SubmitTrial", kTrialType, Typed(SubmitTrial));
  backend.Act(service + "ApproveTrial", kTrialType, Typed(ApproveTrial));
  backend.Act(service + "RejectTrial", kTrialType, Typed(RejectTrial));
  backend.Act(service + "ActivateTrial", kTrialType, Typed(ActivateTrial));
  backend.Act(service + "SuspendTrial", kTrialType, Typed(SuspendTrial));
  backend.Act(service + "ResumeTrial", kTrialType, Typed(ResumeTrial));
  backend.Act(service + "FreezeTrial", kTrialType, Typed(FreezeTrial));
  backend.Act(service + "UnfreezeTrial", kTrialType, Typed(UnfreezeTrial));
  backend.Act(service + "LockTrial", kTrialType, Typed(LockTrial));
  backend.Act(service + "UnlockTrial", kTrialType, Typed(UnlockTrial));
  backend.Act(service + "TerminateTrial", kTrialType, Typed(TerminateTrial));
  backend.Act(service + "ArchiveTrial", kTrialType, Typed(ArchiveTrial));
}

}  // namespace

void AddTrials(Backend& backend) {
  const std::string trials = "trialog.trials.v1.TrialService/";
  backend.Create(trials + "CreateTrial", kTrialType, Typed(CreateTrial));
  backend.Get(trials + "GetTrial", kTrialType);
  backend.List(trials + "ListTrials", kTrialType, ByParent<kTrials, kTrialsByOrganization>);
  backend.Watch(trials + "WatchTrials", kTrialType, ByParent<kTrials, kTrialsByOrganization>);
  backend.Update(trials + "UpdateTrial", kTrialType, Typed(UpdateTrial));
  AddTrialMoves(backend, trials);
  backend.Create(trials + "PublishTrialEvent", kTrialEventType, Typed(PublishTrialEvent));
  backend.List(trials + "ListTrialEvents", kTrialEventType, ByParent<kTrialEvents, kTrialEventsByTrial>);
  backend.Act(trials + "AcknowledgeTrialEvent", kTrialEventType, Typed(AcknowledgeTrialEvent));

  const std::string enrollment = "trialog.trials.v1.EnrollmentService/";
  backend.CommandMethod(enrollment + "EnrollSubject", kSubjectType,
                        OfStandingPatient(backend, backend.AimToCreate(kSubjectType)), Typed(EnrollSubject));
  backend.Get(enrollment + "GetSubject", kSubjectType);
  backend.List(enrollment + "ListSubjects", kSubjectType, SubjectsOf);
  backend.Watch(enrollment + "WatchSubjects", kSubjectType, SubjectsOf);
  backend.Act(enrollment + "TransitionSubject", kSubjectType, Typed(TransitionSubject));
  backend.Act(enrollment + "RecordConsent", kSubjectType, Typed(RecordConsent));
  backend.Act(enrollment + "WithdrawConsent", kSubjectType, Typed(WithdrawConsent));
}

}  // namespace trialog::trials
