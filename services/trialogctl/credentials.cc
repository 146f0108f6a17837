#include "services/trialogctl/credentials.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "platform/errors/errors.h"
#include "platform/text/text.h"
#include "services/trialogctl/secret_files.h"

namespace trialog::ctl {
namespace {

using nlohmann::json;

absl::Status Bad(const std::string& path, std::string_view why) {
  return Refuse(absl::StatusCode::kInvalidArgument, "CREDENTIALS_FILE", Cat(path, ": ", why));
}

// Empty where it is no text.
std::string Text(const json& object, const char* name) {
  if (!object.is_object()) return "";
  const auto it = object.find(name);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

}  // namespace

absl::StatusOr<Credentials> ReadCredentials(const std::string& path, std::string_view username) {
  auto text = ReadSecretFile(path);
  if (!text.ok()) return text.status();
  const json file = json::parse(*text, nullptr, /*allow_exceptions=*/false);
  const json* person = &file;
  if (file.is_object() && file.contains("people")) {
    if (username.empty()) return Bad(path, "it is of many people: choose one with --username");
    const json& people = file["people"];
    const auto it = std::find_if(people.begin(), people.end(),
                                 [&](const json& each) { return Text(each, "username") == username; });
    if (it == people.end()) return Bad(path, Cat("it holds nobody with the user name ", username));
    person = &*it;
  }
  Credentials found{Text(file, "organization"), Text(*person, "username"), Text(*person, "password")};
  if (found.organization.empty() || found.username.empty() || found.password.empty()) {
    return Bad(path, "a JSON object of organization, username and password, please");
  }
  if (!username.empty() && found.username != username) {
    return Bad(path, Cat("it is not of the user name ", username));
  }
  return found;
}

}  // namespace trialog::ctl
