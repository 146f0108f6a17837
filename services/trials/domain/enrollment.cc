#include "services/trials/domain/enrollment.h"

#include <algorithm>
#include <utility>

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/trials/domain/access_clinical.h"
#include "services/trials/domain/care_relation.h"
#include "services/trials/domain/checks.h"
#include "services/trials/domain/etag.h"
#include "services/trials/domain/subject_states.h"
#include "services/trials/domain/tables_clinical.h"
#include "services/trials/domain/trial_states.h"
#include "trialog/trials/v1/patient.pb.h"

namespace trialog::trials {
namespace {

using event::v1::SealedPart;

constexpr int kMaxTiers = 50;
constexpr int kMaxPastConsents = 100;
constexpr size_t kMaxConsentText = 100;

// A subject and what decides about it.
struct FoundSubject {
  view::RowPtr row;
  std::shared_ptr<const v1::Trial> trial;
  CareRelation relation;

  const v1::Subject& subject() const { return row->As<v1::Subject>(); }
};

absl::StatusOr<FoundSubject> FindSubject(const view::State& state, const Context& context, std::string_view name) {
  FoundSubject found;
  found.row = state.Find(kSubjects, name);
  if (!found.row || !MaySeeClinical(context.principal, state, kSubjects, name, *found.row)) {
    return NotVisible(found.row != nullptr, "subject");
  }
  found.trial = state.Get<v1::Trial>(kTrials, ParentOf(name));
  if (!found.trial) return NotFound("subject");
  found.relation = RelationInTrial(context.principal, state, found.subject().patient(), ParentOf(name));
  return found;
}

absl::Status NotStaff() { return Denied("NOT_STAFF", "only those who care for the patient may do this"); }

absl::Status CheckConsent(const v1::Consent& consent, const google::protobuf::Timestamp& now, std::string_view path) {
  TRIALOG_RETURN_IF_ERROR(CheckText(Cat(path, ".form_version"), consent.form_version(), kMaxConsentText, true));
  if (consent.tiers_size() > kMaxTiers) return BadField(Cat(path, ".tiers"), "TOO_MANY", "names more than 50 uses");
  for (int i = 0; i < consent.tiers_size(); ++i) {
    const std::string& tier = consent.tiers(i).tier();
    TRIALOG_RETURN_IF_ERROR(CheckText(Cat(path, ".tiers.tier"), tier, kMaxConsentText, true));
    for (int j = 0; j < i; ++j) {
      if (consent.tiers(j).tier() == tier) return BadField(Cat(path, ".tiers"), "NAMED_TWICE", "names a use twice");
    }
  }
  return CheckNotFuture(Cat(path, ".occur_time"), consent.occur_time(), now);
}

v1::Consent Recorded(const v1::Consent& asked, const google::protobuf::Timestamp& now) {
  v1::Consent consent = asked;
  if (!consent.has_occur_time()) *consent.mutable_occur_time() = now;
  *consent.mutable_record_time() = now;
  return consent;
}

// Ten characters without vowels and look-alikes, from a drawn id; drawn again in the rare case that it is taken.
std::string NewSubjectKey(const view::State& state, const Context& context, std::string_view trial) {
  constexpr std::string_view kAlphabet = "23456789BCDFGHJKMNPQRSTVWXYZ";
  for (int n = 1;; ++n) {
    // The last 12 hexadecimal digits of a UUIDv7 are random (RFC 9562, 5.7).
    const std::string id = context.NewId(n);
    uint64_t bits = 0;
    for (const char digit : id.substr(id.size() - 12)) {
      bits = bits * 16 + static_cast<uint64_t>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
    }
    std::string key = "S-";
    for (int i = 0; i < 8; ++i, bits /= kAlphabet.size()) key += kAlphabet[bits % kAlphabet.size()];
    if (!state.Lookup(kSubjectByKey, InTrial(trial, key))) return key;
  }
}

// What the trial must be open for, to let a subject come to a state.
TrialActivity ActivityFor(v1::SubjectState to) {
  switch (to) {
    case v1::SUBJECT_STATE_SCREENING:
    case v1::SUBJECT_STATE_ELIGIBLE:
    case v1::SUBJECT_STATE_ENROLLED:
    case v1::SUBJECT_STATE_RANDOMIZED:
      return TrialActivity::kEnroll;
    case v1::SUBJECT_STATE_ON_TREATMENT:
      return TrialActivity::kTreat;
    default:
      return TrialActivity::kFollowUp;
  }
}

bool NeedsConsent(v1::SubjectState to) { return ActivityFor(to) != TrialActivity::kFollowUp; }

absl::Status ConsentMissing(std::string_view subject_or_patient) {
  return BrokenRule("CONSENT_MISSING", subject_or_patient, "record the person's consent first");
}

v1::SubjectTransitioned Transitioned(const v1::Subject& subject, v1::SubjectState to, const SealedPart& sealed) {
  v1::SubjectTransitioned transitioned;
  transitioned.set_subject(subject.name());
  transitioned.set_trial(subject.trial());
  transitioned.set_patient(subject.patient());
  transitioned.set_from(subject.state());
  transitioned.set_to(to);
  *transitioned.mutable_sealed() = sealed;
  return transitioned;
}

absl::Status CheckEnrollment(const view::State& state, const Context& context, const v1::EnrollSubjectRequest& request,
                             v1::SubjectState first) {
  const v1::Subject& asked = request.subject();
  const auto trial = state.Get<v1::Trial>(kTrials, request.parent());
  const auto patient = state.Get<v1::Patient>(kPatients, asked.patient());
  if (trial->state() != v1::TRIAL_STATE_ACTIVE) {
    return BrokenRule("TRIAL_NOT_ACTIVE", request.parent(), "subjects are taken only into an active trial");
  }
  if (!patient->active()) return BrokenRule("PATIENT_INACTIVE", asked.patient(), "make the patient active first");
  if (first != v1::SUBJECT_STATE_CANDIDATE && first != v1::SUBJECT_STATE_SCREENING &&
      first != v1::SUBJECT_STATE_ENROLLED) {
    return BadField("subject.state", "BAD_STATE", "begin as CANDIDATE, SCREENING or ENROLLED");
  }
  const v1::ConsentState consent = asked.consent().state();
  if (NeedsConsent(first) && consent != v1::CONSENT_STATE_GIVEN) return ConsentMissing(asked.patient());
  if (asked.has_consent()) {
    if (!ConsentMayMove(v1::CONSENT_STATE_UNSPECIFIED, consent)) {
      return BadField("subject.consent.state", "BAD_STATE", "begin with OFFERED, GIVEN or DECLINED");
    }
    TRIALOG_RETURN_IF_ERROR(CheckConsent(asked.consent(), context.record_time, "subject.consent"));
  }
  TRIALOG_RETURN_IF_ERROR(CheckDate("subject.enroll_date", asked.has_enroll_date(), asked.enroll_date()));
  // A site may be a day ahead of UTC.
  if (asked.has_enroll_date() && DayNumber(asked.enroll_date()) > DayNumber(DayOf(context.record_time)) + 1) {
    return BadField("subject.enroll_date", "IN_FUTURE", "lies in the future");
  }
  if (state.Lookup(kSubjectByPatientInTrial, InTrial(request.parent(), asked.patient()))) {
    return Refuse(absl::StatusCode::kAlreadyExists, "ALREADY_ENROLLED", "the patient is a subject of this trial");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Decision> EnrollSubject(const view::State& state, const Context& context,
                                       const v1::EnrollSubjectRequest& request, const SealedPart&) {
  const v1::Subject& asked = request.subject();
  const view::RowPtr trial = state.Find(kTrials, request.parent());
  if (!trial || !MaySeeClinical(context.principal, state, kTrials, request.parent(), *trial)) {
    return NotVisible(trial != nullptr, "trial");
  }
  if (!RelationTo(context.principal, state, asked.patient()).Any()) {
    return NotVisible(state.Find(kPatients, asked.patient()) != nullptr, "patient");
  }
  if (!RelationInTrial(context.principal, state, asked.patient(), request.parent()).Staff()) return NotStaff();
  const v1::SubjectState first =
      asked.state() == v1::SUBJECT_STATE_UNSPECIFIED ? v1::SUBJECT_STATE_ENROLLED : asked.state();
  TRIALOG_RETURN_IF_ERROR(CheckEnrollment(state, context, request, first));
  auto name = NewName(kSubjects, request.parent(), "subjects", request.subject_id(), "subject_id", context);
  if (!name.ok()) return name.status();
  if (state.Find(kSubjects, *name)) {
    return Refuse(absl::StatusCode::kAlreadyExists, "SUBJECT_EXISTS", "choose another subject_id");
  }

  v1::SubjectEnrolled enrolled;
  v1::Subject& subject = *enrolled.mutable_subject();
  subject.set_name(*name);
  subject.set_uid(std::string(IdOf(*name)));
  subject.set_patient(asked.patient());
  subject.set_trial(request.parent());
  subject.set_subject_key(NewSubjectKey(state, context, request.parent()));
  subject.set_state(first);
  if (asked.has_consent()) *subject.mutable_consent() = Recorded(asked.consent(), context.record_time);
  *subject.mutable_enroll_date() = asked.has_enroll_date() ? asked.enroll_date() : DayOf(context.record_time);
  Decision decision = Answering(*name);
  Emit(decision, *name, &v1::TrialsEvent::mutable_subject_enrolled, std::move(enrolled));
  return decision;
}

absl::StatusOr<Decision> TransitionSubject(const view::State& state, const Context& context,
                                           const v1::TransitionSubjectRequest& request, const SealedPart& sealed) {
  auto found = FindSubject(state, context, request.name());
  if (!found.ok()) return found.status();
  if (!found->relation.Staff()) return NotStaff();
  const v1::Subject& subject = found->subject();
  TRIALOG_RETURN_IF_ERROR(CheckEtag(request.name(), *found->row, request.etag()));
  if (!SubjectMayMove(found->trial->study_type(), subject.state(), request.state())) {
    return BrokenRule("ILLEGAL_MOVE", request.name(),
                      Cat("a subject of this trial cannot do this in ", v1::SubjectState_Name(subject.state())));
  }
  if (!TrialAllows(found->trial->state(), ActivityFor(request.state()))) {
    return BrokenRule("TRIAL_NOT_OPEN", found->trial->name(), "the state of the trial does not allow this move");
  }
  if (NeedsConsent(request.state()) && subject.consent().state() != v1::CONSENT_STATE_GIVEN) {
    return ConsentMissing(request.name());
  }
  if (IsExit(request.state()) && !HasPersonal(sealed, v1::Subject::kStateReasonFieldNumber)) {
    return BadField("state_reason", "REQUIRED", "say why the subject leaves the trial");
  }
  Decision decision = Answering(request.name());
  Emit(decision, request.name(), &v1::TrialsEvent::mutable_subject_transitioned,
       Transitioned(subject, request.state(), sealed));
  return decision;
}

absl::StatusOr<Decision> RecordConsent(const view::State& state, const Context& context,
                                       const v1::RecordConsentRequest& request, const SealedPart&) {
  auto found = FindSubject(state, context, request.name());
  if (!found.ok()) return found.status();
  if (!found->relation.Staff()) return NotStaff();
  TRIALOG_RETURN_IF_ERROR(CheckEtag(request.name(), *found->row, request.etag()));
  TRIALOG_RETURN_IF_ERROR(CheckConsent(request.consent(), context.record_time, "consent"));
  if (!TrialAllows(found->trial->state(), TrialActivity::kFollowUp)) {
    return BrokenRule("TRIAL_NOT_OPEN", found->trial->name(), "the state of the trial does not allow this");
  }
  const v1::Consent& held = found->subject().consent();
  const v1::ConsentState to = request.consent().state();
  const bool same_form = held.form_version() == request.consent().form_version();
  // The form that is out is decided about, or the consent to it ends; anything else begins a new consent.
  const bool continues = same_form && ConsentMayMove(held.state(), to);
  if (!continues && !ConsentMayMove(v1::CONSENT_STATE_UNSPECIFIED, to)) {
    return BrokenRule("ILLEGAL_MOVE", request.name(),
                      Cat("a consent that is ", v1::ConsentState_Name(held.state()), " cannot come to this state"));
  }
  if (to == v1::CONSENT_STATE_WITHDRAWN || to == v1::CONSENT_STATE_SUPERSEDED) {
    return BadField("consent.state", "BAD_STATE", "withdraw a consent with WithdrawConsent, or record the new one");
  }
  if (!continues && held.state() == v1::CONSENT_STATE_GIVEN && to != v1::CONSENT_STATE_GIVEN) {
    return BrokenRule("CONSENT_IN_FORCE", request.name(), "the consent in force stays until another one is given");
  }
  if (!continues && found->subject().past_consents_size() >= kMaxPastConsents) {
    return BrokenRule("TOO_MANY_CONSENTS", request.name(), "100 earlier consents are kept; no more can be recorded");
  }
  v1::ConsentRecorded recorded;
  recorded.set_subject(request.name());
  recorded.set_trial(found->subject().trial());
  recorded.set_patient(found->subject().patient());
  *recorded.mutable_consent() = Recorded(request.consent(), context.record_time);
  recorded.set_replaces(!continues && held.state() != v1::CONSENT_STATE_UNSPECIFIED);
  Decision decision = Answering(request.name());
  Emit(decision, request.name(), &v1::TrialsEvent::mutable_consent_recorded, std::move(recorded));
  return decision;
}

absl::StatusOr<Decision> WithdrawConsent(const view::State& state, const Context& context,
                                         const v1::WithdrawConsentRequest& request, const SealedPart& sealed) {
  auto found = FindSubject(state, context, request.name());
  if (!found.ok()) return found.status();
  if (!found->relation.self && !found->relation.Staff()) return NotStaff();
  const v1::Subject& subject = found->subject();
  TRIALOG_RETURN_IF_ERROR(CheckEtag(request.name(), *found->row, request.etag()));
  if (!ConsentMayMove(subject.consent().state(), v1::CONSENT_STATE_WITHDRAWN)) {
    return BrokenRule("CONSENT_MISSING", request.name(), "there is no consent in force to take back");
  }
  const auto& tiers = subject.consent().tiers();
  for (const std::string& tier : request.tiers()) {
    if (std::none_of(tiers.begin(), tiers.end(), [&](const auto& held) { return held.tier() == tier; })) {
      return BadField("tiers", "UNKNOWN_TIER", "names a use that the consent does not name");
    }
  }
  // Taking part in the trial ends with the consent, unless data is closed to change or the subject had left before.
  const bool leaves = request.tiers().empty() &&
                      SubjectMayMove(found->trial->study_type(), subject.state(), v1::SUBJECT_STATE_WITHDRAWN) &&
                      TrialAllows(found->trial->state(), TrialActivity::kFollowUp);
  v1::ConsentWithdrawn withdrawn;
  withdrawn.set_subject(request.name());
  withdrawn.set_trial(subject.trial());
  withdrawn.set_patient(subject.patient());
  *withdrawn.mutable_tiers() = request.tiers();
  if (!leaves) *withdrawn.mutable_sealed() = sealed;
  Decision decision = Answering(request.name());
  Emit(decision, request.name(), &v1::TrialsEvent::mutable_consent_withdrawn, std::move(withdrawn));
  if (leaves) {
    Emit(decision, request.name(), &v1::TrialsEvent::mutable_subject_transitioned,
         Transitioned(subject, v1::SUBJECT_STATE_WITHDRAWN, sealed));
  }
  return decision;
}

}  // namespace trialog::trials
