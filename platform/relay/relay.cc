#include "platform/relay/relay.h"

#include <algorithm>

#include "platform/command/decision.h"
#include "platform/errors/errors.h"
#include "platform/log/admission.h"
#include "platform/log/skip.h"
#include "platform/text/text.h"
#include "platform/view/public_stream.h"

namespace trialog::relay {
namespace {

constexpr size_t kBatchBytes = 256 << 10;
// How often a process that does not own a partition looks again.
constexpr absl::Duration kStandbyLook = absl::Seconds(1);

std::pair<int64_t, int32_t> Place(const event::v1::Position& position) { return {position.offset(), position.index()}; }

// Deleting the topic is safe: all of it is written again.
absl::Status AnotherTopic(std::string_view service, int partition, const std::string& event_id) {
  return Refuse(absl::StatusCode::kFailedPrecondition, "PUBLIC_TOPIC_IS_ANOTHER",
                Cat("partition ", partition, " of the public topic of ", service, " holds event ", event_id,
                    ", which is not in the log: it was written from another log. Make the topic anew"));
}

}  // namespace

Relay::Relay(Runtime& runtime, log::Log& log, std::string service, const google::protobuf::Message& prototype,
             Outlet& outlet, RelayOptions options)
    : log_(log),
      service_(std::move(service)),
      prototype_(prototype),
      outlet_(outlet),
      options_(std::move(options)),
      executor_(runtime.NewExecutor(Cat("relay-", service_))) {
  {
    absl::MutexLock lock(&gate_->mutex);
    gate_->relay = this;
  }
  for (int p = 0; p < options_.partitions; ++p) {
    carriers_.push_back(std::make_unique<Carrier>());
    carriers_.back()->partition = p;
    carriers_.back()->backoff = options_.first_backoff;
  }
  for (int p = 0; p < options_.partitions; ++p) Wake(p);
}

Relay::~Relay() {
  absl::MutexLock lock(&gate_->mutex);
  gate_->relay = nullptr;
}

void Relay::Wake(int partition) {
  Carrier* carrier = carriers_[partition].get();
  if (carrier->woken.exchange(true)) return;
  executor_->Post([this, carrier] {
    carrier->woken = false;
    Pump(*carrier);
  });
}

void Relay::Pump(Carrier& carrier) {
  while (!carrier.busy) {
    carrier.relaying = !options_.owns || options_.owns(carrier.partition);
    if (!carrier.relaying) {
      carrier.begun = false;  // Whoever owns it meanwhile goes on; the topic will say how far.
      return Pause(carrier, absl::OkStatus(), kStandbyLook);
    }
    if (!carrier.begun) {
      if (absl::Status begun = Begin(carrier); !begun.ok()) return Pause(carrier, begun, carrier.backoff);
    }
    absl::StatusOr<Batch> batch = Read(carrier);
    if (!batch.ok()) return Pause(carrier, batch.status(), carrier.backoff);
    SetFailure(carrier, absl::OkStatus());
    if (!batch->messages.empty()) return Send(carrier, *std::move(batch));
    if (batch->source.next_offset() == carrier.source.next_offset()) return;  // Until the partition grows.
    carrier.source = std::move(batch->source);
    carrier.read_to = carrier.source.next_offset();
  }
}

// After the highest event that the topic holds, never after what this process believes: spec, rule `relay-fold-start`.
absl::Status Relay::Begin(Carrier& carrier) {
  const auto highest = outlet_.Highest(service_, carrier.partition);
  if (!highest.ok()) return highest.status();
  carrier.source.Clear();
  carrier.sent.Clear();
  carrier.sent.set_offset(-1);
  if (highest->has_value()) {
    const Outlet::Found& found = **highest;
    const int64_t offset = found.position.offset();
    const auto records = log_.Read(service_, carrier.partition, offset, 1);
    if (!records.ok()) return records.status();
    if (records->empty() || records->front().offset != offset)
      return AnotherTopic(service_, carrier.partition, found.event_id);
    const auto record = log::ParseRecord(records->front().bytes, offset);
    if (!record.ok()) return record.status();
    const event::v1::Data& data = record->data();
    if (UuidText(EventId(service_, data.organization(), data.command_id(), found.position.index())) != found.event_id)
      return AnotherTopic(service_, carrier.partition, found.event_id);
    carrier.source = log::AdmissionBefore(*record, offset);
    carrier.sent = found.position;
  }
  carrier.begun = true;
  carrier.read_to = carrier.source.next_offset();
  return absl::OkStatus();
}

absl::StatusOr<Relay::Batch> Relay::Read(const Carrier& carrier) {
  Batch batch;
  batch.source = carrier.source;
  const int64_t shown = options_.shown ? options_.shown(carrier.partition) : INT64_MAX;
  if (batch.source.next_offset() >= shown) return batch;
  const auto records = log_.Read(service_, carrier.partition, batch.source.next_offset(), kBatchBytes);
  if (!records.ok()) return records.status();
  for (const log::StoredRecord& stored : *records) {
    if (stored.offset >= shown) break;
    const auto record = log::ParseUnlessSkipped(log_, service_, carrier.partition, batch.source, stored);
    if (!record.ok()) return record.status();
    if (log::Admit(batch.source, *record, stored.bytes, stored.offset) != log::Verdict::kAdmitted) continue;
    for (const auto& event :
         view::PublicEvents(service_, prototype_, carrier.partition, stored.offset, record->data())) {
      if (Place(event.position()) <= Place(carrier.sent)) continue;
      batch.messages.push_back(CloudEvent(event));
      batch.last = event.position();
    }
  }
  return batch;
}

void Relay::Send(Carrier& carrier, Batch batch) {
  carrier.busy = true;
  const auto sent = std::make_shared<Batch>(std::move(batch));
  outlet_.Send(service_, carrier.partition, sent->messages, [gate = gate_, &carrier, sent](absl::Status status) {
    absl::MutexLock lock(&gate->mutex);
    if (gate->relay == nullptr) return;
    gate->relay->executor_->Post(
        [relay = gate->relay, &carrier, sent, status = std::move(status)] { relay->OnSent(carrier, status, *sent); });
  });
}

// After an error the same events are sent again, from the oldest that was not answered for; none is left out.
void Relay::OnSent(Carrier& carrier, const absl::Status& status, const Batch& batch) {
  carrier.busy = false;
  if (!status.ok()) return Pause(carrier, status, carrier.backoff);
  carrier.source = batch.source;
  carrier.sent = batch.last;
  carrier.read_to = carrier.source.next_offset();
  carrier.backoff = options_.first_backoff;
  relayed_ += static_cast<int64_t>(batch.messages.size());
  Pump(carrier);
}

void Relay::SetFailure(Carrier& carrier, absl::Status status) {
  absl::MutexLock lock(&mutex_);
  carrier.failure = std::move(status);
}

void Relay::Pause(Carrier& carrier, const absl::Status& why, absl::Duration delay) {
  SetFailure(carrier, why);
  if (!why.ok()) carrier.backoff = std::min(2 * carrier.backoff, options_.longest_backoff);
  carrier.busy = true;
  executor_->After(delay, [this, &carrier] {
    carrier.busy = false;
    Pump(carrier);
  });
}

int64_t Relay::Lag() const {
  int64_t lag = 0;
  for (const auto& carrier : carriers_) {
    if (!carrier->relaying) continue;
    lag += std::max<int64_t>(log_.KnownEnd(service_, carrier->partition) - carrier->read_to, 0);
  }
  return lag;
}

absl::Status Relay::Health() const {
  absl::MutexLock lock(&mutex_);
  absl::Status status;
  for (const auto& carrier : carriers_) status.Update(carrier->failure);
  return status;
}

}  // namespace trialog::relay
