// Live queries: each stream reads the store's own record of changes from a cursor, so that nothing is buffered, lost or
// doubled however slow or broken the reader is.
#include "platform/errors/errors.h"
#include "platform/service/backend.h"
#include "platform/service/fields.h"
#include "platform/service/list_spec.h"
#include "platform/service/position.h"
#include "platform/text/text.h"

namespace trialog::service {
namespace {

using google::protobuf::Message;

// Kinds of change; the numbers of each Watch response's Change.Kind.
enum class ChangeKind { kCreate = 1, kUpdate = 2, kEnter = 3, kLeave = 4, kDelete = 5 };

constexpr size_t kChangesAtOnce = 256;
constexpr absl::Duration kAccessEvery = absl::Minutes(1);

struct Item {
  ChangeKind kind;
  const ResourceType* type;
  std::string name;
  view::RowPtr row;  // Null when it left or is gone.
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
        parts_(std::move(parts)),
        principal_(std::move(principal)),
        parent_(StringField(stream_->request(), "parent")),
        filter_text_(StringField(stream_->request(), "filter")),
        partition_(backend.PartitionOf(OrganizationOf(parent_))),
        epoch_(principal_->access_epoch) {}

  void Start() {
    absl::Status begun = Begin();
    if (!begun.ok()) return stream_->Finish(begun);
    auto self = shared_from_this();
    stream_->OnCancel([weak = weak_from_this(), &hub = backend_.watches()] {
      hub.Post([weak] {
        if (auto self = weak.lock()) self->End(absl::CancelledError("the caller has gone"));
      });
    });
    stream_->OnWritable([weak = weak_from_this(), &hub = backend_.watches()] {
      hub.Post([weak] {
        auto self = weak.lock();
        if (!self) return;
        self->busy_ = false;
        self->Pump();
      });
    });
    id_ = backend_.watches().Add(partition_, [self] { self->Pump(); });
  }

 private:
  rpc::TokenScope Scope() const { return {rpc::TokenKind::kResume, method_, parent_, filter_text_, ""}; }
  uint64_t Epoch() const {
    return backend_.options().access_epoch ? backend_.options().access_epoch(principal_->user()) : 0;
  }
  std::string Token() const {
    return backend_.tokens().Sign(Scope(), WatchPlace(cursor_));
  }

  absl::Status Begin() {
    cursor_ = backend_.store().next_offset(partition_);
    const std::string token = StringField(stream_->request(), "resume_token");
    if (token.empty()) {
      initial_ = !BoolField(stream_->request(), "skip_initial");
      initial_done_ = !initial_;  // Said at once: its token is what a reader that is cut off early resumes with.
      snapshot_ = cursor_ - 1;
      return absl::OkStatus();
    }
    const auto opened = backend_.tokens().Open(Scope(), token);
    if (!opened.ok()) return opened.status();
    const auto from = ParseWatchPlace(*opened);
    if (!from) return absl::InternalError("a token of ours that does not parse");
    if (*from > cursor_) {
      return RetryLater(absl::StatusCode::kUnavailable, "POSITION_NOT_REACHED",
                        "this replica has not yet folded to where the stream stood; resume again", absl::Milliseconds(50));
    }
    cursor_ = *from;
    return absl::OkStatus();
  }

  void End(const absl::Status& status) {
    if (ended_) return;
    ended_ = true;
    backend_.watches().Remove(id_);
    stream_->Finish(status);
  }

  bool Visible(const Part& part, const view::Row* row, const std::string& name) const {
    return row && part.type->may_see(*principal_, backend_.store().partition(partition_), name, *row) &&
           FilterMatches(part.filter, name, *row);
  }

  const Part* PartOf(const view::Table* table) const {
    for (const Part& part : parts_) {
      if (part.type->table == table) return &part;
    }
    return nullptr;
  }

  // Sends until the reader is full or there is nothing more. One batch is rendered at a time.
  void Pump() {
    while (!ended_ && !busy_) {
      if (stream_->cancelled()) return End(absl::CancelledError("the caller has gone"));
      if (Epoch() != epoch_) {
        return End(Refuse(absl::StatusCode::kAborted, "WATCH_ACCESS_CHANGED",
                          "what you may see has changed; list again and watch from there"));
      }
      if (absl::Status health = backend_.store().Health(); !health.ok()) return End(health);
      if (!waiting_ && !initial_done_) {
        if (!(initial_ ? GatherInitial() : GatherChanges())) return;
      }
      Send();
    }
  }

  // The records as they stood when the stream began, as creations.
  bool GatherInitial() {
    const Part& part = parts_[initial_part_];
    const auto found = NextOf(backend_.store(), partition_, *part.type->table, part.source, after_, kChangesAtOnce);
    for (const view::Found& entry : found) {
      after_ = entry.key;
      view::RowPtr row = backend_.store().FindAt(partition_, *part.type->table, entry.name, snapshot_);
      if (!NameBelow(parent_, entry.name) || !Visible(part, row.get(), entry.name)) continue;
      items_.push_back({ChangeKind::kCreate, part.type, entry.name, row});
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
    const auto changes = backend_.store().Changes(partition_, cursor_, kChangesAtOnce);
    if (changes.empty()) return false;
    for (const view::Change& change : changes) {
      cursor_ = change.offset + 1;
      const Part* part = PartOf(change.table);
      if (part == nullptr || !NameBelow(parent_, change.name)) continue;
      auto versions = backend_.store().History(partition_, *change.table, change.name, change.offset, 2);
      if (versions.empty()) continue;
      view::RowPtr now = versions[0].row->resource ? versions[0].row : nullptr;
      view::RowPtr before = versions.size() > 1 && versions[1].row->resource ? versions[1].row : nullptr;
      const bool was = Visible(*part, before.get(), change.name), is = Visible(*part, now.get(), change.name);
      if (is) {
        items_.push_back(
            {was ? ChangeKind::kUpdate : before ? ChangeKind::kEnter : ChangeKind::kCreate, part->type, change.name, now});
      } else if (was) {
        items_.push_back({now ? ChangeKind::kLeave : ChangeKind::kDelete, part->type, change.name, nullptr});
      }
    }
    return true;
  }

  void Send() {
    if (waiting_) return Write();
    if (items_.empty() && !initial_done_) return;
    busy_ = true;
    std::vector<Backend::Seen> rows;
    bool personal = false;
    for (const Item& item : items_) {
      if (!item.row) continue;
      personal = personal || item.row->sealed.fields_size() > 0;
      rows.push_back({item.type, item.name, item.row});
    }
    const absl::Time now = backend_.runtime().Now();
    const bool record = personal && now - last_access_ >= kAccessEvery;
    if (record) last_access_ = now;
    backend_.Render(principal_, *stream_, record, std::move(rows), [self = shared_from_this()](auto resources) {
      self->backend_.watches().Post([self, resources = std::move(resources)] { self->Rendered(resources); });
    });
  }

  void Rendered(const absl::StatusOr<std::vector<std::shared_ptr<Message>>>& resources) {
    busy_ = false;
    if (ended_) return;
    if (!resources.ok()) return End(resources.status());
    waiting_ = Response(*resources);
    items_.clear();
    initial_done_ = false;
    Write();
    Pump();
  }

  std::unique_ptr<Message> Response(const std::vector<std::shared_ptr<Message>>& resources) const {
    std::unique_ptr<Message> response(
        google::protobuf::MessageFactory::generated_factory()->GetPrototype(stream_->method().output_type())->New());
    const auto* reflection = response->GetReflection();
    const auto* changes = response->GetDescriptor()->FindFieldByName("changes");
    size_t next = 0;
    for (const Item& item : items_) {
      Message* change = reflection->AddMessage(response.get(), changes);
      change->GetReflection()->SetEnumValue(change, change->GetDescriptor()->FindFieldByName("kind"),
                                            static_cast<int>(item.kind));
      SetStringField(*change, "name", item.name);
      if (!item.row) continue;
      const auto* field = FieldOfType(*change->GetDescriptor(), *item.type->table->prototype->GetDescriptor(), false);
      Message* resource = change->GetReflection()->MutableMessage(change, field);
      resource->GetReflection()->Swap(resource, resources[next++].get());
    }
    SetStringField(*response, "resume_token", Token());
    if (initial_done_) {
      reflection->SetBool(response.get(), response->GetDescriptor()->FindFieldByName("initial_done"), true);
    }
    return response;
  }

  void Write() {
    switch (stream_->Write(*waiting_)) {
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
  const std::vector<Part> parts_;
  const std::shared_ptr<const Principal> principal_;
  const std::string parent_, filter_text_;
  const int partition_;
  const uint64_t epoch_;

  int64_t id_ = 0;
  int64_t cursor_ = 0;    // Next offset whose changes are to be sent.
  int64_t snapshot_ = 0;  // The initial records are those of this offset.
  bool initial_ = false, initial_done_ = false;
  size_t initial_part_ = 0;
  std::string after_;
  std::vector<Item> items_;            // Gathered, not yet rendered.
  std::unique_ptr<Message> waiting_;   // Rendered, not yet taken by the stream.
  bool busy_ = false, ended_ = false;  // Busy: a callback will pump.
  absl::Time last_access_ = absl::InfinitePast();
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
