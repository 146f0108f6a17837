#include "services/trialogctl/import_log.h"

#include <cstdio>

#include "platform/errors/errors.h"
#include "platform/log/kafka/kafka_log.h"
#include "platform/log/kafka/topics.h"
#include "platform/text/text.h"
#include "services/process/common.h"
#include "services/trialogctl/logs.h"

namespace trialog::ctl {
namespace {

constexpr size_t kGroupBytes = 1 << 20;

absl::Status NotEmpty(const std::string& service, int partition, std::string_view what) {
  return Refuse(absl::StatusCode::kFailedPrecondition, "TOPIC_IS_NOT_EMPTY",
                Cat("the log of ", service, ", partition ", partition, ": ", what, ". Make the topics anew"));
}

// Both hold the same from `from` up to `end`.
absl::Status Compare(log::Log& a, log::Log& b, const std::string& service, int partition, int64_t end) {
  for (int64_t offset = 0; offset < end;) {
    const auto here = a.Read(service, partition, offset, kGroupBytes),
               there = b.Read(service, partition, offset, kGroupBytes);
    if (!here.ok()) return here.status();
    if (!there.ok()) return there.status();
    const size_t count = std::min(here->size(), there->size());
    if (count == 0) return NotEmpty(service, partition, Cat("offset ", offset, " is missing on one side"));
    for (size_t i = 0; i < count && offset < end; ++i, ++offset) {
      const bool same =
          (*here)[i].offset == offset && (*there)[i].offset == offset && (*here)[i].bytes == (*there)[i].bytes;
      if (!same) return NotEmpty(service, partition, Cat("another record stands at offset ", offset));
    }
  }
  return absl::OkStatus();
}

absl::Status Append(log::Log& from, log::Log& to, const std::string& service, int partition, int64_t offset,
                    int64_t end) {
  const auto appender = to.NewAppender(service, partition);
  while (offset < end) {
    const auto read = from.Read(service, partition, offset, kGroupBytes);
    if (!read.ok()) return read.status();
    std::vector<std::string> records;
    for (const log::StoredRecord& stored : *read) records.push_back(stored.bytes);
    for (const log::Report& report : AppendAndWait(*appender, std::move(records))) {
      if (!report.status.ok()) return report.status;
      if (report.offset >= 0 && report.offset != offset) {
        return NotEmpty(service, partition, Cat("offset ", offset, " came to stand at ", report.offset));
      }
      ++offset;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> CopyPartition(log::Log& from, log::Log& to, const std::string& service, int partition) {
  const auto end = from.EndOffset(service, partition);
  if (!end.ok()) return end;
  const auto begin = to.EndOffset(service, partition);
  if (!begin.ok()) return begin;
  if (*begin > *end) return NotEmpty(service, partition, Cat("it holds ", *begin, " records, more than ", *end));
  if (absl::Status same = Compare(from, to, service, partition, *begin); !same.ok()) return same;
  if (absl::Status appended = Append(from, to, service, partition, *begin, *end); !appended.ok()) return appended;
  if (absl::Status same = Compare(from, to, service, partition, *end); !same.ok()) return same;
  const auto reached = to.EndOffset(service, partition);
  if (reached.ok() && *reached != *end) return NotEmpty(service, partition, Cat("it holds ", *reached, " records now"));
  return reached;
}

}  // namespace

absl::Status CopyLog(log::Log& from, log::Log& to) {
  for (const std::string& service : process::AllServices()) {
    int64_t records = 0;
    for (int p = 0; p < PartitionsOf(service); ++p) {
      const auto copied = CopyPartition(from, to, service, p);
      if (!copied.ok()) return copied.status();
      records += *copied;
    }
    std::printf("%s: %lld records, equal on both sides\n", service.c_str(), static_cast<long long>(records));
  }
  return absl::OkStatus();
}

absl::Status ImportLog(const std::string& data, const log::kafka::Options& kafka) {
  const auto topics = log::kafka::PrivateTopics(kafka, process::AllServices());
  if (absl::Status checked = log::kafka::CheckTopics(kafka, topics); !checked.ok()) return checked;
  const auto from = OpenLog(std::nullopt, data);
  if (!from.ok()) return from.status();
  const auto to = log::KafkaLog::Open(kafka);
  if (!to.ok()) return to.status();
  return CopyLog(**from, **to);
}

}  // namespace trialog::ctl
