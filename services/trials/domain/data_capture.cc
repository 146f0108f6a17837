#include "services/trials/domain/data_capture.h"

#include <algorithm>
#include <utility>

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/trials/domain/access_clinical.h"
#include "services/trials/domain/care_relation.h"
#include "services/trials/domain/checks.h"
#include "services/trials/domain/data_capture_states.h"
#include "services/trials/domain/etag.h"
#include "services/trials/domain/subject_states.h"
#include "services/trials/domain/tables_clinical.h"
#include "services/trials/domain/trial_states.h"
#include "trialog/trials/v1/enrollment.pb.h"

namespace trialog::trials {
namespace {

using event::v1::SealedPart;

constexpr size_t kMaxLooks = 20'000;  // As many as a list looks at for one page.

// A capture and what decides about it.
struct FoundCapture {
  view::RowPtr row;
  std::shared_ptr<const v1::Trial> trial;
  CareRelation relation;

  const v1::DataCapture& capture() const { return row->As<v1::DataCapture>(); }
};

absl::StatusOr<FoundCapture> FindCapture(const view::State& state, const Context& context, std::string_view name) {
  FoundCapture found;
  found.row = state.Find(kDataCaptures, name);
  if (!found.row || !MaySeeClinical(context.principal, state, kDataCaptures, name, *found.row)) {
    return NotVisible(found.row != nullptr, "data capture");
  }
  found.trial = state.Get<v1::Trial>(kTrials, ParentOf(name));
  if (!found.trial) return NotFound("data capture");
  found.relation = RelationInTrial(context.principal, state, found.capture().patient(), ParentOf(name));
  return found;
}

bool HasValues(const SealedPart& sealed) {
  return HasPersonal(sealed, v1::DataCapture::kDataValueFieldNumber) ||
         HasPersonal(sealed, v1::DataCapture::kTrialDataFieldNumber);
}

absl::Status EmptyCapture(std::string_view name) {
  return BrokenRule("EMPTY_CAPTURE", name, "enter data_value or trial_data first");
}

absl::Status CheckTakesCaptures(const v1::Trial& trial, TrialActivity activity) {
  if (TrialAllows(trial.state(), activity)) return absl::OkStatus();
  return BrokenRule("TRIAL_NOT_OPEN", trial.name(),
                    Cat("a trial in ", v1::TrialState_Name(trial.state()), " does not take this"));
}

// Staff change everything about their patients; patients what they entered themselves, until a clinician has finalized
// it.
absl::Status CheckMayEnter(const Context& context, const FoundCapture& found) {
  if (found.relation.Staff()) return absl::OkStatus();
  if (found.relation.self && found.capture().captured_by() == context.principal.user() &&
      !IsFinal(found.capture().state())) {
    return absl::OkStatus();
  }
  return Denied("NOT_YOUR_CAPTURE", "only those who care for the patient, or who entered a draft, may change it");
}

absl::StatusOr<v1::DataCaptureState> NextState(const v1::DataCapture& capture, CaptureAction action) {
  const auto to = After(CaptureMoves(), capture.state(), action);
  if (to) return *to;
  return BrokenRule("ILLEGAL_MOVE", capture.name(),
                    Cat("a capture cannot do this in ", v1::DataCaptureState_Name(capture.state())));
}

// New data needs a subject who takes part and consents. About one who has left or finished, staff alone enter what
// remains to be known (a date of death, a last contact); after a withdrawal only what lies before it.
absl::Status CheckSubjectOpen(const v1::Subject& subject, const google::protobuf::Timestamp& track_time,
                              bool by_staff) {
  if (IsInTrial(subject.state())) {
    if (subject.consent().state() == v1::CONSENT_STATE_GIVEN) return absl::OkStatus();
    return BrokenRule("CONSENT_MISSING", subject.name(), "record the person's consent first");
  }
  if (by_staff) {
    switch (subject.state()) {
      case v1::SUBJECT_STATE_COMPLETED:
      case v1::SUBJECT_STATE_DISCONTINUED:
      case v1::SUBJECT_STATE_LOST_TO_FOLLOW_UP:
      case v1::SUBJECT_STATE_DECEASED:
        return absl::OkStatus();
      case v1::SUBJECT_STATE_WITHDRAWN:
        if (track_time.seconds() <= subject.exit_time().seconds()) return absl::OkStatus();
        break;
      default:
        break;
    }
  }
  return BrokenRule("SUBJECT_NOT_OPEN", subject.name(), "the state of the subject does not take new data from you");
}

absl::Status CheckCaptureTimes(const v1::DataCapture& capture, const Context& context) {
  TRIALOG_RETURN_IF_ERROR(CheckNotFuture("data_capture.track_time", capture.track_time(), context.record_time));
  return CheckNotFuture("data_capture.occur_time", capture.occur_time(), context.record_time);
}

v1::DataCaptureSubmitted Submitted(const v1::DataCapture& capture) {
  v1::DataCaptureSubmitted submitted;
  submitted.set_data_capture(capture.name());
  submitted.set_trial(capture.trial());
  submitted.set_patient(capture.patient());
  return submitted;
}

v1::DataCapture NewCapture(const Context& context, std::string_view name, const v1::DataCapture& asked,
                           const v1::Subject& subject) {
  v1::DataCapture capture;
  capture.set_name(std::string(name));
  capture.set_uid(std::string(IdOf(name)));
  capture.set_patient(subject.patient());
  capture.set_trial(subject.trial());
  capture.set_subject(subject.name());
  *capture.mutable_track_time() = asked.has_track_time() ? asked.track_time() : context.record_time;
  if (asked.has_occur_time()) *capture.mutable_occur_time() = asked.occur_time();
  capture.set_captured_by(context.principal.user());
  *capture.mutable_record_time() = context.record_time;
  capture.set_version(1);
  capture.set_state(v1::DATA_CAPTURE_STATE_DRAFT);
  return capture;
}

}  // namespace

absl::StatusOr<Decision> CreateDataCapture(const view::State& state, const Context& context,
                                           const v1::CreateDataCaptureRequest& request, const SealedPart& sealed) {
  const v1::DataCapture& asked = request.data_capture();
  const view::RowPtr row = state.Find(kSubjects, asked.subject());
  const bool of_trial = row && ParentOf(asked.subject()) == request.parent();
  if (!of_trial || !MaySeeClinical(context.principal, state, kSubjects, asked.subject(), *row)) {
    return NotVisible(of_trial, "subject");
  }
  const auto& subject = row->As<v1::Subject>();
  const auto trial = state.Get<v1::Trial>(kTrials, request.parent());
  if (!trial) return NotFound("trial");
  const CareRelation relation = RelationInTrial(context.principal, state, subject.patient(), request.parent());
  if (!relation.Staff() && !relation.self) {
    return Denied("NOT_STAFF", "only the patient and those who care for the patient may enter data");
  }
  TRIALOG_RETURN_IF_ERROR(CheckTakesCaptures(*trial, TrialActivity::kFollowUp));
  TRIALOG_RETURN_IF_ERROR(CheckCaptureTimes(asked, context));
  auto name =
      NewName(kDataCaptures, request.parent(), "dataCaptures", request.data_capture_id(), "data_capture_id", context);
  if (!name.ok()) return name.status();
  if (state.Find(kDataCaptures, *name)) {
    return Refuse(absl::StatusCode::kAlreadyExists, "DATA_CAPTURE_EXISTS", "choose another data_capture_id");
  }
  if (request.submit() && !HasValues(sealed)) return EmptyCapture(*name);

  v1::DataCaptureCreated created;
  *created.mutable_data_capture() = NewCapture(context, *name, asked, subject);
  TRIALOG_RETURN_IF_ERROR(CheckSubjectOpen(subject, created.data_capture().track_time(), relation.Staff()));
  google::protobuf::FieldMask values;
  values.add_paths("data_value");
  values.add_paths("trial_data");
  *created.mutable_sealed() = SealedOf(sealed, *v1::DataCapture::descriptor(), values, false);
  const v1::DataCapture capture = created.data_capture();
  Decision decision = Answering(*name);
  Emit(decision, *name, &v1::TrialsEvent::mutable_data_capture_created, std::move(created));
  if (request.submit()) {
    Emit(decision, *name, &v1::TrialsEvent::mutable_data_capture_submitted, Submitted(capture));
  }
  return decision;
}

absl::StatusOr<Decision> AmendDataCapture(const view::State& state, const Context& context,
                                          const v1::AmendDataCaptureRequest& request, const SealedPart& sealed) {
  const v1::DataCapture& asked = request.data_capture();
  auto found = FindCapture(state, context, asked.name());
  if (!found.ok()) return found.status();
  TRIALOG_RETURN_IF_ERROR(CheckMayEnter(context, *found));
  const v1::DataCapture& capture = found->capture();
  TRIALOG_RETURN_IF_ERROR(CheckMask(request.update_mask(), {"data_value", "trial_data", "track_time", "occur_time"}));
  TRIALOG_RETURN_IF_ERROR(RequireEtag(asked.name(), *found->row, asked.etag(), "data_capture.etag"));
  TRIALOG_RETURN_IF_ERROR(CheckTakesCaptures(*found->trial, TrialActivity::kFollowUp));
  auto to = NextState(capture, CaptureAction::kAmend);
  if (!to.ok()) return to.status();
  TRIALOG_RETURN_IF_ERROR(CheckCaptureTimes(asked, context));
  if (InMask(request.update_mask(), "track_time") && !asked.has_track_time()) {
    return BadField("data_capture.track_time", "REQUIRED", "is required");
  }
  if (*to != v1::DATA_CAPTURE_STATE_DRAFT && !HasPersonal(sealed, v1::DataCapture::kAmendReasonFieldNumber)) {
    return BadField("data_capture.amend_reason", "REQUIRED", "say why what was entered is changed");
  }
  google::protobuf::FieldMask personal = request.update_mask();
  personal.add_paths("amend_reason");

  v1::DataCaptureAmended amended;
  amended.set_data_capture(asked.name());
  amended.set_trial(capture.trial());
  amended.set_patient(capture.patient());
  amended.set_version(capture.version() + 1);
  amended.set_state(*to);
  *amended.mutable_paths() = request.update_mask().paths();
  if (InMask(request.update_mask(), "track_time")) *amended.mutable_track_time() = asked.track_time();
  if (InMask(request.update_mask(), "occur_time") && asked.has_occur_time()) {
    *amended.mutable_occur_time() = asked.occur_time();
  }
  amended.set_captured_by(capture.captured_by());
  *amended.mutable_sealed() = SealedChange(sealed, *v1::DataCapture::descriptor(), personal, false);
  if (*to != v1::DATA_CAPTURE_STATE_DRAFT && !HasValues(MergeSealed(found->row->sealed, amended.sealed()))) {
    return EmptyCapture(asked.name());
  }
  Decision decision = Answering(asked.name());
  Emit(decision, asked.name(), &v1::TrialsEvent::mutable_data_capture_amended, std::move(amended));
  return decision;
}

absl::StatusOr<Decision> SubmitDataCapture(const view::State& state, const Context& context,
                                           const v1::SubmitDataCaptureRequest& request, const SealedPart&) {
  auto found = FindCapture(state, context, request.name());
  if (!found.ok()) return found.status();
  TRIALOG_RETURN_IF_ERROR(CheckMayEnter(context, *found));
  TRIALOG_RETURN_IF_ERROR(CheckEtag(request.name(), *found->row, request.etag()));
  TRIALOG_RETURN_IF_ERROR(CheckTakesCaptures(*found->trial, TrialActivity::kFollowUp));
  if (auto to = NextState(found->capture(), CaptureAction::kSubmit); !to.ok()) return to.status();
  if (!HasValues(found->row->sealed)) return EmptyCapture(request.name());
  Decision decision = Answering(request.name());
  Emit(decision, request.name(), &v1::TrialsEvent::mutable_data_capture_submitted, Submitted(found->capture()));
  return decision;
}

absl::StatusOr<Decision> FinalizeDataCapture(const view::State& state, const Context& context,
                                             const v1::FinalizeDataCaptureRequest& request, const SealedPart&) {
  auto found = FindCapture(state, context, request.name());
  if (!found.ok()) return found.status();
  if (!found->relation.provider) return Denied("NOT_A_CLINICIAN", "only the patient's providers finalize");
  TRIALOG_RETURN_IF_ERROR(CheckEtag(request.name(), *found->row, request.etag()));
  TRIALOG_RETURN_IF_ERROR(CheckTakesCaptures(*found->trial, TrialActivity::kFollowUp));
  const v1::DataCapture& capture = found->capture();
  if (auto to = NextState(capture, CaptureAction::kFinalize); !to.ok()) return to.status();
  v1::DataCaptureFinalized finalized;
  finalized.set_data_capture(request.name());
  finalized.set_trial(capture.trial());
  finalized.set_patient(capture.patient());
  finalized.set_finalized_by(context.principal.user());
  finalized.set_version(capture.version());
  Decision decision = Answering(request.name());
  Emit(decision, request.name(), &v1::TrialsEvent::mutable_data_capture_finalized, std::move(finalized));
  return decision;
}

absl::StatusOr<Decision> AcknowledgeDataCapture(const view::State& state, const Context& context,
                                                const v1::AcknowledgeDataCaptureRequest& request, const SealedPart&) {
  auto found = FindCapture(state, context, request.name());
  if (!found.ok()) return found.status();
  if (!found->relation.self) return Denied("NOT_THE_PATIENT", "only the patient acknowledges");
  const v1::DataCapture& capture = found->capture();
  Decision decision = Answering(request.name());
  if (capture.state() == v1::DATA_CAPTURE_STATE_ACKNOWLEDGED) return decision;
  TRIALOG_RETURN_IF_ERROR(CheckEtag(request.name(), *found->row, request.etag()));
  TRIALOG_RETURN_IF_ERROR(CheckTakesCaptures(*found->trial, TrialActivity::kAcknowledge));
  if (auto to = NextState(capture, CaptureAction::kAcknowledge); !to.ok()) return to.status();
  v1::DataCaptureAcknowledged acknowledged;
  acknowledged.set_data_capture(request.name());
  acknowledged.set_trial(capture.trial());
  acknowledged.set_patient(capture.patient());
  acknowledged.set_finalized_by(capture.finalized_by());
  Emit(decision, request.name(), &v1::TrialsEvent::mutable_data_capture_acknowledged, std::move(acknowledged));
  return decision;
}

absl::StatusOr<std::string> LatestCapture(const view::State& state, const Principal& principal, std::string_view trial,
                                          std::string_view patient) {
  std::string latest;
  bool others = false;
  size_t looks = 0;
  const view::Index& index = patient.empty() ? kCapturesByTrial : kCapturesByPatient;
  ForEach(state, index, view::GroupPrefix(patient.empty() ? trial : patient), [&](std::string_view name) {
    if (++looks > kMaxLooks) return false;
    if (ParentOf(name) != trial) return true;
    const view::RowPtr row = state.Find(kDataCaptures, name);
    const bool visible = row && MaySeeClinical(principal, state, kDataCaptures, name, *row);
    if (visible) latest = std::string(name);
    others = others || (row && !visible);
    return latest.empty();
  });
  if (!latest.empty()) return latest;
  const bool may_list = MayListSubjectsOf(principal, state, trial);
  if (looks > kMaxLooks && may_list) {
    return BadField("patient", "TOO_MANY_CAPTURES",
                    "too many captures that are not yours to see are later; name the patient, or list the captures");
  }
  return NotVisible(others && !may_list, "data capture");
}

std::vector<std::string> ResearchersOf(const view::State& state, std::string_view name) {
  std::vector<std::string> profiles;
  const auto trial = state.Get<v1::Trial>(kTrials, name);
  if (!trial) return profiles;
  for (const std::string& user : trial->researchers()) {
    if (auto profile = state.Lookup(kResearcherByUser, user)) profiles.push_back(*std::move(profile));
  }
  return profiles;
}

v1::ExportCodedCapturesResponse CodedSubject(const view::State& state, std::string_view name) {
  v1::ExportCodedCapturesResponse coded;
  const auto subject = state.Get<v1::Subject>(kSubjects, name);
  if (!subject) return coded;
  coded.set_subject_key(subject->subject_key());
  *coded.mutable_enroll_date() = subject->enroll_date();
  coded.set_consent_state(subject->consent().state());
  coded.set_subject_state(subject->state());
  ForEach(state, kCapturesBySubject, view::GroupPrefix(name), [&](std::string_view capture_name) {
    const auto capture = state.Get<v1::DataCapture>(kDataCaptures, capture_name);
    if (!capture || !IsFinal(capture->state())) return true;
    v1::CodedCapture& final = *coded.add_captures();
    final.set_data_capture(std::string(capture_name));
    final.set_version(capture->version());
    *final.mutable_track_time() = capture->track_time();
    if (capture->has_occur_time()) *final.mutable_occur_time() = capture->occur_time();
    *final.mutable_finalize_time() = capture->finalize_time();
    return true;
  });
  std::reverse(coded.mutable_captures()->begin(), coded.mutable_captures()->end());
  return coded;
}

}  // namespace trialog::trials
