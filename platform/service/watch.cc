// Live queries. Streams of a partition take its changes from one feed, read once for all of them, and share what is
// rendered of a change; a stream that is resumed, or slower than the feed, reads the store's own record of changes from
// its cursor. So nothing is buffered, lost or doubled however slow or broken the reader is. Who sees what is asked for
// each stream and change, when it is gathered.
#include "platform/errors/errors.h"
#include "platform/service/backend.h"
#include "platform/service/fields.h"
#include "platform/service/list_spec.h"
#include "platform/service/position.h"
#include "platform/service/stream_access.h"
#include "platform/service/stream_sight.h"
#include "platform/service/watch_answer.h"
#include "platform/text/text.h"

namespace trialog::service {
namespace {

using google::protobuf::Message;

// Bounds of one answer; the rest of the last record comes on top.
constexpr size_t kChangesAtOnce = ChangeFeed::kAtOnce;
constexpr size_t kBytesAtOnce = 256 << 10;
// Answers of one stream before others get their turn.
constexpr int kTurns = 4;
// A cursor that moved on over changes of others is told too, so that a resume need not look at them again.
constexpr int64_t kTellEvery = 10'000;

// A change as the caller sees it.
struct Item {
  std::shared_ptr<WatchChange> change;
  const ResourceType* type;
  ChangeKind kind;
  std::optional<std::vector<int>> shown;  // Numbers of the personal fields shown; not set: all.
  std::shared_ptr<WatchPiece> piece;
  bool noted = false;  // In what is to be recorded as shown.
  bool HasResource() const { return kind != ChangeKind::kLeave && kind != ChangeKind::kDelete; }
};

// The state as it was before a change, as far as the record itself goes: a caller whose right to see it comes from the
// record is told that it left.
class StateBefore final : public view::State {
 public:
  StateBefore(const view::State& now, const WatchChange& change) : now_(now), change_(change) {}

  view::RowPtr Find(const view::Table& table, std::string_view name) const override {
    return table.id == change_.table->id && name == change_.name ? change_.before : now_.Find(table, name);
  }
  std::optional<std::string> Lookup(const view::Index& index, std::string_view key) const override {
    return now_.Lookup(index, key);
  }
  std::vector<view::Found> Scan(const view::Index& index, std::string_view prefix, size_t limit,
                                std::string_view after) const override {
    return now_.Scan(index, prefix, limit, after);
  }
  int64_t Count(const view::Index& index, std::string_view key) const override { return now_.Count(index, key); }

 private:
  const view::State& now_;
  const WatchChange& change_;
};

}  // namespace

// One stream. All methods but the callbacks of gRPC run on the hub's executor.
class WatchStream : public std::enable_shared_from_this<WatchStream> {
 public:
  // What is watched of one type.
  struct Part {
    const ResourceType* type;
    rpc::Filter filter;
    ListSource source;
  };

  WatchStream(Backend& backend, std::shared_ptr<rpc::Stream> stream, std::string_view method, std::vector<Part> parts,
              std::shared_ptr<const Principal> principal)
      : backend_(backend),
        stream_(std::move(stream)),
        method_(method),
        form_(*stream_->method().output_type()),
        parts_(std::move(parts)),
        principal_(std::move(principal)),
        access_(backend, *stream_, backend.watches().executor()),
        access_digest_(AccessDigest(*principal_)),
        parent_(StringField(stream_->request(), "parent")),
        filter_text_(StringField(stream_->request(), "filter")),
        partition_(backend.PartitionOf(OrganizationOf(parent_))) {}

  void Start() {
    absl::Status begun = Begin();
    if (!begun.ok()) return stream_->Finish(begun);
    auto self = shared_from_this();
    sight_ = std::make_shared<StreamSight>(backend_, stream_, principal_,
                                           [weak = weak_from_this(), &hub = hub()](const absl::Status& failure) {
                                             hub.Post([weak, failure] {
                                               if (auto self = weak.lock()) self->End(failure);
                                             });
                                           });
    access_.OnTime([weak = weak_from_this()] {
      if (auto self = weak.lock()) self->Pump();
    });
    stream_->OnCancel([weak = weak_from_this(), &hub = hub()] {
      hub.Post([weak] {
        if (auto self = weak.lock()) self->End(absl::CancelledError("the caller has gone"));
      });
    });
    stream_->OnWritable([weak = weak_from_this(), &hub = hub()] {
      hub.Post([weak] {
        if (auto self = weak.lock()) self->GoOn();
      });
    });
    hub().feed().Join(partition_);
    id_ = hub().Add(partition_, [self] { self->Pump(); });
    Pump();
  }

 private:
  WatchHub& hub() const { return backend_.watches(); }
  rpc::TokenScope Scope() const { return {rpc::TokenKind::kResume, method_, parent_, filter_text_, ""}; }
  std::string Token() const { return backend_.tokens().Sign(Scope(), WatchPlaceBytes({cursor_, access_digest_})); }

  absl::Status Begin() {
    cursor_ = backend_.store().next_offset(partition_);
    const std::string token = StringField(stream_->request(), "resume_token");
    if (token.empty()) {
      initial_ = !BoolField(stream_->request(), "skip_initial");
      initial_done_ = !initial_;  // Said at once: its token is what a reader that is cut off early resumes with.
      snapshot_ = cursor_ - 1;
    } else {
      const auto opened = backend_.tokens().Open(Scope(), token);
      if (!opened.ok()) return opened.status();
      const auto from = ParseWatchPlace(*opened);
      if (!from) return absl::InternalError("a token of ours that does not parse");
      if (!from->access.empty() && from->access != access_digest_) return AccessChanged();
      if (from->offset > cursor_) {
        return RetryLater(absl::StatusCode::kUnavailable, "POSITION_NOT_REACHED",
                          "this replica has not yet folded to where the stream stood; resume again",
                          absl::Milliseconds(50));
      }
      cursor_ = from->offset;
    }
    told_ = cursor_;
    return absl::OkStatus();
  }

  void End(const absl::Status& status) {
    if (ended_) return;
    ended_ = true;
    hub().feed().Leave(partition_);
    hub().Remove(id_);
    if (sight_) sight_->Finish();
    stream_->Finish(status);
  }

  // Why the stream must not go on; OK while it may.
  absl::Status Check() {
    if (absl::Status access = access_.Check(); !access.ok()) return access;
    return backend_.store().Health();
  }

  // Sends until the reader is full or there is nothing more, some answers at a time. Ends, whatever it waits for, when
  // it must not go on.
  void Pump() {
    for (int turn = 0; !ended_; ++turn) {
      if (absl::Status over = Check(); !over.ok()) return End(over);
      if (busy_) return;
      if (turn == kTurns) return GoOnLater();
      if (!waiting_) {
        if (!HasAnswer() && !Gather()) return;
        if (!HasAnswer()) continue;  // None of it is for this caller.
        if (!Prepare()) return;
      }
      Write();
    }
  }
  void GoOn() {
    busy_ = false;
    Pump();
  }
  void GoOnLater() {
    busy_ = true;
    hub().Post([self = shared_from_this()] { self->GoOn(); });
  }

  // ---- What comes next, as this caller sees it. ----

  bool HasAnswer() const { return !items_.empty() || initial_done_ || cursor_ - told_ >= kTellEvery; }
  bool Gather() { return initial_ ? GatherInitial() : GatherChanges(); }

  // The records as they stood when the stream began, as creations.
  bool GatherInitial() {
    const Part& part = parts_[initial_part_];
    const auto found = NextOf(backend_.store(), partition_, *part.type->table, part.source, after_, kChangesAtOnce);
    size_t bytes = 0;
    for (const view::Found& entry : found) {
      after_ = entry.key;
      auto record = std::make_shared<WatchChange>(snapshot_, part.type->table, entry.name);
      record->LoadAsNew(backend_.store(), partition_);
      if (record->now) See(record);
      if ((bytes += record->bytes) >= kBytesAtOnce) return true;
    }
    if (found.size() == kChangesAtOnce) return true;
    after_.clear();
    if (++initial_part_ == parts_.size()) {
      initial_ = false;
      initial_done_ = true;
    }
    return true;
  }

  bool GatherChanges() {
    WatchChanges changes;
    const int64_t next = hub().feed().Read(partition_, cursor_, changes);
    if (next == cursor_) return false;
    cursor_ = next;
    size_t bytes = 0;
    for (size_t i = 0; i < changes.size(); ++i) {
      // A token stands between two records.
      if (bytes >= kBytesAtOnce && changes[i]->offset != changes[i - 1]->offset) {
        cursor_ = changes[i]->offset;
        break;
      }
      if (MovesCaller(*changes[i])) return End(AccessChanged()), false;
      See(changes[i]);
      bytes += changes[i]->bytes;
    }
    return true;
  }

  const Part* PartOf(const view::Table* table) const {
    for (const Part& part : parts_) {
      if (part.type->table == table) return &part;
    }
    return nullptr;
  }

  const view::State& state() const { return hub().feed().state(partition_); }
  bool Visible(const Part& part, const view::State& state, const view::Row* row, const std::string& name) const {
    return row && part.type->may_see(*principal_, state, name, *row) && FilterMatches(part.filter, name, *row);
  }

  // Whether it gives the caller access to records of this watch, or takes it away, by another record than those: they
  // do not change, so nothing else tells of them.
  bool MovesCaller(WatchChange& change) const {
    if (PartOf(change.table) != nullptr) return false;
    const auto& moved = change.CallersMoved(backend_.store(), partition_);
    return std::any_of(moved.begin(), moved.end(), [this](const std::string& named) {
      if (named.empty()) return false;
      if (named == principal_->user() || named == principal_->patient || named == principal_->patient_mac) return true;
      return std::any_of(principal_->grants.begin(), principal_->grants.end(),
                         [&](const Grant& grant) { return grant.scope == named; });
    });
  }

  // Gathers the change if the caller sees it.
  void See(const std::shared_ptr<WatchChange>& change) {
    const Part* part = PartOf(change->table);
    if (part == nullptr || !NameBelow(parent_, change->name)) return;
    change->Load(backend_.store(), partition_);
    const bool was = Visible(*part, StateBefore(state(), *change), change->before.get(), change->name);
    const bool is = Visible(*part, state(), change->now.get(), change->name);
    if (is) {
      AddItem(change, *part->type,
              was              ? ChangeKind::kUpdate
              : change->before ? ChangeKind::kEnter
                               : ChangeKind::kCreate);
    } else if (was) {
      AddItem(change, *part->type, change->now ? ChangeKind::kLeave : ChangeKind::kDelete);
    }
  }

  void AddItem(const std::shared_ptr<WatchChange>& change, const ResourceType& type, ChangeKind kind) {
    Item item{change, &type, kind, std::nullopt, nullptr};
    bool personal = item.HasResource() && change->now->sealed.fields_size() > 0;
    if (personal && type.shows_personal != nullptr) {
      item.shown = ShownFields(type, *change);
      personal = !item.shown->empty();
    }
    // What depends on who asks is nobody else's.
    const bool own = item.HasResource() && type.finish != nullptr;
    item.piece =
        own ? std::make_shared<WatchPiece>() : change->Piece({method_.data(), static_cast<int>(kind), item.shown});
    item.piece->personal = personal;
    items_.push_back(std::move(item));
  }

  std::vector<int> ShownFields(const ResourceType& type, const WatchChange& change) const {
    std::vector<int> shown;
    for (const auto& field : change.now->sealed.fields()) {
      if (type.shows_personal(*principal_, state(), change.name, *change.now, field.number())) {
        shown.push_back(field.number());
      }
    }
    return shown;
  }

  // ---- The answer. ----

  // False: it goes on later, or the stream has ended.
  bool Prepare() {
    // Gathered from damage?
    if (absl::Status health = backend_.store().Health(); !health.ok()) return End(health), false;
    if (!RenderMissing() || !RecordSight()) return false;
    std::string answer;
    for (const Item& item : items_) answer += item.piece->bytes;
    if (!initial_) {  // Before that there is nowhere to go on from but the beginning.
      form_.AppendResumeToken(Token(), answer);
    }
    if (initial_done_) form_.AppendInitialDone(answer);
    waiting_ = std::make_shared<const std::string>(std::move(answer));
    items_.clear();
    initial_done_ = false;
    told_ = cursor_;
    return true;
  }

  // What no stream has rendered yet.
  bool RenderMissing() {
    std::vector<Backend::Seen> rows;
    std::vector<Item> missing;
    for (const Item& item : items_) {
      if (!item.piece->bytes.empty()) continue;
      if (!item.HasResource()) {
        item.piece->bytes = form_.Element(item.kind, item.change->name, nullptr);
      } else if (rows.size() < kChangesAtOnce) {  // Of a longer record the rest is rendered next.
        rows.push_back({item.type, item.change->name, item.change->now, item.shown});
        missing.push_back(item);
      }
    }
    if (rows.empty()) return true;
    auto answer = std::make_shared<RenderAnswer>();
    backend_.Render(principal_, *stream_, false, std::move(rows),
                    [self = shared_from_this(), answer, missing](Resources resources) {
                      if (answer->Keep(resources)) return;
                      self->hub().Post([self, missing, resources = std::move(resources)] {
                        self->busy_ = false;
                        if (!self->ended_ && self->Fill(missing, resources)) self->Pump();
                      });
                    });
    auto resources = answer->Take();
    if (resources) return Fill(missing, *resources) && RenderMissing();
    busy_ = true;
    return false;
  }

  using Resources = absl::StatusOr<std::vector<std::shared_ptr<Message>>>;
  // Whether an answer came while it was being asked for, so on this thread: then other streams need not ask again.
  class RenderAnswer {
   public:
    // False when the asker no longer waits.
    bool Keep(Resources& resources) {
      absl::MutexLock lock(&mutex_);
      if (left_) return false;
      kept_.emplace(std::move(resources));
      return true;
    }
    std::optional<Resources> Take() {
      absl::MutexLock lock(&mutex_);
      left_ = true;
      return std::move(kept_);
    }

   private:
    absl::Mutex mutex_;
    bool left_ ABSL_GUARDED_BY(mutex_) = false;
    std::optional<Resources> kept_ ABSL_GUARDED_BY(mutex_);
  };

  bool Fill(const std::vector<Item>& missing, const Resources& resources) {
    if (!resources.ok()) return End(resources.status()), false;
    for (size_t i = 0; i < missing.size(); ++i) {
      if (!missing[i].piece->bytes.empty()) continue;  // Another stream was first.
      missing[i].piece->bytes = form_.Element(missing[i].kind, missing[i].change->name, (*resources)[i].get());
    }
    return true;
  }

  // False: the record of who sees personal fields comes first, and then the sight of them.
  bool RecordSight() {
    for (Item& item : items_) {
      if (!item.piece->personal || std::exchange(item.noted, true)) continue;
      sight_->Add(*item.type, item.change->name, *item.change->now);
    }
    busy_ = !sight_->MayShow([self = shared_from_this()](const absl::Status& recorded) {
      self->hub().Post([self, recorded] { recorded.ok() ? self->GoOn() : self->End(recorded); });
    });
    return !busy_;
  }

  // ---- To the reader. ----

  void Write() {
    switch (stream_->WriteSerialized(waiting_)) {
      case rpc::Stream::Written::kTaken:
        waiting_.reset();
        return;
      case rpc::Stream::Written::kFull:
        busy_ = true;  // Until OnWritable.
        return;
      case rpc::Stream::Written::kOver:
        return End(absl::CancelledError("the stream is over"));
    }
  }

  Backend& backend_;
  const std::shared_ptr<rpc::Stream> stream_;
  const std::string_view method_;  // Of the spec, which the handlers keep.
  const WatchAnswer form_;
  const std::vector<Part> parts_;
  const std::shared_ptr<const Principal> principal_;
  StreamAccess access_;
  const std::string access_digest_;
  const std::string parent_, filter_text_;
  const int partition_;

  int64_t id_ = 0;
  int64_t cursor_ = 0;    // Next offset whose changes are to be gathered.
  int64_t told_ = 0;      // The cursor that the reader knows.
  int64_t snapshot_ = 0;  // The initial records are those of this offset.
  bool initial_ = false, initial_done_ = false;
  size_t initial_part_ = 0;
  std::string after_;
  std::vector<Item> items_;                     // Gathered, not yet in an answer.
  std::shared_ptr<const std::string> waiting_;  // The answer, not yet taken by the stream.
  bool busy_ = false, ended_ = false;           // Busy: a callback will go on.
  std::shared_ptr<StreamSight> sight_;
};

void Backend::Watch(std::string_view method, const ResourceType& type, ChooseSource source) {
  WatchAll(method, {{&type, source}});
}

void Backend::WatchAll(std::string_view method, std::vector<Watched> watched) {
  auto made = std::make_shared<WatchSpec>(WatchSpec{std::string(method), {}});
  for (const Watched& each : watched) {
    Serve(*each.type);
    made->lists.push_back({made->method, each.type, each.source});
  }
  const std::shared_ptr<const WatchSpec> spec = std::move(made);
  handlers_.Stream(spec->method, [this, spec](std::shared_ptr<rpc::Stream> stream) {
    WhenReadable(stream, StringField(stream->request(), "parent"), [this, stream, spec](auto principal) {
      std::vector<WatchStream::Part> parts;
      bool refused = true;
      const std::string parent = StringField(stream->request(), "parent");
      for (const ListSpec& list : spec->lists) {
        auto filter = ParseFilter(*list.type, stream->request());
        if (!filter.ok()) return stream->Finish(filter.status());
        auto source = SourceOf(list, *principal, stream->request());
        if (!source.ok()) return stream->Finish(source.status());
        refused = refused && RefusesList(list, *principal, parent, *source);
        parts.push_back({list.type, *std::move(filter), *std::move(source)});
      }
      // It stays open and shows nothing, as one below a parent that is not there.
      if (refused) RecordRefusal(*principal, *stream);
      auto watch = std::make_shared<WatchStream>(*this, stream, spec->method, std::move(parts), principal);
      watches_.Post([watch, spec] { watch->Start(); });
    });
  });
}

}  // namespace trialog::service
