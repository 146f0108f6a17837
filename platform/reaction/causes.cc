#include "platform/reaction/causes.h"

#include "platform/errors/errors.h"
#include "platform/log/admission.h"
#include "platform/text/text.h"

namespace trialog::reaction {

event::v1::Cause CauseOf(const event::v1::PublicEvent& event) {
  event::v1::Cause cause;
  cause.set_source(event.source());
  *cause.mutable_position() = event.position();
  return cause;
}

absl::StatusOr<event::v1::FoldState> AdmissionAtCause(log::Log& log, const event::v1::Cause& cause) {
  const event::v1::Position& place = cause.position();
  auto records = log.Read(cause.source(), place.partition(), place.offset(), 1);
  if (!records.ok()) return records.status();
  absl::StatusOr<event::v1::LogRecord> record = event::v1::LogRecord();
  if (!records->empty() && records->front().offset == place.offset()) {
    record = log::ParseRecord(records->front().bytes, place.offset());
  }
  if (!record.ok()) return record.status();
  if (record->data().events_size() > place.index()) return log::AdmissionBefore(*record, place.offset());
  return Refuse(absl::StatusCode::kDataLoss, "CAUSE_MISSING",
                Cat("the log of ", cause.source(), " no longer holds event ", place.index(), " at offset ",
                    place.offset(), " of partition ", place.partition(), ", which was reacted to; restore that log"));
}

absl::Status CheckCauses(log::Log& log, const event::v1::FoldState& own) {
  for (const auto& cause : own.reacted()) {
    if (const auto found = AdmissionAtCause(log, cause); !found.ok()) return found.status();
  }
  return absl::OkStatus();
}

}  // namespace trialog::reaction
