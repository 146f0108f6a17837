// Get and List, now and as of a time.
#include "google/protobuf/timestamp.pb.h"
#include "platform/errors/errors.h"
#include "platform/rpc/filter.h"
#include "platform/service/backend.h"
#include "platform/service/fields.h"
#include "platform/service/list_spec.h"
#include "platform/service/page.h"
#include "platform/service/position.h"
#include "platform/text/text.h"
#include "platform/view/times.h"

namespace trialog::service {
namespace {

using google::protobuf::Message;

constexpr int kDefaultPage = 50;
constexpr int kMaxPage = 1000;
// Rows looked at for one page: a filter that matches little gives short pages rather than long waits (AIP-158 allows
// it).
constexpr size_t kMaxLooks = 20'000;
constexpr size_t kLooksAtOnce = 256;
constexpr absl::Duration kLongestWait = absl::Seconds(10);
constexpr std::string_view kStrict = "strict";

}  // namespace

int64_t Backend::AsOf(int partition, const Message& request) const {
  const auto* as_of = MessageField(request, "as_of");
  if (as_of == nullptr) return INT64_MAX;
  return store_->OffsetAt(partition, FromProto(*static_cast<const google::protobuf::Timestamp*>(as_of)));
}

void Backend::WhenReadable(std::shared_ptr<rpc::ServerCall> call, std::string_view resource_name,
                           std::function<void(std::shared_ptr<const Principal>)> read) {
  // Another organisation's records are not there at all for this caller.
  if (OrganizationOf(resource_name) != call->principal().organization && !call->principal().internal) {
    return call->Finish(NotVisible(true, "record"));
  }
  if (const absl::Status& damage = owner_.Readable(PartitionOf(OrganizationOf(resource_name))); !damage.ok()) {
    return call->Finish(damage);
  }
  auto readable = [this, call, read = std::move(read)](const absl::Status& status) {
    if (!status.ok()) return call->Finish(status);
    CompletePrincipal(call->shared_principal(), call->deadline(), [call, read](auto principal) {
      if (!principal.ok()) return call->Finish(principal.status());
      read(*principal);
    });
  };
  if (const std::string_view mode = call->read_mode(); !mode.empty()) {
    if (mode != kStrict || call->method().server_streaming()) {
      return call->Finish(Refuse(absl::StatusCode::kInvalidArgument, "BAD_READ_MODE",
                                 "trialog-read may be 'strict', of a call that is no stream; a stream takes "
                                 "trialog-min-position"));
    }
    return AtConfirmedOwner(call, std::string(OrganizationOf(resource_name)), [this, readable = std::move(readable)] {
      watches_.Post([readable] { readable(absl::OkStatus()); });
    });
  }
  const std::string wanted = call->min_position();
  if (wanted.empty()) return readable(absl::OkStatus());
  const auto position = ParsePosition(wanted);
  if (!position || position->partition >= owner_.partitions) {
    return call->Finish(Refuse(absl::StatusCode::kInvalidArgument, "BAD_POSITION",
                               "trialog-min-position must be a value of trialog-position, as received"));
  }
  watches_.WhenFolded(position->partition, position->offset, std::min(call->deadline(), runtime_.Now() + kLongestWait),
                      std::move(readable));
}

void Backend::Serve(const ResourceType& type) {
  if (std::find(types_.begin(), types_.end(), &type) != types_.end()) return;
  types_.push_back(&type);
  if (type.names_callers != nullptr) watches_.feed().SetNamesCallers(*type.table, type.names_callers);
}

const ResourceType* Backend::TypeOf(std::string_view name) const {
  const auto found = std::find_if(types_.begin(), types_.end(),
                                  [&](const ResourceType* type) { return NameMatches(type->table->pattern, name); });
  return found == types_.end() ? nullptr : *found;
}

void Backend::Get(std::string_view method, const ResourceType& type) {
  Serve(type);
  handlers_.Unary(std::string(method), [this, &type](std::shared_ptr<rpc::Call> call) {
    const std::string name = StringField(call->request(), "name");
    if (!NameMatches(type.table->pattern, name)) {
      return call->Finish(BadField("name", "BAD_NAME", Cat("must have the form ", type.table->pattern)));
    }
    WhenReadable(call, name, [this, call, &type](auto principal) { AnswerGet(call, type, std::move(principal)); });
  });
}

void Backend::AnswerGet(const std::shared_ptr<rpc::Call>& call, const ResourceType& type,
                        std::shared_ptr<const Principal> principal) {
  const std::string name = StringField(call->request(), "name");
  const int partition = PartitionOf(OrganizationOf(name));
  const view::State& state = store_->partition(partition);
  const int64_t offset = AsOf(partition, call->request());
  const int64_t folded = store_->next_offset(partition);
  view::RowPtr row =
      offset == INT64_MAX ? state.Find(*type.table, name) : store_->FindAt(partition, *type.table, name, offset);
  const bool visible = row && type.may_see(*principal, state, name, *row);
  if (absl::Status health = store_->Health(); !health.ok()) return call->Finish(health);
  // A record that is not the caller's: for the audit a refusal, for the caller no record.
  if (!visible) return call->Finish(NotVisible(row != nullptr, "record"));
  if (folded > 0) call->SetPosition(PositionText({partition, folded - 1}));
  Render(std::move(principal), *call, true, {{&type, name, row}}, [call](auto resources) {
    if (!resources.ok()) return call->Finish(resources.status());
    call->Finish(*resources->front());
  });
}

void Backend::List(std::string_view method, const ResourceType& type, ChooseSource source) {
  handlers_.Unary(std::string(method), ListHandler(method, type, source));
}

rpc::UnaryHandler Backend::ListHandler(std::string_view method, const ResourceType& type, ChooseSource source) {
  Serve(type);
  auto spec = std::make_shared<const ListSpec>(ListSpec{std::string(method), &type, source});
  return [this, spec](std::shared_ptr<rpc::Call> call) {
    WhenReadable(call, StringField(call->request(), "parent"),
                 [this, call, spec](auto principal) { AnswerList(call, *spec, std::move(principal)); });
  };
}

absl::StatusOr<rpc::Filter> ParseFilter(const ResourceType& type, const Message& request) {
  std::vector<std::string_view> declared = type.filters;
  for (std::string_view standard : {"name", "create_time", "update_time"}) declared.push_back(standard);
  return rpc::Filter::Parse(StringField(request, "filter"), *type.table->prototype->GetDescriptor(), declared);
}

void DressForFilter(std::string_view name, const view::Row& row, Message& resource) {
  SetStringField(resource, "name", name);
  SetTimeField(resource, "create_time", row.meta.create_time());
  SetTimeField(resource, "update_time", row.meta.update_time());
}

bool FilterMatches(const rpc::Filter& filter, std::string_view name, const view::Row& row) {
  if (filter.empty()) return true;
  std::unique_ptr<Message> copy(row.resource->New());
  copy->MergeFrom(*row.resource);
  DressForFilter(name, row, *copy);
  return filter.Matches(*copy);
}

absl::StatusOr<ListSource> SourceOf(const Backend::ListSpec& spec, const Principal& principal, const Message& request) {
  const std::string parent = StringField(request, "parent");
  if (spec.source) return spec.source(principal, parent, request);
  const std::string_view pattern = spec.type->table->pattern;
  if (!NameMatches(ParentOf(pattern), parent)) {
    return BadField("parent", "BAD_NAME", Cat("must have the form ", ParentOf(pattern)));
  }
  return ListSource{nullptr, Cat(parent, "/", IdOf(pattern.substr(0, pattern.rfind('/'))), "/")};
}

std::vector<view::Found> NextOf(const view::Store& store, int partition, const view::Table& table,
                                const ListSource& source, std::string_view after, size_t limit) {
  if (source.index != nullptr) return store.partition(partition).Scan(*source.index, source.prefix, limit, after);
  std::vector<view::Found> found;
  for (std::string& name : store.Names(partition, table, source.prefix, after, limit)) found.push_back({name, name});
  return found;
}

bool Backend::RefusesList(const ListSpec& spec, const Principal& principal, std::string_view parent,
                          const ListSource& source) const {
  const auto segments = Split(parent, '/');
  // Of all of an organization, or of several parents, each caller is shown what is theirs: that may be nothing.
  if (segments.size() <= 2 || std::find(segments.begin(), segments.end(), "-") != segments.end()) return false;
  const int partition = PartitionOf(OrganizationOf(parent));
  const view::State& state = store_->partition(partition);
  const ResourceType* above = TypeOf(parent);
  const view::RowPtr row = above == nullptr ? nullptr : state.Find(*above->table, parent);
  if (above != nullptr && !row) return false;  // Not there, so nothing of it was refused.
  if (spec.type->may_list != nullptr) {
    if (spec.type->may_list(principal, state, parent)) return false;
  } else if (row && above->may_see(principal, state, parent, *row)) {
    return false;
  }
  for (const view::Found& found : NextOf(*store_, partition, *spec.type->table, source, "", kLooksAtOnce)) {
    const view::RowPtr below = state.Find(*spec.type->table, found.name);
    if (below && NameBelow(parent, found.name) && spec.type->may_see(principal, state, found.name, *below))
      return false;
  }
  return true;
}

void Backend::AnswerList(const std::shared_ptr<rpc::Call>& call, const ListSpec& spec,
                         std::shared_ptr<const Principal> principal) {
  const Message& request = call->request();
  const std::string parent = StringField(request, "parent");
  const int partition = PartitionOf(OrganizationOf(parent));
  const int64_t wanted = IntField(request, "page_size");
  Page page(wanted == 0 ? kDefaultPage : static_cast<size_t>(std::min<int64_t>(wanted, kMaxPage)));
  auto filter = ParseFilter(*spec.type, request);
  if (!filter.ok()) return call->Finish(filter.status());
  auto source = SourceOf(spec, *principal, request);
  if (!source.ok()) return call->Finish(source.status());

  const std::string filter_text = StringField(request, "filter");
  const std::string order = StringField(request, "order_by");
  const auto* as_of_time = MessageField(request, "as_of");
  const std::string as_of_text = as_of_time == nullptr ? std::string() : as_of_time->SerializeAsString();
  const rpc::TokenScope scope{rpc::TokenKind::kPage, spec.method, parent, filter_text, order, as_of_text};
  std::string after;
  if (const std::string token = StringField(request, "page_token"); !token.empty()) {
    auto opened = tokens_.Open(scope, token);
    if (!opened.ok()) return call->Finish(opened.status());
    after = *std::move(opened);
  }

  const int64_t as_of = AsOf(partition, request);
  const view::State& state = store_->partition(partition);
  // The past has no index: it is walked by name.
  const bool by_name = source->index != nullptr && as_of != INT64_MAX;
  const ListSource walked = by_name ? ListSource{nullptr, ParentPrefix(*spec.type, parent)} : *source;
  std::vector<Seen> rows;
  std::string shown;  // Where the last of them stands.
  bool more = true, another = false;
  for (size_t looks = 0; more && !another && looks < kMaxLooks;) {
    const std::vector<view::Found> found = NextOf(*store_, partition, *spec.type->table, walked, after, kLooksAtOnce);
    more = found.size() == kLooksAtOnce;
    looks += found.size();
    for (const view::Found& entry : found) {
      after = entry.key;
      view::RowPtr row = as_of == INT64_MAX ? state.Find(*spec.type->table, entry.name)
                                            : store_->FindAt(partition, *spec.type->table, entry.name, as_of);
      if (!row || !NameBelow(parent, entry.name)) continue;
      if (!spec.type->may_see(*principal, state, entry.name, *row)) continue;
      if (!FilterMatches(*filter, entry.name, *row)) continue;
      // There is a next page only for another row that this caller sees: that others have more is not theirs to know.
      another = !page.Take(AnswerBytes(entry.name, *row));
      if (another) break;
      rows.push_back({spec.type, entry.name, row});
      shown = entry.key;
    }
  }
  if (absl::Status health = store_->Health(); !health.ok()) return call->Finish(health);
  if (rows.empty() && StringField(request, "page_token").empty() && RefusesList(spec, *principal, parent, *source)) {
    RecordRefusal(*principal, *call);
  }
  const std::string next = another || more ? tokens_.Sign(scope, another ? shown : after) : std::string();
  Render(std::move(principal), *call, true, std::move(rows), [call, &spec, next](auto resources) {
    if (!resources.ok()) return call->Finish(resources.status());
    std::unique_ptr<Message> response(
        google::protobuf::MessageFactory::generated_factory()->GetPrototype(call->method().output_type())->New());
    const auto* field = FieldOfType(*response->GetDescriptor(), *spec.type->table->prototype->GetDescriptor(), true);
    for (auto& resource : *resources) {
      auto* added = response->GetReflection()->AddMessage(response.get(), field);
      added->GetReflection()->Swap(added, resource.get());
    }
    SetStringField(*response, "next_page_token", next);
    call->Finish(*response);
  });
}

std::string ParentPrefix(const ResourceType& type, std::string_view parent) {
  // Up to the first "-": what all names below share.
  std::string prefix;
  for (std::string_view segment : Split(parent, '/')) {
    if (segment == "-") return prefix;
    Append(prefix, segment, '/');
  }
  // A child of the parent by name, or a record that names its parent in a field: then the organisation's all.
  const std::string_view pattern = type.table->pattern;
  if (Split(pattern, '/').size() != Split(parent, '/').size() + 2)
    return Cat("organizations/", OrganizationOf(parent), "/");
  return prefix;
}

bool NameBelow(std::string_view parent, std::string_view name) {
  // Only where the names are nested; lists by a field are bound by their index.
  if (std::count(parent.begin(), parent.end(), '/') + 2 != std::count(name.begin(), name.end(), '/')) {
    return OrganizationOf(parent) == OrganizationOf(name);
  }
  // Segment by segment, without taking the names apart: asked for each stream and change.
  while (true) {
    const size_t end = std::min(parent.find('/'), parent.size()), name_end = name.find('/');
    if (parent.substr(0, end) != "-" && parent.substr(0, end) != name.substr(0, name_end)) return false;
    if (end == parent.size()) return true;
    parent.remove_prefix(end + 1);
    name.remove_prefix(name_end + 1);
  }
}

}  // namespace trialog::service
