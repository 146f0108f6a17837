#include "services/analytics/app/analysis_worker.h"

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "platform/view/times.h"
#include "services/analytics/app/analysis_input.h"
#include "services/analytics/app/resource_types.h"
#include "services/analytics/domain/analysis.h"

namespace trialog::analytics {
namespace {

constexpr absl::Duration kRetry = absl::Seconds(1);
// Analyses looked at to find the oldest; one organisation rarely has more waiting.
constexpr size_t kLooks = 1000;
// Wakes are one a partition at most, and there is one step of the job.
constexpr size_t kMaxWaiting = 64;

bool MayPass(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status) || absl::IsDeadlineExceeded(status);
}

}  // namespace

AnalysisWorker::AnalysisWorker(service::Backend& backend, RowBlobs& rows)
    : backend_(backend),
      rows_(rows),
      queue_(std::make_shared<WorkQueue>(backend.runtime(), "analyses", kMaxWaiting)),
      to_look_at_(new std::atomic<bool>[static_cast<size_t>(backend.owner().partitions)]()) {}

void AnalysisWorker::Start() {
  for (int p = 0; p < backend_.owner().partitions; ++p) {
    listeners_.emplace_back(p, backend_.store().Listen(p, [this, p] { Wake(p); }));
    Wake(p);
  }
}

void AnalysisWorker::Stop() {
  for (const auto& [partition, id] : listeners_) backend_.store().Unlisten(partition, id);
  listeners_.clear();
  queue_->Stop();
}

void AnalysisWorker::Wake(int partition) {
  if (!to_look_at_[static_cast<size_t>(partition)].exchange(true)) queue_->Post([this] { Look(); });
}

void AnalysisWorker::Look() {
  const int partitions = backend_.owner().partitions;
  for (int i = 0; i < partitions && !busy_; ++i) {
    const int partition = (first_ + i) % partitions;
    std::atomic<bool>& to_look_at = to_look_at_[static_cast<size_t>(partition)];
    if (!to_look_at.exchange(false)) continue;
    if (!IsMine(partition)) {
      to_look_at = true;  // Once it is.
      LookLater();
      continue;
    }
    const auto next = NextIn(partition);
    if (!next) continue;
    to_look_at = true;  // There may be more.
    first_ = partition + 1;
    Take(*next);
  }
}

void AnalysisWorker::LookLater() {
  if (std::exchange(looks_later_, true)) return;
  queue_->After(kRetry, [this] {
    looks_later_ = false;
    Look();
  });
}

bool AnalysisWorker::IsMine(int partition) const {
  return !backend_.options().owner.replicated || backend_.owner().Owns(partition);
}

std::optional<service::Backend::Seen> AnalysisWorker::NextIn(int partition) const {
  std::optional<service::Backend::Seen> oldest;
  const view::State& state = backend_.store().partition(partition);
  for (const view::Found& found : state.Scan(kAnalysesToRun, "organizations/", kLooks)) {
    view::RowPtr row = state.Find(kAnalyses, found.name);
    if (!row) continue;
    if (oldest && FromProto(oldest->row->meta.create_time()) <= FromProto(row->meta.create_time())) continue;
    oldest = {&kAnalysisType, found.name, std::move(row)};
  }
  return oldest;
}

void AnalysisWorker::Take(const service::Backend::Seen& seen) {
  busy_ = true;
  const std::string& name = seen.name;
  if (seen.row->As<v1::Analysis>().state() == v1::Analysis::STATE_RUNNING) {
    return Report(
        name, "RequeueAnalysis",
        [name](const view::State& state, const Context& context) { return RequeueAnalysis(state, context, name); },
        [this](const absl::Status& status) { Finished(status); });
  }
  Report(
      name, "StartAnalysis",
      [name](const view::State& state, const Context& context) { return StartAnalysis(state, context, name); },
      [this, name](const absl::Status& status) {
        if (!status.ok()) return Finished(status);
        auto job = std::make_shared<Job>();
        job->name = name;
        Load(std::move(job));
      });
}

void AnalysisWorker::Load(JobPtr job) {
  if (!StillRunning(job->name)) return Finished(absl::OkStatus());
  auto input = InputOf(backend_.store().partition(backend_.PartitionOf(OrganizationOf(job->name))), job->name);
  if (!input) return Fail(job->name, "INPUT_MISSING");
  job->input = *std::move(input);
  rows_.Load(job->input.version, absl::InfiniteFuture(), queue_,
             [this, queue = queue_, job](absl::StatusOr<RowBlobs::Rows> rows) {
               if (rows.ok()) {
                 job->input.rows = **rows;
                 return Compute(job);
               }
               // An error may come from another thread, also after this worker has ended.
               const absl::Status status = rows.status();
               queue->After(MayPass(status) ? kRetry : absl::ZeroDuration(), [this, job, status] {
                 if (MayPass(status)) return Load(job);
                 const std::string reason = ReasonOf(status);
                 Fail(job->name, reason.empty() ? "ROWS_UNREADABLE" : reason);
               });
             });
}

void AnalysisWorker::Compute(JobPtr job) {
  if (!StillRunning(job->name)) return Finished(absl::OkStatus());
  auto output = RunAnalysis(job->input);
  if (!output.ok()) {
    const std::string reason = ReasonOf(output.status());
    return Fail(job->name, reason.empty() ? "NOT_COMPUTED" : reason);
  }
  job->output = *std::move(output);
  auto personal = std::make_unique<v1::Analysis>();
  personal->set_result(job->output.bytes);
  const service::Target target{std::string(OrganizationOf(job->name)), job->name, std::move(personal),
                               std::string(DatasetOf(job->name))};
  backend_.Seal(kAnalysisType, target, absl::InfiniteFuture(),
                [this, queue = queue_, job](absl::StatusOr<event::v1::SealedPart> sealed) {
                  const bool later = MayPass(sealed.status());
                  queue->After(later ? kRetry : absl::ZeroDuration(), [this, job, later, sealed = std::move(sealed)] {
                    if (later) return Compute(job);
                    if (!sealed.ok()) return Fail(job->name, "ROWS_ERASED");
                    Complete(job, *sealed);
                  });
                });
}

void AnalysisWorker::Complete(JobPtr job, const event::v1::SealedPart& sealed) {
  Report(
      job->name, "CompleteAnalysis",
      [job, sealed](const view::State& state, const Context& context) {
        return CompleteAnalysis(state, context, job->name, job->output.released_sets, sealed);
      },
      [this, job](const absl::Status& status) {
        // The ledger of a result with very many groups of very many rows does not fit into one record.
        if (ReasonOf(status) == "RECORD_TOO_LARGE") return Fail(job->name, "RESULT_TOO_LARGE");
        Finished(status);
      });
}

void AnalysisWorker::Fail(const std::string& name, std::string reason) {
  Report(
      name, "FailAnalysis",
      [name, reason = std::move(reason)](const view::State& state, const Context& context) {
        return FailAnalysis(state, context, name, reason);
      },
      [this](const absl::Status& status) { Finished(status); });
}

void AnalysisWorker::Finished(const absl::Status& status) {
  // A refusal means that the analysis is not where it was thought to be: the store will show it, and never in a busy
  // loop.
  queue_->After(status.ok() ? absl::ZeroDuration() : kRetry, [this] {
    busy_ = false;
    Look();
  });
}

bool AnalysisWorker::StillRunning(const std::string& name) const {
  const auto analysis =
      backend_.store().partition(backend_.PartitionOf(OrganizationOf(name))).Get<v1::Analysis>(kAnalyses, name);
  return analysis && analysis->state() == v1::Analysis::STATE_RUNNING;
}

void AnalysisWorker::Report(std::string name, std::string method, DecideFn decide, Then then) {
  const std::string organization(OrganizationOf(name));
  backend_.SubmitInternal(
      organization, Cat("analytics/", method), std::nullopt, decide,
      [this, queue = queue_, name, method, decide, then = std::move(then)](const absl::StatusOr<Outcome>& outcome) {
        const absl::Status status = outcome.status();
        // Another process owns it now, and begins again.
        const bool again = MayPass(status) && OwnerAddressOf(status).empty();
        queue->After(again ? kRetry : absl::ZeroDuration(), [this, name, method, decide, then, status, again] {
          again ? Report(name, method, decide, then) : then(status);
        });
      });
}

}  // namespace trialog::analytics
