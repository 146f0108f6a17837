#include "services/audit/verify/derive.h"

#include "platform/log/admission.h"
#include "platform/log/continuity.h"
#include "platform/log/skip.h"
#include "platform/text/text.h"
#include "platform/view/public_stream.h"
#include "services/audit/views/sources.h"

namespace trialog::audit {
namespace {

constexpr size_t kReadBytes = 1 << 20;

}  // namespace

absl::Status DeriveFacts(const ServiceStore::Facts& facts, int partition, int64_t end, log::Log& log,
                         view::Store& store) {
  const google::protobuf::Message* prototype = SourceEvent(facts.source);
  if (prototype == nullptr) return absl::InternalError(Cat("the events of ", facts.source, " are not linked"));
  event::v1::FoldState fold = store.fact_fold(facts.source, partition);
  while (fold.next_offset() < end) {
    auto records = log.Read(facts.source, partition, fold.next_offset(), kReadBytes);
    if (!records.ok()) return records.status();
    if (records->empty() || records->front().offset >= end) {
      return log::CheckNotBehind(log, facts.source, partition, end);
    }
    std::vector<view::Store::FactWrite> writes;
    for (const log::StoredRecord& stored : *records) {
      if (stored.offset >= end) break;
      auto record = log::ParseUnlessSkipped(log, facts.source, partition, fold, stored);
      if (!record.ok()) return record.status();
      if (log::Admit(fold, *record, stored.bytes, stored.offset) != log::Verdict::kAdmitted) continue;
      for (const auto& event : view::PublicEvents(facts.source, *prototype, partition, stored.offset, record->data())) {
        facts.fold(event, writes);
      }
    }
    absl::Status written = store.WriteFacts(facts.source, partition, fold, writes);
    if (!written.ok()) return written;
  }
  return absl::OkStatus();
}

}  // namespace trialog::audit
