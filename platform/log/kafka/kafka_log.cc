#include "platform/log/kafka/kafka_log.h"

#include "platform/errors/errors.h"
#include "platform/text/text.h"

namespace trialog::log {
namespace {

// What is far behind is fetched no more after so long without a reader.
constexpr absl::Duration kIdle = absl::Seconds(10);

}  // namespace

struct KafkaLog::Partition {
  Partition(KafkaLog& log, std::string of, int number)
      : topic(std::move(of)),
        number(number),
        name(log.TopicOf(topic)),
        tail(*log.tail_, *log.asking_, name, number, log.options_.patience,
             [&log, this] { log.wakers_.Wake(topic, this->number); }) {
    log.producers_[static_cast<size_t>(number) % log.producers_.size()]->Warm(name);
  }

  const std::string topic;  // As the contract names it.
  const int number;
  const std::string name;  // As Kafka does.
  kafka::Reader tail;
  absl::Mutex mutex;
  std::unique_ptr<kafka::Reader> history ABSL_GUARDED_BY(mutex);  // Null until somebody reads.
};

class KafkaLog::GroupAppender final : public Appender {
 public:
  GroupAppender(Partition& partition, absl::StatusOr<std::shared_ptr<kafka::Producer>> producer,
                std::function<absl::Status()> may_append)
      : partition_(partition), producer_(std::move(producer)), may_append_(std::move(may_append)) {}

  ~GroupAppender() override {
    absl::MutexLock lock(&shared_->mutex);
    shared_->gone = true;
  }

  void Append(std::vector<std::string> records, std::function<void(std::vector<Report>)> done) override {
    for (const std::string& record : records) {
      if (record.size() <= kMaxRecordBytes) continue;
      return done(
          Refused(records.size(), Refuse(absl::StatusCode::kInvalidArgument, "RECORD_TOO_LONG",
                                         Cat("a record of ", record.size(), " bytes; at most ", kMaxRecordBytes))));
    }
    if (absl::Status may = may_append_ ? may_append_() : absl::OkStatus(); !may.ok()) {
      return done(Refused(records.size(), may));
    }
    if (!producer_.ok()) return done(Refused(records.size(), producer_.status()));
    (*producer_)
        ->Send(partition_.name, partition_.number, std::move(records),
               [&partition = partition_, shared = shared_, done = std::move(done)](std::vector<Report> reports) {
                 for (const Report& report : reports) {
                   if (report.status.ok() && report.offset >= 0) partition.tail.NoteAppended(report.offset + 1);
                 }
                 absl::MutexLock lock(&shared->mutex);
                 if (!shared->gone) done(std::move(reports));
               });
  }

 private:
  struct Shared {
    absl::Mutex mutex;
    bool gone ABSL_GUARDED_BY(mutex) = false;
  };
  static std::vector<Report> Refused(size_t count, const absl::Status& why) {
    return std::vector<Report>(count, Report{why, -1});
  }

  Partition& partition_;
  const absl::StatusOr<std::shared_ptr<kafka::Producer>> producer_;
  const std::function<absl::Status()> may_append_;
  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

KafkaLog::KafkaLog(kafka::Options options) : options_(std::move(options)) {}

absl::StatusOr<std::unique_ptr<KafkaLog>> KafkaLog::Open(kafka::Options options) {
  std::unique_ptr<KafkaLog> log(new KafkaLog(std::move(options)));
  for (auto* client : {&log->tail_, &log->history_}) {
    auto made = kafka::Client::Make(RD_KAFKA_CONSUMER, log->options_, kafka::ReadingSettings());
    if (!made.ok()) return made.status();
    *client = *std::move(made);
  }
  auto asking = kafka::Client::Make(RD_KAFKA_PRODUCER, log->options_, {});
  if (!asking.ok()) return asking.status();
  log->asking_ = *std::move(asking);
  for (int i = 0; i < std::max(1, log->options_.producers); ++i) {
    auto& producers = log->producers_.emplace_back(std::make_unique<kafka::Producers>(log->options_));
    // Before it is needed: the first record of a new one waits until the brokers know it.
    if (auto made = producers->Take(); !made.ok()) return made.status();
  }
  return log;
}

KafkaLog::~KafkaLog() {
  // Reports that come while a producer goes are noted in a partition.
  producers_.clear();
  absl::MutexLock lock(&mutex_);
  partitions_.clear();
}

std::string KafkaLog::TopicOf(const std::string& topic) const { return Cat(options_.topic_prefix, topic, ".log"); }

KafkaLog::Partition& KafkaLog::PartitionFor(const std::string& topic, int number) {
  absl::MutexLock lock(&mutex_);
  std::unique_ptr<Partition>& partition = partitions_[{topic, number}];
  if (!partition) partition = std::make_unique<Partition>(*this, topic, number);
  return *partition;
}

absl::StatusOr<std::shared_ptr<kafka::Producer>> KafkaLog::ProducerFor(const Partition& partition) {
  return producers_[partition.number % producers_.size()]->Take();
}

std::unique_ptr<Appender> KafkaLog::NewAppender(const std::string& topic, int partition) {
  Partition& found = PartitionFor(topic, partition);
  return std::make_unique<GroupAppender>(found, ProducerFor(found), options_.may_append);
}

kafka::Reader& KafkaLog::HistoryOf(Partition& partition) {
  absl::MutexLock lock(&partition.mutex);
  if (!partition.history) {
    partition.history = std::make_unique<kafka::Reader>(*history_, *asking_, partition.name, partition.number,
                                                        options_.patience, [] {});
  }
  return *partition.history;
}

absl::StatusOr<std::vector<StoredRecord>> KafkaLog::Read(const std::string& topic, int partition, int64_t from,
                                                         size_t max_bytes) {
  Partition& found = PartitionFor(topic, partition);
  const int64_t end = found.tail.KnownEnd();
  kafka::Reader& history = HistoryOf(found);
  if (!found.tail.Covers(from)) {
    history.NoteEnd(end);
    return history.Read(from, max_bytes);
  }
  history.RestAfter(kIdle);
  return found.tail.Read(from, max_bytes);
}

absl::StatusOr<int64_t> KafkaLog::EndOffset(const std::string& topic, int partition) {
  return PartitionFor(topic, partition).tail.AskEnd();
}

int64_t KafkaLog::KnownEnd(const std::string& topic, int partition) {
  return PartitionFor(topic, partition).tail.KnownEnd();
}

std::unique_ptr<Tail> KafkaLog::Follow(const std::string& topic, int partition, std::function<void()> wake) {
  PartitionFor(topic, partition).tail.Follow();
  return wakers_.Add(topic, partition, std::move(wake));
}

void KafkaLog::Collect(telemetry::Metrics& metrics) const {
  kafka::Figures writing;
  for (const auto& producers : producers_) writing += producers->figures();
  kafka::Tell(writing, "write", metrics);
  kafka::Tell(tail_->figures(), "follow", metrics);
  kafka::Tell(history_->figures(), "history", metrics);
  kafka::Tell(asking_->figures(), "ask", metrics);
}

}  // namespace trialog::log
