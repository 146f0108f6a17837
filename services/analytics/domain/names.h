// Parts of analytics' resource names, and etags.
#pragma once

#include <charconv>
#include <string>
#include <string_view>

#include "platform/command/decision.h"
#include "platform/text/text.h"

namespace trialog::analytics {

// The dataset that a version, cohort or analysis belongs to; the dataset itself for a dataset's name.
inline std::string_view DatasetOf(std::string_view name) {
  size_t end = 0;
  for (int segments = 0; segments < 4 && end != std::string_view::npos; ++segments) {
    end = name.find('/', segments == 0 ? 0 : end + 1);
  }
  return name.substr(0, end);
}

inline std::string VersionName(std::string_view dataset, int number) { return Cat(dataset, "/versions/", number); }

// 0 when the last segment is no number.
inline int VersionNumber(std::string_view version) {
  const std::string_view id = IdOf(version);
  int number = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
  return error == std::errc() && end == id.data() + id.size() && number > 0 ? number : 0;
}

// The row's version in quotes.
inline std::string EtagOf(const view::Row& row) { return Cat('"', row.meta.version(), '"'); }

}  // namespace trialog::analytics
