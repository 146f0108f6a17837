#include "services/trials/domain/medication_order.h"

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/trials/domain/access_care.h"
#include "services/trials/domain/command_parts.h"
#include "services/trials/domain/moves.h"
#include "services/trials/domain/tables_care.h"
#include "trialog/trials/v1/care_events.pb.h"
#include "trialog/trials/v1/events.pb.h"

namespace trialog::trials {
namespace {

using Order = v1::MedicationOrder;

// domain.md section 4, "Medication order".
constexpr auto kOrderMoves = std::to_array<Move<Order::State>>({
    {Order::STATE_DRAFT, Order::STATE_ACTIVE},
    {Order::STATE_DRAFT, Order::STATE_CANCELLED},
    {Order::STATE_ACTIVE, Order::STATE_ON_HOLD},
    {Order::STATE_ON_HOLD, Order::STATE_ACTIVE},
    {Order::STATE_ACTIVE, Order::STATE_COMPLETED},
    {Order::STATE_ACTIVE, Order::STATE_STOPPED},
    {Order::STATE_ON_HOLD, Order::STATE_COMPLETED},
    {Order::STATE_ON_HOLD, Order::STATE_STOPPED},
    {Order::STATE_DRAFT, Order::STATE_ENTERED_IN_ERROR},
    {Order::STATE_ACTIVE, Order::STATE_ENTERED_IN_ERROR},
    {Order::STATE_ON_HOLD, Order::STATE_ENTERED_IN_ERROR},
    {Order::STATE_COMPLETED, Order::STATE_ENTERED_IN_ERROR},
    {Order::STATE_STOPPED, Order::STATE_ENTERED_IN_ERROR},
    {Order::STATE_CANCELLED, Order::STATE_ENTERED_IN_ERROR},
});

absl::Status IllegalMove(std::string_view name, Order::State from, Order::State to) {
  return BrokenRule("MEDICATION_ORDER_STATE", name,
                    Cat("an order in ", Order::State_Name(from), " cannot go to ", Order::State_Name(to)));
}

event::v1::SealedPart Reason(const event::v1::SealedPart& sealed) {
  return OnlySealed(sealed, {Order::kStateReasonFieldNumber});
}

// The order as its assigned provider finds it; the state it may leave for `to`, or `to` itself.
absl::StatusOr<Order::State> StateBefore(const view::State& state, const Context& context, std::string_view name,
                                         std::string_view etag, Order::State to) {
  auto row = FindForCommand(state, context.principal, kMedicationOrders, name, "medication order", etag);
  if (!row.ok()) return row.status();
  if (auto status = RequireProvider(state, context.principal, ParentOf(name)); !status.ok()) return status;
  const Order::State from = (*row)->As<Order>().state();
  if (from != to && !MayMove(from, to)) return IllegalMove(name, from, to);
  return from;
}

absl::Status CheckOrderContent(const Order& order) {
  if (auto s = CheckText("medication_order.medication_name", order.medication_name(), kMaxShortText, true); !s.ok())
    return s;
  if (auto s = CheckText("medication_order.dose", order.dose(), kMaxShortText, true); !s.ok()) return s;
  return CheckText("medication_order.frequency", order.frequency(), kMaxShortText, true);
}

}  // namespace

bool MayMove(Order::State from, Order::State to) { return MayMove(kOrderMoves, from, to); }

absl::StatusOr<Decision> CreateMedicationOrder(const view::State& state, const Context& context,
                                               const v1::CreateMedicationOrderRequest& request,
                                               const event::v1::SealedPart& sealed) {
  if (auto s = RequireProvider(state, context.principal, request.parent()); !s.ok()) return s;
  const std::string name = Cat(request.parent(), "/medicationOrders/", request.medication_order_id());
  if (auto s = CheckNewName(state, kMedicationOrders, name, "medication_order_id"); !s.ok()) return s;
  if (auto s = CheckOrderContent(request.medication_order()); !s.ok()) return s;
  if (auto s = RequireActivePatient(state, request.parent()); !s.ok()) return s;

  v1::MedicationOrderCreated created;
  Order& order = *created.mutable_medication_order();
  order.set_name(name);
  order.set_uid(request.medication_order_id());
  order.set_patient(request.parent());
  order.set_medication_name(request.medication_order().medication_name());
  order.set_dose(request.medication_order().dose());
  order.set_frequency(request.medication_order().frequency());
  order.set_state(Order::STATE_DRAFT);
  order.set_prescriber(context.principal.user());
  *created.mutable_sealed() = OnlySealed(sealed, {Order::kInstructionsFieldNumber});
  return OneEvent(name, &v1::TrialsEvent::mutable_medication_order_created, std::move(created));
}

absl::StatusOr<Decision> ActivateMedicationOrder(const view::State& state, const Context& context,
                                                 const v1::ActivateMedicationOrderRequest& request,
                                                 const event::v1::SealedPart& sealed) {
  auto from = StateBefore(state, context, request.name(), request.etag(), Order::STATE_ACTIVE);
  if (!from.ok()) return from.status();
  if (*from == Order::STATE_ACTIVE) return Answering(request.name());
  v1::MedicationOrderActivated activated;
  activated.set_name(request.name());
  activated.set_from_state(*from);
  *activated.mutable_sealed() = Reason(sealed);
  return OneEvent(request.name(), &v1::TrialsEvent::mutable_medication_order_activated, std::move(activated));
}

absl::StatusOr<Decision> HoldMedicationOrder(const view::State& state, const Context& context,
                                             const v1::HoldMedicationOrderRequest& request,
                                             const event::v1::SealedPart& sealed) {
  auto from = StateBefore(state, context, request.name(), request.etag(), Order::STATE_ON_HOLD);
  if (!from.ok()) return from.status();
  if (*from == Order::STATE_ON_HOLD) return Answering(request.name());
  v1::MedicationOrderHeld held;
  held.set_name(request.name());
  *held.mutable_sealed() = Reason(sealed);
  return OneEvent(request.name(), &v1::TrialsEvent::mutable_medication_order_held, std::move(held));
}

absl::StatusOr<Decision> StopMedicationOrder(const view::State& state, const Context& context,
                                             const v1::StopMedicationOrderRequest& request,
                                             const event::v1::SealedPart& sealed) {
  auto from = StateBefore(state, context, request.name(), request.etag(), Order::STATE_STOPPED);
  if (!from.ok()) return from.status();
  if (*from == Order::STATE_STOPPED) return Answering(request.name());
  if (!HasPersonal(sealed, Order::kStateReasonFieldNumber)) {
    return BadField("state_reason", "REQUIRED", "say why the order is stopped");
  }
  v1::MedicationOrderStopped stopped;
  stopped.set_name(request.name());
  *stopped.mutable_sealed() = Reason(sealed);
  return OneEvent(request.name(), &v1::TrialsEvent::mutable_medication_order_stopped, std::move(stopped));
}

absl::StatusOr<Decision> AcknowledgeMedicationOrder(const view::State& state, const Context& context,
                                                    const v1::AcknowledgeMedicationOrderRequest& request) {
  auto row =
      FindForCommand(state, context.principal, kMedicationOrders, request.name(), "medication order", request.etag());
  if (!row.ok()) return row.status();
  if (auto s = RequireSelf(state, context.principal, ParentOf(request.name())); !s.ok()) return s;
  const auto& order = (*row)->As<Order>();
  if (order.has_acknowledge_time()) return Answering(request.name());
  if (order.state() != Order::STATE_ACTIVE && order.state() != Order::STATE_ON_HOLD) {
    return BrokenRule("MEDICATION_ORDER_STATE", request.name(), "only an order in force can be acknowledged");
  }
  v1::MedicationOrderAcknowledged acknowledged;
  acknowledged.set_name(request.name());
  return OneEvent(request.name(), &v1::TrialsEvent::mutable_medication_order_acknowledged, std::move(acknowledged));
}

}  // namespace trialog::trials
