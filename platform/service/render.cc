// Rows as callers see them.
#include "platform/errors/errors.h"
#include "platform/sealing/sealer.h"
#include "platform/service/backend.h"
#include "platform/service/fields.h"
#include "platform/text/text.h"

namespace trialog::service {
namespace {

using Resources = std::vector<std::shared_ptr<google::protobuf::Message>>;

// A copy with what stands beside the resource in its row.
std::shared_ptr<google::protobuf::Message> Dress(const Backend::Seen& seen) {
  std::shared_ptr<google::protobuf::Message> resource(seen.row->resource->New());
  resource->MergeFrom(*seen.row->resource);  // Into a new one: CopyFrom would look for one inside the other.
  SetStringField(*resource, "name", seen.name);
  SetStringField(*resource, "etag", Cat('"', seen.row->meta.version(), '"'));
  SetTimeField(*resource, "create_time", seen.row->meta.create_time());
  SetTimeField(*resource, "update_time", seen.row->meta.update_time());
  return resource;
}

// What is sealed in each row and shown to this caller.
using SealedParts = std::vector<event::v1::SealedPart>;

SealedParts ShownParts(const Principal& principal, const view::Store& store, int partitions,
                       const std::vector<Backend::Seen>& rows) {
  SealedParts parts;
  for (const auto& seen : rows) {
    event::v1::SealedPart& part = parts.emplace_back();
    const auto& state = store.partition(log::PartitionOf(OrganizationOf(seen.name), partitions));
    const auto shows = [&](int field) {
      if (seen.shown) return std::find(seen.shown->begin(), seen.shown->end(), field) != seen.shown->end();
      return seen.type->shows_personal == nullptr ||
             seen.type->shows_personal(principal, state, seen.name, *seen.row, field);
    };
    for (const auto& field : seen.row->sealed.fields()) {
      if (shows(field.number())) *part.add_fields() = field;
    }
  }
  return parts;
}

std::vector<std::string> KeysOf(const SealedParts& parts) {
  std::vector<std::string> ids;
  for (const auto& part : parts) {
    for (std::string& id : sealing::KeyIdsOf(part)) ids.push_back(std::move(id));
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

absl::Status UnsealAll(const std::vector<Backend::Seen>& rows, const SealedParts& parts,
                       const std::vector<sealing::DataKey>& keys, Resources& resources) {
  std::map<std::string_view, const sealing::DataKey*> by_id;
  for (const auto& key : keys) by_id[key.id] = &key;
  const auto lookup = [&](std::string_view id) {
    auto it = by_id.find(id);
    return it == by_id.end() ? nullptr : it->second;
  };
  for (size_t i = 0; i < rows.size(); ++i) {
    auto unsealed = sealing::Unseal(*resources[i], parts[i], rows[i].name, lookup);
    if (!unsealed.ok()) return unsealed.status();
  }
  return absl::OkStatus();
}

std::vector<event::v1::Access> AccessesOf(const std::vector<Backend::Seen>& rows, const SealedParts& parts) {
  Sight sight;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (parts[i].fields_size() > 0) sight.Add(*rows[i].type, rows[i].name, *rows[i].row);
  }
  return sight.Take();
}

// Calls `done` once all of `left` have ended, with the first status that is not OK.
struct Joined {
  explicit Joined(size_t left, std::function<void(absl::Status)> done) : done(std::move(done)), left(left) {}
  void End(const absl::Status& status) {
    absl::Status all;
    {
      absl::MutexLock lock(&mutex);
      ended.Update(status);
      if (--left > 0) return;
      all = ended;
    }
    if (done) done(all);
  }
  const std::function<void(absl::Status)> done;
  absl::Mutex mutex;
  size_t left ABSL_GUARDED_BY(mutex);
  absl::Status ended ABSL_GUARDED_BY(mutex);
};

}  // namespace

void Backend::Render(std::shared_ptr<const Principal> principal, const rpc::CallInfo& call, bool record,
                     std::vector<Seen> rows, Rendered done) {
  Resources resources;
  resources.reserve(rows.size());
  for (const Seen& seen : rows) resources.push_back(Dress(seen));
  auto finish = [this, principal](const std::vector<Seen>& rows, const Resources& resources) {
    for (size_t i = 0; i < rows.size(); ++i) {
      const ResourceType& type = *rows[i].type;
      if (type.derive == nullptr && type.finish == nullptr) continue;
      const auto& state = store_->partition(PartitionOf(OrganizationOf(rows[i].name)));
      if (type.derive != nullptr) type.derive(state, *rows[i].row, *resources[i]);
      if (type.finish != nullptr) type.finish(*principal, state, *rows[i].row, *resources[i]);
    }
  };
  SealedParts parts = ShownParts(*principal, *store_, owner_.partitions, rows);
  std::vector<std::string> key_ids = KeysOf(parts);
  if (key_ids.empty() || keys_ == nullptr) {
    finish(rows, resources);
    return done(std::move(resources));
  }
  sealing::KeyRequest request;
  request.organization = std::string(OrganizationOf(rows[0].name));
  request.key_ids = std::move(key_ids);
  GetKeys(std::move(request), call.deadline(),
          [this, principal, via = Via(call), record, rows = std::move(rows), parts = std::move(parts),
           resources = std::move(resources), finish,
           done = std::move(done)](absl::StatusOr<std::vector<sealing::DataKey>> keys) mutable {
            if (!keys.ok()) return done(keys.status());
            if (absl::Status unsealed = UnsealAll(rows, parts, *keys, resources); !unsealed.ok()) return done(unsealed);
            finish(rows, resources);
            if (!record) return done(std::move(resources));
            // The record of who saw it comes before the sight of it.
            RecordShown(
                *principal, via, AccessesOf(rows, parts),
                [resources = std::move(resources), done = std::move(done)](const absl::Status& recorded) mutable {
                  if (!recorded.ok()) return done(recorded);
                  done(std::move(resources));
                });
          });
}

void Backend::RecordShown(const Principal& principal, const Via& via, std::vector<event::v1::Access> accesses,
                          std::function<void(absl::Status)> done) {
  auto joined = std::make_shared<Joined>(accesses.size(), std::move(done));
  for (event::v1::Access& access : accesses) {
    const std::string entity = access.subjects(0);
    RecordAccess(principal, via, std::move(access), entity,
                 [joined](const absl::Status& recorded) { joined->End(recorded); });
  }
}

bool Backend::MaySeeNow(const ResourceType& type, const Principal& principal, int partition, std::string_view name,
                        const view::Row& row) const {
  const view::State& state = store_->partition(partition);
  if (!row.resource || !type.may_see(principal, state, name, row)) return false;
  const view::RowPtr today = state.Find(*type.table, name);
  return !today || type.may_see(principal, state, name, *today);
}

void Backend::AnswerWithRecord(std::shared_ptr<rpc::Call> call, const ResourceType& type, const Outcome& outcome,
                               std::string_view name) {
  view::RowPtr row = store_->FindAt(outcome.partition, *type.table, name, outcome.offset);
  if (absl::Status health = store_->Health(); !health.ok()) return call->Finish(health);
  if (!row) return call->Finish(Refuse(absl::StatusCode::kInternal, "NO_RECORD", "the command left no record to show"));
  CompletePrincipal(call->shared_principal(), call->deadline(),
                    [this, call, &type, row, name = std::string(name), outcome](auto principal) {
                      if (!principal.ok()) return call->Finish(principal.status());
                      if (outcome.repeated && !MaySeeNow(type, **principal, outcome.partition, name, *row)) {
                        std::unique_ptr<google::protobuf::Message> only_name(type.table->prototype->New());
                        SetStringField(*only_name, "name", name);
                        return call->Finish(*only_name);
                      }
                      Render(*principal, *call, true, {{&type, name, row}}, [call](auto resources) {
                        if (!resources.ok()) return call->Finish(resources.status());
                        call->Finish(*resources->front());
                      });
                    });
}

}  // namespace trialog::service
