// The NCCTG lung data (tests/data/README.md), as the reference tests read it.
#pragma once

#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "platform/text/text.h"
#include "services/analytics/statistics/kaplan_meier.h"

namespace trialog::analytics {

struct LungData {
  std::vector<std::map<std::string, std::optional<double>>> rows;

  static LungData Read(const std::string& path) {
    LungData data;
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    std::vector<std::string> names;
    for (std::string_view name : Split(line, ',')) names.emplace_back(name);
    while (std::getline(file, line)) {
      const std::vector<std::string_view> cells = Split(line, ',');
      auto& row = data.rows.emplace_back();
      for (size_t i = 0; i < names.size(); ++i) {
        if (!cells.at(i).empty()) row[names[i]] = std::stod(std::string(cells[i]));
      }
    }
    return data;
  }

  // Subjects by the value of `column`; rows without one are left out.
  std::map<double, std::vector<Survival>> By(const std::string& column) const {
    std::map<double, std::vector<Survival>> groups;
    for (auto row : rows) {
      if (row[column]) groups[*row[column]].push_back({.time = *row["time"], .event = *row["status"] == 1});
    }
    return groups;
  }

  std::vector<double> Values(const std::string& column) const {
    std::vector<double> values;
    for (auto row : rows) {
      if (row[column]) values.push_back(*row[column]);
    }
    return values;
  }
};

}  // namespace trialog::analytics
