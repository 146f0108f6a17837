#include "services/trials/domain/medication_distribution.h"

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/trials/domain/access_care.h"
#include "services/trials/domain/calendar.h"
#include "services/trials/domain/command_parts.h"
#include "services/trials/domain/exact.h"
#include "services/trials/domain/moves.h"
#include "services/trials/domain/tables_care.h"
#include "trialog/trials/v1/care_events.pb.h"
#include "trialog/trials/v1/events.pb.h"

namespace trialog::trials {
namespace {

using Distribution = v1::MedicationDistribution;

// domain.md section 4, "Distribution".
constexpr auto kDistributionMoves = std::to_array<Move<Distribution::State>>({
    {Distribution::STATE_PREPARED, Distribution::STATE_FINALIZED},
    {Distribution::STATE_PREPARED, Distribution::STATE_CANCELLED},
    {Distribution::STATE_FINALIZED, Distribution::STATE_ACKNOWLEDGED},
    {Distribution::STATE_FINALIZED, Distribution::STATE_RETURNED},
    {Distribution::STATE_ACKNOWLEDGED, Distribution::STATE_RETURNED},
});

constexpr int32_t kMaxDosesPerDay = 24;
constexpr int64_t kMaxToleranceSeconds = 12 * 3600;

absl::Status CheckPlan(const Distribution& distribution) {
  if (distribution.has_quantity() && (!IsAmount(distribution.quantity()) || distribution.quantity().unit().empty())) {
    return BadField("medication_distribution.quantity", "BAD_QUANTITY",
                    "needs units of 0 or more, scale 0 to 9 and a unit");
  }
  const bool planned = distribution.has_units_per_dose() || distribution.doses_per_day() != 0;
  if (planned && (!IsPositive(distribution.units_per_dose()) || !distribution.has_quantity())) {
    return BadField("medication_distribution.units_per_dose", "BAD_QUANTITY",
                    "units_per_dose (more than 0), doses_per_day and quantity come together");
  }
  if (planned && (distribution.doses_per_day() < 1 || distribution.doses_per_day() > kMaxDosesPerDay)) {
    return BadField("medication_distribution.doses_per_day", "OUT_OF_RANGE", "must be 1 to 24");
  }
  const auto& tolerance = distribution.dose_tolerance();
  if (tolerance.seconds() < 0 || tolerance.seconds() > kMaxToleranceSeconds || tolerance.nanos() != 0) {
    return BadField("medication_distribution.dose_tolerance", "OUT_OF_RANGE",
                    "must be 0 to 12 hours, in whole seconds");
  }
  return absl::OkStatus();
}

absl::Status CheckDistributionContent(const view::State& state, std::string_view patient,
                                      const Distribution& distribution) {
  if (auto s =
          CheckText("medication_distribution.medication_name", distribution.medication_name(), kMaxShortText, true);
      !s.ok()) {
    return s;
  }
  if (auto s = CheckText("medication_distribution.dose", distribution.dose(), kMaxShortText, false); !s.ok()) return s;
  if (!IsFullDate(distribution.distribution_date())) {
    return BadField("medication_distribution.distribution_date", "BAD_DATE", "needs year, month and day");
  }
  const std::string& order = distribution.medication_order();
  if (!order.empty() && (ParentOf(order) != patient || !state.Find(kMedicationOrders, order))) {
    return BadField("medication_distribution.medication_order", "BAD_ORDER", "is not an order of this patient");
  }
  return CheckPlan(distribution);
}

// The row of a distribution that the caller sees and that stands in `to` or may move there.
absl::StatusOr<view::RowPtr> FindToMove(const view::State& state, const Context& context, std::string_view name,
                                        std::string_view etag, Distribution::State to) {
  auto row = FindForCommand(state, context.principal, kMedicationDistributions, name, "medication distribution", etag);
  if (!row.ok()) return row;
  const auto who = to == Distribution::STATE_ACKNOWLEDGED ? RequireSelf : RequireProvider;
  if (auto status = who(state, context.principal, ParentOf(name)); !status.ok()) return status;
  const auto from = (*row)->As<Distribution>().state();
  if (from == to || MayMove(from, to)) return row;
  return BrokenRule(
      "MEDICATION_DISTRIBUTION_STATE", name,
      Cat("a distribution in ", Distribution::State_Name(from), " cannot go to ", Distribution::State_Name(to)));
}

}  // namespace

bool MayMove(Distribution::State from, Distribution::State to) { return MayMove(kDistributionMoves, from, to); }

absl::StatusOr<Decision> CreateMedicationDistribution(const view::State& state, const Context& context,
                                                      const v1::CreateMedicationDistributionRequest& request,
                                                      const event::v1::SealedPart&) {
  if (auto s = RequireProvider(state, context.principal, request.parent()); !s.ok()) return s;
  const std::string name = Cat(request.parent(), "/medicationDistributions/", request.medication_distribution_id());
  if (auto s = CheckNewName(state, kMedicationDistributions, name, "medication_distribution_id"); !s.ok()) return s;
  const Distribution& asked = request.medication_distribution();
  if (auto s = CheckDistributionContent(state, request.parent(), asked); !s.ok()) return s;
  if (auto s = RequireActivePatient(state, request.parent()); !s.ok()) return s;

  v1::MedicationDistributionPrepared prepared;
  Distribution& distribution = *prepared.mutable_medication_distribution();
  distribution = asked;
  distribution.set_name(name);
  distribution.set_uid(request.medication_distribution_id());
  distribution.set_patient(request.parent());
  distribution.set_state(Distribution::STATE_PREPARED);
  distribution.set_distributor(context.principal.user());
  distribution.clear_returned_quantity();
  distribution.clear_state_reason();
  distribution.clear_finalize_time();
  distribution.clear_acknowledge_time();
  distribution.clear_return_time();
  distribution.clear_create_time();
  distribution.clear_update_time();
  distribution.clear_etag();
  return OneEvent(name, &v1::TrialsEvent::mutable_medication_distribution_prepared, std::move(prepared));
}

absl::StatusOr<Decision> FinalizeMedicationDistribution(const view::State& state, const Context& context,
                                                        const v1::FinalizeMedicationDistributionRequest& request) {
  auto row = FindToMove(state, context, request.name(), request.etag(), Distribution::STATE_FINALIZED);
  if (!row.ok()) return row.status();
  const auto& distribution = (*row)->As<Distribution>();
  if (distribution.state() == Distribution::STATE_FINALIZED) return Answering(request.name());
  if (const std::string& name = distribution.medication_order(); !name.empty()) {
    const auto order = state.Get<v1::MedicationOrder>(kMedicationOrders, name);
    if (!order || order->state() != v1::MedicationOrder::STATE_ACTIVE) {
      return BrokenRule("MEDICATION_ORDER_STATE", name, "the order that this distribution serves is not active");
    }
  }
  v1::MedicationDistributionFinalized finalized;
  finalized.set_name(request.name());
  return OneEvent(request.name(), &v1::TrialsEvent::mutable_medication_distribution_finalized, std::move(finalized));
}

absl::StatusOr<Decision> AcknowledgeMedicationDistribution(
    const view::State& state, const Context& context, const v1::AcknowledgeMedicationDistributionRequest& request) {
  auto row = FindToMove(state, context, request.name(), request.etag(), Distribution::STATE_ACKNOWLEDGED);
  if (!row.ok()) return row.status();
  if ((*row)->As<Distribution>().state() == Distribution::STATE_ACKNOWLEDGED) return Answering(request.name());
  v1::MedicationDistributionAcknowledged acknowledged;
  acknowledged.set_name(request.name());
  return OneEvent(request.name(), &v1::TrialsEvent::mutable_medication_distribution_acknowledged,
                  std::move(acknowledged));
}

absl::StatusOr<Decision> ReturnMedicationDistribution(const view::State& state, const Context& context,
                                                      const v1::ReturnMedicationDistributionRequest& request,
                                                      const event::v1::SealedPart& sealed) {
  auto row = FindToMove(state, context, request.name(), request.etag(), Distribution::STATE_RETURNED);
  if (!row.ok()) return row.status();
  const auto& distribution = (*row)->As<Distribution>();
  if (distribution.state() == Distribution::STATE_RETURNED) return Answering(request.name());
  const auto& returned = request.returned_quantity();
  if (!request.has_returned_quantity() || !IsAmount(returned) || returned.unit() != distribution.quantity().unit() ||
      IsMore(returned, distribution.quantity())) {
    return BadField("returned_quantity", "BAD_QUANTITY",
                    "must be in the unit that was handed out, and at most what was handed out");
  }
  v1::MedicationDistributionReturned event;
  event.set_name(request.name());
  *event.mutable_returned_quantity() = returned;
  *event.mutable_sealed() = OnlySealed(sealed, {Distribution::kStateReasonFieldNumber});
  return OneEvent(request.name(), &v1::TrialsEvent::mutable_medication_distribution_returned, std::move(event));
}

}  // namespace trialog::trials
