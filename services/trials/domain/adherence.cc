#include "services/trials/domain/adherence.h"

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/trials/domain/access_care.h"
#include "services/trials/domain/calendar.h"
#include "services/trials/domain/command_parts.h"
#include "services/trials/domain/tables_care.h"
#include "trialog/trials/v1/care_events.pb.h"
#include "trialog/trials/v1/events.pb.h"

namespace trialog::trials {
namespace {

using Dose = v1::AdherenceLog;
using Distribution = v1::MedicationDistribution;

constexpr int64_t kDefaultToleranceSeconds = 3600;
constexpr int32_t kMinUtcOffset = -12 * 60;
constexpr int32_t kMaxUtcOffset = 14 * 60;

// A stated instant that may not lie ahead.
absl::Status CheckPast(std::string_view field, const google::protobuf::Timestamp& time, const Context& context) {
  if (!IsWholeMicroseconds(time)) return BadField(field, "BAD_TIME", "must be a time in whole microseconds");
  return CheckNotFuture(field, time, context.record_time);
}

absl::Status CheckAdherenceTimes(const Dose& dose, const Context& context) {
  if (!dose.has_track_time()) return BadField("adherence_log.track_time", "REQUIRED", "is required");
  if (auto s = CheckPast("adherence_log.track_time", dose.track_time(), context); !s.ok()) return s;
  if (dose.has_planned_time() && !IsWholeMicroseconds(dose.planned_time())) {
    return BadField("adherence_log.planned_time", "BAD_TIME", "must be a time in whole microseconds");
  }
  if (dose.utc_offset_minutes() < kMinUtcOffset || dose.utc_offset_minutes() > kMaxUtcOffset) {
    return BadField("adherence_log.utc_offset_minutes", "OUT_OF_RANGE", "must be -720 to 840");
  }
  return absl::OkStatus();
}

absl::StatusOr<Dose::AdherenceState> StateToLog(const Dose& dose, const Distribution& distribution) {
  if (dose.adherence_state() == Dose::ADHERENCE_STATE_MISSED) {
    if (dose.has_planned_time()) return Dose::ADHERENCE_STATE_MISSED;
    return BadField("adherence_log.planned_time", "REQUIRED", "say when the missed dose was due");
  }
  const auto derived = StateOfDose(dose, distribution);
  if (dose.adherence_state() == Dose::ADHERENCE_STATE_UNSPECIFIED || dose.adherence_state() == derived) return derived;
  return BadField("adherence_log.adherence_state", "CONTRADICTS_TIMES", "does not follow from the times; leave it out");
}

bool WasAvailable(const Distribution& distribution) {
  return distribution.state() == Distribution::STATE_FINALIZED ||
         distribution.state() == Distribution::STATE_ACKNOWLEDGED ||
         distribution.state() == Distribution::STATE_RETURNED;
}

}  // namespace

Dose::AdherenceState StateOfDose(const Dose& log, const Distribution& distribution) {
  if (!log.has_planned_time()) return Dose::ADHERENCE_STATE_EXTRA;
  const int64_t tolerance =
      distribution.has_dose_tolerance() ? distribution.dose_tolerance().seconds() : kDefaultToleranceSeconds;
  const int64_t off = Micros(log.track_time()) - Micros(log.planned_time());
  const int64_t limit = tolerance * 1'000'000;
  return off >= -limit && off <= limit ? Dose::ADHERENCE_STATE_ON_TIME : Dose::ADHERENCE_STATE_LATE;
}

absl::StatusOr<Decision> LogAdherence(const view::State& state, const Context& context,
                                      const v1::LogAdherenceRequest& request, const event::v1::SealedPart&) {
  const Principal& principal = context.principal;
  if (auto s = RequireSelf(state, principal, request.parent()); !s.ok()) return s;
  const std::string name = Cat(request.parent(), "/adherenceLogs/", request.adherence_log_id());
  if (auto s = CheckNewName(state, kAdherenceLogs, name, "adherence_log_id"); !s.ok()) return s;
  const Dose& asked = request.adherence_log();
  if (auto s = CheckAdherenceTimes(asked, context); !s.ok()) return s;

  const view::RowPtr row = state.Find(kMedicationDistributions, asked.distribution());
  if (!row || ParentOf(asked.distribution()) != request.parent() ||
      !MaySeeCare(principal, state, kMedicationDistributions, asked.distribution(), *row)) {
    return BadField("adherence_log.distribution", "BAD_DISTRIBUTION", "is not a distribution of this patient");
  }
  const auto& distribution = row->As<Distribution>();
  if (!WasAvailable(distribution)) {  // Seen all the same by a clinician who is their own patient.
    return BrokenRule("DISTRIBUTION_NOT_AVAILABLE", asked.distribution(), "the distribution is not finalized");
  }
  auto adherence_state = StateToLog(asked, distribution);
  if (!adherence_state.ok()) return adherence_state.status();
  if (asked.has_planned_time() &&
      state.Lookup(kDoseByPlan, PlannedDoseKey(asked.distribution(), asked.planned_time()))) {
    return BrokenRule("DOSE_ALREADY_LOGGED", asked.distribution(), "the dose of this planned time is logged already");
  }

  v1::AdherenceLogged logged;
  Dose& dose = *logged.mutable_adherence_log();
  dose.set_name(name);
  dose.set_uid(request.adherence_log_id());
  dose.set_patient(request.parent());
  dose.set_distribution(asked.distribution());
  dose.set_adherence_state(*adherence_state);
  if (asked.has_planned_time()) *dose.mutable_planned_time() = asked.planned_time();
  *dose.mutable_track_time() = asked.track_time();
  dose.set_utc_offset_minutes(asked.utc_offset_minutes());
  dose.set_recorder(principal.user());
  return OneEvent(name, &v1::TrialsEvent::mutable_adherence_logged, std::move(logged));
}

absl::StatusOr<Decision> RecordProtocolAdherence(const view::State& state, const Context& context,
                                                 const v1::RecordProtocolAdherenceRequest& request) {
  const Principal& principal = context.principal;
  if (auto s = RequireSelf(state, principal, request.parent()); !s.ok()) return s;
  const std::string name = Cat(request.parent(), "/protocolAdherences/", request.protocol_id());
  if (!NameMatches(kProtocolAdherences.pattern, name)) {
    return BadField("protocol_id", "BAD_ID", "needs 1 to 63 characters of A-Z, a-z, 0-9, '.', '_', '~' and '-'");
  }
  if (request.adherence_state() == v1::ProtocolAdherence::ADHERENCE_STATE_UNSPECIFIED ||
      !v1::ProtocolAdherence::AdherenceState_IsValid(request.adherence_state())) {
    return BadField("adherence_state", "REQUIRED", "say how far the protocol is kept");
  }
  if (request.has_track_time()) {
    if (auto s = CheckPast("track_time", request.track_time(), context); !s.ok()) return s;
  }
  if (state.Find(kProtocolAdherences, name)) {
    auto row = FindForCommand(state, principal, kProtocolAdherences, name, "protocol adherence", request.etag());
    if (!row.ok()) return row.status();
    const auto& before = (*row)->As<v1::ProtocolAdherence>();
    const bool same_time = request.has_track_time() && Micros(request.track_time()) == Micros(before.track_time());
    if (before.adherence_state() == request.adherence_state() && same_time) return Answering(name);
  }

  v1::ProtocolAdherenceRecorded recorded;
  v1::ProtocolAdherence& adherence = *recorded.mutable_protocol_adherence();
  adherence.set_name(name);
  adherence.set_uid(request.protocol_id());
  adherence.set_patient(request.parent());
  adherence.set_protocol_id(request.protocol_id());
  adherence.set_adherence_state(request.adherence_state());
  *adherence.mutable_track_time() = request.has_track_time() ? request.track_time() : context.record_time;
  adherence.set_recorder(principal.user());
  return OneEvent(name, &v1::TrialsEvent::mutable_protocol_adherence_recorded, std::move(recorded));
}

const view::Table* FeedbackTable(std::string_view name) {
  for (const view::Table* table : {&kMedicationOrders, &kAdherenceLogs, &kProtocolAdherences}) {
    if (NameMatches(table->pattern, name)) return table;
  }
  return nullptr;
}

int32_t FeedbackFieldNumber(const view::Table& table) {
  return table.prototype->GetDescriptor()->FindFieldByName("feedback")->number();
}

absl::StatusOr<Decision> AddFeedback(const view::State& state, const Context& context,
                                     const v1::AddFeedbackRequest& request, const event::v1::SealedPart& sealed) {
  const view::Table* table = FeedbackTable(request.name());
  if (!table) return BadField("name", "BAD_NAME", "must name an order, an adherence log or a protocol adherence");
  auto row = FindForCommand(state, context.principal, *table, request.name(), "record", request.etag());
  if (!row.ok()) return row.status();
  if (auto s = RequireProvider(state, context.principal, ParentOf(request.name())); !s.ok()) return s;
  const int32_t field = FeedbackFieldNumber(*table);
  if (!HasPersonal(sealed, field)) return BadField("feedback", "REQUIRED", "is required");

  v1::FeedbackAdded added;
  added.set_name(request.name());
  added.set_provider(context.principal.user());
  *added.mutable_sealed() = OnlySealed(sealed, {field});
  return OneEvent(request.name(), &v1::TrialsEvent::mutable_feedback_added, std::move(added));
}

}  // namespace trialog::trials
