// Computes the analyses that wait: one at a time, oldest first, on a thread of its own. What is to be done follows from
// the store alone (the index kAnalysesToRun), so nothing is forgotten by a crash: an analysis found RUNNING that this
// worker does not run has lost its worker and is queued again. Of several replicas the owner of the partition computes;
// what a former one had begun is dropped, and begun again.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/service/backend.h"
#include "services/analytics/app/row_blobs.h"
#include "services/analytics/app/work_queue.h"
#include "services/analytics/domain/analysis_runner.h"

namespace trialog::analytics {

class AnalysisWorker {
 public:
  // Both outlive it.
  AnalysisWorker(service::Backend& backend, RowBlobs& rows);
  ~AnalysisWorker() { Stop(); }

  // Looks for work now and after every commit.
  void Start();
  // Waits for what is being computed at the moment, whose result is dropped. Idempotent; before the backend ends.
  void Stop();

 private:
  // Everything below runs on the queue, but Wake.
  using Then = std::function<void(const absl::Status&)>;
  struct Job {
    std::string name;
    AnalysisInput input;
    AnalysisOutput output;
  };
  using JobPtr = std::shared_ptr<Job>;

  void Wake(int partition);
  void Look();
  void LookLater();
  // Whether this process is to compute what waits in the partition: its owner does.
  bool IsMine(int partition) const;
  // The oldest analysis of the partition that waits or has lost its worker.
  std::optional<service::Backend::Seen> NextIn(int partition) const;
  void Take(const service::Backend::Seen& seen);
  void Load(JobPtr job);
  void Compute(JobPtr job);
  void Complete(JobPtr job, const event::v1::SealedPart& sealed);
  void Fail(const std::string& name, std::string reason);
  void Finished(const absl::Status& status);

  // Whether the analysis still is to be computed: not cancelled meanwhile.
  bool StillRunning(const std::string& name) const;
  // Reports to the owner, again and again while that is what helps; `then` gets the outcome.
  void Report(std::string name, std::string method, DecideFn decide, Then then);

  service::Backend& backend_;
  RowBlobs& rows_;
  const std::shared_ptr<WorkQueue> queue_;
  std::vector<std::pair<int, int64_t>> listeners_;   // Partition and id.
  std::unique_ptr<std::atomic<bool>[]> to_look_at_;  // By partition: something was committed since it was looked at.
  int first_ = 0;                                    // Where the next round of partitions begins.
  bool busy_ = false;
  bool looks_later_ = false;
};

}  // namespace trialog::analytics
