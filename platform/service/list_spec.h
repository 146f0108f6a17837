// What lists and watches share. Internal to platform/service.
#pragma once

#include "platform/rpc/filter.h"
#include "platform/service/backend.h"

namespace trialog::service {

struct Backend::ListSpec {
  std::string method;
  const ResourceType* type;
  ChooseSource source;
};

struct Backend::WatchSpec {
  std::string method;
  std::vector<ListSpec> lists;  // One a type.
};

absl::StatusOr<rpc::Filter> ParseFilter(const ResourceType& type, const google::protobuf::Message& request);
// The source of a request to list or watch.
absl::StatusOr<ListSource> SourceOf(const Backend::ListSpec& spec, const Principal& principal,
                                    const google::protobuf::Message& request);
// Up to `limit` entries of a source, in its order, after the key `after`.
std::vector<view::Found> NextOf(const view::Store& store, int partition, const view::Table& table,
                                const ListSource& source, std::string_view after, size_t limit);
bool FilterMatches(const rpc::Filter& filter, std::string_view name, const view::Row& row);

// What the names of all records below `parent` begin with; "-" in it stands for any id.
std::string ParentPrefix(const ResourceType& type, std::string_view parent);
// Whether a record's name is below `parent`.
bool NameBelow(std::string_view parent, std::string_view name);

}  // namespace trialog::service
