// EventService: the public stream of a service, straight from its log.
#include "platform/errors/errors.h"
#include "platform/log/admission.h"
#include "platform/log/skip.h"
#include "platform/service/backend.h"
#include "platform/service/position.h"
#include "platform/service/stream_access.h"
#include "platform/text/text.h"
#include "platform/view/public_stream.h"
#include "trialog/event/v1/subscribe.pb.h"

namespace trialog::service {
namespace {

constexpr size_t kBatchBytes = 256 * 1024;
// A place that moved on over events of others is told too, so that a resume need not read them again.
constexpr int64_t kTellPositionEvery = 1000;

}  // namespace

// One subscription; runs on the executor of subscriptions but for the callbacks of gRPC and of the hub.
class Subscription : public std::enable_shared_from_this<Subscription> {
 public:
  Subscription(Backend& backend, std::shared_ptr<rpc::Stream> stream, Backend::MaySeeEvent may_see)
      : backend_(backend),
        stream_(std::move(stream)),
        request_(stream_->Request<event::v1::SubscribeRequest>()),
        organization_(OrganizationOf(request_.parent())),
        partition_(backend.PartitionOf(organization_)),
        may_see_(may_see),
        access_(backend, *stream_, *backend.subscriptions()),
        executor_(backend.subscriptions()) {}

  void Start() {
    if (absl::Status begun = Begin(); !begun.ok()) return stream_->Finish(begun);
    Executor& executor = *backend_.subscriptions();
    stream_->OnCancel([weak = weak_from_this(), &executor] {
      executor.Post([weak] {
        if (auto self = weak.lock()) self->End(absl::CancelledError("the caller has gone"));
      });
    });
    stream_->OnWritable([weak = weak_from_this(), &executor] {
      executor.Post([weak] {
        auto self = weak.lock();
        if (!self) return;
        self->full_ = false;
        self->Pump();
      });
    });
    access_.OnTime([weak = weak_from_this()] {
      if (auto self = weak.lock()) self->Pump();
    });
    // The hub keeps it until it ends.
    id_ = backend_.watches().Add(partition_, [self = shared_from_this()] { self->PumpLater(); });
    Pump();
  }

 private:
  rpc::TokenScope Scope() const { return {rpc::TokenKind::kResume, stream_->method_name(), request_.parent(), "", ""}; }

  absl::Status Begin() {
    if (request_.resume_token().empty()) {
      if (!request_.from_start()) {
        fold_ = backend_.store().fold(partition_);
        waiting_.set_resume_token(Token());  // Whoever is cut off before the first event resumes with it.
      }
    } else {
      const auto opened = backend_.tokens().Open(Scope(), request_.resume_token());
      if (!opened.ok()) return opened.status();
      auto place = ParseSubscriptionPlace(*opened);
      if (!place) return absl::InternalError("a token of ours that does not parse");
      fold_ = *std::move(place);
    }
    told_ = fold_.next_offset();
    return absl::OkStatus();
  }

  // All that admission needs to go on from here.
  std::string Token() const { return backend_.tokens().Sign(Scope(), SubscriptionPlace(fold_)); }

  void End(const absl::Status& status) {
    if (ended_) return;
    ended_ = true;
    backend_.watches().Remove(id_);
    stream_->Finish(status);
  }

  bool Wanted(const event::v1::PublicEvent& event) const {
    if (event.organization() != organization_) return false;
    const Principal& caller = stream_->principal();
    if (!caller.internal && (may_see_ == nullptr || !may_see_(caller, event))) return false;
    if (request_.types().empty()) return true;
    return std::find(request_.types().begin(), request_.types().end(), event.type()) != request_.types().end();
  }

  // Once, however long the executor waits for the log. Thread safe; the executor may be gone, and then all is over.
  void PumpLater() {
    if (woken_.exchange(true)) return;
    if (const auto alive = executor_.lock()) {
      alive->Post([self = shared_from_this()] {
        self->woken_ = false;
        self->Pump();
      });
    }
  }

  // One answer at a time: other subscriptions wait for the executor too.
  void Pump() {
    if (ended_) return;
    if (absl::Status over = access_.Check(); !over.ok()) return End(over);
    if (full_) return;
    if (waiting_.resume_token().empty() && !Gather()) return;
    switch (stream_->Write(waiting_)) {
      case rpc::Stream::Written::kTaken:
        waiting_.Clear();
        return PumpLater();
      case rpc::Stream::Written::kFull:
        full_ = true;
        return;
      case rpc::Stream::Written::kOver:
        return End(absl::CancelledError("the stream is over"));
    }
  }

  // Fills `waiting_`; false when there is nothing to send now. Reads no further than this service has folded.
  bool Gather() {
    while (fold_.next_offset() < backend_.store().next_offset(partition_)) {
      auto records =
          backend_.log().Read(std::string(backend_.domain().service), partition_, fold_.next_offset(), kBatchBytes);
      if (!records.ok()) {
        End(records.status());
        return false;
      }
      for (const log::StoredRecord& stored : *records) {
        if (stored.offset >= backend_.store().next_offset(partition_)) break;
        auto record =
            log::ParseUnlessSkipped(backend_.log(), std::string(backend_.domain().service), partition_, fold_, stored);
        if (!record.ok()) {
          End(record.status());
          return false;
        }
        if (log::Admit(fold_, *record, stored.bytes, stored.offset) != log::Verdict::kAdmitted) continue;
        for (auto& event : view::PublicEvents(backend_.domain().service, *backend_.domain().event, partition_,
                                              stored.offset, record->data())) {
          if (Wanted(event)) *waiting_.add_events() = std::move(event);
        }
      }
      if (waiting_.events_size() > 0 || fold_.next_offset() - told_ >= kTellPositionEvery) {
        told_ = fold_.next_offset();
        waiting_.set_resume_token(Token());
        return true;
      }
      if (records->empty()) return false;
    }
    return false;
  }

  Backend& backend_;
  const std::shared_ptr<rpc::Stream> stream_;
  const event::v1::SubscribeRequest request_;
  const std::string organization_;
  const int partition_;
  const Backend::MaySeeEvent may_see_;
  StreamAccess access_;
  const std::weak_ptr<Executor> executor_;
  int64_t id_ = 0;
  event::v1::FoldState fold_;
  int64_t told_ = 0;
  event::v1::SubscribeResponse waiting_;
  bool full_ = false, ended_ = false;
  std::atomic<bool> woken_ = false;  // A Pump is posted.
};

void Backend::Subscribe(std::string_view method, MaySeeEvent may_see) {
  handlers_.Stream(std::string(method), [this, may_see](std::shared_ptr<rpc::Stream> stream) {
    const std::string parent = stream->Request<event::v1::SubscribeRequest>().parent();
    if (!NameMatches("organizations/*", parent)) {
      return stream->Finish(BadField("parent", "BAD_NAME", "must have the form organizations/*"));
    }
    WhenReadable(stream, parent, [this, stream, may_see](auto) {
      auto subscription = std::make_shared<Subscription>(*this, stream, may_see);
      subscriptions_->Post([subscription] { subscription->Start(); });
    });
  });
}

}  // namespace trialog::service
