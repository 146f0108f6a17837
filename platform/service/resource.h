// What the platform needs to know of a kind of record to serve it: get, list, watch, create, update and act on it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "platform/command/decision.h"
#include "platform/view/state.h"

namespace trialog::service {

// A personal field that records can be found by, exactly, through a keyed hash.
struct LookupField {
  std::string_view index;  // Name of the look-up in SealedPart.keys, for example "mrn".
  std::string_view field;  // A string field of the resource.
  std::string (*normalize)(std::string_view value) = nullptr;  // Null: as it is.
};

// Whom a version of a record lets see records of other kinds: names of users and patients, scopes of grants, or look-up
// keys of patients.
using NamesCallers = std::vector<std::string> (*)(std::string_view name, const view::Row& row);

// Immutable, lives as long as the program.
struct ResourceType {
  const view::Table* table;

  // Whether the caller may see this version of the record: the one answer for Get, List, Watch, links and exports.
  bool (*may_see)(const Principal& principal, const view::State& state, std::string_view name, const view::Row& row);

  // Whether the caller may look for such records below `parent` at all: a list or watch that shows nothing is a refusal
  // when not, and merely empty when so. Null: whoever sees the parent may.
  bool (*may_list)(const Principal& principal, const view::State& state, std::string_view parent) = nullptr;

  // Fields that filters may name, without personal ones. name, create_time and update_time are always allowed.
  std::vector<std::string_view> filters;

  // Whose data key seals the record's personal fields: a resource name. Null: the record has none. `resource` is the
  // record as it stands, or as it is being created.
  std::string (*key_subject)(std::string_view name, const google::protobuf::Message& resource) = nullptr;
  std::vector<LookupField> lookups = {};
  // Whether this caller is shown the personal field of that number; one that is not stays sealed, and no reading of it
  // is recorded. Null: who may see the record sees them all.
  bool (*shows_personal)(const Principal& principal, const view::State& state, std::string_view name,
                         const view::Row& row, int field) = nullptr;

  // Fills what is derived (counts, states of other records) and takes away what nobody sees. After name, etag, times
  // and personal fields are in place. The same for every caller: watch streams share the result. Null: nothing.
  void (*derive)(const view::State& state, const view::Row& row, google::protobuf::Message& resource) = nullptr;

  // Fills and takes away what depends on who asks, last of all. Null: nothing.
  void (*finish)(const Principal& principal, const view::State& state, const view::Row& row,
                 google::protobuf::Message& resource) = nullptr;

  // Open watches of other kinds end for those whom a change adds or takes away, and for those who hold a grant in such
  // a scope. Null: nobody.
  NamesCallers names_callers = nullptr;
};

// Where a list comes from: the entries of `index` that start with `prefix`, in their order. `index` null: all rows
// whose name starts with `prefix`.
struct ListSource {
  const view::Index* index = nullptr;
  std::string prefix;
};

// Chooses the source for a request; `parent` is the request's parent with "-" where it lists across. A refusal ends the
// call.
using ChooseSource = absl::StatusOr<ListSource> (*)(const Principal& principal, std::string_view parent,
                                                    const google::protobuf::Message& request);

// A decision about a request of any type; Typed makes one from a function on its own type.
using DecideRequest = std::function<absl::StatusOr<Decision>(
    const view::State&, const Context&, const google::protobuf::Message& request, const event::v1::SealedPart& sealed)>;

template <typename Request>
DecideRequest Typed(absl::StatusOr<Decision> (*decide)(const view::State&, const Context&, const Request&,
                                                       const event::v1::SealedPart&)) {
  return [decide](const view::State& state, const Context& context, const google::protobuf::Message& request,
                  const event::v1::SealedPart& sealed) {
    return decide(state, context, static_cast<const Request&>(request), sealed);
  };
}
template <typename Request>
DecideRequest Typed(absl::StatusOr<Decision> (*decide)(const view::State&, const Context&, const Request&)) {
  return
      [decide](const view::State& state, const Context& context, const google::protobuf::Message& request,
               const event::v1::SealedPart&) { return decide(state, context, static_cast<const Request&>(request)); };
}

}  // namespace trialog::service
