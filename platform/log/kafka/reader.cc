#include "platform/log/kafka/reader.h"

#include <algorithm>

#include "absl/time/clock.h"
#include "platform/errors/errors.h"
#include "platform/telemetry/event_log.h"
#include "platform/text/text.h"

namespace trialog::log::kafka {
namespace {

constexpr size_t kTakenAtOnce = 256;
// What a reader passes over rather than have the library fetch anew.
constexpr int64_t kSkip = 10'000;
constexpr absl::Duration kReadAgain = absl::Milliseconds(200);
// Fewer records fetched ahead are no reason to ask for more.
constexpr size_t kDeep = 2048;
constexpr int kFetchOnMilliseconds = 200;

void Raise(std::atomic<int64_t>& highest, int64_t value) {
  int64_t seen = highest;
  while (seen < value && !highest.compare_exchange_weak(seen, value)) {
  }
}

// One partition may be fetched this far ahead of its readers.
constexpr int kFetchedAheadKilobytes = 4 << 10;

}  // namespace

std::vector<Setting> ReadingSettings() {
  return {{"enable.auto.commit", "false"},
          {"enable.auto.offset.store", "false"},
          // A position that is not there any more means lost records, never: begin somewhere else.
          {"auto.offset.reset", "error"},
          {"isolation.level", "read_uncommitted"},
          {"check.crcs", "true"},
          {"queued.max.messages.kbytes", Cat(kFetchedAheadKilobytes)},
          {"fetch.message.max.bytes", Cat(1 << 20)},
          // What comes within so long comes together: each answer to a fetch costs broker and reader as much as many
          // records. A partition that joins waits until the fetch under way returns.
          {"fetch.wait.max.ms", "20"},
          {"fetch.min.bytes", Cat(128 << 10)},
          {"fetch.error.backoff.ms", "50"}};
}

Reader::Reader(Client& client, Client& asking, std::string topic, int partition, absl::Duration patience,
               std::function<void()> grown)
    : client_(client),
      asking_(asking),
      topic_(std::move(topic)),
      partition_(partition),
      patience_(patience),
      grown_(std::move(grown)),
      handle_(rd_kafka_topic_new(client.handle(), topic_.c_str(), nullptr)),
      asked_(rd_kafka_topic_new(asking.handle(), topic_.c_str(), nullptr)) {}

Reader::~Reader() {
  absl::MutexLock lock(&mutex_);
  Stop();
}

std::string Reader::Place() const { return Cat(topic_, " partition ", partition_); }

absl::StatusOr<std::vector<StoredRecord>> Reader::Read(int64_t from, size_t max_bytes) {
  if (end_ == kUnknown) {
    if (auto asked = AskEnd(); !asked.ok()) return asked.status();
  }
  absl::MutexLock lock(&mutex_);
  if (absl::Status fetching = FetchFrom(from); !fetching.ok()) return fetching;
  last_read_ = absl::Now();
  const absl::Time give_up = last_read_ + patience_;
  absl::Duration wait = absl::ZeroDuration();
  while (BytesFrom(from) < max_bytes) {
    auto taken = Take(kTakenAtOnce, wait);
    if (!taken.ok()) return taken.status();
    Trim(from);
    wait = absl::ZeroDuration();
    if (*taken > 0) continue;
    if (next_ > from || SeenEnd() <= from) break;
    if (absl::Now() > give_up) {
      Stop();  // The next one begins anew.
      return RetryLater(absl::StatusCode::kUnavailable, "LOG_READ_FAILED",
                        Cat(Place(), " offset ", from, ": the brokers do not give it; try again"), kReadAgain);
    }
    wait = absl::Milliseconds(100);  // It is known to be there.
  }
  return Kept(from, max_bytes);
}

bool Reader::CoversLocked(int64_t from) const {
  return next_ != kUnknown && from >= (kept_.empty() ? next_ : kept_.front().offset);
}

bool Reader::Covers(int64_t from) {
  absl::MutexLock lock(&mutex_);
  return CoversLocked(from);
}

void Reader::NoteEnd(int64_t end) { Raise(end_, end); }

void Reader::RestAfter(absl::Duration idle) {
  if (!mutex_.TryLock()) return;  // Somebody reads.
  if (queue_ && absl::Now() - last_read_ > idle) Stop();
  mutex_.Unlock();
}

absl::Status Reader::FetchFrom(int64_t from) {
  if (CoversLocked(from) && from <= next_ + kSkip) return absl::OkStatus();
  Stop();
  if (absl::Status started = StartAt(from); !started.ok()) return started;
  next_ = from;
  return absl::OkStatus();
}

absl::Status Reader::StartAt(int64_t offset) {
  QueueHandle queue(rd_kafka_queue_new(client_.handle()));
  rd_kafka_queue_cb_event_enable(
      queue.get(), [](rd_kafka_t*, void* self) { static_cast<Reader*>(self)->grown_(); }, this);
  if (rd_kafka_consume_start_queue(handle_.get(), partition_, offset, queue.get()) != 0) {
    return FromKafka(rd_kafka_last_error(), Place());
  }
  queue_ = std::move(queue);
  return absl::OkStatus();
}

void Reader::Stop() {
  next_ = kUnknown;
  kept_.clear();
  kept_bytes_ = 0;
  deepest_ = 0;
  if (!queue_) return;
  rd_kafka_consume_stop(handle_.get(), partition_);
  rd_kafka_queue_cb_event_enable(queue_.get(), nullptr, nullptr);
  queue_.reset();
}

// At a number: started at the library's logical end and moved before that was found, the partition would go on there
// and leave records out (librdkafka 2.0.2, seen).
void Reader::Follow() {
  const absl::StatusOr<int64_t> end = AskEnd();
  absl::MutexLock lock(&mutex_);
  followed_ = true;
  if (end.ok() && !queue_) FetchFrom(*end).IgnoreError();
}

// The first by itself: a batch waits until it is full, and does not count as a look at the queue, without which the
// library (2.0.2) tells of no more that comes.
absl::StatusOr<size_t> Reader::Take(size_t count, absl::Duration wait) {
  const MessageHandle first(rd_kafka_consume_queue(queue_.get(), static_cast<int>(absl::ToInt64Milliseconds(wait))));
  if (!first) return 0;
  absl::Status status = Keep(*first);
  rd_kafka_message_t* fetched[kTakenAtOnce];
  const ssize_t got = rd_kafka_consume_batch_queue(queue_.get(), 0, fetched, count - 1);
  for (ssize_t i = 0; i < got; ++i) {
    const MessageHandle message(fetched[i]);
    if (status.ok()) status = Keep(*message);
  }
  if (!status.ok()) {
    Stop();  // Whoever reads next begins anew.
    return status;
  }
  FetchOn();
  return static_cast<size_t>(std::max<ssize_t>(got, 0)) + 1;
}

// The library (2.0.2) stops fetching when it holds as much as it may, and looks again only a second later, or when it
// has anything else to do with that broker: a question to it is something else.
void Reader::FetchOn() {
  const size_t held = rd_kafka_queue_length(queue_.get());
  deepest_ = std::max(deepest_, held);
  if (deepest_ < kDeep || held > deepest_ / 2) return;
  deepest_ = held;
  int64_t low = 0, high = 0;
  rd_kafka_query_watermark_offsets(client_.handle(), topic_.c_str(), partition_, &low, &high, kFetchOnMilliseconds);
}

absl::Status Reader::Keep(const rd_kafka_message_t& message) {
  if (message.err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || message.err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
    return Refuse(absl::StatusCode::kDataLoss, kDamaged,
                  Cat(Place(), " offset ", next_, " is not in the topic any more: it was cut, or made anew"));
  }
  if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) return FromKafka(message.err, Place());
  if (next_ != kUnknown && message.offset < next_) return absl::OkStatus();
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  const int64_t stamp = rd_kafka_message_timestamp(&message, &type);
  kept_.push_back({message.offset,
                   type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME ? absl::FromUnixMillis(stamp) : absl::InfinitePast(),
                   std::string(static_cast<const char*>(message.payload), message.len)});
  kept_bytes_ += message.len;
  next_ = message.offset + 1;
  Raise(end_, next_);
  return absl::OkStatus();
}

void Reader::Trim(int64_t before) {
  while (!kept_.empty() && kept_.front().offset < before && kept_bytes_ > kKeptBytes) {
    kept_bytes_ -= kept_.front().bytes.size();
    kept_.pop_front();
  }
}

size_t Reader::BytesFrom(int64_t from) const {
  size_t bytes = 0;
  for (auto it = kept_.rbegin(); it != kept_.rend() && it->offset >= from; ++it) bytes += it->bytes.size();
  return bytes;
}

std::vector<StoredRecord> Reader::Kept(int64_t from, size_t max_bytes) const {
  auto it = std::lower_bound(kept_.begin(), kept_.end(), from,
                             [](const StoredRecord& record, int64_t offset) { return record.offset < offset; });
  std::vector<StoredRecord> records;
  for (size_t bytes = 0; it != kept_.end() && (records.empty() || bytes < max_bytes); ++it) {
    bytes += it->bytes.size();
    records.push_back(*it);
  }
  return records;
}

void Reader::NoteAppended(int64_t end) {
  Raise(appended_, end);
  Raise(end_, end);
}

int64_t Reader::SeenEnd() {
  int64_t low = 0, high = 0;
  if (rd_kafka_get_watermark_offsets(client_.handle(), topic_.c_str(), partition_, &low, &high) ==
      RD_KAFKA_RESP_ERR_NO_ERROR) {
    Raise(end_, high);
  }
  return end_;
}

int64_t Reader::KnownEnd() {
  Skim();
  return SeenEnd();
}

bool Reader::SkimSome() {
  const auto taken = Take(kTakenAtOnce, absl::ZeroDuration());
  if (!taken.ok()) {
    static telemetry::LineLimit limit(1);
    if (limit.Pass()) telemetry::Warning("log_not_followed", {{"reason", std::string(ReasonOf(taken.status()))}});
    return false;
  }
  if (*taken == 0) return false;
  Trim(INT64_MAX);
  return true;
}

void Reader::Skim() {
  if (!mutex_.TryLock()) return;  // Somebody reads.
  bool more = queue_ != nullptr;
  while (more && next_ < appended_) more = SkimSome();
  // What lies there though no record is known to be there may be an error, and while it does the library tells of
  // nothing that comes behind it.
  if (more && end_ <= next_) SkimSome();
  if (followed_ && !queue_ && end_ != kUnknown) FetchFrom(end_).IgnoreError();
  mutex_.Unlock();
}

absl::StatusOr<int64_t> Reader::AskEnd() {
  auto range = asking_.QueryRange(topic_, partition_, patience_);
  if (!range.ok()) return range.status();
  if (range->begin > 0) {
    return Refuse(absl::StatusCode::kDataLoss, kDamaged,
                  Cat(Place(), " begins at offset ", range->begin, ": older records were deleted"));
  }
  Raise(end_, range->end);
  return range->end;
}

}  // namespace trialog::log::kafka
