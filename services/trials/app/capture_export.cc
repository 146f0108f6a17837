// ExportCodedCaptures: one message a subject, read from the store as the reader takes them; nothing is buffered. The
// values leave under subject keys, and who took them is recorded before the first one leaves.
#include <deque>

#include "platform/service/stream_access.h"
#include "services/trials/app/handlers.h"
#include "services/trials/app/record_types.h"
#include "services/trials/domain/access_clinical.h"
#include "services/trials/domain/data_capture.h"
#include "services/trials/domain/tables_clinical.h"

namespace trialog::trials {
namespace {

using google::protobuf::Message;
using service::Backend;

constexpr size_t kSubjectsAtOnce = 64;

// One export. All methods but the callbacks of gRPC run on the watch hub's executor.
class CaptureExport : public std::enable_shared_from_this<CaptureExport> {
 public:
  CaptureExport(Backend& backend, std::shared_ptr<rpc::Stream> stream, std::shared_ptr<const Principal> principal)
      : backend_(backend),
        stream_(std::move(stream)),
        principal_(std::move(principal)),
        trial_(stream_->Request<v1::ExportCodedCapturesRequest>().parent()),
        state_(backend.store().partition(backend.PartitionOf(OrganizationOf(trial_)))),
        access_(backend, *stream_, backend.watches().executor()) {}

  void Start() {
    if (!MayExportCoded(*principal_, state_, trial_)) {
      return stream_->Finish(NotVisible(state_.Find(kTrials, trial_) != nullptr, "trial"));
    }
    access_.OnTime([weak = weak_from_this()] {
      if (auto self = weak.lock()) self->Pump();
    });
    stream_->OnWritable([weak = weak_from_this(), &hub = backend_.watches()] {
      hub.Post([weak] {
        if (auto self = weak.lock()) self->Pump();
      });
    });
    // A reader that is full holds nobody else: this object lives as long as the stream does.
    stream_->OnCancel(
        [self = shared_from_this()] { self->stream_->Finish(absl::CancelledError("the caller has gone")); });
    event::v1::Access access;
    access.set_outcome(event::v1::Access::OUTCOME_SHOWN);
    access.add_subjects(trial_);
    access.set_count(state_.Count(kSubjectsByTrial, trial_));
    backend_.RecordAccess(*principal_, service::Via(*stream_), std::move(access), trial_,
                          [self = shared_from_this()](const absl::Status& recorded) {
                            if (!recorded.ok()) return self->stream_->Finish(recorded);
                            self->backend_.watches().Post([self] { self->Pump(); });
                          });
  }

 private:
  // Writes until the reader is full, or a subject is being unsealed; no further than the access that it was opened
  // with.
  void Pump() {
    if (absl::Status over = access_.Check(); !over.ok()) return stream_->Finish(over);
    if (rendering_) return;
    if (waiting_) {
      switch (stream_->Write(*waiting_)) {
        case rpc::Stream::Written::kTaken:
          waiting_.reset();
          break;
        case rpc::Stream::Written::kFull:
          return;  // Until OnWritable.
        case rpc::Stream::Written::kOver:
          return;
      }
    }
    if (subjects_.empty()) ReadSubjects();
    if (absl::Status health = backend_.store().Health(); !health.ok()) return stream_->Finish(health);
    if (subjects_.empty()) return stream_->Finish(absl::OkStatus());
    const std::string subject = std::move(subjects_.front());
    subjects_.pop_front();
    RenderSubject(subject);
  }

  void ReadSubjects() {
    for (view::Found& found : state_.Scan(kSubjectsByTrial, view::GroupPrefix(trial_), kSubjectsAtOnce, after_)) {
      after_ = found.key;
      subjects_.push_back(std::move(found.name));
    }
  }

  void RenderSubject(const std::string& subject) {
    auto coded = std::make_shared<v1::ExportCodedCapturesResponse>(CodedSubject(state_, subject));
    std::vector<Backend::Seen> rows;
    for (const auto& capture : coded->captures()) {
      view::RowPtr row = state_.Find(kDataCaptures, capture.data_capture());
      if (!row || row->As<v1::DataCapture>().version() != capture.version()) {
        return RenderSubject(subject);  // Amended between the two looks: both are taken again.
      }
      rows.push_back({&kDataCaptureType, capture.data_capture(), std::move(row)});
    }
    rendering_ = true;
    backend_.Render(principal_, *stream_, false, std::move(rows), [self = shared_from_this(), coded](auto resources) {
      self->backend_.watches().Post(
          [self, coded, resources = std::move(resources)] { self->Rendered(*coded, resources); });
    });
  }

  void Rendered(v1::ExportCodedCapturesResponse& coded,
                const absl::StatusOr<std::vector<std::shared_ptr<Message>>>& resources) {
    rendering_ = false;
    if (!resources.ok()) return stream_->Finish(resources.status());
    for (int i = 0; i < coded.captures_size(); ++i) {
      const auto& capture = static_cast<const v1::DataCapture&>(*(*resources)[static_cast<size_t>(i)]);
      *coded.mutable_captures(i)->mutable_data_value() = capture.data_value();
    }
    waiting_ = std::make_unique<v1::ExportCodedCapturesResponse>(std::move(coded));
    Pump();
  }

  Backend& backend_;
  const std::shared_ptr<rpc::Stream> stream_;
  const std::shared_ptr<const Principal> principal_;
  const std::string trial_;
  const view::State& state_;
  service::StreamAccess access_;

  std::string after_;                 // Where the list of subjects continues.
  std::deque<std::string> subjects_;  // Read, not yet rendered.
  std::unique_ptr<Message> waiting_;  // Rendered, not yet taken by the stream.
  bool rendering_ = false;
};

// One of our own services has no organisation of its own: it acts in that of the trial.
std::shared_ptr<const Principal> InOrganizationOf(std::string_view trial, std::shared_ptr<const Principal> principal) {
  if (!principal->internal || !principal->organization.empty()) return principal;
  auto inside = std::make_shared<Principal>(*principal);
  inside->organization = std::string(OrganizationOf(trial));
  return inside;
}

}  // namespace

void AddCaptureExport(Backend& backend) {
  backend.Stream(
      "trialog.trials.v1.DataCaptureService/ExportCodedCaptures", [&backend](std::shared_ptr<rpc::Stream> stream) {
        const std::string trial = stream->Request<v1::ExportCodedCapturesRequest>().parent();
        if (!NameMatches(kTrials.pattern, trial)) {
          return stream->Finish(BadField("parent", "BAD_NAME", Cat("must have the form ", kTrials.pattern)));
        }
        backend.WhenReadable(stream, trial, [&backend, stream, trial](std::shared_ptr<const Principal> principal) {
          auto work = std::make_shared<CaptureExport>(backend, stream, InOrganizationOf(trial, principal));
          backend.watches().Post([work] { work->Start(); });
        });
      });
}

}  // namespace trialog::trials
