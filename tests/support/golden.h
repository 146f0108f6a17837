// Golden files: what stored formats were when they were first written, a line each: a name, a space, text (of bytes:
// their hexadecimal digits). Lines are only ever added.
#pragma once

#include <map>
#include <string>

namespace trialog::testing {

// By name.
using GoldenLines = std::map<std::string, std::string>;

// The lines of a file; empty when there is no such file. `path` is from the source folder, where the
// tests that use it run.
GoldenLines ReadGolden(const std::string& path);

// Fails the running test for each line of the file that is not in `actual` with the same text, and for each of `actual`
// that is not in the file. With TRIALOG_WRITE_GOLDEN=1 in the environment the latter are added to the file instead;
// nothing changes a line that stands there.
void ExpectGolden(const std::string& path, const GoldenLines& actual);

}  // namespace trialog::testing
