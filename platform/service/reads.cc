// Get and List, now and as of a time.
#include "google/protobuf/timestamp.pb.h"
#include "platform/errors/errors.h"
#include "platform/rpc/filter.h"
#include "platform/service/backend.h"
#include "platform/service/fields.h"
#include "platform/service/list_spec.h"
#include "platform/text/text.h"
#include "platform/view/times.h"

namespace trialog::service {
namespace {

using google::protobuf::Message;

constexpr int kDefaultPage = 50;
constexpr int kMaxPage = 1000;
// Rows looked at for one page: a filter that matches little gives short pages rather than long waits (AIP-158 allows it).
constexpr size_t kMaxLooks = 20'000;
constexpr size_t kLooksAtOnce = 256;
constexpr absl::Duration kLongestWait = absl::Seconds(10);

// "partition/offset" of trialog-min-position.
absl::StatusOr<std::pair<int, int64_t>> ParsePosition(std::string_view text, int partitions) {
  const auto parts = Split(text, '/');
  int partition = -1;
  int64_t offset = -1;
  if (parts.size() == 2) {
    std::from_chars(parts[0].data(), parts[0].data() + parts[0].size(), partition);
    std::from_chars(parts[1].data(), parts[1].data() + parts[1].size(), offset);
  }
  if (partition < 0 || partition >= partitions || offset < 0) {
    return Refuse(absl::StatusCode::kInvalidArgument, "BAD_POSITION",
                  "trialog-min-position must be a value of trialog-position, as received");
  }
  return std::make_pair(partition, offset);
}

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
    return call->Finish(NotFound("record"));
  }
  auto readable = [this, call, read = std::move(read)](const absl::Status& status) {
    if (!status.ok()) return call->Finish(status);
    CompletePrincipal(call->shared_principal(), [call, read](auto principal) {
      if (!principal.ok()) return call->Finish(principal.status());
      read(*principal);
    });
  };
  const std::string_view wanted = call->metadata("trialog-min-position");
  if (wanted.empty()) return readable(absl::OkStatus());
  auto position = ParsePosition(wanted, owner_.partitions);
  if (!position.ok()) return call->Finish(position.status());
  watches_.WhenFolded(position->first, position->second, std::min(call->deadline(), runtime_.Now() + kLongestWait),
                      std::move(readable));
}

void Backend::Get(std::string_view method, const ResourceType& type) {
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
  view::RowPtr row = offset == INT64_MAX ? state.Find(*type.table, name) : store_->FindAt(partition, *type.table, name, offset);
  const bool visible = row && type.may_see(*principal, state, name, *row);
  if (absl::Status health = store_->Health(); !health.ok()) return call->Finish(health);
  if (!visible) {
    // A record that is not the caller's: for the audit a refusal, for the caller no record.
    if (row) RecordRefusal(*principal, call->method_name());
    return call->Finish(NotFound("record"));
  }
  if (folded > 0) call->SetPosition(Cat(partition, "/", folded - 1));
  Render(std::move(principal), call->method_name(), true, {{&type, name, row}}, [call](auto resources) {
    if (!resources.ok()) return call->Finish(resources.status());
    call->Finish(*resources->front());
  });
}

void Backend::List(std::string_view method, const ResourceType& type, ChooseSource source) {
  handlers_.Unary(std::string(method), ListHandler(method, type, source));
}

rpc::UnaryHandler Backend::ListHandler(std::string_view method, const ResourceType& type, ChooseSource source) {
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
  copy->CopyFrom(*row.resource);
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

void Backend::AnswerList(const std::shared_ptr<rpc::Call>& call, const ListSpec& spec,
                         std::shared_ptr<const Principal> principal) {
  const Message& request = call->request();
  const std::string parent = StringField(request, "parent");
  const int partition = PartitionOf(OrganizationOf(parent));
  const int64_t wanted = IntField(request, "page_size");
  const size_t page = wanted == 0 ? kDefaultPage : static_cast<size_t>(std::min<int64_t>(wanted, kMaxPage));
  auto filter = ParseFilter(*spec.type, request);
  if (!filter.ok()) return call->Finish(filter.status());
  auto source = SourceOf(spec, *principal, request);
  if (!source.ok()) return call->Finish(source.status());

  const std::string filter_text = StringField(request, "filter");
  const std::string order = StringField(request, "order_by");
  const rpc::TokenScope scope{rpc::TokenKind::kPage, spec.method, parent, filter_text, order};
  std::string after;
  if (const std::string token = StringField(request, "page_token"); !token.empty()) {
    auto opened = tokens_.Open(scope, token);
    if (!opened.ok()) return call->Finish(opened.status());
    after = *std::move(opened);
  }

  const int64_t as_of = AsOf(partition, request);
  const view::State& state = store_->partition(partition);
  // The past has no index: it is walked by name.
  const bool by_name = source->index == nullptr || as_of != INT64_MAX;
  std::vector<Seen> rows;
  bool more = true;
  for (size_t looks = 0; more && rows.size() < page && looks < kMaxLooks;) {
    std::vector<view::Found> found;
    if (by_name) {
      const std::string prefix = source->index == nullptr ? source->prefix : ParentPrefix(*spec.type, parent);
      for (std::string& name : store_->Names(partition, *spec.type->table, prefix, after, kLooksAtOnce)) {
        found.push_back({name, name});
      }
    } else {
      found = state.Scan(*source->index, source->prefix, kLooksAtOnce, after);
    }
    more = found.size() == kLooksAtOnce;
    looks += found.size();
    for (size_t i = 0; i < found.size(); ++i) {
      if (rows.size() == page) {
        more = true;
        break;
      }
      after = found[i].key;
      view::RowPtr row = as_of == INT64_MAX ? state.Find(*spec.type->table, found[i].name)
                                            : store_->FindAt(partition, *spec.type->table, found[i].name, as_of);
      if (!row || !NameBelow(parent, found[i].name)) continue;
      if (!spec.type->may_see(*principal, state, found[i].name, *row)) continue;
      if (FilterMatches(*filter, found[i].name, *row)) rows.push_back({spec.type, found[i].name, row});
    }
  }
  if (absl::Status health = store_->Health(); !health.ok()) return call->Finish(health);
  const std::string next = more ? tokens_.Sign(scope, after) : std::string();
  Render(std::move(principal), call->method_name(), true, std::move(rows), [call, &spec, next](auto resources) {
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
  if (Split(pattern, '/').size() != Split(parent, '/').size() + 2) return Cat("organizations/", OrganizationOf(parent), "/");
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
