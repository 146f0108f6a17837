#include "services/process/environment.h"

#include <cstdlib>
#include <map>

#include "absl/flags/parse.h"
#include "absl/flags/reflection.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "absl/strings/ascii.h"
#include "platform/errors/errors.h"
#include "platform/text/text.h"

extern char** environ;

namespace trialog::process {
namespace {

// The path within the repository of a file of ours; any other as it is.
std::string PathWithin(absl::string_view file) {
  const size_t at = file.rfind("services/");
  return std::string(at == absl::string_view::npos ? file : file.substr(at));
}

bool IsOurs(absl::string_view file) { return HasPrefix(FromAbsl(file), "services/"); }

// Flags of this repository, as variables name them: "METRICS_ADDRESS".
std::map<std::string, absl::CommandLineFlag*> OwnFlags() {
  std::map<std::string, absl::CommandLineFlag*> flags;
  for (const auto& [name, flag] : absl::GetAllFlags()) {
    if (!IsOurs(PathWithin(flag->Filename()))) continue;
    flags[absl::AsciiStrToUpper(name)] = flag;
  }
  return flags;
}

absl::Status BadVariable(std::string_view variable, std::string_view why) {
  return Refuse(absl::StatusCode::kInvalidArgument, "BAD_CONFIGURATION",
                Cat("environment variable ", variable, ": ", why));
}

// The flagfile's flags as if they stood on a command line.
void ParseFlagfile(std::string_view file) {
  std::string program = "flagfile", argument = Cat("--flagfile=", file);
  char* arguments[] = {program.data(), argument.data(), nullptr};
  absl::ParseCommandLine(2, arguments);
}

}  // namespace

absl::Status FlagsFromEnvironment(std::string_view prefix) {
  const auto flags = OwnFlags();
  if (const char* file = std::getenv(Cat(prefix, "FLAGFILE").c_str())) ParseFlagfile(file);
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const size_t equals = text.find('=');
    if (!HasPrefix(text, prefix) || equals == std::string_view::npos) continue;
    const std::string_view variable = text.substr(0, equals);
    const std::string name(variable.substr(prefix.size()));
    if (name == "FLAGFILE") continue;
    const auto flag = flags.find(name);
    if (flag == flags.end()) {
      return BadVariable(variable, Cat("there is no flag --", absl::AsciiStrToLower(name),
                                       "; correct the name or unset it (under Kubernetes: enableServiceLinks: false)"));
    }
    std::string error;
    if (!flag->second->ParseFrom(ToAbsl(text.substr(equals + 1)), &error)) return BadVariable(variable, error);
  }
  return absl::OkStatus();
}

void SetUsage(std::string_view text) {
  absl::FlagsUsageConfig usage;
  usage.normalize_filename = PathWithin;
  usage.contains_help_flags = IsOurs;
  usage.contains_helpshort_flags = IsOurs;
  absl::SetFlagsUsageConfig(std::move(usage));
  absl::SetProgramUsageMessage(ToAbsl(text));
}

}  // namespace trialog::process
