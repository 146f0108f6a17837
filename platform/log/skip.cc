#include "platform/log/skip.h"

namespace trialog::log {
namespace {

constexpr size_t kReadBytes = 1 << 20;

bool Skips(const event::v1::Data& data, const StoredRecord& stored) {
  for (const event::v1::Event& event : data.events()) {
    if (event.skip().offset() == stored.offset && event.skip().record_hash() == RecordHash(stored.bytes)) return true;
  }
  return false;
}

}  // namespace

Verdict AdmitAny(event::v1::FoldState& state, const StoredRecord& stored, event::v1::LogRecord& record) {
  auto parsed = ParseRecord(stored.bytes, stored.offset);
  record = parsed.ok() ? *std::move(parsed) : event::v1::LogRecord();
  return Admit(state, record, stored.bytes, stored.offset);
}

absl::StatusOr<bool> IsSkipped(Log& log, const std::string& topic, int partition, event::v1::FoldState after,
                               const StoredRecord& stored) {
  while (true) {
    const auto records = log.Read(topic, partition, after.next_offset(), kReadBytes);
    if (!records.ok()) return records.status();
    if (records->empty()) return false;
    for (const StoredRecord& next : *records) {
      event::v1::LogRecord record;  // What cannot be read either is looked at when the fold comes to it.
      if (AdmitAny(after, next, record) == Verdict::kAdmitted && Skips(record.data(), stored)) return true;
    }
  }
}

absl::StatusOr<event::v1::LogRecord> ParseUnlessSkipped(Log& log, const std::string& topic, int partition,
                                                        const event::v1::FoldState& before,
                                                        const StoredRecord& stored) {
  auto record = ParseRecord(stored.bytes, stored.offset);
  if (record.ok()) return record;
  event::v1::FoldState after = before;
  after.set_next_offset(stored.offset + 1);
  const auto skipped = IsSkipped(log, topic, partition, std::move(after), stored);
  if (!skipped.ok()) return skipped.status();
  return *skipped ? event::v1::LogRecord() : record;
}

}  // namespace trialog::log
