#include "tests/support/golden.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace trialog::testing {
namespace {

bool WritingGolden() {
  const char* asked = std::getenv("TRIALOG_WRITE_GOLDEN");
  return asked != nullptr && std::string_view(asked) == "1";
}

}  // namespace

GoldenLines ReadGolden(const std::string& path) {
  std::ifstream file(path);
  GoldenLines lines;
  for (std::string line; std::getline(file, line);) {
    const size_t space = line.find(' ');
    if (space == std::string::npos || line[0] == '#') continue;
    const bool added = lines.emplace(line.substr(0, space), line.substr(space + 1)).second;
    EXPECT_TRUE(added) << path << " has two lines named " << line.substr(0, space);
  }
  return lines;
}

void ExpectGolden(const std::string& path, const GoldenLines& actual) {
  const GoldenLines golden = ReadGolden(path);
  for (const auto& [name, text] : golden) {
    const auto found = actual.find(name);
    if (found == actual.end()) {
      ADD_FAILURE() << path << ": nothing is stored as " << name << " any more, but stores and logs hold it";
    } else {
      EXPECT_EQ(found->second, text) << path << ": " << name << " is stored in another way now. Stored formats never "
                                     << "change: keep the old one, add a new";
    }
  }
  for (const auto& [name, text] : actual) {
    if (golden.contains(name)) continue;
    if (!WritingGolden()) {
      ADD_FAILURE() << path << " lacks " << name << "; TRIALOG_WRITE_GOLDEN=1 adds it";
      continue;
    }
    std::ofstream(path, std::ios::app) << name << ' ' << text << '\n';
  }
}

}  // namespace trialog::testing
