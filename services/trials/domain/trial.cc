#include "services/trials/domain/trial.h"

#include <algorithm>
#include <utility>

#include "platform/errors/errors.h"
#include "services/trials/domain/access_clinical.h"
#include "services/trials/domain/care_relation.h"
#include "services/trials/domain/checks.h"
#include "services/trials/domain/etag.h"
#include "services/trials/domain/tables_clinical.h"
#include "services/trials/domain/trial_states.h"

namespace trialog::trials {
namespace {

using event::v1::SealedPart;

constexpr size_t kMaxTitle = 500;
constexpr size_t kMaxDescription = 20'000;
constexpr int kMaxResearchers = 100;

absl::Status CheckResearchers(const v1::Trial& trial, std::string_view organization) {
  if (trial.researchers_size() > kMaxResearchers) {
    return BadField("trial.researchers", "TOO_MANY", "a trial has at most 100 researchers");
  }
  for (const std::string& user : trial.researchers()) {
    TRIALOG_RETURN_IF_ERROR(CheckReference("trial.researchers", user, kUserPattern, organization));
    if (std::count(trial.researchers().begin(), trial.researchers().end(), user) > 1) {
      return BadField("trial.researchers", "NAMED_TWICE", "names a researcher twice");
    }
  }
  return absl::OkStatus();
}

// The trial as it would be, whole.
absl::Status CheckTrial(const v1::Trial& trial, std::string_view organization) {
  TRIALOG_RETURN_IF_ERROR(CheckText("trial.title", trial.title(), kMaxTitle, true));
  TRIALOG_RETURN_IF_ERROR(CheckText("trial.description", trial.description(), kMaxDescription));
  if (!v1::StudyType_IsValid(trial.study_type()) || trial.study_type() == v1::STUDY_TYPE_UNSPECIFIED) {
    return BadField("trial.study_type", "REQUIRED", "is required");
  }
  TRIALOG_RETURN_IF_ERROR(CheckDate("trial.start_date", trial.has_start_date(), trial.start_date()));
  TRIALOG_RETURN_IF_ERROR(CheckDate("trial.end_date", trial.has_end_date(), trial.end_date()));
  if (trial.has_start_date() && trial.has_end_date() && DayNumber(trial.end_date()) < DayNumber(trial.start_date())) {
    return BadField("trial.end_date", "BEFORE_START", "lies before the start");
  }
  return CheckResearchers(trial, organization);
}

// Which fields a trial's state leaves open to change.
absl::Status CheckTakesUpdates(const v1::Trial& trial, const google::protobuf::FieldMask& mask) {
  switch (trial.state()) {
    case v1::TRIAL_STATE_DRAFT:
      return CheckMask(mask, {"title", "description", "study_type", "start_date", "end_date", "researchers"});
    case v1::TRIAL_STATE_IN_REVIEW:
      return BrokenRule("TRIAL_IN_REVIEW", trial.name(), "what is in review does not change; have it rejected first");
    case v1::TRIAL_STATE_LOCKED:
    case v1::TRIAL_STATE_ARCHIVED:
      return BrokenRule("TRIAL_LOCKED", trial.name(), "a locked trial does not change");
    default:
      break;
  }
  for (const auto* plan : {"title", "description", "study_type", "start_date"}) {
    if (InMask(mask, plan)) {
      return BrokenRule("TRIAL_NOT_DRAFT", trial.name(), "after approval only researchers and end_date may change");
    }
  }
  return CheckMask(mask, {"end_date", "researchers"});
}

}  // namespace

absl::StatusOr<Decision> CreateTrial(const view::State& state, const Context& context,
                                     const v1::CreateTrialRequest& request, const SealedPart&) {
  const std::string& organization = context.principal.organization;
  TRIALOG_RETURN_IF_ERROR(CheckReference("parent", request.parent(), "organizations/*", organization));
  if (!context.principal.Has(ROLE_TRIAL_RESEARCHER, request.parent()) || context.principal.user().empty()) {
    return Denied("NOT_IN_SCOPE", "trials are drafted by trial researchers of the organization");
  }
  const v1::Trial& asked = request.trial();
  TRIALOG_RETURN_IF_ERROR(CheckTrial(asked, organization));
  auto name = NewName(kTrials, request.parent(), "trials", request.trial_id(), "trial_id", context);
  if (!name.ok()) return name.status();
  if (state.Find(kTrials, *name)) {
    return Refuse(absl::StatusCode::kAlreadyExists, "TRIAL_EXISTS", "choose another trial_id");
  }

  const std::string& creator = context.principal.user();
  v1::TrialCreated created;
  v1::Trial& trial = *created.mutable_trial();
  trial.set_name(*name);
  trial.set_uid(std::string(IdOf(*name)));
  trial.set_title(asked.title());
  trial.set_description(asked.description());
  trial.set_study_type(asked.study_type());
  trial.set_state(v1::TRIAL_STATE_DRAFT);
  if (asked.has_start_date()) *trial.mutable_start_date() = asked.start_date();
  if (asked.has_end_date()) *trial.mutable_end_date() = asked.end_date();
  *trial.mutable_researchers() = asked.researchers();
  if (std::find(asked.researchers().begin(), asked.researchers().end(), creator) == asked.researchers().end()) {
    trial.add_researchers(creator);
  }
  trial.set_creator(creator);
  trial.add_drafters(creator);
  Decision decision = Answering(*name);
  Emit(decision, *name, &v1::TrialsEvent::mutable_trial_created, std::move(created));
  return decision;
}

absl::StatusOr<Decision> UpdateTrial(const view::State& state, const Context& context,
                                     const v1::UpdateTrialRequest& request, const SealedPart&) {
  const v1::Trial& asked = request.trial();
  const std::string& name = asked.name();
  const view::RowPtr row = state.Find(kTrials, name);
  if (!row || !MaySeeClinical(context.principal, state, kTrials, name, *row))
    return NotVisible(row != nullptr, "trial");
  if (!RunsTrial(context.principal, state, name)) {
    return Denied("NOT_YOUR_TRIAL", "only the researchers of the trial may change it");
  }
  const auto& trial = row->As<v1::Trial>();
  TRIALOG_RETURN_IF_ERROR(CheckTakesUpdates(trial, request.update_mask()));
  TRIALOG_RETURN_IF_ERROR(RequireEtag(name, *row, asked.etag(), "trial.etag"));

  v1::TrialUpdated updated;
  *updated.mutable_paths() = request.update_mask().paths();
  v1::Trial whole = trial;
  CopyFields(asked, whole, updated.paths());
  TRIALOG_RETURN_IF_ERROR(CheckTrial(whole, context.principal.organization));
  if (whole.researchers().empty()) {
    return BadField("trial.researchers", "REQUIRED", "a trial keeps at least one researcher");
  }
  CopyFields(asked, *updated.mutable_trial(), updated.paths());
  updated.mutable_trial()->set_name(name);
  if (trial.state() == v1::TRIAL_STATE_DRAFT) updated.set_drafter(context.principal.user());
  Decision decision = Answering(name);
  Emit(decision, name, &v1::TrialsEvent::mutable_trial_updated, std::move(updated));
  return decision;
}

absl::StatusOr<Decision> PublishTrialEvent(const view::State& state, const Context& context,
                                           const v1::PublishTrialEventRequest& request, const SealedPart& sealed) {
  const view::RowPtr row = state.Find(kTrials, request.parent());
  if (!row || !MaySeeClinical(context.principal, state, kTrials, request.parent(), *row)) {
    return NotVisible(row != nullptr, "trial");
  }
  if (!RunsTrial(context.principal, state, request.parent())) {
    return Denied("NOT_YOUR_TRIAL", "only the researchers of the trial may publish its news");
  }
  if (!TrialAllows(row->As<v1::Trial>().state(), TrialActivity::kPublishEvents)) {
    return BrokenRule("TRIAL_NOT_OPEN", request.parent(), "news is published from activation until archiving");
  }
  if (!HasPersonal(sealed, v1::TrialEvent::kTitleFieldNumber)) {
    return BadField("trial_event.title", "REQUIRED", "is required");
  }
  auto name =
      NewName(kTrialEvents, request.parent(), "trialEvents", request.trial_event_id(), "trial_event_id", context);
  if (!name.ok()) return name.status();
  if (state.Find(kTrialEvents, *name)) {
    return Refuse(absl::StatusCode::kAlreadyExists, "TRIAL_EVENT_EXISTS", "choose another trial_event_id");
  }
  v1::TrialEventPublished published;
  v1::TrialEvent& event = *published.mutable_trial_event();
  event.set_name(*name);
  event.set_uid(std::string(IdOf(*name)));
  event.set_trial(request.parent());
  *event.mutable_publish_time() = context.record_time;
  if (request.trial_event().has_occur_time()) *event.mutable_occur_time() = request.trial_event().occur_time();
  event.set_publisher(context.principal.user());
  *published.mutable_sealed() = sealed;
  Decision decision = Answering(*name);
  Emit(decision, *name, &v1::TrialsEvent::mutable_trial_event_published, std::move(published));
  return decision;
}

absl::StatusOr<Decision> AcknowledgeTrialEvent(const view::State& state, const Context& context,
                                               const v1::AcknowledgeTrialEventRequest& request, const SealedPart&) {
  const view::RowPtr row = state.Find(kTrialEvents, request.name());
  if (!row || !MaySeeClinical(context.principal, state, kTrialEvents, request.name(), *row)) {
    return NotVisible(row != nullptr, "trial event");
  }
  const std::string patient = OwnPatient(context.principal, state);
  if (patient.empty() || !state.Lookup(kSubjectByPatientInTrial, InTrial(ParentOf(request.name()), patient))) {
    return Denied("NOT_A_PARTICIPANT", "only those who take part in the trial acknowledge its news");
  }
  Decision decision = Answering(request.name());
  if (state.Find(kTrialEventAcknowledgments, AcknowledgmentName(request.name(), patient))) return decision;
  v1::TrialEventAcknowledged acknowledged;
  acknowledged.set_trial_event(request.name());
  acknowledged.set_patient(patient);
  Emit(decision, request.name(), &v1::TrialsEvent::mutable_trial_event_acknowledged, std::move(acknowledged));
  return decision;
}

}  // namespace trialog::trials
