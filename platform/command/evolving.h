// What evolve does to rows, the same in every domain. Total: what is not there is not changed.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "platform/command/decision.h"
#include "platform/view/state.h"

namespace trialog {

// Writes the first version of a record; its name is in it.
template <typename Resource>
void CreateRow(view::ChangeSet& state, const view::Table& table, Resource resource, event::v1::SealedPart sealed = {}) {
  auto row = std::make_shared<const Resource>(std::move(resource));
  state.Put(table, row->name(), row, std::move(sealed));
}

// Writes the next version of a record as `edit(resource)` makes it; its personal fields stay but for what `patch` says.
// Returns the former resource, or null when there was none.
template <typename Resource, typename Edit>
std::shared_ptr<const Resource> AmendedFrom(view::ChangeSet& state, const view::Table& table, std::string_view name,
                                            const event::v1::SealedPart& patch, Edit edit) {
  const view::RowPtr before = state.Find(table, name);
  if (!before) return nullptr;
  auto next = std::make_shared<Resource>(before->As<Resource>());
  edit(*next);
  state.PutAfter(before, table, name, std::move(next), MergeSealed(before->sealed, patch));
  return std::static_pointer_cast<const Resource>(before->resource);
}

template <typename Resource, typename Edit>
void AmendRow(view::ChangeSet& state, const view::Table& table, std::string_view name,
              const event::v1::SealedPart& patch, Edit edit) {
  AmendedFrom<Resource>(state, table, name, patch, std::move(edit));
}

template <typename Resource, typename Edit>
void AmendRow(view::ChangeSet& state, const view::Table& table, std::string_view name, Edit edit) {
  AmendRow<Resource>(state, table, name, event::v1::SealedPart(), std::move(edit));
}

}  // namespace trialog
