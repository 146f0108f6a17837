#include "services/trialogctl/skip.h"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "absl/strings/ascii.h"
#include "platform/command/decision.h"
#include "platform/errors/errors.h"
#include "platform/log/admission.h"
#include "platform/log/skip.h"
#include "platform/text/text.h"
#include "platform/view/public_stream.h"
#include "platform/view/times.h"
#include "services/process/common.h"
#include "services/trialogctl/logs.h"

namespace trialog::ctl {
namespace {

constexpr absl::Duration kClockError = absl::Seconds(5);  // As owners permit (OwnerOptions).
constexpr std::string_view kMethod = "operator.skip";     // Part of the stored format.

absl::Status CheckOptions(const SkipOptions& options) {
  const auto& all = process::AllServices();
  if (std::find(all.begin(), all.end(), options.service) == all.end()) {
    return Refuse(absl::StatusCode::kInvalidArgument, "NO_SUCH_SERVICE",
                  Cat("there is no service '", options.service, "'"));
  }
  const bool coded = std::all_of(options.ticket.begin(), options.ticket.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || std::string_view("._/#-").find(c) != std::string::npos;
  });
  if (options.ticket.empty() || options.ticket.size() > 64 || !coded) {
    return Refuse(absl::StatusCode::kInvalidArgument, "BAD_TICKET",
                  "--ticket says where the reason is written down, in 1 to 64 letters, digits and ._/#-");
  }
  if (options.partition < 0 || options.partition >= PartitionsOf(options.service) || options.offset < 0) {
    return Refuse(
        absl::StatusCode::kInvalidArgument, "NO_SUCH_RECORD",
        Cat(options.service, " has partitions 0 to ", PartitionsOf(options.service) - 1, ", and offsets begin at 0"));
  }
  return absl::OkStatus();
}

// Whether every event of it is one that this build folds.
bool IsKnown(const std::string& service, const event::v1::Data& data) {
  const google::protobuf::Message* prototype = view::EventPrototype(service);
  return std::all_of(data.events().begin(), data.events().end(), [&](const event::v1::Event& event) {
    if (!event.has_domain()) return true;
    const std::unique_ptr<google::protobuf::Message> body(prototype->New());
    return body->ParseFromString(event.domain()) && KindOf(*body) != nullptr;
  });
}

// OK when the record stops whoever folds it with this build; prints what it is.
absl::Status CheckStops(const SkipOptions& options, const log::StoredRecord& stored) {
  const std::string place = Cat(options.service, " partition ", options.partition, " offset ", options.offset);
  const auto record = log::ParseRecord(stored.bytes, stored.offset);
  if (!record.ok()) {
    std::printf("%s: %zu bytes, %s\n", place.c_str(), stored.bytes.size(), ReasonOf(record.status()).c_str());
    return absl::OkStatus();
  }
  if (!record->has_data() || IsKnown(options.service, record->data())) {
    return Refuse(absl::StatusCode::kFailedPrecondition, "RECORD_IS_FOLDED",
                  Cat(place, " is a record that this build folds; only what stops a partition is skipped"));
  }
  const event::v1::Data& data = record->data();
  std::printf("%s: command %s of organization %s, %s, with an event that this build does not know\n", place.c_str(),
              UuidText(data.command_id()).c_str(), data.organization().c_str(), data.method().c_str());
  return absl::OkStatus();
}

// Writes to a partition as its owner.
class Writer {
 public:
  Writer(const SkipOptions& options, log::Log& log, Runtime& runtime)
      : options_(options),
        log_(log),
        runtime_(runtime),
        owner_(runtime.RandomBytes(16)),
        appender_(log.NewAppender(options.service, options.partition)) {}

  absl::Status Claim() {
    if (absl::Status folded = Fold(); !folded.ok()) return folded;
    event::v1::LogRecord record;
    record.mutable_claim()->set_term(fold_.term() + 1);
    record.mutable_claim()->set_owner(owner_);
    const absl::Time sent = runtime_.Now();
    *record.mutable_claim()->mutable_record_time() = ToProto(sent);
    if (absl::Status claimed = Append(record); !claimed.ok()) return claimed;
    // As an owner does: times of records that run ahead would stop every owner after this one.
    if (stamped_ == absl::InfinitePast()) return absl::OkStatus();
    if (stamped_ >= sent - kClockError && stamped_ <= runtime_.Now() + kClockError) return absl::OkStatus();
    Release().IgnoreError();
    return Refuse(absl::StatusCode::kFailedPrecondition, "CLOCK_WRONG",
                  "this machine's clock and the log's differ by more than 5 s; set it right, and begin again");
  }

  absl::Status Skip(const log::StoredRecord& stored) {
    event::v1::LogRecord record;
    event::v1::Data& data = *record.mutable_data();
    const absl::Time now = std::max(runtime_.Now(), FromProto(fold_.record_time()));
    data.set_term(fold_.term());
    data.set_owner(owner_);
    data.set_seq(fold_.next_seq());
    data.set_prev(fold_.last_hash());
    data.set_command_id(UuidV7(absl::ToUnixMillis(now), runtime_.RandomBytes(10)));
    data.mutable_caller()->set_kind(event::v1::Caller::KIND_SERVICE);
    data.mutable_caller()->set_name("trialogctl");
    *data.mutable_record_time() = ToProto(now);
    data.set_method(std::string(kMethod));
    const auto skipped = log::ParseRecord(stored.bytes, stored.offset);
    if (skipped.ok()) data.set_organization(skipped->data().organization());
    event::v1::Skip& skip = *data.add_events()->mutable_skip();
    skip.set_offset(stored.offset);
    skip.set_record_hash(log::RecordHash(stored.bytes));
    skip.set_ticket(options_.ticket);
    return Append(record);
  }

  absl::Status Release() {
    event::v1::LogRecord record;
    record.mutable_release()->set_term(fold_.term());
    record.mutable_release()->set_owner(owner_);
    record.mutable_release()->set_seq(fold_.next_seq());
    return Append(record);
  }

 private:
  // Appends it, and folds to the end: OK when it counts.
  absl::Status Append(const event::v1::LogRecord& record) {
    written_ = record.SerializeAsString();
    counts_ = false;
    if (absl::Status reported = AppendAndWait(*appender_, {written_}).front().status; !reported.ok()) return reported;
    if (absl::Status folded = Fold(); !folded.ok()) return folded;
    if (counts_) return absl::OkStatus();
    return Refuse(absl::StatusCode::kAborted, "OWNER_CHANGED",
                  "somebody else claimed the partition meanwhile; nothing was skipped, begin again");
  }

  // Admission to the end of the partition, whatever cannot be read there.
  absl::Status Fold() {
    const auto take = [this](const log::StoredRecord& stored) {
      event::v1::LogRecord record;
      const log::Verdict verdict = log::AdmitAny(fold_, stored, record);
      if (stored.bytes != written_) return absl::OkStatus();
      counts_ = counts_ || log::Counts(verdict);
      stamped_ = stored.append_time;
      return absl::OkStatus();
    };
    return ForEachRecord(log_, options_.service, options_.partition, fold_.next_offset(), take);
  }

  const SkipOptions& options_;
  log::Log& log_;
  Runtime& runtime_;
  const std::string owner_;
  const std::unique_ptr<log::Appender> appender_;
  event::v1::FoldState fold_;
  std::string written_;
  bool counts_ = false;
  absl::Time stamped_ = absl::InfinitePast();  // When the log took what was written last, if it has a clock.
};

// What a reader that passes over the record knows behind it, and how many records are lost to it then: those that its
// writer appended after it, if it was more than noise.
struct Passed {
  event::v1::FoldState behind;
  uint64_t lost = 0;
};
absl::StatusOr<Passed> PassOver(const SkipOptions& options, log::Log& log, const log::StoredRecord& stored) {
  Passed passed;
  event::v1::FoldState fold;
  absl::Status read = ForEachRecord(log, options.service, options.partition, 0, [&](const log::StoredRecord& each) {
    event::v1::LogRecord record;
    const uint64_t term = fold.term(), gaps = fold.ignored_gap();
    log::AdmitAny(fold, each, record);
    if (each.offset == stored.offset) passed.behind = fold;
    if (each.offset > stored.offset && term == passed.behind.term()) passed.lost += fold.ignored_gap() - gaps;
    return absl::OkStatus();
  });
  if (!read.ok()) return read;
  return passed;
}

}  // namespace

absl::Status Skip(const SkipOptions& options, log::Log& log, Runtime& runtime) {
  if (absl::Status checked = CheckOptions(options); !checked.ok()) return checked;
  const auto records = log.Read(options.service, options.partition, options.offset, 1);
  if (!records.ok()) return records.status();
  if (records->empty() || records->front().offset != options.offset) {
    return Refuse(absl::StatusCode::kNotFound, "NO_SUCH_RECORD",
                  Cat(options.service, " partition ", options.partition, " holds no offset ", options.offset));
  }
  const log::StoredRecord& stored = records->front();
  if (absl::Status stops = CheckStops(options, stored); !stops.ok()) return stops;
  const auto passed = PassOver(options, log, stored);
  if (!passed.ok()) return passed.status();
  const auto already = log::IsSkipped(log, options.service, options.partition, passed->behind, stored);
  if (!already.ok()) return already.status();
  if (*already) {
    std::printf("It is skipped already.\n");
    return absl::OkStatus();
  }
  if (passed->lost > 0) {
    return Refuse(absl::StatusCode::kFailedPrecondition, "RECORDS_FOLLOW",
                  Cat(passed->lost,
                      " records behind it count only if it does, so it is one of the log's own: upgrade, or "
                      "restore the log from a replica or a backup"));
  }
  Writer writer(options, log, runtime);
  absl::Status status = writer.Claim();
  if (status.ok()) status = writer.Skip(stored);
  if (!status.ok()) return status;
  std::printf("Skipped, as %s says. Start the processes again that stopped at it.\n", options.ticket.c_str());
  // Somebody may have claimed it already: then there is nothing to give up.
  const absl::Status released = writer.Release();
  return absl::IsAborted(released) ? absl::OkStatus() : released;
}

}  // namespace trialog::ctl
