#include "platform/service/sight.h"

#include <algorithm>
#include <utility>

#include "platform/service/fields.h"

namespace trialog::service {
namespace {

// The record and whose it is. A row's personal fields are not in its resource, so what is found there is not personal.
std::vector<std::string> NamesOf(const ResourceType& type, const std::string& name, const view::Row& row) {
  std::vector<std::string> names = {name};
  const auto add = [&](std::string other) {
    if (!other.empty() && std::find(names.begin(), names.end(), other) == names.end()) {
      names.push_back(std::move(other));
    }
  };
  if (type.key_subject != nullptr) add(type.key_subject(name, *row.resource));
  add(StringField(*row.resource, "patient"));
  return names;
}

}  // namespace

void Sight::Add(const ResourceType& type, const std::string& name, const view::Row& row) {
  if (!shown_.insert(name).second) return;
  std::vector<std::string> names = NamesOf(type, name, row);
  std::erase_if(names, [&](const std::string& each) { return named_.contains(each); });
  if (accesses_.empty() || named_.size() + names.size() > kMaxNames) {
    accesses_.emplace_back().set_outcome(event::v1::Access::OUTCOME_SHOWN);
    named_.clear();
    names = NamesOf(type, name, row);
  }
  event::v1::Access& access = accesses_.back();
  access.set_count(access.count() + 1);
  for (std::string& each : names) {
    access.add_subjects(each);
    named_.insert(std::move(each));
  }
}

std::vector<event::v1::Access> Sight::Take() {
  shown_.clear();
  named_.clear();
  return std::exchange(accesses_, {});
}

}  // namespace trialog::service
