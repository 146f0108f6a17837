#include "platform/verify/checker.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "platform/log/skip.h"
#include "platform/text/text.h"
#include "platform/view/times.h"

namespace trialog {
namespace {

constexpr size_t kMaxFindings = 100;
constexpr size_t kReadBytes = 1 << 20;

// Request keys are keyed hashes; those of simulations are text.
std::string Shown(const std::string& request) {
  for (unsigned char c : request) {
    if (!absl::ascii_isprint(c)) return absl::BytesToHexString(request);
  }
  return request;
}

struct Admitted {
  int partition = 0;
  int64_t offset = 0;
  absl::Time time;
  std::vector<std::string> names;
};

class Checker {
 public:
  explicit Checker(const CheckOptions& options) : options_(options) {}

  std::vector<std::string> Run() {
    for (int p = 0; p < options_.partitions; ++p) ReadPartition(p);
    if (options_.journal) CheckJournal(*options_.journal);
    CheckStores();
    return std::move(findings_);
  }

 private:
  template <typename... Pieces>
  void Finding(const Pieces&... pieces) {
    if (findings_.size() < kMaxFindings) findings_.push_back(Cat(pieces...));
  }

  // Reads what the log admits, without any store.
  void ReadPartition(int partition) {
    event::v1::FoldState fold;
    for (;;) {
      auto records =
          options_.log->Read(std::string(options_.domain->service), partition, fold.next_offset(), kReadBytes);
      if (!records.ok()) return Finding("partition ", partition, ": ", records.status().ToString());
      if (records->empty()) break;
      for (const log::StoredRecord& stored : *records) {
        auto record =
            log::ParseUnlessSkipped(*options_.log, std::string(options_.domain->service), partition, fold, stored);
        if (!record.ok()) return Finding("partition ", partition, ": ", record.status().ToString());
        const uint64_t alarms = fold.alarms();
        const log::Verdict verdict = options_.rules.admit(fold, *record, stored.bytes, stored.offset);
        if (fold.alarms() != alarms) Finding("partition ", partition, " offset ", stored.offset, ": raised an alarm");
        if (verdict == log::Verdict::kAdmitted) Note(partition, stored.offset, record->data());
      }
    }
    ends_[partition] = fold.next_offset();
  }

  void Note(int partition, int64_t offset, const event::v1::Data& data) {
    if (data.request_key().empty()) return;
    auto& all = admitted_[data.request_key()];
    Admitted admitted{partition, offset, FromProto(data.record_time()), {}};
    admitted.names.assign(data.result().names().begin(), data.result().names().end());
    if (!all.empty() && admitted.time - all.back().time < view::kRememberRequests) {
      Finding("request ", Shown(data.request_key()), ": admitted twice, at ", all.back().offset, " and ", offset);
    }
    all.push_back(std::move(admitted));
  }

  void CheckJournal(const ClientJournal& journal) {
    for (const auto& [request, answers] : journal.acknowledged) {
      for (const Outcome& answer : answers) CheckAnswer(request, answer);
    }
    for (const std::string& request : journal.refused) {
      if (admitted_.count(request)) Finding("request ", Shown(request), ": refused at each attempt, and admitted");
    }
    if (journal.sent.empty()) return;
    for (const auto& [request, all] : admitted_) {
      if (!journal.sent.count(request)) Finding("request ", Shown(request), ": admitted, and never sent");
    }
  }

  void CheckAnswer(const std::string& request, const Outcome& answer) {
    auto found = admitted_.find(request);
    if (found == admitted_.end()) {
      return Finding("request ", Shown(request), ": acknowledged at ", answer.offset, ", and not admitted");
    }
    for (const Admitted& admitted : found->second) {
      if (admitted.partition == answer.partition && admitted.offset == answer.offset &&
          admitted.names == answer.names) {
        return;
      }
    }
    Finding("request ", Shown(request), ": acknowledged at ", answer.offset,
            " with another outcome than the admitted one at ", found->second.front().offset);
  }

  void CheckStores() {
    if (options_.replay) {
      for (int p = 0; p < options_.partitions; ++p) {
        absl::Status folded =
            CatchUp(*options_.domain, *options_.replay, *options_.log, p, INT64_MAX, {.admit = options_.rules.admit});
        if (!folded.ok()) return Finding("partition ", p, ": a replay stops: ", folded.ToString());
      }
    }
    const std::string replayed = options_.replay ? options_.replay->ContentHash() : "";
    int number = 0;
    for (const view::Store* store : options_.stores) CheckStore(*store, number++, replayed);
  }

  void CheckStore(const view::Store& store, int number, const std::string& replayed) {
    for (int p = 0; p < options_.partitions; ++p) {
      if (store.next_offset(p) < ends_[p]) {
        Finding("store ", number, " partition ", p, ": stands at ", store.next_offset(p), ", the log at ", ends_[p]);
      }
      if (!options_.invariants || ends_[p] == 0) continue;
      for (const std::string& broken : options_.invariants(store.partition(p))) {
        Finding("store ", number, " partition ", p, ": ", broken);
      }
    }
    if (absl::Status health = store.Health(); !health.ok()) Finding("store ", number, ": ", health.ToString());
    if (options_.replay && store.ContentHash() != replayed) {
      Finding("store ", number, ": its content is not that of a replay from zero");
    }
  }

  const CheckOptions& options_;
  std::vector<std::string> findings_;
  std::map<std::string, std::vector<Admitted>> admitted_;  // By request key.
  std::map<int, int64_t> ends_;
};

}  // namespace

std::vector<std::string> Check(const CheckOptions& options) { return Checker(options).Run(); }

}  // namespace trialog
