// What became of one record: its versions, newest first, each with who made it and what differs from the one before.
#include "platform/errors/errors.h"
#include "platform/service/backend.h"
#include "platform/service/fields.h"
#include "platform/service/page.h"
#include "platform/text/text.h"
#include "platform/view/rocks.h"

namespace trialog::service {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr size_t kDefaultSteps = 50, kMaxPage = 200;
constexpr size_t kVersionsAtOnce = 16;  // Read: one may be of 512 KiB.

std::string FieldBytes(const Message& message, const FieldDescriptor& field) {
  std::unique_ptr<Message> only(message.New());
  only->CopyFrom(message);
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    if (message.GetDescriptor()->field(i) != &field)
      only->GetReflection()->ClearField(only.get(), message.GetDescriptor()->field(i));
  }
  return only->SerializeAsString();
}

std::string SealedBytes(const view::Row& row, int number) {
  for (const auto& field : row.sealed.fields()) {
    if (field.number() == number) return field.value().SerializeAsString();
  }
  return "";
}

// Names of the fields that differ; of a personal field it is known that it was sealed anew, not whether its value is
// another.
std::vector<std::string> ChangedFields(const view::Row* before, const view::Row& now) {
  std::vector<std::string> changed;
  const auto* descriptor = now.resource->GetDescriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const FieldDescriptor& field = *descriptor->field(i);
    const std::string sealed = SealedBytes(now, field.number());
    const std::string plain = FieldBytes(*now.resource, field);
    const bool same = before != nullptr && before->resource != nullptr &&
                      plain == FieldBytes(*before->resource, field) && sealed == SealedBytes(*before, field.number());
    const bool never = before == nullptr && plain.empty() && sealed.empty();
    if (!same && !never) changed.push_back(field.name());
  }
  return changed;
}

void Describe(const view::Version& version, const view::Row* before, Message& revision) {
  const auto* reflection = revision.GetReflection();
  const auto field = [&](const char* name) { return revision.GetDescriptor()->FindFieldByName(name); };
  if (field("version"))
    reflection->SetInt64(&revision, field("version"), static_cast<int64_t>(version.row->meta.version()));
  SetTimeField(revision, "record_time", version.row->meta.update_time());
  SetStringField(revision, "actor", version.row->meta.actor().name());
  SetStringField(revision, "event_id", UuidText(version.row->meta.event_id()));
  if (!field("changed_fields") || !version.row->resource) return;
  for (const std::string& name : ChangedFields(before, *version.row))
    reflection->AddString(&revision, field("changed_fields"), name);
}

}  // namespace

void Backend::History(std::string_view method, const ResourceType& type) {
  handlers_.Unary(std::string(method), [this, &type](std::shared_ptr<rpc::Call> call) {
    const std::string name = StringField(call->request(), "name");
    if (!NameMatches(type.table->pattern, name)) {
      return call->Finish(BadField("name", "BAD_NAME", Cat("must have the form ", type.table->pattern)));
    }
    WhenReadable(call, name, [this, call, &type](auto principal) { AnswerHistory(call, type, std::move(principal)); });
  });
}

void Backend::AnswerHistory(const std::shared_ptr<rpc::Call>& call, const ResourceType& type,
                            std::shared_ptr<const Principal> principal) {
  const std::string name = StringField(call->request(), "name");
  const int partition = PartitionOf(OrganizationOf(name));
  const view::State& state = store_->partition(partition);
  view::RowPtr today = state.Find(*type.table, name);
  if (absl::Status health = store_->Health(); !health.ok()) return call->Finish(health);
  if (!today || !type.may_see(*principal, state, name, *today))
    return call->Finish(NotVisible(today != nullptr, "record"));

  const rpc::TokenScope scope{rpc::TokenKind::kPage, call->method_name(), name, "", ""};
  int64_t from = INT64_MAX;
  if (const std::string token = StringField(call->request(), "page_token"); !token.empty()) {
    auto opened = tokens_.Open(scope, token);
    if (!opened.ok()) return call->Finish(opened.status());
    from = opened->size() == 8 ? static_cast<int64_t>(view::ReadU64(*opened)) : -1;
  }
  const int64_t wanted = IntField(call->request(), "page_size");
  Page taken(wanted == 0 ? kDefaultSteps : std::min<size_t>(static_cast<size_t>(wanted), kMaxPage));
  // One more than the page holds: the oldest of it needs the one before it to compare with.
  auto versions = std::make_shared<std::vector<view::Version>>();
  for (bool more = true; more && from >= 0 && versions->size() == taken.rows();) {
    auto found = store_->History(partition, *type.table, name, from, kVersionsAtOnce);
    more = found.size() == kVersionsAtOnce;
    for (size_t i = 0; i < found.size() && versions->size() == taken.rows(); ++i) {
      from = found[i].offset - 1;
      taken.Take(AnswerBytes(name, *found[i].row));
      versions->push_back(std::move(found[i]));
    }
  }
  if (absl::Status health = store_->Health(); !health.ok()) return call->Finish(health);
  const size_t page = taken.rows();
  std::string next;
  if (versions->size() > page) {
    std::string position;
    view::AppendU64(position, static_cast<uint64_t>(versions->back().offset));
    next = tokens_.Sign(scope, position);
  }
  // Of a version that the caller may not see, nothing: neither itself nor what the next one changed of it.
  std::vector<Seen> rows;
  auto shown = std::make_shared<std::vector<size_t>>();
  const auto is_seen = [&](const view::RowPtr& row) {
    return row->resource && type.may_see(*principal, state, name, *row);
  };
  for (size_t i = 0; i < versions->size(); ++i) {
    view::RowPtr& row = (*versions)[i].row;
    if (!is_seen(row)) {
      row = nullptr;
    } else if (i < page) {
      rows.push_back({&type, name, row});
      shown->push_back(i);
    }
  }
  Render(std::move(principal), *call, true, std::move(rows), [call, &type, versions, shown, next](auto resources) {
    if (!resources.ok()) return call->Finish(resources.status());
    std::unique_ptr<Message> response(
        google::protobuf::MessageFactory::generated_factory()->GetPrototype(call->method().output_type())->New());
    const auto* revisions = response->GetDescriptor()->field(0);  // The page itself, by AIP-158 the first field.
    for (size_t n = 0; n < shown->size(); ++n) {
      const size_t i = (*shown)[n];
      const view::Row* before = i + 1 < versions->size() ? (*versions)[i + 1].row.get() : nullptr;
      Message* revision = response->GetReflection()->AddMessage(response.get(), revisions);
      if (revision->GetDescriptor() == type.table->prototype->GetDescriptor()) {  // The resource tells its own version.
        revision->CopyFrom(*(*resources)[n]);
        continue;
      }
      Describe((*versions)[i], before, *revision);
      const auto* field = FieldOfType(*revision->GetDescriptor(), *type.table->prototype->GetDescriptor(), false);
      if (field) revision->GetReflection()->MutableMessage(revision, field)->CopyFrom(*(*resources)[n]);
    }
    SetStringField(*response, "next_page_token", next);
    call->Finish(*response);
  });
}

void Backend::GetVia(std::string_view method, const ResourceType& type, Show show) {
  handlers_.Unary(std::string(method), [this, &type, show = std::move(show)](std::shared_ptr<rpc::Call> call) {
    const std::string name = StringField(call->request(), "name");
    if (!NameMatches(type.table->pattern, name)) {
      return call->Finish(BadField("name", "BAD_NAME", Cat("must have the form ", type.table->pattern)));
    }
    WhenReadable(call, name, [this, call, &type, name, show](auto principal) {
      const view::State& state = store_->partition(PartitionOf(OrganizationOf(name)));
      view::RowPtr row = state.Find(*type.table, name);
      if (absl::Status health = store_->Health(); !health.ok()) return call->Finish(health);
      if (!row || !type.may_see(*principal, state, name, *row))
        return call->Finish(NotVisible(row != nullptr, "record"));
      call->Finish(*show(state, *row->resource, *row));
    });
  });
}

}  // namespace trialog::service
